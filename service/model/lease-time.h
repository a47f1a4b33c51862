/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* How long a lease runs, as dnsmasq takes it. */

#include <glib.h>

/* A decimal number and one of "s" (or nothing), "m", "h", "d", "w", any case, two minutes to ten
 * years; or "infinite". Returns it in lower case (the caller's); NULL and INVALID_ARGS, quoting
 * @text without naming a key, else. */
char *lease_time_normalise(const char *text, GError **error);
