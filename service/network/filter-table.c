/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Where the record says that a network's part is, the kernel has it, or it was about to: a place is
 * written down before anything is there, and exchanged for another one after that has gone. Nothing
 * else is remembered, since a part is put whatever else is in the table. */

#include "network/filter-table.h"

#include <linux/netfilter.h>
#include <string.h>

#include "host/conntrack.h"
#include "host/ip-address.h"
#include "host/ip6-address.h"
#include "network/connections.h"
#include "network/limits-table.h"
#include "network/names-table.h"
#include "network/network-private.h"
#include "util/log.h"

const char *filter_table_name(const Host *host)
{
        return nft_owns_tables(host->nft) ? FILTER_TABLE : FILTER_TABLE_PLAIN;
}

FilterPlace filter_table_place(const Record *record)
{
        return (FilterPlace){ record->filter_table, record->table, record->filter_interface,
                              record->limited };
}

static bool is_in_place(const Network *network)
{
        const Record *record = network->record;

        return g_strcmp0(record->filter_table, filter_table_name(network->host)) == 0 &&
               g_strcmp0(record->filter_interface, network->interface) == 0;
}

static bool record_place(Network *network, const char *table, const char *interface, GError **error)
{
        Record *record = network->record;

        g_free(record->filter_table);
        g_free(record->filter_interface);
        record->filter_table = g_strdup(table);
        record->filter_interface = g_strdup(interface);
        return network_save_record(network, error);
}

/* The networks that have a part in @table, but @network (may be NULL). Borrowed from the host. */
static GPtrArray *others_in(const Host *host, const char *table, const Network *network)
{
        GPtrArray *others = g_ptr_array_new();
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Network *other = value;
                if (other != network && g_strcmp0(other->record->filter_table, table) == 0)
                        g_ptr_array_add(others, value);
        }
        return others;
}

static bool is_in_use(const Host *host, const char *table, const Network *network)
{
        g_autoptr(GPtrArray) others = others_in(host, table, network);

        return others->len > 0;
}

/* What drops all of @others'. */
static Ruleset *close_all(const GPtrArray *others)
{
        g_autofree FilterPlace *places = g_new0(FilterPlace, others->len + 1);

        for (guint i = 0; i < others->len; i++)
                places[i] = filter_table_place(((const Network *)others->pdata[i])->record);
        return ruleset_new_closed(places, others->len);
}

/* Where something is in the way that is not ours (another's table of the name, an element that
 * leads elsewhere) the table is made anew; the others are closed until they have put theirs. */
static bool put(Network *network, const Ruleset *gone, const Ruleset *rules, GError **error)
{
        Nft *nft = network->host->nft;
        const char *table = filter_table_name(network->host);
        g_autoptr(GError) in_the_way = NULL;

        if (nft_exchange(nft, gone, rules, &in_the_way))
                return true;
        g_autoptr(GPtrArray) others = others_in(network->host, table, network);
        g_autoptr(Ruleset) closed = close_all(others);
        if (!nft_apply_anew(nft, closed, rules, NULL)) {
                g_propagate_error(error, g_steal_pointer(&in_the_way));
                return false;
        }
        log_network_notice(network->name, "%s; the table was made anew", in_the_way->message);
        for (guint i = 0; i < others->len; i++)
                network_repair(others->pdata[i], NETWORK_PART_FIREWALL);
        return !gone || nft_exchange(nft, gone, NULL, error);
}

/* Moves from where the record says to where it is now. In the same table the old name goes first
 * and alone, since another network may wait for it, and have the new one still; nothing comes by
 * the old name any more. */
static bool move(Network *network, const Ruleset *gone, const Ruleset *rules, GError **error)
{
        const FilterPlace old = filter_table_place(network->record);
        g_autoptr(Ruleset) left = ruleset_new_filter_part(&old);
        g_autofree char *old_table = g_strdup(old.filter_table);
        const char *table = filter_table_name(network->host);

        if (g_str_equal(old_table, table))
                return nft_exchange(network->host->nft, left, NULL, error) &&
                       record_place(network, table, network->interface, error) &&
                       put(network, gone, rules, error);
        if (!nft_exchange(network->host->nft, left, rules, error) ||
            !record_place(network, table, network->interface, error) ||
            (gone && !nft_exchange(network->host->nft, gone, NULL, error)))
                return false;
        return is_in_use(network->host, old_table, NULL) ||
               nft_remove(network->host->nft, old_table, error);
}

bool filter_table_apply(Network *network, const Ruleset *gone, const Ruleset *rules, GError **error)
{
        if (network->record->filter_table && !is_in_place(network))
                return move(network, gone, rules, error);
        if (!network->record->filter_table &&
            !record_place(network, filter_table_name(network->host), network->interface, error))
                return false;
        return put(network, gone, rules, error);
}

static bool take_part(Network *network, GError **error)
{
        Nft *nft = network->host->nft;
        const FilterPlace place = filter_table_place(network->record);

        if (!is_in_use(network->host, place.filter_table, network))
                return nft_remove(nft, place.filter_table, error) &&
                       limits_table_forget(network, error);
        g_autoptr(Ruleset) gone = ruleset_new_filter_part(&place);
        return nft_exchange(nft, gone, NULL, error) && limits_table_remove(network, error);
}

bool filter_table_remove(Network *network, GError **error)
{
        if (!network->record->filter_table)
                return true;
        return take_part(network, error) && record_place(network, NULL, NULL, error);
}

char *filter_table_print(const Network *network, GError **error)
{
        const Record *record = network->record;
        g_autoptr(GHashTable) parts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        if (!record->filter_table)
                return g_strdup("");
        for (FilterChain chain = 0; chain < FILTER_CHAIN_MAX; chain++) {
                g_autofree char *name = filter_chain_name(chain, record->table);
                g_hash_table_add(parts, g_strconcat("chain ", name, NULL));
        }
        limits_table_list(network, parts);
        g_autofree char *filter = nft_print_parts(record->filter_table, parts, error);
        g_autofree char *names = filter ? names_table_print(network, error) : NULL;
        return names ? g_strconcat(filter, names, NULL) : NULL;
}

/* @comment is "egress 1" or "egress policy" (ruleset-filter.c); a rule of several ports is several
 * of the kernel's. */
static void add_counted(const char *comment, guint64 packets, guint64 bytes, gpointer data)
{
        Value *side = data;
        const Value *rules = value_get(side, "rules");
        const char *number = strchr(comment, ' ');
        guint64 nth = number ? g_ascii_strtoull(number, NULL, 10) : 0;
        bool is_policy = nth == 0 || nth > rules->items->len;
        Value *map = is_policy ? side : rules->items->pdata[nth - 1];
        const char *keys[] = { is_policy ? "policy_packets" : "packets",
                               is_policy ? "policy_bytes" : "bytes" };
        const guint64 counted[] = { packets, bytes };

        for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
                const Value *before = value_get(map, keys[i]);
                gint64 sum = (before ? before->number : 0) + (gint64)counted[i];
                value_set(map, keys[i], value_new_number(sum));
        }
}

/* The same of its table of IPv6. */
static bool count_ipv6(const Network *network, FilterDirection direction, const Value *side,
                       GError **error)
{
        const char *chain = ruleset_ipv6_chain(network->config, direction);

        return !chain || nft_read_counters(network->host->nft, NFPROTO_IPV6, network->record->table,
                                           chain, add_counted, (gpointer)side, error);
}

Value *filter_table_counted(const Network *network, GError **error)
{
        static const FilterChain chains[FILTER_DIRECTION_MAX] = {
                [FILTER_EGRESS] = FILTER_CHAIN_EGRESS,
                [FILTER_INGRESS] = FILTER_CHAIN_INGRESS,
        };
        const Record *record = network->record;
        g_autoptr(Value) map = filter_to_value(network->config->filter);

        if (!map)
                return value_new_map();
        for (FilterDirection i = 0; record->filter_table && i < FILTER_DIRECTION_MAX; i++) {
                const Value *side = value_get(map, filter_direction_to_string(i));
                bool by_name = i == FILTER_EGRESS && names_table_is_wanted(network);
                const char *table = by_name ? NAMES_TABLE : record->filter_table;
                g_autofree char *chain =
                        by_name ? names_chain_name(NAMES_CHAIN_EGRESS, record->table)
                                : filter_chain_name(chains[i], record->table);
                if (side && (!nft_read_counters(network->host->nft, NFPROTO_IPV4, table, chain,
                                                add_counted, (gpointer)side, error) ||
                             !count_ipv6(network, i, side, error)))
                        return NULL;
        }
        return g_steal_pointer(&map);
}

typedef struct Judged {
        const Filter *filter;
        FilterKnown known;
        GHashTable *own; /* the host's addresses */
} Judged;

/* What the host itself has begun is nobody's to forbid, and what is redirected to it is not
 * forwarded. */
static bool is_forbidden(const Connection *connection, gpointer data)
{
        const Judged *judged = data;
        const FilterFlow flow = connection_flow(connection);

        if (connection->direction == FILTER_INGRESS &&
            (g_hash_table_contains(judged->own, GUINT_TO_POINTER(flow.source)) ||
             g_hash_table_contains(judged->own, GUINT_TO_POINTER(flow.destination))))
                return false;
        return !filter_allows(judged->filter, &judged->known, connection->direction, &flow);
}

typedef struct Judged6 {
        const NetworkConfig *config;
        GHashTable *own; /* Address6 */
} Judged6;

/* The same of IPv6, where a connection need not be translated to be forwarded. */
static bool is_forbidden6(FilterDirection direction, const FilterFlow *flow, gpointer data)
{
        const Judged6 *judged = data;

        if (g_hash_table_contains(judged->own, &flow->source6) ||
            g_hash_table_contains(judged->own, &flow->destination6))
                return false;
        return !ruleset_ipv6_chain(judged->config, direction) ||
               !filter_allows(judged->config->filter, NULL, direction, flow);
}

/* Without a filter, too, the LAN may begin nothing; where all is translated, what it has begun is
 * not, and so is stopped by the rules. */
static bool end_forbidden6(const Network *network, GError **error)
{
        const NetworkConfig *config = network->config;
        g_autoptr(GHashTable) own = g_hash_table_new(address6_hash, address6_same);
        Judged6 judged = { config, own };

        if (!config_forwards_ipv6(config) ||
            (!config->filter && config->ipv6_nat == IPV6_NAT_MASQUERADE))
                return true;
        g_autoptr(GArray) addresses = ip6_address_list(network->host->rtnl, 0, error);
        if (!addresses)
                return false;
        for (guint i = 0; i < addresses->len; i++)
                g_hash_table_add(own, &g_array_index(addresses, Ip6Address, i).address);
        return conntrack_end_judged6(network->host->conntrack, &config->ipv6_subnet, is_forbidden6,
                                     &judged, error);
}

bool filter_table_end_forbidden_ipv4(const Network *network, GError **error)
{
        const Host *host = network->host;
        g_autoptr(GHashTable) own = g_hash_table_new(NULL, NULL);
        Judged judged = { network->config->filter, { network->answers, network->own }, own };

        if (!judged.filter)
                return true;
        g_autoptr(GArray) addresses = ip_address_list(host->rtnl, 0, error);
        if (!addresses)
                return false;
        for (guint i = 0; i < addresses->len; i++)
                g_hash_table_add(own,
                                 GUINT_TO_POINTER(g_array_index(addresses, IpAddress, i).address));
        return connections_end_judged(network, is_forbidden, &judged, NULL, error);
}

bool filter_table_end_forbidden(const Network *network, GError **error)
{
        return filter_table_end_forbidden_ipv4(network, error) && end_forbidden6(network, error);
}

bool filter_table_forget_others(const Host *host, GError **error)
{
        static const char *const tables[] = { FILTER_TABLE, FILTER_TABLE_PLAIN };

        for (guint i = 0; i < G_N_ELEMENTS(tables); i++)
                if (!is_in_use(host, tables[i], NULL) && !nft_remove(host->nft, tables[i], error))
                        return false;
        return true;
}
