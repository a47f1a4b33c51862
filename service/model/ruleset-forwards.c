/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Ports of the host that lead to boards, as elements of maps: a rule for each protocol, with and
 * without a subnet of sources, however many ports there are. A set with the same keys is asked
 * first, so that others' connections cost that and no more, and a twin's mark is put on its own
 * connections alone.
 *
 * What is for an address of the host on this network's uplinks, and what its own boards or the host
 * itself send there, is led on. Others' boards are not: what they send comes to the host. The
 * loopback's addresses are not either: a packet with one of those as its source does not leave. */

#include "model/ruleset.h"

#include <linux/in.h>
#include <linux/netfilter.h>

#include "model/ruleset-build.h"
#include "model/twin.h"

#define CHAIN_FORWARDS "forwards"

static const Subnet loopback_subnet = { 0x7f000000, 8 };

static const ForwardMap kinds[] = {
        { IPPROTO_TCP, false, "forwarded_tcp", "forwards_tcp" },
        { IPPROTO_TCP, true, "forwarded_tcp_from", "forwards_tcp_from" },
        { IPPROTO_UDP, false, "forwarded_udp", "forwards_udp" },
        { IPPROTO_UDP, true, "forwarded_udp_from", "forwards_udp_from" },
};

const ForwardMap *ruleset_forward_map(guint nth)
{
        return nth < G_N_ELEMENTS(kinds) ? &kinds[nth] : NULL;
}

bool ruleset_has_forwards(const RulesetFacts *facts)
{
        return facts->forwards && facts->forwards->len > 0;
}

static void add_ports(const ForwardMap *kind, RulesetMap *set, RulesetMap *map,
                      const ForwardRoute *route)
{
        const Forward *forward = route->forward;

        if (route->ip == 0 || forward->protocol != kind->protocol ||
            (forward->from.prefix > 0) != kind->with_source)
                return;
        for (guint port = forward->ports.first; port <= forward->ports.last; port++) {
                const RulesetPort element = {
                        .port = (guint16)port,
                        .from = forward->from,
                        .ip = route->ip,
                        .to_port = forward_port_behind(forward, (guint16)port),
                };
                map_add_port(set, &element);
                map_add_port(map, &element);
        }
}

static void add_maps(RulesetTable *table, const GArray *forwards)
{
        for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
                const ForwardMap *kind = &kinds[i];
                RulesetMap *set = table_add_map(
                        table, kind->with_source ? MAP_PORT_SOURCE_SET : MAP_PORT_SET, kind->set);
                RulesetMap *map = table_add_map(
                        table, kind->with_source ? MAP_PORT_SOURCE_TARGETS : MAP_PORT_TARGETS,
                        kind->map);
                for (guint j = 0; j < forwards->len; j++)
                        add_ports(kind, set, map, &g_array_index(forwards, ForwardRoute, j));
        }
}

Ruleset *ruleset_new_forward_part(const char *table, const GArray *forwards)
{
        g_autoptr(Ruleset) ruleset = ruleset_new();

        add_maps(ruleset_add_table(ruleset, NFPROTO_IPV4, table), forwards);
        return g_steal_pointer(&ruleset);
}

/* A twin's connection is routed by its mark, as one to a public address is. */
RulesetChain *ruleset_add_forwards(RulesetTable *table, const RulesetFacts *facts)
{
        add_maps(table, facts->forwards);
        RulesetChain *chain = table_add_target(table, CHAIN_FORWARDS);

        for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
                const ForwardMap *kind = &kinds[i];
                RulesetRule *rule = chain_add_rule(chain);
                match_port_in_set(rule, kind->protocol, kind->set, kind->with_source);
                match_subnet(rule, FIELD_IP_DADDR, NFT_CMP_NEQ, &loopback_subnet);
                match_local_destination(rule);
                if (facts->twin != 0) {
                        rule_set_ct_mark(rule, TWIN_MARK_MASK, twin_mark(facts->twin));
                        rule_set_mark(rule, TWIN_MARK_MASK, twin_mark(facts->twin));
                }
                rule_forward(rule, kind->map, kind->with_source);
        }
        return chain;
}
