/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Settings as they cross the bus. */

#include <glib.h>
#include <systemd/sd-bus.h>

#include "model/value.h"

/* Reads an a{sv} at @message's place as a MAP (the caller's). Types that no setting has become
 * OTHER. Returns a negative errno where the message is not of that type; a key twice is
 * INVALID_ARGS in
 * @error (and -EINVAL). */
int variant_read_map(sd_bus_message *message, Value **ret_map, GError **error);

/* Appends @map as an a{sv}. Lists of mappings are aa{sv}, of text as. Returns a negative errno on
 * failure. */
int variant_append_map(sd_bus_message *message, const Value *map);
/* Appends @list, of MAPs, as an aa{sv}. */
int variant_append_maps(sd_bus_message *message, const Value *list);
