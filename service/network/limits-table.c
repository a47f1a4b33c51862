/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What is in the kernel is found by its names, which say whose it is and for which value: so that
 * sets with what they have counted, and timeouts with the connections that have them, are kept over
 * changes and lives of the daemon, and nothing is left of values that nobody has any more. The
 * record says only whether there may be any. */

#include "network/limits-table.h"

#include "network/filter-table.h"
#include "network/network-private.h"

static RulesetFacts facts_of(const Network *network)
{
        return (RulesetFacts){
                .interface = network->interface,
                .table = network->record->table,
                .filter_table = network->record->filter_table,
                .config = network->config,
        };
}

static bool are_given(const NetworkConfig *config)
{
        for (guint i = 0; i < entries_n_addresses(config->entries); i++)
                if (limits_are_given(&entries_address_at(config->entries, i)->limits))
                        return true;
        return limits_are_given(&config->limits);
}

static bool note(Network *network, bool limited, GError **error)
{
        if (network->record->limited == limited)
                return true;
        network->record->limited = limited;
        return network_save_record(network, error);
}

bool limits_table_prepare(Network *network, GError **error)
{
        network->limited = network->limit_comes || are_given(network->config);
        return !network->limited || note(network, true, error);
}

/* Whether anybody but @ip has @limits' value of @limit. */
static bool is_in_use(const Network *network, guint32 ip, const Limits *limits, Limit limit)
{
        const NetworkConfig *config = network->config;

        for (guint i = 0; i < entries_n_addresses(config->entries); i++) {
                const AddressEntry *entry = entries_address_at(config->entries, i);
                if (entry->ip != ip && limit_equal(&entry->limits, limits, limit))
                        return true;
        }
        return limit_equal(&config->limits, limits, limit);
}

static bool exchange(Network *network, const Ruleset *gone, const Ruleset *part, GError **error)
{
        return nft_exchange(network->host->nft, gone, part, NULL) ||
               (firewall_apply(network, error) &&
                nft_exchange(network->host->nft, gone, part, error));
}

/* Where the rules are put, they have room for the first limit of an address. */
static bool exchange_with_room(Network *network, guint32 ip, const Limits *old,
                               const Limits *unused, const Limits *now, GError **error)
{
        if (!network->limited && !firewall_apply(network, error))
                return false;
        const RulesetFacts facts = facts_of(network);
        g_autoptr(Ruleset) gone = ruleset_new_limits_gone(&facts, ip, old, unused);
        g_autoptr(Ruleset) part = ruleset_new_limits_of(&facts, ip, now);
        return exchange(network, gone, part, error);
}

bool limits_table_exchange(Network *network, guint32 ip, const Limits *before, const Limits *now,
                           GError **error)
{
        Limits old = { 0 }, unused = { 0 }, new_limits = { 0 };

        if (limits_equal(before, now) || !network_is_up(network) || !network->record->table ||
            !nat_mode_forwards(network->config->nat_mode))
                return true;
        for (Limit limit = 0; limit < LIMIT_MAX; limit++) {
                if (limit_equal(before, now, limit))
                        continue;
                limit_copy(&old, before, limit);
                limit_copy(&new_limits, now, limit);
                if (limit_is_given(before, limit) && !is_in_use(network, ip, before, limit))
                        limit_copy(&unused, before, limit);
        }
        network->limit_comes = true;
        bool done = exchange_with_room(network, ip, &old, &unused, &new_limits, error);
        network->limit_comes = false;
        return done;
}

/* The chains for values of @limit that are there, but those in @but; NULL: all. */
static bool take_values(const Network *network, Limit limit, GHashTable *but, GError **error)
{
        const FilterPlace place = filter_table_place(network->record);
        g_autofree char *prefix = limits_chain_prefix(limit, place.table);
        g_autoptr(GPtrArray) chains =
                nft_list_chains(network->host->nft, place.filter_table, prefix, error);

        if (!chains)
                return false;
        for (guint i = chains->len; i-- > 0;)
                if (but && g_hash_table_contains(but, chains->pdata[i]))
                        g_ptr_array_remove_index_fast(chains, i);
        if (chains->len == 0)
                return true;
        g_autoptr(Ruleset) gone = ruleset_new_limit_chains(&place, limit, chains);
        return nft_exchange(network->host->nft, gone, NULL, error);
}

/* Those in the filter's table; a network's own table is made anew each time. */
static bool take_all_values(const Network *network, GHashTable *but, GError **error)
{
        return take_values(network, LIMIT_TIMEOUT, but, error) &&
               take_values(network, LIMIT_CONNECTIONS, but, error);
}

bool limits_table_settle(Network *network, GError **error)
{
        if (!network->record->limited || !network->record->filter_table)
                return true;
        if (!network->limited)
                return limits_table_remove(network, error);
        const RulesetFacts facts = facts_of(network);
        g_autoptr(GHashTable) wanted = ruleset_limit_chains(&facts);
        return take_all_values(network, wanted, error);
}

bool limits_table_remove(Network *network, GError **error)
{
        const FilterPlace place = filter_table_place(network->record);

        if (!network->record->limited)
                return true;
        g_autoptr(Ruleset) part = ruleset_new_limits_part(&place);
        return nft_exchange(network->host->nft, part, NULL, error) &&
               take_all_values(network, NULL, error) && limits_table_forget(network, error);
}

bool limits_table_forget(Network *network, GError **error)
{
        network->limited = false;
        return note(network, false, error);
}

void limits_table_list(const Network *network, GHashTable *parts)
{
        const RulesetFacts facts = facts_of(network);

        if (network->limited)
                ruleset_list_limits(&facts, parts);
}
