/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What may pass from and to a network. All networks have one table for that, so that a packet is
 * looked up twice, by where it comes from and by where it goes, however many networks there are: a
 * base chain of each network's own would be passed by every packet of all others. The two lookups
 * lead to the chains of the networks concerned, and each judges for itself: `return` is no
 * objection, and what nobody objects to goes on. Two networks are apart because each says so.
 *
 * No packet leaves with a DUT's own address: what connection tracking will not translate (invalid,
 * untracked, or a connection older than the rules) is dropped before anything lets it pass. */

#include "model/ruleset.h"

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

#define MAP_FROM   "from"   /* from a NIC to the chain for what comes from it and is forwarded */
#define MAP_TO     "to"     /* the same for what is forwarded to it */
#define MAP_INWARD "inward" /* and for what comes from it and is for the host */

char *filter_chain_name(FilterChain chain, const char *table)
{
        static const char *const maps[] = {
                [FILTER_CHAIN_FROM] = MAP_FROM,
                [FILTER_CHAIN_TO] = MAP_TO,
                [FILTER_CHAIN_INWARD] = MAP_INWARD,
        };
        G_STATIC_ASSERT(G_N_ELEMENTS(maps) == FILTER_CHAIN_MAX);

        if (g_str_has_prefix(table, TABLE_PREFIX))
                table += strlen(TABLE_PREFIX);
        return g_strdup_printf("%s_%s", maps[chain], table);
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

typedef struct Targets {
        RulesetChain *from, *to, *inward;
} Targets;

static Targets add_targets(RulesetTable *filter, const FilterPlace *place)
{
        return (Targets){
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

static void add_from(RulesetChain *from, const RulesetFacts *facts, const Uplinks *uplinks)
{
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
                rule_verdict(egress, NFT_RETURN);
        }
        rule_verdict(chain_add_rule(from), NF_DROP);
}

/* What belongs to a connection that was let through: its translation shows that it was. And, with
 * 1:1 mappings, what a mapping has translated. */
static void add_to(RulesetChain *to, const RulesetFacts *facts, const Uplinks *uplinks)
{
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
        for (guint i = 0; i < uplinks->n && facts->config->nat_mode == NAT_MODE_1TO1; i++) {
                RulesetRule *ingress = chain_add_rule(to);
                match_iifname(ingress, NFT_CMP_EQ, uplinks->names[i]);
                match_ct_any(ingress, NFT_CT_STATUS, IPS_DST_NAT);
                rule_verdict(ingress, NFT_RETURN);
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

        add_from(targets.from, facts, uplinks);
        add_to(targets.to, facts, uplinks);
        rule_drop_forged(chain_add_rule(targets.inward), facts->interface, &facts->config->subnet);
        add_hooks(filter);
}

Ruleset *ruleset_new_filter_part(const FilterPlace *place)
{
        g_autoptr(Ruleset) ruleset = ruleset_new();

        add_targets(ruleset_add_shared_table(ruleset, NFPROTO_IPV4, place->filter_table), place);
        return g_steal_pointer(&ruleset);
}
