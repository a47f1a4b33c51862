/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The numbers that a twin's paths are told apart by: a twin is a network whose subnet overlaps one
 * that the host routes already. Its number is its own for its whole life; 0 is no twin's. */

#include <glib.h>

#define TWIN_NUMBER_MAX 1023

/* The bits of connections' and packets' marks that are ours. */
#define TWIN_MARK_MASK 0xffc00000u

static inline guint32 twin_mark(guint number)
{
        return number << 22;
}

/* Its routing table, and the preference of the rules that lead there. */
static inline guint32 twin_table(guint number)
{
        return 0x4a00 + number;
}

/* Where its dnsmasq answers: all twins may have the same gateway address. */
static inline guint16 twin_dns_port(guint number)
{
        return (guint16)(20000 + number);
}
