/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The daemon's own rights: a user of its own and three capabilities. */

#include <glib.h>
#include <stdbool.h>

/* Started as root (by D-Bus's launch helper, where no systemd does it): makes @directories
 * (NULL-terminated) and gives them to @user, becomes @user, and keeps CAP_NET_ADMIN, CAP_NET_RAW
 * and CAP_NET_BIND_SERVICE alone, ambient, so that children have them too (capabilities(7)).
 * Started as anybody else: nothing. Call before there is a second thread. FAILED names what could
 * not be done. */
bool privileges_drop(const char *user, const char *const *directories, GError **error);
