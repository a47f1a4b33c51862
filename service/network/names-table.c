/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The kernel's sets are where the answers are kept, over lives of the daemon. What is remembered of
 * them here is for those who flush rule sets, and for judging connections that have begun. What the
 * network's entries are is in sets of its own: when an entry goes, nobody else can tell whether
 * dnsmasq was answered with its address as well. */

#include "network/names-table.h"

#include "network/filter-table.h"
#include "network/network-private.h"
#include "util/log.h"

bool names_table_is_wanted(const Network *network)
{
        const NetworkConfig *config = network->config;

        return nat_mode_forwards(config->nat_mode) && filter_has_names(config->filter);
}

static bool is_in_use(const Host *host, const Network *network)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Network *other = value;
                if (other != network && other->record->names_interface)
                        return true;
        }
        return false;
}

static bool record_place(Network *network, const char *interface, GError **error)
{
        g_free(network->record->names_interface);
        network->record->names_interface = g_strdup(interface);
        return network_save_record(network, error);
}

static bool take(const Network *network, Ruleset *gone, GError **error)
{
        g_autoptr(Ruleset) owned = gone;

        return nft_exchange(network->host->nft, owned, NULL, error);
}

static bool take_chains(const Network *network, GError **error)
{
        const Record *record = network->record;

        return take(network, ruleset_new_names_chains(record->table, record->names_interface),
                    error);
}

static bool read_set(Network *network, const char *set, const char *name, GError **error)
{
        g_autoptr(GArray) addresses =
                nft_read_addresses(network->host->nft, NAMES_TABLE, set, error);

        for (guint i = 0; addresses && i < addresses->len; i++)
                filter_answers_add(network->answers, name, g_array_index(addresses, guint32, i));
        return addresses != NULL;
}

static bool read_sets(Network *network, GError **error)
{
        g_autoptr(GPtrArray) names = filter_names(network->config->filter);

        for (guint i = 0; i < names->len; i++) {
                g_autofree char *set =
                        names_set_name(NAMES_SET_ANSWERS, network->record->table, names->pdata[i]);
                if (!read_set(network, set, names->pdata[i], error))
                        return false;
        }
        return true;
}

bool names_table_prepare(Network *network, GError **error)
{
        const Record *record = network->record;

        if (!names_table_is_wanted(network))
                return true;
        if (record->names_interface && !g_str_equal(record->names_interface, network->interface) &&
            !take_chains(network, error))
                return false;
        if (g_strcmp0(record->names_interface, network->interface) != 0 &&
            !record_place(network, network->interface, error))
                return false;
        filter_answers_follow(network->answers, network->config->filter);
        return read_sets(network, error);
}

Ruleset *names_table_leftover(const Network *network)
{
        const Record *record = network->record;

        if (!record->names_interface || names_table_is_wanted(network))
                return NULL;
        return ruleset_new_names_chains(record->table, record->names_interface);
}

/* The sets of the kind @kind that are not of @wanted names. */
static bool take_sets_of(const Network *network, NamesSet kind, const GPtrArray *wanted,
                         GError **error)
{
        const char *table = network->record->table;
        g_autofree char *prefix = names_set_prefix(kind, table);
        g_autoptr(GPtrArray) sets = nft_list_sets(network->host->nft, NAMES_TABLE, prefix, error);

        for (guint i = 0; sets && i < wanted->len; i++) {
                g_autofree char *set = names_set_name(kind, table, wanted->pdata[i]);
                guint place;
                if (g_ptr_array_find_with_equal_func(sets, set, g_str_equal, &place))
                        g_ptr_array_remove_index_fast(sets, place);
        }
        return sets && (sets->len == 0 || take(network, ruleset_new_names_sets(kind, sets), error));
}

static bool take_sets(const Network *network, const GPtrArray *wanted, GError **error)
{
        for (NamesSet kind = 0; kind < NAMES_SET_MAX; kind++)
                if (!take_sets_of(network, kind, wanted, error))
                        return false;
        return true;
}

/* All but what @filter has names for. */
static void forget(Network *network, const Filter *filter)
{
        filter_answers_forget_others(network->answers, filter);
        filter_answers_forget_others(network->own, filter);
}

bool names_table_settle(Network *network, GError **error)
{
        if (!network->record->names_interface)
                return true;
        if (!names_table_is_wanted(network))
                return names_table_remove(network, error);
        g_autoptr(GPtrArray) names = filter_names(network->config->filter);
        forget(network, network->config->filter);
        return take_sets(network, names, error);
}

bool names_table_remove(Network *network, GError **error)
{
        g_autoptr(GPtrArray) none = g_ptr_array_new();

        if (!network->record->names_interface)
                return true;
        forget(network, NULL);
        if (!is_in_use(network->host, network))
                return nft_remove(network->host->nft, NAMES_TABLE, error) &&
                       record_place(network, NULL, error);
        return take_chains(network, error) && take_sets(network, none, error) &&
               record_place(network, NULL, error);
}

FilterAnswers *names_table_own(const Network *network)
{
        FilterAnswers *own = filter_answers_new();

        if (names_table_is_wanted(network))
                filter_answers_follow(own, network->config->filter);
        filter_answers_add_entries(own, network->config->entries);
        return own;
}

static Ruleset *own_part(const Network *network, const FilterAnswers *own)
{
        const RulesetFacts facts = {
                .table = network->record->table,
                .own = own,
                .config = network->config,
        };

        return ruleset_new_own_answers(&facts);
}

/* Where the sets are not as they were, all is put. */
static bool exchange_own(Network *network, const FilterAnswers *gone, const FilterAnswers *come,
                         GError **error)
{
        g_autoptr(Ruleset) old = own_part(network, gone);
        g_autoptr(Ruleset) new = own_part(network, come);

        return nft_exchange_part(network->host->nft, old, new, NULL) ||
               firewall_apply(network, error);
}

bool names_table_follow_entries(Network *network, GError **error)
{
        if (!names_table_is_wanted(network))
                return true;
        g_autoptr(FilterAnswers) own = names_table_own(network);
        g_autoptr(FilterAnswers) gone = filter_answers_without(network->own, own);
        g_autoptr(FilterAnswers) come = filter_answers_without(own, network->own);
        bool narrows = !filter_answers_are_empty(gone);

        if (!narrows && filter_answers_are_empty(come))
                return true;
        if (!exchange_own(network, gone, come, error))
                return false;
        filter_answers_free(network->own);
        network->own = g_steal_pointer(&own);
        return !narrows || filter_table_end_forbidden_ipv4(network, error);
}

void names_table_answered(Network *network, const char *changed)
{
        g_autoptr(GPtrArray) names = filter_names(network->config->filter);
        g_autoptr(GError) error = NULL;

        for (guint i = 0; network->record->names_interface && i < names->len; i++) {
                g_autofree char *set =
                        names_set_name(NAMES_SET_ANSWERS, network->record->table, names->pdata[i]);
                if (g_str_equal(set, changed) && !read_set(network, set, names->pdata[i], &error))
                        log_network_warning(network->name, "%s", error->message);
        }
}

char *names_table_print(const Network *network, GError **error)
{
        const Record *record = network->record;
        g_autoptr(GHashTable) parts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        if (!record->names_interface || !names_table_is_wanted(network))
                return g_strdup("");
        for (NamesChain chain = 0; chain < NAMES_CHAIN_MAX; chain++) {
                g_autofree char *name = names_chain_name(chain, record->table);
                g_hash_table_add(parts, g_strconcat("chain ", name, NULL));
        }
        g_autoptr(GPtrArray) names = filter_names(network->config->filter);
        for (NamesSet kind = 0; kind < NAMES_SET_MAX; kind++)
                for (guint i = 0; i < names->len; i++) {
                        g_autofree char *set = names_set_name(kind, record->table, names->pdata[i]);
                        g_hash_table_add(parts, g_strconcat("set ", set, NULL));
                }
        return nft_print_parts(NAMES_TABLE, parts, error);
}

bool names_table_forget_others(const Host *host, GError **error)
{
        return is_in_use(host, NULL) || nft_remove(host->nft, NAMES_TABLE, error);
}
