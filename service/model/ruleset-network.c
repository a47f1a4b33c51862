/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The rules of one network: how its packets are translated, in a table of its own, and its part of
 * the table that says what may pass (ruleset-filter.c). Chains of type nat see a connection's first
 * packet alone, so that others' connections pass them once. */

#include "model/ruleset.h"

#include <linux/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter_ipv4.h>

#include "model/ruleset-build.h"
#include "model/twin.h"

#define DNS_PORT 53
#define NTP_PORT 123

static Uplinks uplinks_of(const RulesetFacts *facts)
{
        Uplinks uplinks = { 0 };

        if (!facts->upstream)
                return uplinks;
        uplinks.names[uplinks.n++] = facts->upstream;
        if (facts->public_interface && !g_str_equal(facts->public_interface, facts->upstream))
                uplinks.names[uplinks.n++] = facts->public_interface;
        return uplinks;
}

static bool has_mappings(const RulesetFacts *facts)
{
        return facts->config->nat_mode == NAT_MODE_1TO1;
}

static RulesetRule *add_path_rule(RulesetChain *chain, const char *from, const char *to)
{
        RulesetRule *rule = chain_add_rule(chain);

        match_iifname(rule, NFT_CMP_EQ, from);
        match_oifname(rule, NFT_CMP_EQ, to);
        return rule;
}

static void add_maps(RulesetTable *table, const Entries *entries, bool is_twin)
{
        RulesetMap *to_private = table_add_map(table, MAP_ADDRESSES, MAP_PUBLIC_TO_PRIVATE);
        RulesetMap *to_public = table_add_map(table, MAP_ADDRESSES, MAP_PRIVATE_TO_PUBLIC);
        RulesetMap *publics = is_twin ? table_add_map(table, MAP_ADDRESS_SET, SET_PUBLIC) : NULL;

        for (guint i = 0; i < entries_n_addresses(entries); i++) {
                const AddressEntry *entry = entries_address_at(entries, i);
                if (entry->public_ip == 0)
                        continue;
                map_add(to_private, entry->public_ip, entry->ip);
                map_add(to_public, entry->ip, entry->public_ip);
                if (publics)
                        map_add(publics, entry->public_ip, 0);
        }
}

/* From any interface: what another network's DUT sends to a public address is translated as well,
 * and then dropped in `forward`, rather than reach the host. What is for a twin is marked first: it
 * is routed by its mark, here by the packet's own, later by the connection's. */
static void add_dnat(RulesetChain *chain, const RulesetFacts *facts)
{
        RulesetRule *rule = chain_add_rule(chain);

        if (facts->twin != 0) {
                match_in_set(rule, FIELD_IP_DADDR, SET_PUBLIC);
                rule_set_ct_mark(rule, TWIN_MARK_MASK, twin_mark(facts->twin));
                rule_set_mark(rule, TWIN_MARK_MASK, twin_mark(facts->twin));
        }
        rule_nat_map(rule, NFT_NAT_DNAT, FIELD_IP_DADDR, MAP_PUBLIC_TO_PRIVATE);
}

/* What the network's boards send to @port of anybody but the gateway comes to the gateway's
 * @here: the address that a redirection leads to is the NIC's first one. */
static void add_redirect(RulesetChain *chain, const RulesetFacts *facts, guint8 protocol,
                         guint16 port, guint16 here)
{
        RulesetRule *rule = chain_add_rule(chain);

        match_iifname(rule, NFT_CMP_EQ, facts->interface);
        match_address(rule, FIELD_IP_DADDR, NFT_CMP_NEQ, facts->config->gateway_ip);
        match_destination_port(rule, protocol, port);
        rule_redirect(rule, here);
}

static RulesetChain *add_nat_chain(RulesetTable *table, const char *name, guint32 hook)
{
        return table_add_chain(table, name, "nat", hook, NF_IP_PRI_NAT_DST);
}

/* What is redirected goes before the mappings: no board's public address is a name or time server
 * to another board. Each twin's time server has the same port: it is bound to its NIC. */
static void add_prerouting(RulesetTable *table, const RulesetFacts *facts)
{
        const bool intercepts = facts->config->dns_intercept;
        const bool serves_time = facts->config->local_ntp.enabled;
        const guint16 dns = facts->twin ? twin_dns_port(facts->twin) : DNS_PORT;

        if (!intercepts && !serves_time && !has_mappings(facts))
                return;
        RulesetChain *chain = add_nat_chain(table, "prerouting", NF_INET_PRE_ROUTING);
        if (intercepts) {
                add_redirect(chain, facts, IPPROTO_UDP, DNS_PORT, dns);
                add_redirect(chain, facts, IPPROTO_TCP, DNS_PORT, dns);
        }
        if (serves_time)
                add_redirect(chain, facts, IPPROTO_UDP, NTP_PORT, NTP_PORT);
        if (has_mappings(facts))
                add_dnat(chain, facts);
}

static void add_way_in(RulesetChain *chain, const char *interface, const RulesetChain *forwards)
{
        RulesetRule *rule = chain_add_rule(chain);

        match_iifname(rule, NFT_CMP_EQ, interface);
        rule_goto(rule, forwards);
}

/* From the LAN, from the network's own boards, from the host. */
static void add_forwards(RulesetTable *table, const RulesetFacts *facts, const Uplinks *uplinks)
{
        const RulesetChain *forwards = ruleset_add_forwards(table, facts);
        RulesetChain *in = table_add_chain(table, "forwards_in", "nat", NF_INET_PRE_ROUTING,
                                           FORWARDS_PRIORITY);
        RulesetChain *out =
                table_add_chain(table, "forwards_out", "nat", NF_INET_LOCAL_OUT, FORWARDS_PRIORITY);

        for (guint i = 0; i < uplinks->n; i++)
                add_way_in(in, uplinks->names[i], forwards);
        add_way_in(in, facts->interface, forwards);
        rule_goto(chain_add_rule(out), forwards);
}

/* What comes from the network and leaves by @uplink gets its mapping's public address, or that of
 * the uplink, with ports of its range, and so does what the host itself sends with the gateway's.
 * Another network's DUT may
 * have the same address. */
static void add_snat(RulesetChain *chain, const RulesetFacts *facts, const char *uplink,
                     const RulesetChain *ports)
{
        if (has_mappings(facts))
                rule_nat_map(add_path_rule(chain, facts->interface, uplink), NFT_NAT_SNAT,
                             FIELD_IP_SADDR, MAP_PRIVATE_TO_PUBLIC);

        if (facts->limited)
                rule_turn_by_address(add_path_rule(chain, facts->interface, uplink), FIELD_IP_SADDR,
                                     MAP_NAT_PORTS);

        RulesetRule *rest = add_path_rule(chain, facts->interface, uplink);
        match_subnet(rest, FIELD_IP_SADDR, NFT_CMP_EQ, &facts->config->subnet);
        if (ports)
                rule_goto(rest, ports);
        else
                rule_masquerade(rest);

        RulesetRule *own = chain_add_rule(chain);
        match_oifname(own, NFT_CMP_EQ, uplink);
        match_address(own, FIELD_IP_SADDR, NFT_CMP_EQ, facts->config->gateway_ip);
        rule_masquerade(own);
}

/* What has come to a public address, or a forward, from the same network; or from an address that
 * the DUT would look for on its own wire, where the LAN has the same subnet. */
static void add_hairpin(RulesetChain *chain, const RulesetFacts *facts)
{
        if (has_mappings(facts)) {
                RulesetRule *mapped = add_path_rule(chain, facts->interface, facts->interface);
                match_ct_any(mapped, NFT_CT_STATUS, IPS_DST_NAT);
                rule_nat_map(mapped, NFT_NAT_SNAT, FIELD_IP_SADDR, MAP_PRIVATE_TO_PUBLIC);
        }

        RulesetRule *rest = chain_add_rule(chain);
        match_oifname(rest, NFT_CMP_EQ, facts->interface);
        match_subnet(rest, FIELD_IP_SADDR, NFT_CMP_EQ, &facts->config->subnet);
        match_ct_any(rest, NFT_CT_STATUS, IPS_DST_NAT);
        rule_masquerade(rest);
}

static void add_postrouting(RulesetTable *table, const RulesetFacts *facts, const Uplinks *uplinks)
{
        const RulesetChain *ports = ruleset_add_port_ranges(table, facts);
        RulesetChain *chain = table_add_chain(table, "postrouting", "nat", NF_INET_POST_ROUTING,
                                              NF_IP_PRI_NAT_SRC);
        const Subnet *subnet = &facts->config->subnet;

        RulesetRule *to_group = chain_add_rule(chain);
        match_subnet(to_group, FIELD_IP_SADDR, NFT_CMP_EQ, subnet);
        match_subnet(to_group, FIELD_IP_DADDR, NFT_CMP_EQ, &multicast_subnet);
        rule_verdict(to_group, NFT_RETURN);

        RulesetRule *to_all = chain_add_rule(chain);
        match_subnet(to_all, FIELD_IP_SADDR, NFT_CMP_EQ, subnet);
        match_address(to_all, FIELD_IP_DADDR, NFT_CMP_EQ, LIMITED_BROADCAST);
        rule_verdict(to_all, NFT_RETURN);

        for (guint i = 0; i < uplinks->n; i++)
                add_snat(chain, facts, uplinks->names[i], ports);
        if (has_mappings(facts) || ruleset_has_forwards(facts))
                add_hairpin(chain, facts);
}

static void add_ip_table(Ruleset *ruleset, const RulesetFacts *facts, const Uplinks *uplinks)
{
        RulesetTable *table = ruleset_add_table(ruleset, NFPROTO_IPV4, facts->table);

        if (has_mappings(facts))
                add_maps(table, facts->config->entries, facts->twin != 0);
        add_prerouting(table, facts);
        if (has_mappings(facts))
                add_dnat(add_nat_chain(table, "output", NF_INET_LOCAL_OUT), facts);
        if (ruleset_has_forwards(facts))
                add_forwards(table, facts, uplinks);
        add_postrouting(table, facts, uplinks);
}

Ruleset *ruleset_new_network(const RulesetFacts *facts)
{
        g_autoptr(Ruleset) ruleset = ruleset_new();
        const Uplinks uplinks = uplinks_of(facts);

        if (nat_mode_forwards(facts->config->nat_mode)) {
                add_ip_table(ruleset, facts, &uplinks);
                ruleset_add_ipv6(ruleset, facts, &uplinks);
                ruleset_add_filter(ruleset, facts, &uplinks);
        }
        if (ruleset_has_names(facts)) {
                ruleset_add_names(ruleset, facts, &uplinks);
        }
        return g_steal_pointer(&ruleset);
}
