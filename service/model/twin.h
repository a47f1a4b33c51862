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

/* Its routing table. */
#define TWIN_TABLES 0x4a00

static inline guint32 twin_table(guint number)
{
        return TWIN_TABLES + number;
}

/* The twin that has @table; 0: none. */
static inline guint twin_of_table(guint32 table)
{
        return table > TWIN_TABLES && table - TWIN_TABLES <= TWIN_NUMBER_MAX ? table - TWIN_TABLES
                                                                             : 0;
}

/* The preferences of the routing rules that lead there. The kernel goes through all rules one by
 * one, at each lookup. So a packet without any twin's mark goes from the rule before all of these
 * to the one after, and one with a mark past the blocks of numbers that its own is not in: each
 * number has room for its own rule, by mark, and before it for those of the blocks that it is the
 * first of. */
#define TWIN_RULE_BEFORE  (TWIN_RULES - 1)
#define TWIN_RULES        0x4a00
#define TWIN_RULE_AFTER   (TWIN_RULES + TWIN_RULES_EACH * (TWIN_NUMBER_MAX + 1))
#define TWIN_RULES_EACH   (TWIN_BLOCK_LEVELS + 1)
#define TWIN_BLOCK_LEVELS 3

/* How many numbers a block of @level has; 0 is the largest. Each is four times the next. */
static inline guint twin_block_size(guint level)
{
        return 64u >> (2 * level);
}

/* @first: of the block. Also for TWIN_NUMBER_MAX + 1, which is TWIN_RULE_AFTER. */
static inline guint32 twin_block_rule(guint first, guint level)
{
        return TWIN_RULES + TWIN_RULES_EACH * first + level;
}

static inline guint32 twin_mark_rule(guint number)
{
        return twin_block_rule(number, TWIN_BLOCK_LEVELS);
}

/* That of the rule for sockets that are bound to its NIC: after the main table, which has nothing
 * for them, and so out of the way of all other packets. By way of the two around them no packet
 * that is forwarded comes there, when the kernel asks whether its source can be on that NIC. */
#define TWIN_BOUND_BEFORE 0x8200
#define TWIN_BOUND_AFTER  (TWIN_BOUND_BEFORE + TWIN_NUMBER_MAX + 1)

static inline guint32 twin_bound_rule(guint number)
{
        return TWIN_BOUND_BEFORE + number;
}

/* Where its dnsmasq answers: all twins may have the same gateway address. The ports of all of them
 * are those that have TWIN_DNS_PORTS in the bits TWIN_DNS_PORTS_MASK. */
#define TWIN_DNS_PORTS      0x5000
#define TWIN_DNS_PORTS_MASK 0xfc00

static inline guint16 twin_dns_port(guint number)
{
        return (guint16)(TWIN_DNS_PORTS | number);
}
