/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A user-mode Linux kernel and its networks, as they are to be: its command line, the networks'
 * subnets, and what its first process says. Without I/O. */

#include <glib.h>
#include <stdbool.h>

#include "model/address.h"

#define KERNEL_MAX_TAPS 16

/* The kernel's consoles, by number: what is on each. */
typedef enum KernelConsole {
        KERNEL_CONSOLE_LOG,
        KERNEL_CONSOLE_OUT,
        KERNEL_CONSOLE_ERRORS,
        KERNEL_CONSOLE_CONTROL, /* lines of kernel-test/init.c */
        KERNEL_CONSOLE_MAX,
} KernelConsole;

typedef struct KernelPlan {
        const char *linux_path;
        const char *memory;    /* as the kernel takes it: "256M" */
        const char *directory; /* with what the first process is told; no spaces or quotes in it */
        const char *init;      /* path of the first process, on the host */
        const char *const *taps; /* names, NULL-terminated; eth0 is the first */
} KernelPlan;

/* The words to run @plan's kernel with; @fds: where its consoles are. The caller's. */
char **kernel_plan_words(const KernelPlan *plan, const int fds[static KERNEL_CONSOLE_MAX]);
/* The MAC of the guest's interface on @tap: the same each time. */
void kernel_plan_mac(const char *tap, char ret_mac[static MAC_TEXT_SIZE]);
/* Whether @path can stand in a kernel's command line. */
bool kernel_plan_path_is_plain(const char *path);

/* @n subnets of 198.18.0.0/15, which no LAN has (RFC 2544, C.2.2), that overlap none of @taken
 * (Subnet each). Array of Subnet, the caller's; NULL where there are not as many. */
GArray *kernel_plan_subnets(const GArray *taken, guint n);

/* The @nth of a run's subnets of unique local addresses (RFC 4193, 3.1), whose global ID is of
 * @random: others choose theirs as well. The caller's. */
char *kernel_plan_subnet6(guint64 random, guint nth);

/* What the first process has said of the test's end. */
typedef enum KernelVerdict {
        KERNEL_VERDICT_NONE,   /* nothing yet */
        KERNEL_VERDICT_EXIT,   /* the test ended, with a code */
        KERNEL_VERDICT_REBOOT, /* it asked for a reboot */
        KERNEL_VERDICT_OFF,    /* it switched the machine off */
        KERNEL_VERDICT_FAULT,  /* it could not be run, for a reason */
        KERNEL_VERDICT_MAX,
} KernelVerdict;

/* Reads one line of the control console, which may end in white space. *@ret_code is EXIT's,
 * *@ret_reason (borrowed from @line, which loses its end) FAULT's. NONE: it is none of these. */
KernelVerdict kernel_verdict_parse(char *line, int *ret_code, const char **ret_reason);
