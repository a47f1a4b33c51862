/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What `wait` waits for. */

#include <glib.h>
#include <stdbool.h>

#include "model/address.h"
#include "model/value.h"

/* The options of the verb as they were given; NULL where not. */
typedef struct WaitOptions {
        const char *state, *lease, *port, *timeout;
} WaitOptions;

/* Either a state, or a lease, or a port, or the port of the one with the lease. Texts are those of
 * the options. */
typedef struct WaitGoal {
        const char *state;       /* NULL: not a state */
        const char *lease;       /* NULL: any, where there is a port */
        char mac[MAC_TEXT_SIZE]; /* @lease as a MAC; "": it is a host name */
        guint16 port;            /* 0: none */
        const char *timeout;     /* in seconds; NULL: none */
        gint64 timeout_usec;     /* G_MAXINT64: none */
} WaitGoal;

/* Whether @text is a number of seconds above 0. */
bool wait_goal_read_timeout(const char *text, gint64 *ret_usec);
/* Sets USAGE, naming the option and what it takes. */
bool wait_goal_read(const WaitOptions *options, WaitGoal *ret_goal, GError **error);

/* Whether @lease (a MAP as in GetLeases) is one that is waited for. */
bool wait_goal_wants(const WaitGoal *goal, const Value *lease);

/* What has not come about, to be put between "eth1: " and " after 5 s". The caller's. */
char *wait_goal_describe_lack(const WaitGoal *goal);
