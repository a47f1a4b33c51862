/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The network's nftables tables, replaced as a whole in one transaction with its part of the
 * filter; or, without NAT, its place in the guard. Claims the table's name: two interfaces' names
 * can meet. A table keeps its name when its interface is renamed.
 *
 * Public addresses come after their mappings, and so go before them: here, not in their own step.
 */

#include "network/network-private.h"

#include "model/name.h"
#include "model/ruleset.h"
#include "network/answerers.h"
#include "network/connections.h"
#include "network/filter-table.h"
#include "network/forwards.h"
#include "network/limits-table.h"
#include "network/names-table.h"
#include "network/public.h"
#include "util/error.h"

/* More interfaces than this whose names meet are a mistake. */
#define MAX_SUFFIX 1000

static bool claim_table(Network *network, GError **error)
{
        Record *record = network->record;
        GHashTable *tables = network->host->tables;

        if (record->table)
                return true;
        g_autofree char *name = table_name(network->interface);
        for (guint nth = 2; g_hash_table_contains(tables, name); nth++) {
                if (nth > MAX_SUFFIX) {
                        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                                    "no free table name like %s", name);
                        return false;
                }
                g_free(name);
                name = table_name_with_suffix(network->interface, nth);
        }
        g_hash_table_insert(tables, g_strdup(name), g_strdup(network->name));
        record->table = g_steal_pointer(&name);
        return network_save_record(network, error);
}

static Ruleset *build_rules(const Network *network, const FilterAnswers *own)
{
        g_autoptr(GArray) forwards = forwards_routes(network);
        RulesetFacts facts = {
                .interface = network->interface,
                .table = network->record->table,
                .filter_table = filter_table_name(network->host),
                .upstream = network->upstream,
                .public_interface = network->public_interface,
                .twin = network->record->twin,
                .answers = network->answers,
                .own = own,
                .forwards = forwards,
                .limited = network->limited,
                .config = network->config,
        };
        return ruleset_new_network(&facts);
}

/* Before the address is there, and the routes. */
static bool put_gateway(Network *network, GError **error)
{
        unsigned changes = network->run.changes;
        bool is_repair = (changes & NETWORK_PART_GATEWAYS) && !(changes & STEP_CHANGE_UP);
        GatewayPlace place = { network->interface, network->config->gateway_ip,
                               network->record->twin };

        if (!is_repair && gateways_has(network->host->gateways, network->name, &place))
                return true;
        return gateways_put(network->host->gateways, network->name, &place, error);
}

static bool exchange_rules(Network *network, GError **error)
{
        if (!names_table_prepare(network, error) || !limits_table_prepare(network, error))
                return false;
        g_autoptr(FilterAnswers) own = names_table_own(network);
        g_autoptr(Ruleset) rules = build_rules(network, own);
        g_autoptr(Ruleset) leftover = names_table_leftover(network);
        if (!filter_table_apply(network, leftover, rules, error))
                return false;
        filter_answers_free(network->own);
        network->own = g_steal_pointer(&own);
        return true;
}

/* Into the guard before the tables that translated go, out of it after they have come. */
bool firewall_apply(Network *network, GError **error)
{
        Host *host = network->host;
        const NetworkConfig *config = network->config;

        if (nat_mode_forwards(config->nat_mode))
                return exchange_rules(network, error) &&
                       guard_remove(host->guard, network->name, error);

        GuardedNetwork guarded = { network->interface, config->subnet, config->ipv6_subnet,
                                   config->ipv6_gateway };
        g_autoptr(Ruleset) leftover = names_table_leftover(network);
        return guard_add(host->guard, network->name, &guarded, error) &&
               nft_remove(host->nft, network->record->table, error) &&
               filter_table_remove(network, error) &&
               (!leftover || nft_exchange(host->nft, leftover, NULL, error));
}

/* What a DUT began while somebody had taken the rules away goes out untranslated, or is dropped now
 * for as long as it lasts: it begins anew. So does, by IPv6, what it began when that was routed. Of
 * a twin, the host may have hosts of the same subnet. */
static bool end_strays(Network *network, GError **error)
{
        unsigned changes = network->run.changes;
        const ConntrackScope scope = connections_scope(network);
        const NetworkConfig *config = network->config;
        Conntrack *conntrack = network->host->conntrack;

        if ((changes & STEP_CHANGE_UP) || !nat_mode_forwards(config->nat_mode))
                return true;
        if ((changes & (NETWORK_PART_FIREWALL | CONFIG_CHANGE_RULES)) && config_has_ipv6(config) &&
            config->ipv6_nat == IPV6_NAT_MASQUERADE &&
            !conntrack_end_untranslated_from6(conntrack, &config->ipv6_subnet, error))
                return false;
        return !(changes & NETWORK_PART_FIREWALL) ||
               conntrack_end_untranslated_from(conntrack, &scope, error);
}

/* Where entries or forwards alone have changed, questions are led as they were. */
static bool end_misled(Network *network, GError **error)
{
        const unsigned touching = STEP_CHANGE_UP | CONFIG_CHANGE_RULES | NETWORK_PART_FIREWALL;

        return !(network->run.changes & touching) || answerers_end_misled(network, error);
}

/* With the forwards that were claimed. */
static bool put_rules(Network *network, GError **error)
{
        g_autoptr(GPtrArray) before = forwards_take_claimed(network);

        if (!firewall_apply(network, error)) {
                forwards_give_back(network, g_steal_pointer(&before));
                return false;
        }
        if (before)
                forwards_put(network, before);
        return true;
}

void firewall_start(Network *network)
{
        GError *error = NULL;

        if (claim_table(network, &error) && put_gateway(network, &error) &&
            public_take_lost_off(network, &error) && answerers_expect(network, &error) &&
            put_rules(network, &error) && end_misled(network, &error) &&
            filter_table_end_forbidden(network, &error))
                (void)end_strays(network, &error); /* `error` says how it went */
        step_done(network, error);
}

void firewall_undo(Network *network)
{
        Record *record = network->record;
        bool had_rules = record->table != NULL;
        GError *error = NULL;

        forwards_adopt(network);
        /* The filter, which lets nothing pass untranslated, outlives what translates. */
        if (record->table && nft_remove(network->host->nft, record->table, &error) &&
            filter_table_remove(network, &error) && names_table_remove(network, &error)) {
                g_hash_table_remove(network->host->tables, record->table);
                g_clear_pointer(&record->table, g_free);
                (void)network_save_record(network, &error); /* `error` says how it went */
        }
        forwards_clear(network, had_rules && !error);
        (void)guard_remove(network->host->guard, network->name, error ? NULL : &error);
        (void)gateways_remove(network->host->gateways, network->name, error ? NULL : &error);
        step_done(network, error);
}
