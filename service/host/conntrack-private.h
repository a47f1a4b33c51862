/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which entries of connection tracking are looked for, for conntrack.c, which asks the kernel, and
 * conntrack-end.c, which knows what for. */

#include "host/conntrack-entry.h"
#include "host/conntrack.h"

/* The addresses that are looked for; 0 = any. Network byte order. */
typedef struct ConntrackEnds {
        guint32 original_src, original_dst;
        guint32 reply_src, reply_dst;
} ConntrackEnds;

typedef bool (*ConntrackEntryJudge)(const ConntrackEntry *entry, gconstpointer data);

/* What the kernel sorts out by itself where it can, and what is left to judge. */
typedef struct ConntrackSearch {
        guint8 family; /* NFPROTO_*; 0: IPv4 */
        ConntrackEnds ends;
        guint32 mark, mask;        /* of the connection's mark; 0 = any */
        ConntrackEntryJudge judge; /* NULL: all of them */
        gconstpointer data;
} ConntrackSearch;

/* Ends what is searched for, and adds to *n how many these were; those that end by themselves
 * meanwhile do not count. A negative errno. */
int conntrack_end(Conntrack *conntrack, const ConntrackSearch *search, guint *n);
/* Asks @search's judge about each, and ends none. A negative errno. */
int conntrack_show(Conntrack *conntrack, ConntrackSearch *search);
