/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Bus messages and values. */

#include <systemd/sd-bus.h>

#include "model/value.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_message, sd_bus_message_unref)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(sd_bus_error, sd_bus_error_free)

/* The next argument of @message, of whatever type: texts, truth values and numbers as such, arrays
 * and structs as LIST, dictionaries as MAP in their order, a variant as what is in it. The
 * caller's. NULL, with the error set, where there is none or it cannot be read. */
Value *message_read_value(sd_bus_message *message, GError **error);

/* Appends @settings (a MAP) to @message as an `a{sv}`, typed as the contract says: texts `s`, truth
 * values `b`, numbers `x`, lists of mappings `aa{sv}`, lists of text `as`, mappings `a{sv}`. */
bool message_append_settings(sd_bus_message *message, const Value *settings, GError **error);
