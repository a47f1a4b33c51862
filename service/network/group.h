/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Several networks that are made or changed as one: what they were stands below /run until the last
 * of them is done, and a daemon that finds that goes back to it. */

#include <glib.h>
#include <stdbool.h>

#include "network/host.h"

/* The networks @names (NULL-terminated) are about to be made or changed. @serial is another one for
 * each group under way. On an error group_end() is still to be called. */
bool group_begin(const Host *host, guint serial, const char *const *names, GError **error);
/* The group is about to make @name, which there is not. */
bool group_note_made(const Host *host, guint serial, const char *name, GError **error);
/* All of them are done, or as before. Failures are logged. */
void group_end(const Host *host, guint serial, const char *const *names);

/* Takes groups back that were not ended when the daemon last lived: after recovery_run(), before
 * anything else is read. Failures are logged. */
void group_recover(const Host *host);
