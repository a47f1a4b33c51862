/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A network's nftables rules as values: tables, sets and maps with their elements, chains, rules as
 * lists of expressions, close to what the kernel's nf_tables takes (linux/netfilter/nf_tables.h),
 * so that host/nft.c only copies them into netlink messages. Pure: no host is asked here. */

#include <glib.h>
#include <stdbool.h>

#include "model/config.h"

typedef struct Ruleset Ruleset;

void ruleset_free(Ruleset *ruleset);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ruleset, ruleset_free)

/* What a network's rules are made of. All borrowed for the call. */
typedef struct RulesetFacts {
        const char *interface;
        const char *table;            /* table_name() */
        const char *upstream;         /* NULL: none now; nothing is forwarded */
        const char *public_interface; /* NULL: the upstream */
        const NetworkConfig *config;
} RulesetFacts;

/* The tables of one network: `ip`, `ip6` and `arp` of the same name (arp alone where NAT is
 * disabled). */
Ruleset *ruleset_new_network(const RulesetFacts *facts);

/* A network with NAT disabled, as the guard sees it. */
typedef struct GuardedNetwork {
        const char *interface;
        guint32 gateway_ip;
        Subnet subnet;
} GuardedNetwork;

/* `table inet jumpstarter_guard`: nothing is forwarded from or to any of the @n networks, and their
 * gateway addresses answer on their own interfaces alone. */
Ruleset *ruleset_new_guard(const GuardedNetwork *networks, guint n);

/* The whole rule set as text that nft(8) reads, for tests and debugging. The caller's. */
char *ruleset_to_text(const Ruleset *ruleset);
