/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One network's chronyd, which serves time: the process, and the note of it in the directory of the
 * journals. */

#include <glib.h>
#include <stdbool.h>

#include "host/server.h"

typedef struct Chrony Chrony;

/* Called when the process has ended without having been told to. @reason is for a reader. May free
 * @chrony. */
typedef void (*ChronyEnded)(const char *reason, gpointer data);

/* For network @name, with its files in @run_dir. Starts nothing. */
Chrony *chrony_new(const char *name, const char *run_dir, ChronyEnded ended, gpointer data);
/* Forgets the process, which goes on running; what waits is answered with a FAILED error. */
void chrony_free(Chrony *chrony);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Chrony, chrony_free)

/* The file that its process has to write its number to; borrowed. */
const char *chrony_pid_file(const Chrony *chrony);

/* Starts it with the configuration @conf (taken), or keeps what runs with the same, be it an
 * earlier life's. Done when it has its socket, UDP @port of @address; fails as server_start() does.
 */
void chrony_start(Chrony *chrony, char *conf, guint32 address, guint16 port, ServerDone done,
                  gpointer data);
/* As server_stop(); nothing is left of it then. */
void chrony_stop(Chrony *chrony, ServerDone done, gpointer data);

bool chrony_is_running(const Chrony *chrony);
