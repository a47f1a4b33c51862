/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A network's IPv6: one table of its own, which drops all that is forwarded from and to it where it
 * has none. Else it is what the tables of IPv4 are in one: what may pass, by the same filter, who
 * reaches the gateway address, and how packets are translated.
 *
 * As there the filter judges a connection's first packet, and what it lets through goes on until a
 * change forbids it, and it is ended. Boards have addresses that nobody else has, so the LAN may
 * begin what `ingress` says, and without it nothing. Neighbour discovery is not forwarded, and no
 * rule is about it. */

#include "model/ruleset.h"

#include <linux/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter_ipv6.h>

#include "model/ruleset-build.h"
#include "model/twin.h"

#define DNS_PORT 53
#define NTP_PORT 123

static const Address6 unspecified = { 0 };

static bool is_masqueraded(const RulesetFacts *facts)
{
        return facts->config->ipv6_nat == IPV6_NAT_MASQUERADE;
}

const char *ruleset_ipv6_chain(const NetworkConfig *config, FilterDirection direction)
{
        const Filter *filter = config->filter;
        bool is_open = config->ipv6_nat == IPV6_NAT_ROUTED && filter &&
                       filter->sides[FILTER_INGRESS].given;

        if (!config_forwards_ipv6(config))
                return NULL;
        if (direction == FILTER_EGRESS)
                return "egress";
        return is_open ? "ingress" : NULL;
}

/* What must not go on, whatever else is allowed. */
static void add_never(RulesetChain *from, const RulesetFacts *facts)
{
        RulesetRule *forged = chain_add_rule(from);
        match_subnet6(forged, FIELD_IP6_SADDR, NFT_CMP_NEQ, &facts->config->ipv6_subnet);
        rule_verdict(forged, NF_DROP);

        RulesetRule *ours = chain_add_rule(from);
        match_address6(ours, FIELD_IP6_SADDR, NFT_CMP_EQ, &facts->config->ipv6_gateway);
        rule_verdict(ours, NF_DROP);

        chain_drop_strays(from);
        if (is_masqueraded(facts))
                chain_drop_untranslated(from);

        RulesetRule *to_group = chain_add_rule(from);
        match_subnet6(to_group, FIELD_IP6_DADDR, NFT_CMP_EQ, &multicast_subnet6);
        rule_verdict(to_group, NF_DROP);
}

typedef void (*MatchName)(RulesetRule *rule, guint32 operation, const char *interface);

/* What belongs to a connection that was let through, and errors about it. Where all is translated,
 * what is not came by another way; where nothing is, a connection is confirmed after all have
 * judged its first packet, and what began without these rules has been ended. */
static void add_let_through(RulesetChain *chain, const RulesetFacts *facts, const char *uplink,
                            MatchName match_uplink)
{
        bool is_inward = match_uplink == match_iifname;

        RulesetRule *goes_on = chain_add_rule(chain);
        match_uplink(goes_on, NFT_CMP_EQ, uplink);
        match_ct_any(goes_on, NFT_CT_STATUS, is_masqueraded(facts) ? IPS_SRC_NAT : IPS_CONFIRMED);
        rule_verdict(goes_on, NFT_RETURN);

        RulesetRule *related = chain_add_rule(chain);
        match_uplink(related, NFT_CMP_EQ, uplink);
        match_ct_any(related, NFT_CT_STATE, STATE_RELATED);
        if (is_inward && is_masqueraded(facts))
                match_ct_any(related, NFT_CT_STATUS, STATUS_TRANSLATED);
        rule_verdict(related, NFT_RETURN);
}

static void add_judged(RulesetChain *chain, const RulesetChain *side, const char *uplink,
                       MatchName match_uplink)
{
        RulesetRule *rule = chain_add_rule(chain);

        match_uplink(rule, NFT_CMP_EQ, uplink);
        rule_goto(rule, side);
}

static RulesetChain *add_from(RulesetTable *table, const RulesetFacts *facts,
                              const Uplinks *uplinks)
{
        const char *name = ruleset_ipv6_chain(facts->config, FILTER_EGRESS);
        RulesetChain *egress = table_add_target(table, name);
        RulesetChain *from = table_add_target(table, "from");

        chain_add_side(egress, facts, NFPROTO_IPV6, FILTER_EGRESS, 0);
        RulesetRule *own = chain_add_rule(from);
        match_oifname(own, NFT_CMP_EQ, facts->interface);
        rule_verdict(own, facts->config->isolate_guests ? NF_DROP : NFT_RETURN);
        add_never(from, facts);
        for (guint i = 0; i < uplinks->n; i++) {
                add_let_through(from, facts, uplinks->names[i], match_oifname);
                add_judged(from, egress, uplinks->names[i], match_oifname);
        }
        rule_verdict(chain_add_rule(from), NF_DROP);
        return from;
}

static RulesetChain *add_to(RulesetTable *table, const RulesetFacts *facts, const Uplinks *uplinks)
{
        const char *name = ruleset_ipv6_chain(facts->config, FILTER_INGRESS);
        RulesetChain *ingress = name ? table_add_target(table, name) : NULL;
        RulesetChain *to = table_add_target(table, "to");

        if (ingress)
                chain_add_side(ingress, facts, NFPROTO_IPV6, FILTER_INGRESS, 0);
        RulesetRule *own = chain_add_rule(to);
        match_iifname(own, NFT_CMP_EQ, facts->interface);
        rule_verdict(own, NFT_RETURN);
        for (guint i = 0; i < uplinks->n; i++) {
                add_let_through(to, facts, uplinks->names[i], match_iifname);
                if (ingress)
                        add_judged(to, ingress, uplinks->names[i], match_iifname);
        }
        rule_verdict(chain_add_rule(to), NF_DROP);
        return to;
}

static void add_forward(RulesetTable *table, const RulesetFacts *facts, const Uplinks *uplinks)
{
        const RulesetChain *from = add_from(table, facts, uplinks);
        const RulesetChain *to = add_to(table, facts, uplinks);
        RulesetChain *forward =
                table_add_chain(table, "forward", "filter", NF_INET_FORWARD, NF_IP6_PRI_FILTER);

        RulesetRule *coming = chain_add_rule(forward);
        match_iifname(coming, NFT_CMP_EQ, facts->interface);
        rule_jump(coming, from);
        RulesetRule *going = chain_add_rule(forward);
        match_oifname(going, NFT_CMP_EQ, facts->interface);
        rule_jump(going, to);
}

static RulesetRule *add_guard(RulesetChain *chain, guint16 family)
{
        RulesetRule *rule = chain_add_rule(chain);

        if (family != NFPROTO_IPV6)
                match_family(rule, NFPROTO_IPV6);
        return rule;
}

/* The subnet's own address is the gateway as well: the anycast address of its routers. */
void chain_guard_gateway6(RulesetChain *chain, guint16 family, const char *interface,
                          const Subnet6 *subnet, const Address6 *gateway)
{
        RulesetRule *forged = add_guard(chain, family);
        match_iifname(forged, NFT_CMP_EQ, interface);
        match_subnet6(forged, FIELD_IP6_SADDR, NFT_CMP_NEQ, subnet);
        match_subnet6(forged, FIELD_IP6_SADDR, NFT_CMP_NEQ, &link_local_subnet6);
        match_address6(forged, FIELD_IP6_SADDR, NFT_CMP_NEQ, &unspecified);
        rule_verdict(forged, NF_DROP);

        /* The host hears its own groups from the NIC that it sends to them by. */
        RulesetRule *ours = add_guard(chain, family);
        match_iifname(ours, NFT_CMP_EQ, interface);
        match_address6(ours, FIELD_IP6_SADDR, NFT_CMP_EQ, gateway);
        match_subnet6(ours, FIELD_IP6_DADDR, NFT_CMP_NEQ, &multicast_subnet6);
        rule_verdict(ours, NF_DROP);

        RulesetRule *strange = add_guard(chain, family);
        match_iifname(strange, NFT_CMP_NEQ, interface);
        match_iifname(strange, NFT_CMP_NEQ, "lo");
        match_subnet6(strange, FIELD_IP6_DADDR, NFT_CMP_EQ, subnet);
        rule_verdict(strange, NF_DROP);
}

/* What the network's boards send to @port, of whomever or, without @all, of the host, comes to
 * @here. */
static void add_redirect(RulesetChain *chain, const RulesetFacts *facts, bool all, guint8 protocol,
                         guint16 port, guint16 here)
{
        RulesetRule *rule = chain_add_rule(chain);

        match_iifname(rule, NFT_CMP_EQ, facts->interface);
        if (!all)
                match_local_destination(rule);
        match_destination_port(rule, protocol, port);
        rule_redirect(rule, here);
}

/* A twin's dnsmasq has another port for IPv6 as well. */
static void add_prerouting(RulesetTable *table, const RulesetFacts *facts)
{
        const bool intercepts = facts->config->dns_intercept;
        const bool serves_time = facts->config->local_ntp.enabled;
        const guint16 dns = facts->twin ? twin_dns_port(facts->twin) : DNS_PORT;

        if (!intercepts && !serves_time && facts->twin == 0)
                return;
        RulesetChain *chain = table_add_chain(table, "prerouting", "nat", NF_INET_PRE_ROUTING,
                                              NF_IP6_PRI_NAT_DST);
        if (intercepts || facts->twin) {
                add_redirect(chain, facts, intercepts, IPPROTO_UDP, DNS_PORT, dns);
                add_redirect(chain, facts, intercepts, IPPROTO_TCP, DNS_PORT, dns);
        }
        if (serves_time)
                add_redirect(chain, facts, true, IPPROTO_UDP, NTP_PORT, NTP_PORT);
}

static void add_postrouting(RulesetTable *table, const RulesetFacts *facts, const Uplinks *uplinks)
{
        RulesetChain *chain = table_add_chain(table, "postrouting", "nat", NF_INET_POST_ROUTING,
                                              NF_IP6_PRI_NAT_SRC);

        for (guint i = 0; i < uplinks->n; i++) {
                RulesetRule *boards = chain_add_rule(chain);
                match_iifname(boards, NFT_CMP_EQ, facts->interface);
                match_oifname(boards, NFT_CMP_EQ, uplinks->names[i]);
                match_subnet6(boards, FIELD_IP6_SADDR, NFT_CMP_EQ, &facts->config->ipv6_subnet);
                rule_masquerade(boards);

                RulesetRule *own = chain_add_rule(chain);
                match_oifname(own, NFT_CMP_EQ, uplinks->names[i]);
                match_address6(own, FIELD_IP6_SADDR, NFT_CMP_EQ, &facts->config->ipv6_gateway);
                rule_masquerade(own);
        }
}

void ruleset_add_ipv6(Ruleset *ruleset, const RulesetFacts *facts, const Uplinks *uplinks)
{
        RulesetTable *table = ruleset_add_table(ruleset, NFPROTO_IPV6, facts->table);
        const NetworkConfig *config = facts->config;

        if (!config_has_ipv6(config)) {
                RulesetChain *forward = table_add_chain(table, "forward", "filter", NF_INET_FORWARD,
                                                        NF_IP6_PRI_FILTER);
                chain_drop_forwarding(forward, facts->interface);
                return;
        }
        add_forward(table, facts, uplinks);
        RulesetChain *input =
                table_add_chain(table, "input", "filter", NF_INET_LOCAL_IN, NF_IP6_PRI_FILTER);
        chain_guard_gateway6(input, NFPROTO_IPV6, facts->interface, &config->ipv6_subnet,
                             &config->ipv6_gateway);
        add_prerouting(table, facts);
        if (is_masqueraded(facts))
                add_postrouting(table, facts, uplinks);
}
