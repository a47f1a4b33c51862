/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What may pass from and to a network. All networks have one table for that, so that a packet is
 * looked up twice, by where it comes from and by where it goes, however many networks there are: a
 * base chain of each network's own would be passed by every packet of all others. The two lookups
 * lead to the chains of the networks concerned, and each judges for itself: `return` is no
 * objection, from the chains of the setting `filter` as well, which are gone to and not back from,
 * and what nobody objects to goes on. Two networks are apart because each says so.
 *
 * No packet leaves with a DUT's own address: what connection tracking will not translate (invalid,
 * untracked, or a connection older than the rules) is dropped before anything lets it pass. */

#include "model/ruleset.h"

#include <linux/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter_ipv4.h>
#include <string.h>

#include "model/name.h"
#include "model/ruleset-build.h"

/* As the register has ct state: NF_CT_STATE_BIT() of ip_conntrack_info and NF_CT_STATE_*_BIT. */
#define STATE_INVALID     (1 << 0)
#define STATE_ESTABLISHED (1 << 1)
#define STATE_RELATED     (1 << 2)
#define STATE_UNTRACKED   (1 << 6)

#define STATUS_TRANSLATED (IPS_SRC_NAT | IPS_DST_NAT)

/* So many of a rule with `log` are logged in a second. */
#define LOGGED_PER_SECOND 10

#define MAP_FROM   "from"   /* from a NIC to the chain for what comes from it and is forwarded */
#define MAP_TO     "to"     /* the same for what is forwarded to it */
#define MAP_INWARD "inward" /* and for what comes from it and is for the host */

char *filter_chain_name(FilterChain chain, const char *table)
{
        static const char *const names[] = {
                [FILTER_CHAIN_FROM] = MAP_FROM,     [FILTER_CHAIN_TO] = MAP_TO,
                [FILTER_CHAIN_INWARD] = MAP_INWARD, [FILTER_CHAIN_EGRESS] = "egress",
                [FILTER_CHAIN_INGRESS] = "ingress",
        };
        G_STATIC_ASSERT(G_N_ELEMENTS(names) == FILTER_CHAIN_MAX);

        if (g_str_has_prefix(table, TABLE_PREFIX))
                table += strlen(TABLE_PREFIX);
        return g_strdup_printf("%s_%s", names[chain], table);
}

/* The chain that @map leads packets to whose NIC is the network's. */
static RulesetChain *add_target(RulesetTable *filter, FilterChain chain, const char *map,
                                const FilterPlace *place)
{
        g_autofree char *name = filter_chain_name(chain, place->table);

        map_add_place(table_add_map(filter, MAP_INTERFACE_VERDICTS, map), 0, place->interface,
                      name);
        return table_add_target(filter, name);
}

/* One that others go to. */
static RulesetChain *add_side(RulesetTable *filter, FilterChain chain, const FilterPlace *place)
{
        g_autofree char *name = filter_chain_name(chain, place->table);

        return table_add_target(filter, name);
}

typedef struct Targets {
        RulesetChain *sides[FILTER_DIRECTION_MAX];
        RulesetChain *from, *to, *inward;
} Targets;

/* What is gone to comes first. */
static Targets add_targets(RulesetTable *filter, const FilterPlace *place)
{
        return (Targets){
                .sides = { [FILTER_EGRESS] = add_side(filter, FILTER_CHAIN_EGRESS, place),
                           [FILTER_INGRESS] = add_side(filter, FILTER_CHAIN_INGRESS, place) },
                .from = add_target(filter, FILTER_CHAIN_FROM, MAP_FROM, place),
                .to = add_target(filter, FILTER_CHAIN_TO, MAP_TO, place),
                .inward = add_target(filter, FILTER_CHAIN_INWARD, MAP_INWARD, place),
        };
}

static void add_hooks(RulesetTable *filter)
{
        RulesetChain *forward =
                table_add_chain(filter, "forward", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER);
        rule_jump_by_interface(chain_add_rule(forward), NFT_META_IIFNAME, MAP_FROM);
        rule_jump_by_interface(chain_add_rule(forward), NFT_META_OIFNAME, MAP_TO);

        RulesetChain *input =
                table_add_chain(filter, "input", "filter", NF_INET_LOCAL_IN, NF_IP_PRI_FILTER);
        rule_jump_by_interface(chain_add_rule(input), NFT_META_IIFNAME, MAP_INWARD);
}

/* What must not go on, whatever else is allowed. */
static void add_never(RulesetChain *from, const Subnet *subnet)
{
        RulesetRule *forged = chain_add_rule(from);
        match_subnet(forged, FIELD_IP_SADDR, NFT_CMP_NEQ, subnet);
        rule_verdict(forged, NF_DROP);

        RulesetRule *stray = chain_add_rule(from);
        match_ct_any(stray, NFT_CT_STATE, STATE_INVALID | STATE_UNTRACKED);
        rule_verdict(stray, NF_DROP);

        /* A connection is translated by its first packet or never; the first itself is not
         * confirmed yet when it is here. */
        RulesetRule *untranslated = chain_add_rule(from);
        match_ct_bits(untranslated, NFT_CT_STATUS, IPS_CONFIRMED | STATUS_TRANSLATED,
                      IPS_CONFIRMED);
        rule_verdict(untranslated, NF_DROP);

        RulesetRule *to_group = chain_add_rule(from);
        match_subnet(to_group, FIELD_IP_DADDR, NFT_CMP_EQ, &multicast_subnet);
        rule_verdict(to_group, NF_DROP);
}

static void match_hosts(RulesetRule *rule, guint32 field, const Subnet *hosts)
{
        if (hosts->prefix == 32)
                match_address(rule, field, NFT_CMP_EQ, hosts->network);
        else if (hosts->prefix > 0)
                match_subnet(rule, field, NFT_CMP_EQ, hosts);
}

/* @protocol and @ports are one of those that @filter_rule has; 0 and NULL: any. */
static RulesetRule *add_matches(RulesetChain *chain, const FilterRule *filter_rule, guint8 protocol,
                                const PortRange *ports)
{
        RulesetRule *rule = chain_add_rule(chain);

        match_hosts(rule, FIELD_IP_SADDR, &filter_rule->source);
        match_hosts(rule, FIELD_IP_DADDR, &filter_rule->destination);
        if (ports)
                match_port_range(rule, protocol, ports->first, ports->last);
        else if (protocol != 0)
                match_protocol(rule, protocol);
        return rule;
}

typedef struct SideRule {
        const FilterRule *rule;
        char name[24]; /* "egress 1" */
        char *log_prefix;
} SideRule;

static void add_filter_rule(RulesetChain *chain, const SideRule *side_rule, guint8 protocol,
                            const PortRange *ports)
{
        const FilterRule *filter_rule = side_rule->rule;

        if (filter_rule->log)
                rule_log(add_matches(chain, filter_rule, protocol, ports), LOGGED_PER_SECOND,
                         side_rule->log_prefix);
        RulesetRule *rule = add_matches(chain, filter_rule, protocol, ports);
        rule_comment(rule, side_rule->name);
        rule_verdict(rule, filter_rule->action == FILTER_ACCEPT ? NFT_RETURN : NF_DROP);
}

/* Ports without a protocol are those of both that have any. */
static void add_all_ports(RulesetChain *chain, const SideRule *side_rule)
{
        static const guint8 with_ports[] = { IPPROTO_TCP, IPPROTO_UDP };
        const FilterRule *rule = side_rule->rule;

        if (rule->ports->len == 0)
                add_filter_rule(chain, side_rule, rule->protocol, NULL);
        for (guint i = 0; i < G_N_ELEMENTS(with_ports); i++)
                for (guint j = 0; j < rule->ports->len; j++)
                        if (rule->protocol == 0 || rule->protocol == with_ports[i])
                                add_filter_rule(chain, side_rule, with_ports[i],
                                                &g_array_index(rule->ports, PortRange, j));
}

/* What is not given lets all pass: a mapping, and a way out, are there to be used. */
static void add_side_rules(RulesetChain *chain, const RulesetFacts *facts,
                           FilterDirection direction)
{
        const char *name = filter_direction_to_string(direction);
        const Filter *filter = facts->config->filter;
        const FilterSide *side = filter ? &filter->sides[direction] : NULL;
        bool drops = side && side->given && side->policy == FILTER_DROP;
        g_autofree char *policy = g_strdup_printf("%s policy", name);

        for (guint i = 0; side && i < side->rules->len; i++) {
                g_autofree char *prefix =
                        g_strdup_printf("dut-network %s %s %u: ", facts->interface, name, i + 1);
                SideRule side_rule = { .rule = side->rules->pdata[i], .log_prefix = prefix };
                g_snprintf(side_rule.name, sizeof side_rule.name, "%s %u", name, i + 1);
                add_all_ports(chain, &side_rule);
        }
        RulesetRule *rest = chain_add_rule(chain);
        rule_comment(rest, policy);
        rule_verdict(rest, drops ? NF_DROP : NFT_RETURN);
}

static void add_from(const Targets *targets, const RulesetFacts *facts, const Uplinks *uplinks)
{
        RulesetChain *from = targets->from;

        /* DUTs of this network among themselves, by a public address or, on a bridge, directly
         * (br_netfilter). */
        RulesetRule *own = chain_add_rule(from);
        match_oifname(own, NFT_CMP_EQ, facts->interface);
        rule_verdict(own, NFT_RETURN);

        add_never(from, &facts->config->subnet);
        for (guint i = 0; i < uplinks->n; i++) {
                RulesetRule *established = chain_add_rule(from);
                match_oifname(established, NFT_CMP_EQ, uplinks->names[i]);
                match_ct_any(established, NFT_CT_STATE, STATE_ESTABLISHED | STATE_RELATED);
                rule_verdict(established, NFT_RETURN);
        }
        for (guint i = 0; i < uplinks->n; i++) {
                RulesetRule *egress = chain_add_rule(from);
                match_oifname(egress, NFT_CMP_EQ, uplinks->names[i]);
                rule_goto(egress, targets->sides[FILTER_EGRESS]);
        }
        rule_verdict(chain_add_rule(from), NF_DROP);
}

/* What belongs to a connection that was let through: its translation shows that it was. And what a
 * 1:1 mapping or a forward has translated. */
static void add_to(const Targets *targets, const RulesetFacts *facts, const Uplinks *uplinks)
{
        RulesetChain *to = targets->to;

        RulesetRule *own = chain_add_rule(to);
        match_iifname(own, NFT_CMP_EQ, facts->interface);
        rule_verdict(own, NFT_RETURN);

        for (guint i = 0; i < uplinks->n; i++) {
                RulesetRule *established = chain_add_rule(to);
                match_iifname(established, NFT_CMP_EQ, uplinks->names[i]);
                match_ct_any(established, NFT_CT_STATE, STATE_ESTABLISHED | STATE_RELATED);
                match_ct_any(established, NFT_CT_STATUS, STATUS_TRANSLATED);
                rule_verdict(established, NFT_RETURN);
        }
        bool has_ways_in = facts->config->nat_mode == NAT_MODE_1TO1 || ruleset_has_forwards(facts);
        for (guint i = 0; i < uplinks->n && has_ways_in; i++) {
                RulesetRule *ingress = chain_add_rule(to);
                match_iifname(ingress, NFT_CMP_EQ, uplinks->names[i]);
                match_ct_any(ingress, NFT_CT_STATUS, IPS_DST_NAT);
                rule_goto(ingress, targets->sides[FILTER_INGRESS]);
        }
        rule_verdict(chain_add_rule(to), NF_DROP);
}

static FilterPlace place_of(const RulesetFacts *facts)
{
        return (FilterPlace){ facts->filter_table, facts->table, facts->interface };
}

void ruleset_add_filter(Ruleset *ruleset, const RulesetFacts *facts, const Uplinks *uplinks)
{
        const FilterPlace place = place_of(facts);
        RulesetTable *filter = ruleset_add_shared_table(ruleset, NFPROTO_IPV4, place.filter_table);
        Targets targets = add_targets(filter, &place);

        for (FilterDirection i = 0; i < FILTER_DIRECTION_MAX; i++)
                add_side_rules(targets.sides[i], facts, i);
        add_from(&targets, facts, uplinks);
        add_to(&targets, facts, uplinks);
        rule_drop_forged(chain_add_rule(targets.inward), facts->interface, &facts->config->subnet);
        add_hooks(filter);
}

Ruleset *ruleset_new_filter_part(const FilterPlace *place)
{
        g_autoptr(Ruleset) ruleset = ruleset_new();

        add_targets(ruleset_add_shared_table(ruleset, NFPROTO_IPV4, place->filter_table), place);
        return g_steal_pointer(&ruleset);
}

Ruleset *ruleset_new_closed(const FilterPlace *places, guint n)
{
        g_autoptr(Ruleset) ruleset = ruleset_new();

        for (guint i = 0; i < n; i++) {
                RulesetTable *filter =
                        ruleset_add_shared_table(ruleset, NFPROTO_IPV4, places[i].filter_table);
                Targets targets = add_targets(filter, &places[i]);
                rule_verdict(chain_add_rule(targets.from), NF_DROP);
                rule_verdict(chain_add_rule(targets.to), NF_DROP);
                add_hooks(filter);
        }
        return g_steal_pointer(&ruleset);
}
