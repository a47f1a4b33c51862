/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The limits of DUTs. For each value that is in use there is a chain, and a DUT's address leads to
 * that of its own value, so that a connection's first packet costs two lookups, however many DUTs
 * have limits of their own; later packets come to none of this.
 *
 * In the filter's table, for what may pass: a connection is given its timeouts and counted while it
 * is not confirmed, before it is in the kernel's table. Who is counted has an element of its own in
 * the set of the limit; a set that is there stays when the rules are put again, and a timeout's
 * object as well: what was counted goes on to be, and what was given. In the network's own table
 * are the ranges of ports that masquerading takes. */

#include "model/ruleset.h"

#include <linux/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>

#include "model/name.h"
#include "model/ruleset-build.h"

#define CHAIN_BEGUN   "begun"
#define CHAIN_ARRIVED "arrived"

/* As long as the kernel waits for an answer to a datagram: nf_conntrack_udp_timeout. */
#define UNREPLIED_MAX_SEC 30

/* No table's name has a '-' in it, so those of one network begin as no other's do. */
char *limits_chain_prefix(Limit limit, const char *table)
{
        switch (limit) {
        case LIMIT_NAT_PORTS:
                return g_strdup("masquerade-"); /* in a table that is the network's alone */
        case LIMIT_TIMEOUT:
                return g_strdup_printf("timeout_%s-", table_suffix(table));
        case LIMIT_CONNECTIONS:
                return g_strdup_printf("counted_%s-", table_suffix(table));
        case LIMIT_MAX:
                break;
        }
        g_assert_not_reached();
}

/* What the chain for its value is called. */
static char *value_name(Limit limit, const char *table, const Limits *limits)
{
        g_autofree char *prefix = limits_chain_prefix(limit, table);

        if (limit == LIMIT_NAT_PORTS)
                return g_strdup_printf("%s%u-%u", prefix, limits->nat_ports.first,
                                       limits->nat_ports.last);
        return g_strdup_printf("%s%u", prefix,
                               limit == LIMIT_TIMEOUT ? limits->timeout_sec
                                                      : limits->max_connections);
}

static char *object_name(const char *chain, guint8 protocol)
{
        return g_strdup_printf("%s-%s", chain, protocol == IPPROTO_TCP ? "tcp" : "udp");
}

static const guint8 protocols[] = { IPPROTO_TCP, IPPROTO_UDP };

/* The kernel multiplies by its ticks in a second, which may be 1000, without a look at the size
 * (nfnetlink_cttimeout, nf_conntrack_proto_tcp.c), and a time beyond 2^31 ticks has passed. */
#define TIMEOUT_MAX_SEC (G_MAXINT32 / 1000)

static void add_timeouts(RulesetTable *table, const char *chain, guint wanted)
{
        guint seconds = MIN(wanted, TIMEOUT_MAX_SEC);

        for (guint i = 0; i < G_N_ELEMENTS(protocols); i++) {
                bool is_tcp = protocols[i] == IPPROTO_TCP;
                g_autofree char *name = object_name(chain, protocols[i]);
                const RulesetTimeout timeout = {
                        .name = name,
                        .protocol = protocols[i],
                        .established = is_tcp ? seconds : 0,
                        .unreplied = is_tcp ? 0 : MIN(seconds, UNREPLIED_MAX_SEC),
                        .replied = is_tcp ? 0 : seconds,
                };
                table_add_timeout(table, &timeout);
        }
}

/* What a value's chain needs beside it; its name says the value. */
static void add_needs(RulesetTable *table, Limit limit, const char *chain, guint number)
{
        if (limit == LIMIT_TIMEOUT)
                add_timeouts(table, chain, number);
        else if (limit == LIMIT_CONNECTIONS)
                table_add_map(table, MAP_COUNTED, chain)->whole = true;
}

static void add_port_rules(RulesetChain *chain, const PortRange *ports)
{
        for (guint i = 0; i < G_N_ELEMENTS(protocols); i++) {
                RulesetRule *rule = chain_add_rule(chain);
                match_protocol(rule, protocols[i]);
                rule_masquerade_ports(rule, ports->first, ports->last);
        }
        rule_masquerade(chain_add_rule(chain));
}

static void add_timeout_rules(RulesetChain *chain)
{
        for (guint i = 0; i < G_N_ELEMENTS(protocols); i++) {
                g_autofree char *object = object_name(chain->name, protocols[i]);
                RulesetRule *rule = chain_add_rule(chain);
                match_protocol(rule, protocols[i]);
                rule_count(rule);
                rule_set_timeout(rule, object);
        }
}

/* A datagram's connection is new until it is answered, and counted once. */
static void add_count_rule(RulesetChain *chain, guint limit)
{
        RulesetRule *rule = chain_add_rule(chain);

        match_ct_bits(rule, NFT_CT_STATUS, IPS_CONFIRMED, 0);
        match_more_connections(rule, FIELD_IP_SADDR, chain->name, limit);
        rule_verdict(rule, NF_DROP);
}

static RulesetChain *add_value(RulesetTable *table, Limit limit, const char *name,
                               const Limits *limits)
{
        RulesetChain *chain = table_add_target(table, name);

        switch (limit) {
        case LIMIT_NAT_PORTS:
                add_port_rules(chain, &limits->nat_ports);
                return chain;
        case LIMIT_TIMEOUT:
                add_needs(table, limit, name, limits->timeout_sec);
                add_timeout_rules(chain);
                return chain;
        case LIMIT_CONNECTIONS:
                add_needs(table, limit, name, limits->max_connections);
                add_count_rule(chain, limits->max_connections);
                return chain;
        case LIMIT_MAX:
                break;
        }
        g_assert_not_reached();
}

/* From a DUT's address to the chain of its value. Those for connections are gone to, since the
 * network's own come after. */
static RulesetMap *add_map(RulesetTable *table, Limit limit, const char *own_table)
{
        g_autofree char *name = g_strdup_printf(
                "%s_%s", limit == LIMIT_TIMEOUT ? "timeouts" : "counted", table_suffix(own_table));

        return table_add_map(table, limit == LIMIT_TIMEOUT ? MAP_ADDRESS_JUMPS : MAP_ADDRESS_GOTOS,
                             limit == LIMIT_NAT_PORTS ? MAP_NAT_PORTS : name);
}

/* The chains of all values, and the map that leads to them; the network's own one, or NULL. */
static RulesetChain *add_values(RulesetTable *table, const RulesetFacts *facts, Limit limit)
{
        const NetworkConfig *config = facts->config;
        RulesetMap *map = add_map(table, limit, facts->table);
        g_autoptr(GHashTable) there = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        RulesetChain *own = NULL;

        map->whole = true;
        if (limit_is_given(&config->limits, limit)) {
                char *name = value_name(limit, facts->table, &config->limits);
                own = add_value(table, limit, name, &config->limits);
                g_hash_table_add(there, name);
        }
        for (guint i = 0; i < entries_n_addresses(config->entries); i++) {
                const AddressEntry *entry = entries_address_at(config->entries, i);
                if (!limit_is_given(&entry->limits, limit))
                        continue;
                char *name = value_name(limit, facts->table, &entry->limits);
                map_add_place(map, entry->ip, NULL, name);
                if (!g_hash_table_contains(there, name))
                        (void)add_value(table, limit, name, &entry->limits); /* a map leads to it */
                g_hash_table_add(there, name);
        }
        return own;
}

RulesetChain *ruleset_add_port_ranges(RulesetTable *table, const RulesetFacts *facts)
{
        return facts->limited ? add_values(table, facts, LIMIT_NAT_PORTS) : NULL;
}

static RulesetChain *add_chain(RulesetTable *filter, const char *name, const char *table)
{
        g_autofree char *whole = g_strdup_printf("%s_%s", name, table_suffix(table));

        return table_add_target(filter, whole);
}

/* The network's own timeouts first: a DUT's take their place. */
static void give_timeouts(RulesetChain *chain, const RulesetFacts *facts, const RulesetChain *own,
                          guint32 field)
{
        g_autofree char *map = g_strdup_printf("timeouts_%s", table_suffix(facts->table));

        if (own)
                rule_jump(chain_add_rule(chain), own);
        rule_turn_by_address(chain_add_rule(chain), field, map);
}

LimitChains ruleset_add_limits(RulesetTable *filter, const RulesetFacts *facts,
                               const RulesetChain *egress, const RulesetChain *ingress)
{
        const RulesetChain *timeout = add_values(filter, facts, LIMIT_TIMEOUT);
        const RulesetChain *counted = add_values(filter, facts, LIMIT_CONNECTIONS);
        RulesetChain *begun = add_chain(filter, CHAIN_BEGUN, facts->table);
        RulesetChain *arrived = add_chain(filter, CHAIN_ARRIVED, facts->table);
        g_autofree char *map = g_strdup_printf("counted_%s", table_suffix(facts->table));

        rule_jump(chain_add_rule(begun), egress);
        give_timeouts(begun, facts, timeout, FIELD_IP_SADDR);
        rule_turn_by_address(chain_add_rule(begun), FIELD_IP_SADDR, map);
        if (counted)
                rule_goto(chain_add_rule(begun), counted);
        rule_jump(chain_add_rule(arrived), ingress);
        give_timeouts(arrived, facts, timeout, FIELD_IP_DADDR);
        return (LimitChains){ begun, arrived };
}

/* The tables of a part: limits of ports are in the network's own. */
static RulesetTable *table_of(Ruleset *ruleset, const RulesetFacts *facts, Limit limit)
{
        const char *name = limit == LIMIT_NAT_PORTS ? facts->table : facts->filter_table;

        for (guint i = 0; i < ruleset->tables->len; i++) {
                RulesetTable *table = ruleset->tables->pdata[i];
                if (g_str_equal(table->name, name))
                        return table;
        }
        return ruleset_add_shared_table(ruleset, NFPROTO_IPV4, name);
}

static Ruleset *new_part(const RulesetFacts *facts, guint32 ip, const Limits *limits,
                         const Limits *values)
{
        g_autoptr(Ruleset) ruleset = ruleset_new();

        for (Limit limit = 0; limit < LIMIT_MAX; limit++) {
                if (!limit_is_given(limits, limit))
                        continue;
                RulesetTable *table = table_of(ruleset, facts, limit);
                g_autofree char *name = value_name(limit, facts->table, limits);
                if (limit_is_given(values, limit))
                        (void)add_value(table, limit, name, limits); /* the map leads to it */
                map_add_place(add_map(table, limit, facts->table), ip, NULL, name);
        }
        return g_steal_pointer(&ruleset);
}

Ruleset *ruleset_new_limits_of(const RulesetFacts *facts, guint32 ip, const Limits *limits)
{
        return new_part(facts, ip, limits, limits);
}

Ruleset *ruleset_new_limits_gone(const RulesetFacts *facts, guint32 ip, const Limits *limits,
                                 const Limits *unused)
{
        return new_part(facts, ip, limits, unused);
}

static void note_values(GHashTable *names, const RulesetFacts *facts, const Limits *limits)
{
        for (Limit limit = 0; limit < LIMIT_MAX; limit++)
                if (limit_is_given(limits, limit))
                        g_hash_table_add(names, value_name(limit, facts->table, limits));
}

GHashTable *ruleset_limit_chains(const RulesetFacts *facts)
{
        GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        const NetworkConfig *config = facts->config;

        note_values(names, facts, &config->limits);
        for (guint i = 0; i < entries_n_addresses(config->entries); i++)
                note_values(names, facts, &entries_address_at(config->entries, i)->limits);
        return names;
}

Ruleset *ruleset_new_limit_chains(const FilterPlace *place, Limit limit, const GPtrArray *chains)
{
        g_autoptr(Ruleset) ruleset = ruleset_new();
        RulesetTable *filter = ruleset_add_shared_table(ruleset, NFPROTO_IPV4, place->filter_table);

        for (guint i = 0; i < chains->len; i++) {
                add_needs(filter, limit, chains->pdata[i], 1);
                (void)table_add_target(filter, chains->pdata[i]); /* without rules */
        }
        return g_steal_pointer(&ruleset);
}

static void list_table(const RulesetTable *table, GHashTable *parts)
{
        for (guint i = 0; i < table->timeouts->len; i++)
                g_hash_table_add(parts,
                                 g_strconcat("ct timeout ",
                                             g_array_index(table->timeouts, RulesetTimeout, i).name,
                                             NULL));
        for (guint i = 0; i < table->maps->len; i++) {
                const RulesetMap *map = table->maps->pdata[i];
                g_hash_table_add(parts, g_strconcat(map->type == MAP_COUNTED ? "set " : "map ",
                                                    map->name, NULL));
        }
        for (guint i = 0; i < table->chains->len; i++)
                g_hash_table_add(parts,
                                 g_strconcat("chain ",
                                             ((const RulesetChain *)table->chains->pdata[i])->name,
                                             NULL));
}

void ruleset_list_limits(const RulesetFacts *facts, GHashTable *parts)
{
        g_autoptr(Ruleset) ruleset = ruleset_new();
        RulesetTable *filter = ruleset_add_shared_table(ruleset, NFPROTO_IPV4, facts->filter_table);
        const RulesetChain *none = table_add_target(filter, "none");

        (void)ruleset_add_limits(filter, facts, none, none); /* `filter` has them */
        g_ptr_array_remove_index(filter->chains, 0);
        list_table(filter, parts);
}

void ruleset_add_limits_part(RulesetTable *filter, const char *table)
{
        add_map(filter, LIMIT_TIMEOUT, table)->whole = true;
        add_map(filter, LIMIT_CONNECTIONS, table)->whole = true;
        (void)add_chain(filter, CHAIN_BEGUN, table); /* without rules */
        (void)add_chain(filter, CHAIN_ARRIVED, table);
}

Ruleset *ruleset_new_limits_part(const FilterPlace *place)
{
        g_autoptr(Ruleset) ruleset = ruleset_new();

        ruleset_add_limits_part(
                ruleset_add_shared_table(ruleset, NFPROTO_IPV4, place->filter_table), place->table);
        return g_steal_pointer(&ruleset);
}
