/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One direction of the setting `filter` as the rules of a chain. What may pass returns: whoever has
 * led there has no more to say. Each rule has its name for a comment, by which its hits are known.
 *
 * Connection tracking takes a TCP packet from the midst of a connection that it does not know for
 * the first of one. Where the other direction forbids something, that may be the answer to what
 * it has just ended: it begins nothing. */

#include "model/ruleset-build.h"

#include <linux/in.h>
#include <linux/netfilter.h>

/* So many of a rule with `log` are logged in a second. */
#define LOGGED_PER_SECOND 10

static void match_hosts(RulesetRule *rule, guint32 field, const Subnet *hosts)
{
        if (hosts->prefix == 32)
                match_address(rule, field, NFT_CMP_EQ, hosts->network);
        else if (hosts->prefix > 0)
                match_subnet(rule, field, NFT_CMP_EQ, hosts);
}

static void match_hosts6(RulesetRule *rule, guint32 field, const Subnet6 *hosts)
{
        if (hosts->prefix == 128)
                match_address6(rule, field, NFT_CMP_EQ, &hosts->network);
        else if (hosts->prefix > 0)
                match_subnet6(rule, field, NFT_CMP_EQ, hosts);
}

typedef struct Side {
        RulesetChain *chain;
        const RulesetFacts *facts;
        guint16 family;
        guint32 mark; /* of what is let pass; 0: none */
} Side;

typedef struct SideRule {
        const FilterRule *rule;
        const char *set; /* what the destination is in; NULL: no name */
        char name[24];   /* "egress 1" */
        char *log_prefix;
} SideRule;

static void match_ends(const Side *side, RulesetRule *rule, const SideRule *side_rule)
{
        const FilterRule *filter_rule = side_rule->rule;

        if (side->family == NFPROTO_IPV6) {
                match_hosts6(rule, FIELD_IP6_SADDR, &filter_rule->source6);
                match_hosts6(rule, FIELD_IP6_DADDR, &filter_rule->destination6);
                return;
        }
        match_hosts(rule, FIELD_IP_SADDR, &filter_rule->source);
        match_hosts(rule, FIELD_IP_DADDR, &filter_rule->destination);
        if (side_rule->set)
                match_in_set(rule, FIELD_IP_DADDR, side_rule->set);
}

/* @protocol and @ports are one of those that @side_rule has; 0 and NULL: any. */
static RulesetRule *add_matches(const Side *side, const SideRule *side_rule, guint8 protocol,
                                const PortRange *ports)
{
        RulesetRule *rule = chain_add_rule(side->chain);

        match_ends(side, rule, side_rule);
        if (ports)
                match_port_range(rule, protocol, ports->first, ports->last);
        else if (protocol == IPPROTO_ICMP && side->family == NFPROTO_IPV6)
                match_protocol(rule, IPPROTO_ICMPV6);
        else if (protocol != 0)
                match_protocol(rule, protocol);
        return rule;
}

/* Ends it, counted. */
static void add_verdict(const Side *side, RulesetRule *rule, FilterAction action)
{
        rule_count(rule);
        if (action == FILTER_ACCEPT && side->mark)
                rule_set_mark(rule, side->mark, side->mark);
        rule_end(rule, action == FILTER_ACCEPT ? NFT_RETURN : NF_DROP);
}

static void add_filter_rule(const Side *side, const SideRule *side_rule, guint8 protocol,
                            const PortRange *ports)
{
        const FilterRule *filter_rule = side_rule->rule;

        if (filter_rule->log)
                rule_log(add_matches(side, side_rule, protocol, ports), LOGGED_PER_SECOND,
                         side_rule->log_prefix);
        RulesetRule *rule = add_matches(side, side_rule, protocol, ports);
        rule_comment(rule, side_rule->name);
        add_verdict(side, rule, filter_rule->action);
}

/* Ports without a protocol are those of both that have any. */
static void add_all_ports(const Side *side, const SideRule *side_rule)
{
        static const guint8 with_ports[] = { IPPROTO_TCP, IPPROTO_UDP };
        const FilterRule *rule = side_rule->rule;

        if (rule->ports->len == 0)
                add_filter_rule(side, side_rule, rule->protocol, NULL);
        for (guint i = 0; i < G_N_ELEMENTS(with_ports); i++)
                for (guint j = 0; j < rule->ports->len; j++)
                        if (rule->protocol == 0 || rule->protocol == with_ports[i])
                                add_filter_rule(side, side_rule, with_ports[i],
                                                &g_array_index(rule->ports, PortRange, j));
}

/* Whether something of the other direction than @direction can have been begun that is forbidden
 * now. By routed IPv6 the LAN may begin nothing without a filter. */
static bool is_other_limited(const RulesetFacts *facts, guint16 family, FilterDirection direction)
{
        const NetworkConfig *config = facts->config;
        const FilterSide *sides = config->filter ? config->filter->sides : NULL;

        if (family == NFPROTO_IPV6 && direction == FILTER_EGRESS)
                return config->ipv6_nat == IPV6_NAT_ROUTED &&
                       (!sides || !sides[FILTER_INGRESS].given ||
                        filter_side_forbids(&sides[FILTER_INGRESS]));
        if (!sides)
                return false;
        if (direction == FILTER_INGRESS)
                return filter_side_forbids(&sides[FILTER_EGRESS]);
        return ruleset_has_ways_in(facts) && filter_side_forbids(&sides[FILTER_INGRESS]);
}

/* A name is what has been answered, and what entries are. */
static void add_all_sets(const Side *side, SideRule *side_rule)
{
        if (side->family == NFPROTO_IPV6 || !side_rule->rule->name) {
                add_all_ports(side, side_rule);
                return;
        }
        for (NamesSet i = 0; i < NAMES_SET_MAX; i++) {
                g_autofree char *set = names_set_name(i, side->facts->table, side_rule->rule->name);
                side_rule->set = set;
                add_all_ports(side, side_rule);
        }
}

/* What is not given lets all pass: a mapping, and a way out, are there to be used. */
void chain_add_side(RulesetChain *chain, const RulesetFacts *facts, guint16 family,
                    FilterDirection direction, guint32 mark)
{
        const Side side = { chain, facts, family, mark };
        const char *name = filter_direction_to_string(direction);
        const Filter *filter = facts->config->filter;
        const FilterSide *given = filter ? &filter->sides[direction] : NULL;
        FilterFamily about = family == NFPROTO_IPV6 ? FILTER_IPV6 : FILTER_IPV4;
        g_autofree char *policy = g_strdup_printf("%s policy", name);

        if (is_other_limited(facts, family, direction)) {
                RulesetRule *midst = chain_add_rule(chain);
                match_tcp_midst(midst);
                rule_reset(midst); /* of one that connection tracking has lost, too */
        }
        for (guint i = 0; given && i < given->rules->len; i++) {
                g_autofree char *prefix =
                        g_strdup_printf("dut-network %s %s %u: ", facts->interface, name, i + 1);
                SideRule side_rule = { .rule = given->rules->pdata[i], .log_prefix = prefix };
                if (!filter_rule_is_of(side_rule.rule, about))
                        continue;
                g_snprintf(side_rule.name, sizeof side_rule.name, "%s %u", name, i + 1);
                add_all_sets(&side, &side_rule);
        }
        RulesetRule *rest = chain_add_rule(chain);
        rule_comment(rest, policy);
        add_verdict(&side, rest, given && given->given ? given->policy : FILTER_ACCEPT);
}
