/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Programs, users and processes of this machine, as the bench uses and measures them. */

#include <sys/types.h>

#include <glib.h>

/* Runs a command line, split at spaces, to its end; a failure ends the bench. */
void program_run(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* The user's id; the bench ends where there is no such user. */
uid_t user_id(const char *name);

/* The pid that @path, a pidfile, has; the bench ends where there is none. */
pid_t process_of_pidfile(const char *path);
/* Its proportional set size in bytes. */
gsize process_pss(pid_t pid);

/* What a process had started by some moment. */
typedef struct Offspring Offspring;

Offspring *offspring_of(pid_t pid);
void offspring_free(Offspring *offspring);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Offspring, offspring_free)

/* How many processes @before's process has started since; too many rather than too few, where any:
 * then others' processes of the time are counted as well. */
guint64 offspring_since(const Offspring *before);
