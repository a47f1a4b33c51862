/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A user-mode Linux kernel that runs, all its processes, and its consoles. */

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "cli/kernel-plan.h"

typedef struct KernelMachine {
        int consoles[KERNEL_CONSOLE_MAX]; /* to read from, not blocking; at their end when it ended;
                                             -1: closed */
        int leash;                        /* closed, it ends; at its end when the keeper has ended;
                                             -1: so it has */
        pid_t keeper;
} KernelMachine;

/* Starts the kernel of @plan. What it makes below @plan->directory goes with it. */
bool kernel_machine_start(const KernelPlan *plan, KernelMachine *ret_machine, GError **error);
/* Once the leash is at its end: ends what a killed keeper has left of the kernel. */
void kernel_machine_bury_keeper(KernelMachine *machine);
/* Ends it, where it runs, and waits until no process of it is left; closes what is open. It ends in
 * the same way when we end without a word. */
void kernel_machine_end(KernelMachine *machine);

/* A directory of ours for @arguments (as kernel-test/init.c takes them) and @environment
 * (NULL-terminated). The caller's; remove it by kernel_directory_remove(). NULL with an error. */
char *kernel_directory_make(const char *const *arguments, const char *const *environment,
                            GError **error);
void kernel_directory_remove(const char *directory);
