/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The filters of networks that have names in them. dnsmasq itself puts what it answers into a
 * name's set, before it answers: so that the very first packet of a board passes, and whether there
 * is a daemon or not. A table with an owner it could not write into, so they have one of their own,
 * passed before the one that judges: their chains mark what they let pass, and the network's chain
 * there (ruleset-filter.c) lets nothing pass without that mark. Who takes this table away opens
 * nothing.
 *
 * It is looked at by what is forwarded from a NIC of these networks, and by others' not further
 * than that. */

#include "model/ruleset.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter_ipv4.h>
#include <string.h>

#include "model/name.h"
#include "model/ruleset-build.h"
#include "model/twin.h"

G_STATIC_ASSERT(!(NAMES_MARK & TWIN_MARK_MASK));

#define MAP_FROM "from"

/* dnsmasq (2.90) cuts its first command to nft at 159 bytes, of which 57 are not the set's name. */
#define SET_NAME_MAX 100

bool ruleset_has_names(const RulesetFacts *facts)
{
        return nat_mode_forwards(facts->config->nat_mode) &&
               filter_has_names(facts->config->filter);
}

static const RulesetMapType set_types[NAMES_SET_MAX] = {
        [NAMES_SET_ANSWERS] = MAP_ANSWERS,
        [NAMES_SET_OWN] = MAP_ADDRESS_SET,
};

/* No table's name has a '-' in it, so those of one network begin as no other's do. */
char *names_set_prefix(NamesSet set, const char *table)
{
        return g_strdup_printf("%s_%s-", set == NAMES_SET_OWN ? "own" : "to", table_suffix(table));
}

char *names_set_name(NamesSet set, const char *table, const char *name)
{
        g_autofree char *prefix = names_set_prefix(set, table);
        g_autofree char *whole = g_strconcat(prefix, name, NULL);

        if (strlen(whole) <= SET_NAME_MAX)
                return g_steal_pointer(&whole);
        g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);
        return g_strconcat(prefix, sum, NULL);
}

char *names_chain_name(NamesChain chain, const char *table)
{
        return g_strdup_printf("%s_%s", chain == NAMES_CHAIN_FROM ? MAP_FROM : "egress",
                               table_suffix(table));
}

typedef struct Targets {
        RulesetChain *egress, *from;
} Targets;

/* What is gone to comes first. */
static Targets add_targets(RulesetTable *names, const char *table, const char *interface)
{
        g_autofree char *egress = names_chain_name(NAMES_CHAIN_EGRESS, table);
        g_autofree char *from = names_chain_name(NAMES_CHAIN_FROM, table);

        map_add_place(table_add_map(names, MAP_INTERFACE_VERDICTS, MAP_FROM), 0, interface, from);
        RulesetChain *target = table_add_target(names, egress);
        return (Targets){ .egress = target, .from = table_add_target(names, from) };
}

static void add_sets(RulesetTable *names, const RulesetFacts *facts, NamesSet set)
{
        const FilterAnswers *answers = set == NAMES_SET_OWN ? facts->own : facts->answers;
        g_autoptr(GPtrArray) all = filter_names(facts->config->filter);

        for (guint i = 0; i < all->len; i++) {
                g_autofree char *name = names_set_name(set, facts->table, all->pdata[i]);
                g_autoptr(GArray) addresses = filter_answers_of(answers, all->pdata[i]);
                RulesetMap *map = table_add_map(names, set_types[set], name);
                map->whole = true;
                for (guint j = 0; j < addresses->len; j++)
                        map_add(map, g_array_index(addresses, guint32, j), 0);
        }
}

/* Only what the network's own chain goes on to judge, a connection's first packet, so that the same
 * is counted as without names. */
static void add_from(const Targets *targets, const RulesetFacts *facts, const Uplinks *uplinks)
{
        for (guint i = 0; i < uplinks->n; i++) {
                RulesetRule *egress = chain_add_rule(targets->from);
                match_oifname(egress, NFT_CMP_EQ, uplinks->names[i]);
                match_ct_any(egress, NFT_CT_STATE, STATE_NEW);
                match_ct_bits(egress, NFT_CT_STATUS, IPS_CONFIRMED, 0);
                match_subnet(egress, FIELD_IP_SADDR, NFT_CMP_EQ, &facts->config->subnet);
                match_subnet(egress, FIELD_IP_DADDR, NFT_CMP_NEQ, &multicast_subnet);
                rule_goto(egress, targets->egress);
        }
}

static void add_egress(const Targets *targets, const RulesetFacts *facts)
{
        rule_set_mark(chain_add_rule(targets->egress), NAMES_MARK, 0); /* nobody else's counts */
        chain_add_side(targets->egress, facts, NFPROTO_IPV4, FILTER_EGRESS, NAMES_MARK);
}

void ruleset_add_names(Ruleset *ruleset, const RulesetFacts *facts, const Uplinks *uplinks)
{
        RulesetTable *names = ruleset_add_shared_table(ruleset, NFPROTO_IPV4, NAMES_TABLE);
        Targets targets = add_targets(names, facts->table, facts->interface);

        for (NamesSet set = 0; set < NAMES_SET_MAX; set++)
                add_sets(names, facts, set);
        add_egress(&targets, facts);
        add_from(&targets, facts, uplinks);
        RulesetChain *forward =
                table_add_chain(names, "forward", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER - 1);
        rule_jump_by_interface(chain_add_rule(forward), NFT_META_IIFNAME, MAP_FROM);
}

Ruleset *ruleset_new_names_chains(const char *table, const char *interface)
{
        g_autoptr(Ruleset) ruleset = ruleset_new();

        add_targets(ruleset_add_shared_table(ruleset, NFPROTO_IPV4, NAMES_TABLE), table, interface);
        return g_steal_pointer(&ruleset);
}

Ruleset *ruleset_new_names_sets(NamesSet set, const GPtrArray *sets)
{
        g_autoptr(Ruleset) ruleset = ruleset_new();
        RulesetTable *names = ruleset_add_shared_table(ruleset, NFPROTO_IPV4, NAMES_TABLE);

        for (guint i = 0; i < sets->len; i++)
                table_add_map(names, set_types[set], sets->pdata[i])->whole = true;
        return g_steal_pointer(&ruleset);
}

Ruleset *ruleset_new_own_answers(const RulesetFacts *facts)
{
        g_autoptr(Ruleset) ruleset = ruleset_new();

        add_sets(ruleset_add_shared_table(ruleset, NFPROTO_IPV4, NAMES_TABLE), facts,
                 NAMES_SET_OWN);
        return g_steal_pointer(&ruleset);
}
