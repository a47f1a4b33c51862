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
        const FilterAnswers *answers; /* for the names in its filter; NULL: none yet */
        const FilterAnswers *own;     /* the same of its entries; NULL: none */
        const GArray *forwards;       /* ForwardRoute; NULL or empty: none */
        bool limited;                 /* limits may be given, now or later */
        const NetworkConfig *config;
} RulesetFacts;

/* The tables of one network, `ip` and `ip6` of the same name, and its part of the filter table and,
 * where its filter has names, of theirs; none where NAT is disabled. */
Ruleset *ruleset_new_network(const RulesetFacts *facts);

/* The elements of @forwards (ForwardRoute) in the maps of a network's table @table: to be taken out
 * of them or added. */
Ruleset *ruleset_new_forward_part(const char *table, const GArray *forwards);
/* The map of such a table that leads what is of @protocol, from some subnet where @with_source; and
 * the set that is asked first. NULL: there is no @nth. */
typedef struct ForwardMap {
        guint8 protocol;
        bool with_source;
        const char *set, *map;
} ForwardMap;
const ForwardMap *ruleset_forward_map(guint nth);

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
        bool limited;          /* there may be what leads to limits */
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

/* Where DUTs have a limit, connections that begin are led by their address to a chain for its
 * value. An entry of @ip that has @limits of its own: all that it takes for them to be in force; or
 * to be taken out, with those chains alone for the values of @unused that nobody has any more. */
Ruleset *ruleset_new_limits_of(const RulesetFacts *facts, guint32 ip, const Limits *limits);
Ruleset *ruleset_new_limits_gone(const RulesetFacts *facts, guint32 ip, const Limits *limits,
                                 const Limits *unused);
/* How the names of the chains for values of @limit begin. The caller's. */
char *limits_chain_prefix(Limit limit, const char *table);
/* Those that are in force by @facts: a set of names, the caller's. */
GHashTable *ruleset_limit_chains(const RulesetFacts *facts);
/* Adds all that limits have in the filter table by @facts to @parts: "chain NAME", "set NAME". */
void ruleset_list_limits(const RulesetFacts *facts, GHashTable *parts);
/* To be taken out: the chains of that name for values of @limit, with all that goes with them. */
Ruleset *ruleset_new_limit_chains(const FilterPlace *place, Limit limit, const GPtrArray *chains);
/* The same: what leads to them. */
Ruleset *ruleset_new_limits_part(const FilterPlace *place);
/* The chain of a network's own table of IPv6 that has the rules of the setting `filter` for
 * @direction; NULL: none has. Borrowed. */
const char *ruleset_ipv6_chain(const NetworkConfig *config, FilterDirection direction);

/* The table of the filters with names: it has no owner, whatever the others have. No interface of
 * such a name must get it for its own. */
#define NAMES_TABLE "jumpstarter_names"
/* The bit of a packet's mark that what they let pass has from there to the filter table; below
 * those of the twins. */
#define NAMES_MARK 0x00200000u

/* Whether the network has a part there. */
bool ruleset_has_names(const RulesetFacts *facts);

/* A name's sets there: what dnsmasq has answered, which it adds itself; and what the network's
 * entries are, and only as long as they are. */
typedef enum NamesSet {
        NAMES_SET_ANSWERS,
        NAMES_SET_OWN,
        NAMES_SET_MAX,
} NamesSet;

/* What that set of @name is called for the network whose own table is @table, and how the names of
 * all of that network's begin. The caller's. */
char *names_set_name(NamesSet set, const char *table, const char *name);
char *names_set_prefix(NamesSet set, const char *table);

/* A network's chains there. */
typedef enum NamesChain {
        NAMES_CHAIN_FROM,
        NAMES_CHAIN_EGRESS,
        NAMES_CHAIN_MAX,
} NamesChain;

char *names_chain_name(NamesChain chain, const char *table);

/* To be taken out: the chains, and what leads to them, of the network whose own table is @table and
 * whose NIC is called @interface there; or sets of one kind, by their names. */
Ruleset *ruleset_new_names_chains(const char *table, const char *interface);
Ruleset *ruleset_new_names_sets(NamesSet set, const GPtrArray *sets);
/* What @facts->own has for the sets, to be added to them or taken out. */
Ruleset *ruleset_new_own_answers(const RulesetFacts *facts);

/* A network with NAT disabled, as the guard sees it. */
typedef struct GuardedNetwork {
        const char *interface;
        Subnet subnet;
        Subnet6 ipv6_subnet; /* prefix 0: none */
        Address6 ipv6_gateway;
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
