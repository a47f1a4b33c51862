/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What may pass from and to a network. All networks have one table for that, so that a packet is
 * looked up twice, by where it comes from and by where it goes, however many networks there are: a
 * base chain of each network's own would be passed by every packet of all others. The two lookups
 * lead to the chains of the networks concerned, and each judges for itself: `return` is no
 * objection, from the chains of the setting `filter` as well, which are gone to and not back from,
 * and what nobody objects to goes on. Two networks are apart because each says so.
 *
 * What belongs to a connection that has been let through is the most there is, and goes by one
 * rule, the first of either chain: its first packet was confirmed after all had judged it, and
 * translated.
 *
 * No packet leaves with a DUT's own address: what connection tracking will not translate (invalid,
 * untracked, or a connection older than the rules) is dropped before anything lets it pass. */

#include "model/ruleset.h"

#include <linux/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter_ipv4.h>

#include "model/name.h"
#include "model/ruleset-build.h"

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

        return g_strdup_printf("%s_%s", names[chain], table_suffix(table));
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
        const RulesetChain *begun, *arrived; /* where new connections go: sides, or by limits */
} Targets;

/* What is gone to comes first. @facts NULL: there are no limits. */
static Targets add_targets(RulesetTable *filter, const FilterPlace *place,
                           const RulesetFacts *facts)
{
        RulesetChain *egress = add_side(filter, FILTER_CHAIN_EGRESS, place);
        RulesetChain *ingress = add_side(filter, FILTER_CHAIN_INGRESS, place);
        bool limited = facts && facts->limited;
        const LimitChains limits = limited ? ruleset_add_limits(filter, facts, egress, ingress)
                                           : (LimitChains){ egress, ingress };

        return (Targets){
                .sides = { [FILTER_EGRESS] = egress, [FILTER_INGRESS] = ingress },
                .begun = limits.begun,
                .arrived = limits.arrived,
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

/* What must not go on, whatever else is allowed. The kernel does not look at where it comes from
 * (accept_local, rp_filter of the NIC): this does. The host can have other addresses in the subnet
 * than the gateway's: a twin's is perhaps the LAN's own. */
static void add_never(RulesetChain *from, const NetworkConfig *config)
{
        RulesetRule *forged = chain_add_rule(from);
        match_subnet(forged, FIELD_IP_SADDR, NFT_CMP_NEQ, &config->subnet);
        rule_verdict(forged, NF_DROP);

        RulesetRule *ours = chain_add_rule(from);
        match_local_source(ours);
        rule_verdict(ours, NF_DROP);

        chain_drop_strays(from);
        chain_drop_untranslated(from);

        RulesetRule *to_group = chain_add_rule(from);
        match_subnet(to_group, FIELD_IP_DADDR, NFT_CMP_EQ, &multicast_subnet);
        rule_verdict(to_group, NF_DROP);
}

/* The names' chain has been passed by before this one: what it has not marked, or could not, for
 * somebody has taken its table away, goes nowhere. */
static void add_judged(RulesetChain *egress)
{
        RulesetRule *allowed = chain_add_rule(egress);
        match_mark_bits(allowed, NAMES_MARK, NAMES_MARK);
        rule_count(allowed);
        rule_set_mark(allowed, NAMES_MARK, 0);
        rule_end(allowed, NFT_RETURN);

        rule_verdict(chain_add_rule(egress), NF_DROP);
}

/* What shows that a connection was let through: that its source was translated, which is done to
 * its first packet after all had judged it; or, where only its destination was, which is done
 * before, that it is confirmed. */
static void match_let_through(RulesetRule *rule, guint32 translated)
{
        guint32 bits = IPS_CONFIRMED | IPS_DST_NAT;

        if (translated == IPS_SRC_NAT)
                match_ct_any(rule, NFT_CT_STATUS, IPS_SRC_NAT);
        else
                match_ct_bits(rule, NFT_CT_STATUS, bits, bits);
}

static const guint32 translations[] = { IPS_SRC_NAT, IPS_DST_NAT };

/* Nobody else has a say in what goes on: an uplink is no network's NIC. The host has connections
 * of its own with the gateway's address. */
static void let_through_from(RulesetChain *from, const NetworkConfig *config, const char *uplink)
{
        for (guint i = 0; i < G_N_ELEMENTS(translations); i++) {
                RulesetRule *rule = chain_add_rule(from);
                match_oifname(rule, NFT_CMP_EQ, uplink);
                match_let_through(rule, translations[i]);
                match_subnet(rule, FIELD_IP_SADDR, NFT_CMP_EQ, &config->subnet);
                match_address(rule, FIELD_IP_SADDR, NFT_CMP_NEQ, config->gateway_ip);
                rule_verdict(rule, NF_ACCEPT);
        }
}

static void let_through_to(RulesetChain *to, const char *uplink)
{
        for (guint i = 0; i < G_N_ELEMENTS(translations); i++) {
                RulesetRule *rule = chain_add_rule(to);
                match_iifname(rule, NFT_CMP_EQ, uplink);
                match_let_through(rule, translations[i]);
                rule_verdict(rule, NF_ACCEPT);
        }
}

static void add_from(const Targets *targets, const RulesetFacts *facts, const Uplinks *uplinks)
{
        RulesetChain *from = targets->from;

        for (guint i = 0; i < uplinks->n; i++)
                let_through_from(from, facts->config, uplinks->names[i]);
        /* DUTs of this network among themselves, by a public address or, on a bridge, directly
         * (br_netfilter). Guests that are kept apart would reach each other by the gateway else. */
        RulesetRule *own = chain_add_rule(from);
        match_oifname(own, NFT_CMP_EQ, facts->interface);
        rule_verdict(own, facts->config->isolate_guests ? NF_DROP : NFT_RETURN);

        add_never(from, facts->config);
        for (guint i = 0; i < uplinks->n; i++) {
                RulesetRule *related = chain_add_rule(from);
                match_oifname(related, NFT_CMP_EQ, uplinks->names[i]);
                match_ct_any(related, NFT_CT_STATE, STATE_RELATED);
                rule_verdict(related, NFT_RETURN);
        }
        for (guint i = 0; i < uplinks->n; i++) {
                RulesetRule *egress = chain_add_rule(from);
                match_oifname(egress, NFT_CMP_EQ, uplinks->names[i]);
                rule_goto(egress, targets->begun);
        }
        rule_verdict(chain_add_rule(from), NF_DROP);
}

bool ruleset_has_ways_in(const RulesetFacts *facts)
{
        return facts->config->nat_mode == NAT_MODE_1TO1 || ruleset_has_forwards(facts);
}

/* What belongs to a connection that was let through: its translation shows that it was. And what a
 * 1:1 mapping or a forward has translated. */
static void add_to(const Targets *targets, const RulesetFacts *facts, const Uplinks *uplinks)
{
        RulesetChain *to = targets->to;

        for (guint i = 0; i < uplinks->n; i++)
                let_through_to(to, uplinks->names[i]);
        RulesetRule *own = chain_add_rule(to);
        match_iifname(own, NFT_CMP_EQ, facts->interface);
        rule_verdict(own, NFT_RETURN);

        for (guint i = 0; i < uplinks->n; i++) {
                RulesetRule *related = chain_add_rule(to);
                match_iifname(related, NFT_CMP_EQ, uplinks->names[i]);
                match_ct_any(related, NFT_CT_STATE, STATE_RELATED);
                match_ct_any(related, NFT_CT_STATUS, STATUS_TRANSLATED);
                rule_verdict(related, NFT_RETURN);
        }
        for (guint i = 0; i < uplinks->n && ruleset_has_ways_in(facts); i++) {
                RulesetRule *ingress = chain_add_rule(to);
                match_iifname(ingress, NFT_CMP_EQ, uplinks->names[i]);
                match_ct_any(ingress, NFT_CT_STATUS, IPS_DST_NAT);
                rule_goto(ingress, targets->arrived);
        }
        rule_verdict(chain_add_rule(to), NF_DROP);
}

/* The host hears its own groups and broadcasts from the NIC that it sends them to. */
static void add_inward(RulesetChain *inward, const RulesetFacts *facts)
{
        rule_drop_forged(chain_add_rule(inward), facts->interface, &facts->config->subnet);

        RulesetRule *ours = chain_add_rule(inward);
        match_local_source(ours);
        match_local_destination(ours);
        rule_verdict(ours, NF_DROP);
}

static FilterPlace place_of(const RulesetFacts *facts)
{
        return (FilterPlace){ facts->filter_table, facts->table, facts->interface, facts->limited };
}

void ruleset_add_filter(Ruleset *ruleset, const RulesetFacts *facts, const Uplinks *uplinks)
{
        const FilterPlace place = place_of(facts);
        RulesetTable *filter = ruleset_add_shared_table(ruleset, NFPROTO_IPV4, place.filter_table);
        Targets targets = add_targets(filter, &place, facts);

        for (FilterDirection i = 0; i < FILTER_DIRECTION_MAX; i++)
                if (i == FILTER_EGRESS && ruleset_has_names(facts))
                        add_judged(targets.sides[i]);
                else
                        chain_add_side(targets.sides[i], facts, NFPROTO_IPV4, i, 0);
        add_from(&targets, facts, uplinks);
        add_to(&targets, facts, uplinks);
        add_inward(targets.inward, facts);
        add_hooks(filter);
}

Ruleset *ruleset_new_filter_part(const FilterPlace *place)
{
        g_autoptr(Ruleset) ruleset = ruleset_new();
        RulesetTable *filter = ruleset_add_shared_table(ruleset, NFPROTO_IPV4, place->filter_table);

        add_targets(filter, place, NULL);
        if (place->limited)
                ruleset_add_limits_part(filter, place->table);
        return g_steal_pointer(&ruleset);
}

Ruleset *ruleset_new_closed(const FilterPlace *places, guint n)
{
        g_autoptr(Ruleset) ruleset = ruleset_new();

        for (guint i = 0; i < n; i++) {
                RulesetTable *filter =
                        ruleset_add_shared_table(ruleset, NFPROTO_IPV4, places[i].filter_table);
                Targets targets = add_targets(filter, &places[i], NULL);
                rule_verdict(chain_add_rule(targets.from), NF_DROP);
                rule_verdict(chain_add_rule(targets.to), NF_DROP);
                add_hooks(filter);
        }
        return g_steal_pointer(&ruleset);
}
