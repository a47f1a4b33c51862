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
        const char *filter_table;     /* one of the two below */
        const char *upstream;         /* NULL: none now; nothing is forwarded */
        const char *public_interface; /* NULL: the upstream */
        guint twin;                   /* its number (twin.h); 0: it is none */
        const GArray *forwards;       /* ForwardRoute; NULL or empty: none */
        const NetworkConfig *config;
} RulesetFacts;

/* The tables of one network, `ip` and `ip6` of the same name, and its part of the filter table;
 * none where NAT is disabled. */
Ruleset *ruleset_new_network(const RulesetFacts *facts);

/* The elements of @forwards (ForwardRoute) in the maps of a network's table @table: to be taken out
 * of them or added. */
Ruleset *ruleset_new_forward_part(const char *table, const GArray *forwards);

/* The table that says what may pass, for all networks. The flags that a table has cannot be changed
 * while others are in it: so there are two, for those with an owner and for those without. No
 * interface of such a name must get it for its own. */
#define FILTER_TABLE       "jumpstarter_filter"
#define FILTER_TABLE_PLAIN "jumpstarter_filter_plain"

/* Where a network's part of it is. */
typedef struct FilterPlace {
        const char *filter_table;
        const char *table;     /* the network's own, which its chains are called after */
        const char *interface; /* what its NIC is called there */
} FilterPlace;

/* All that the network has there, by name: to be taken out. */
Ruleset *ruleset_new_filter_part(const FilterPlace *place);

/* What drops all that is forwarded from and to the @n networks at @places: until each has put its
 * own. */
Ruleset *ruleset_new_closed(const FilterPlace *places, guint n);

/* A network's chains there. */
typedef enum FilterChain {
        FILTER_CHAIN_FROM,
        FILTER_CHAIN_TO,
        FILTER_CHAIN_INWARD,
        FILTER_CHAIN_EGRESS,
        FILTER_CHAIN_INGRESS,
        FILTER_CHAIN_MAX,
} FilterChain;

/* What it is called for the network whose own table is @table. The caller's. */
char *filter_chain_name(FilterChain chain, const char *table);

/* A network with NAT disabled, as the guard sees it. */
typedef struct GuardedNetwork {
        const char *interface;
        Subnet subnet;
} GuardedNetwork;

/* `table inet jumpstarter_guard`: nothing is forwarded from or to any of the @n networks. */
Ruleset *ruleset_new_guard(const GuardedNetwork *networks, guint n);

/* Where a gateway address is. Several NICs may have the same one. */
typedef struct GatewayPlace {
        const char *interface;
        guint32 gateway_ip;
        guint twin; /* the network's number; 0: it is none */
} GatewayPlace;

/* The name of the tables below. No interface called "gateways" must get it for its own. */
#define GATEWAYS_TABLE "jumpstarter_gateways"

/* `table ip` and `table arp` of that name: each gateway address is there for the NICs alone that
 * have it, and the twins' packets find their ways. */
Ruleset *ruleset_new_gateways(const GatewayPlace *places, guint n);
/* What @place alone has in those tables, for tables that have the rest. @shared: another place has
 * the same address. */
Ruleset *ruleset_new_gateway_part(const GatewayPlace *place, bool shared);

/* The whole rule set as text that nft(8) reads, for tests and debugging. The caller's. */
char *ruleset_to_text(const Ruleset *ruleset);
