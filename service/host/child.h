/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Child processes by pidfd: started with nothing inherited but what is listed, known again after
 * our own restart, and never confused with another process of the same number. */

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct Child Child;

/* Called once, from the main loop, when the process has ended. @status as waitpid(2) gives it, or
 * -1 where it was adopted and nobody can know. The Child is still valid; the callee may free it. */
typedef void (*ChildEnded)(Child *child, int status, gpointer data);

/* Starts @argv (argv[0] an absolute path) in a session of its own, stdin and stdout on /dev/null,
 * stderr on @stderr_fd (-1: ours), the signal mask empty. Its environment is a PATH and @variables
 * (NULL-terminated; NULL: none). Our ambient capabilities go along. */
Child *child_spawn(const char *const *argv, const char *const *variables, int stderr_fd,
                   ChildEnded ended, gpointer data, GError **error);

/* What a child that may do nothing but its work has. */
typedef struct ChildSetup {
        int stdout_fd, stderr_fd;
        int extra_fd;                   /* its descriptor CHILD_EXTRA_FD */
        const char *const *environment; /* all of it, NULL-terminated */
} ChildSetup;

#define CHILD_EXTRA_FD 3

/* As child_spawn(), but without any capability of ours, nor a way to write files, dump core or have
 * children of its own (being root aside). The descriptors stay the caller's. */
Child *child_spawn_confined(const char *const *argv, const ChildSetup *setup, ChildEnded ended,
                            gpointer data, GError **error);

/* Takes over the running process @pid if it is provably ours: its start time (field 22 of
 * /proc/PID/stat, in clock ticks since boot) is @start_time (0: not known; the program it runs must
 * be argv[0] then), its command line is @argv exactly, and it runs as our user or root. NULL,
 * without an error, where it is not. */
Child *child_adopt(pid_t pid, guint64 start_time, const char *const *argv, ChildEnded ended,
                   gpointer data);

/* The number of a process whose program is argv[0], whose command line is @argv exactly, and that
 * runs as our user or root; 0 where there is none. Reads all of /proc. */
pid_t child_find(const char *const *argv);

/* Forgets the process without ending it; @ended is not called any more. Accepts NULL. */
void child_free(Child *child);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Child, child_free)

pid_t child_pid(const Child *child);
guint64 child_start_time(const Child *child);
/* Sends @signal through the pidfd; ended already is success. */
void child_signal(Child *child, int signal);
