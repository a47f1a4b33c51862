/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The rules of one network. A chain of ours that accepts only ends itself, never another table's
 * drop; so each network's `forward` judges what comes from or goes to its own interface and leaves
 * the rest alone, and two networks are apart because each of them says so.
 *
 * No packet leaves with a DUT's own address: what connection tracking will not translate (invalid,
 * untracked, or a connection older than the table) is dropped before it is accepted. */

#include "model/ruleset.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter_ipv4.h>

#include "model/ruleset-build.h"
#include "model/twin.h"

/* As the register has ct state: NF_CT_STATE_BIT() of ip_conntrack_info and NF_CT_STATE_*_BIT. */
#define STATE_INVALID     (1 << 0)
#define STATE_ESTABLISHED (1 << 1)
#define STATE_RELATED     (1 << 2)
#define STATE_UNTRACKED   (1 << 6)

#define STATUS_TRANSLATED (IPS_SRC_NAT | IPS_DST_NAT)

static const Subnet multicast = { 0xe0000000, 4 };
#define LIMITED_BROADCAST 0xffffffff

/* What leads to the LAN: the upstream and, where it is another, the public interface. */
typedef struct Uplinks {
        const char *names[2];
        guint n;
} Uplinks;

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
static void add_dnat(RulesetTable *table, const RulesetFacts *facts, const char *name, guint32 hook)
{
        RulesetChain *chain = table_add_chain(table, name, "nat", hook, NF_IP_PRI_NAT_DST);
        RulesetRule *rule = chain_add_rule(chain);

        if (facts->twin != 0) {
                match_in_set(rule, FIELD_IP_DADDR, SET_PUBLIC);
                rule_set_ct_mark(rule, TWIN_MARK_MASK, twin_mark(facts->twin));
                rule_set_mark(rule, TWIN_MARK_MASK, twin_mark(facts->twin));
        }
        rule_nat_map(rule, NFT_NAT_DNAT, FIELD_IP_DADDR, MAP_PUBLIC_TO_PRIVATE);
}

/* What comes from the network and leaves by @uplink gets its mapping's public address, or that of
 * the uplink; and so does what the host itself sends with the gateway's. Another network's DUT may
 * have the same address. */
static void add_snat(RulesetChain *chain, const RulesetFacts *facts, const char *uplink)
{
        if (has_mappings(facts))
                rule_nat_map(add_path_rule(chain, facts->interface, uplink), NFT_NAT_SNAT,
                             FIELD_IP_SADDR, MAP_PRIVATE_TO_PUBLIC);

        RulesetRule *rest = add_path_rule(chain, facts->interface, uplink);
        match_subnet(rest, FIELD_IP_SADDR, NFT_CMP_EQ, &facts->config->subnet);
        rule_masquerade(rest);

        RulesetRule *own = chain_add_rule(chain);
        match_oifname(own, NFT_CMP_EQ, uplink);
        match_address(own, FIELD_IP_SADDR, NFT_CMP_EQ, facts->config->gateway_ip);
        rule_masquerade(own);
}

/* What has come to a public address from the same network; or from an address that the DUT would
 * look for on its own wire, where the LAN has the same subnet. */
static void add_hairpin(RulesetChain *chain, const RulesetFacts *facts)
{
        RulesetRule *mapped = add_path_rule(chain, facts->interface, facts->interface);
        match_ct_any(mapped, NFT_CT_STATUS, IPS_DST_NAT);
        rule_nat_map(mapped, NFT_NAT_SNAT, FIELD_IP_SADDR, MAP_PRIVATE_TO_PUBLIC);

        RulesetRule *rest = chain_add_rule(chain);
        match_oifname(rest, NFT_CMP_EQ, facts->interface);
        match_subnet(rest, FIELD_IP_SADDR, NFT_CMP_EQ, &facts->config->subnet);
        match_ct_any(rest, NFT_CT_STATUS, IPS_DST_NAT);
        rule_masquerade(rest);
}

static void add_postrouting(RulesetTable *table, const RulesetFacts *facts)
{
        RulesetChain *chain = table_add_chain(table, "postrouting", "nat", NF_INET_POST_ROUTING,
                                              NF_IP_PRI_NAT_SRC);
        const Subnet *subnet = &facts->config->subnet;
        Uplinks uplinks = uplinks_of(facts);

        RulesetRule *to_group = chain_add_rule(chain);
        match_subnet(to_group, FIELD_IP_SADDR, NFT_CMP_EQ, subnet);
        match_subnet(to_group, FIELD_IP_DADDR, NFT_CMP_EQ, &multicast);
        rule_verdict(to_group, NFT_RETURN);

        RulesetRule *to_all = chain_add_rule(chain);
        match_subnet(to_all, FIELD_IP_SADDR, NFT_CMP_EQ, subnet);
        match_address(to_all, FIELD_IP_DADDR, NFT_CMP_EQ, LIMITED_BROADCAST);
        rule_verdict(to_all, NFT_RETURN);

        for (guint i = 0; i < uplinks.n; i++)
                add_snat(chain, facts, uplinks.names[i]);
        if (has_mappings(facts))
                add_hairpin(chain, facts);
}

/* What must not go on, whatever else is allowed. */
static void add_never_forwarded(RulesetChain *chain, const RulesetFacts *facts)
{
        RulesetRule *forged = chain_add_rule(chain);
        match_iifname(forged, NFT_CMP_EQ, facts->interface);
        match_subnet(forged, FIELD_IP_SADDR, NFT_CMP_NEQ, &facts->config->subnet);
        rule_verdict(forged, NF_DROP);

        RulesetRule *stray = chain_add_rule(chain);
        match_iifname(stray, NFT_CMP_EQ, facts->interface);
        match_ct_any(stray, NFT_CT_STATE, STATE_INVALID | STATE_UNTRACKED);
        rule_verdict(stray, NF_DROP);

        /* A connection is translated by its first packet or never; the first itself is not
         * confirmed yet when it is here. */
        RulesetRule *untranslated = chain_add_rule(chain);
        match_iifname(untranslated, NFT_CMP_EQ, facts->interface);
        match_ct_bits(untranslated, NFT_CT_STATUS, IPS_CONFIRMED | STATUS_TRANSLATED,
                      IPS_CONFIRMED);
        rule_verdict(untranslated, NF_DROP);

        RulesetRule *to_group = chain_add_rule(chain);
        match_iifname(to_group, NFT_CMP_EQ, facts->interface);
        match_subnet(to_group, FIELD_IP_DADDR, NFT_CMP_EQ, &multicast);
        rule_verdict(to_group, NF_DROP);
}

/* What belongs to a connection that was let through; its translation shows that it was. */
static void add_established(RulesetChain *chain, const char *interface, const char *uplink)
{
        RulesetRule *out = add_path_rule(chain, interface, uplink);
        match_ct_any(out, NFT_CT_STATE, STATE_ESTABLISHED | STATE_RELATED);
        rule_verdict(out, NF_ACCEPT);

        RulesetRule *in = add_path_rule(chain, uplink, interface);
        match_ct_any(in, NFT_CT_STATE, STATE_ESTABLISHED | STATE_RELATED);
        match_ct_any(in, NFT_CT_STATUS, STATUS_TRANSLATED);
        rule_verdict(in, NF_ACCEPT);
}

static void add_egress(RulesetChain *chain, const RulesetFacts *facts, const char *uplink)
{
        rule_verdict(add_path_rule(chain, facts->interface, uplink), NF_ACCEPT);
}

static void add_ingress(RulesetChain *chain, const RulesetFacts *facts, const char *uplink)
{
        if (!has_mappings(facts))
                return;

        RulesetRule *rule = add_path_rule(chain, uplink, facts->interface);
        match_ct_any(rule, NFT_CT_STATUS, IPS_DST_NAT);
        rule_verdict(rule, NF_ACCEPT);
}

static void add_forward(RulesetTable *table, const RulesetFacts *facts)
{
        RulesetChain *chain =
                table_add_chain(table, "forward", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER);
        Uplinks uplinks = uplinks_of(facts);

        RulesetRule *others = chain_add_rule(chain);
        match_iifname(others, NFT_CMP_NEQ, facts->interface);
        match_oifname(others, NFT_CMP_NEQ, facts->interface);
        rule_verdict(others, NFT_RETURN);

        /* DUTs of this network among themselves, by a public address or, on a bridge, directly
         * (br_netfilter). */
        rule_verdict(add_path_rule(chain, facts->interface, facts->interface), NF_ACCEPT);

        add_never_forwarded(chain, facts);
        for (guint i = 0; i < uplinks.n; i++)
                add_established(chain, facts->interface, uplinks.names[i]);
        for (guint i = 0; i < uplinks.n; i++) {
                add_egress(chain, facts, uplinks.names[i]);
                add_ingress(chain, facts, uplinks.names[i]);
        }
        chain_drop_forwarding(chain, facts->interface);
}

static void add_ip_table(Ruleset *ruleset, const RulesetFacts *facts)
{
        RulesetTable *table = ruleset_add_table(ruleset, NFPROTO_IPV4, facts->table);

        if (has_mappings(facts)) {
                add_maps(table, facts->config->entries, facts->twin != 0);
                add_dnat(table, facts, "prerouting", NF_INET_PRE_ROUTING);
                add_dnat(table, facts, "output", NF_INET_LOCAL_OUT);
        }
        add_postrouting(table, facts);
        add_forward(table, facts);
        RulesetChain *input =
                table_add_chain(table, "input", "filter", NF_INET_LOCAL_IN, NF_IP_PRI_FILTER);
        rule_drop_forged(chain_add_rule(input), facts->interface, &facts->config->subnet);
}

static void add_ip6_table(Ruleset *ruleset, const RulesetFacts *facts)
{
        RulesetTable *table = ruleset_add_table(ruleset, NFPROTO_IPV6, facts->table);
        RulesetChain *forward =
                table_add_chain(table, "forward", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER);

        chain_drop_forwarding(forward, facts->interface);
}

Ruleset *ruleset_new_network(const RulesetFacts *facts)
{
        g_autoptr(Ruleset) ruleset = ruleset_new();

        if (nat_mode_forwards(facts->config->nat_mode)) {
                add_ip_table(ruleset, facts);
                add_ip6_table(ruleset, facts);
        }
        return g_steal_pointer(&ruleset);
}
