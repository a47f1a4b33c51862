/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Our errors as D-Bus errors. */

#include <glib.h>
#include <systemd/sd-bus.h>

#include "util/error.h"

/* The D-Bus error name of @code. */
const char *bus_error_name(ServiceError code);

/* Sets @error to what @cause says and returns a negative errno, as a method handler returns it. */
int bus_error_set(sd_bus_error *error, const GError *cause);

/* Replies to @message with @cause. */
void bus_error_reply(sd_bus_message *message, const GError *cause);
