/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One run of a kernel, from its start to the end of all of its processes. */

#include <glib.h>
#include <signal.h>
#include <stdbool.h>

#include "cli/kernel-plan.h"

typedef struct KernelEnd {
        KernelVerdict verdict; /* NONE: the kernel ended, or was ended, before there was one */
        int code;              /* EXIT's */
        char *reason;          /* FAULT's, or NULL; owned */
        bool is_late;          /* the deadline was there first, or before all was written */
        int signal;            /* that we got, or 0 */
        GString *log;          /* the last of what the kernel said; owned */
} KernelEnd;

void kernel_end_clear(KernelEnd *end);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KernelEnd, kernel_end_clear)

/* Has signals to end wait, for kernel_run() to find them: from before there is a directory that
 * somebody has to remove. */
void kernel_signals_block(sigset_t *ret_before);

/* Runs the kernel of @plan until it ends, its test's end and some time for the kernel to stop are
 * there, it is @deadline_usec (of the monotonic clock; G_MAXINT64: never), or we get a signal to
 * end. What the test says goes to stdout and stderr as it comes; with @shows_log, what the kernel
 * says to stderr. Nothing of it is left then. */
bool kernel_run(const KernelPlan *plan, gint64 deadline_usec, bool shows_log, KernelEnd *ret_end,
                GError **error);
