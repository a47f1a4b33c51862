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

/* Its routing table, and the preference of the rule that leads packets with its mark there. Those
 * without any twin's mark go from the rule before all of these to the one after. */
#define TWIN_RULE_BEFORE 0x4a00
#define TWIN_RULE_AFTER  0x4e00

static inline guint32 twin_table(guint number)
{
        return TWIN_RULE_BEFORE + number;
}

/* The preference of the rule for sockets that are bound to its NIC: after the main table, which has
 * nothing for them, and so out of the way of all other packets. */
static inline guint32 twin_bound_rule(guint number)
{
        return 0x8200 + number;
}

/* Where its dnsmasq answers: all twins may have the same gateway address. The ports of all of them
 * are those that have TWIN_DNS_PORTS in the bits TWIN_DNS_PORTS_MASK. */
#define TWIN_DNS_PORTS      0x5000
#define TWIN_DNS_PORTS_MASK 0xfc00

static inline guint16 twin_dns_port(guint number)
{
        return (guint16)(TWIN_DNS_PORTS | number);
}
