/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Users of the host, by name. */

#include <glib.h>

/* Called exactly once, from the main loop, never from inside the call that took it. @error NULL
 * (borrowed): @uid is the user's. INVALID_ARGS: there is no such user; FAILED: it is not known
 * whether there is. */
typedef void (*UserFound)(guint32 uid, const GError *error, gpointer data);

/* Looks @name up, wherever the host keeps its users (nsswitch.conf(5)). */
void user_look_up(const char *name, UserFound found, gpointer data);
