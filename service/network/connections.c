/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A twin's connections have its mark, those of the network that was there first have none; and both
 * are told apart from all others by the subnet. */

#include "network/connections.h"

#include "model/twin.h"
#include "network/network-private.h"
#include "network/twins.h"
#include "util/error.h"
#include "util/log.h"

ConntrackScope connections_scope(const Network *network)
{
        return (ConntrackScope){ network->config->subnet, twin_mark(network->record->twin),
                                 TWIN_MARK_MASK };
}

static bool for_each(const Network *network, ConntrackJudge visit, gpointer data, GError **error)
{
        g_autoptr(GArray) elsewhere = twins_elsewhere(network, error);
        ConntrackScope scope = connections_scope(network);

        scope.elsewhere = elsewhere;
        return elsewhere &&
               conntrack_for_each(network->host->conntrack, &scope, visit, data, error);
}

bool connections_end_judged(const Network *network, ConntrackJudge is_to_end, gpointer data,
                            guint *ret_n, GError **error)
{
        g_autoptr(GArray) elsewhere = twins_elsewhere(network, error);
        ConntrackScope scope = connections_scope(network);

        scope.elsewhere = elsewhere;
        return elsewhere && conntrack_end_judged(network->host->conntrack, &scope, is_to_end, data,
                                                 ret_n, error);
}

/* What is redirected to the gateway, or comes from it, is not of a board. */
static bool is_of_board(const Network *network, const Connection *connection)
{
        return connection->ip != network->config->gateway_ip;
}

typedef struct Listing {
        const Network *network;
        const ConnectionMatch *match;
        Value *list;
} Listing;

static bool list_one(const Connection *connection, gpointer data)
{
        Listing *listing = data;

        if (is_of_board(listing->network, connection) &&
            connection_matches(connection, listing->match) &&
            listing->list->items->len <= CONNECTIONS_MAX)
                value_append(listing->list, connection_to_value(connection));
        return false;
}

Value *connections_list(const Network *network, const ConnectionMatch *match, GError **error)
{
        g_autoptr(Value) list = value_new_list();
        Listing listing = { network, match, list };

        if (!network_is_up(network))
                return g_steal_pointer(&list);
        if (!for_each(network, list_one, &listing, error))
                return NULL;
        if (list->items->len > CONNECTIONS_MAX) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED,
                            "%s: there are more than %d such connections; ask for those of one "
                            "`ip`, `peer_ip` or `port`",
                            network->name, CONNECTIONS_MAX);
                return NULL;
        }
        return g_steal_pointer(&list);
}

typedef struct Count {
        const Network *network;
        guint n;
} Count;

static bool count_one(const Connection *connection, gpointer data)
{
        Count *count = data;

        count->n += is_of_board(count->network, connection);
        return false;
}

bool connections_count(const Network *network, guint *ret_n, GError **error)
{
        Count count = { network, 0 };

        if (network_is_up(network) && !for_each(network, count_one, &count, error))
                return false;
        *ret_n = count.n;
        return true;
}

typedef struct Expiry {
        const Network *network;
        const ConnectionMatch *match;
} Expiry;

static bool is_to_end(const Connection *connection, gpointer data)
{
        const Expiry *expiry = data;

        return is_of_board(expiry->network, connection) &&
               connection_matches(connection, expiry->match);
}

bool connections_expire(const Network *network, const ConnectionMatch *match, guint *ret_n,
                        GError **error)
{
        Expiry expiry = { network, match };

        *ret_n = 0;
        return !network_is_up(network) ||
               connections_end_judged(network, is_to_end, &expiry, ret_n, error);
}

void connections_end(Network *network, const Subnet *subnet, guint twin)
{
        const ConntrackScope scope = { *subnet, twin_mark(twin), TWIN_MARK_MASK };
        g_autoptr(GError) error = NULL;

        if (!conntrack_end_boards(network->host->conntrack, &scope, &error))
                log_network_warning(network->name, "%s", error->message);
}

void connections_end_ipv6(Network *network, const Subnet6 *subnet)
{
        g_autoptr(GError) error = NULL;

        if (!conntrack_end_boards6(network->host->conntrack, subnet, &error))
                log_network_warning(network->name, "%s", error->message);
}

/* A twin's have ended with its mark. */
void connections_leave(Network *network)
{
        Record *record = network->record;

        if (record->decided_gateway != 0 && record->twin == 0)
                record->left_subnet = record->decided_subnet;
}

static void save(Network *network)
{
        g_autoptr(GError) error = NULL;

        if (!network_save_record(network, &error))
                log_network_warning(network->name, "%s", error->message);
}

void connections_end_left(Network *network)
{
        Record *record = network->record;

        if (record->left_subnet.prefix == 0)
                return;
        connections_end(network, &record->left_subnet, 0);
        record->left_subnet = (Subnet){ 0 };
        save(network);
}

void connections_end_left_ipv6(Network *network)
{
        Record *record = network->record;

        if (record->ipv6_served.prefix == 0)
                return;
        connections_end_ipv6(network, &record->ipv6_served);
        record->ipv6_served = (Subnet6){ 0 };
        save(network);
}

/* Whose subnet @network has now, and whose mark, which is none. */
static bool takes_from(const Network *network, const Network *other)
{
        const Subnet *left = &other->record->left_subnet;

        return network->record->twin == 0 && left->prefix > 0 &&
               subnet_overlaps(left, &network->config->subnet);
}

static bool takes_ipv6_from(const Network *network, const Network *other)
{
        const Subnet6 *left = &other->record->ipv6_served;

        return config_has_ipv6(network->config) && left->prefix > 0 &&
               !network_has_interface(other) &&
               subnet6_overlaps(left, &network->config->ipv6_subnet);
}

void connections_take_over(Network *network)
{
        GHashTableIter iter;
        gpointer other;

        g_hash_table_iter_init(&iter, network->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &other)) {
                if (other == network)
                        continue;
                if (takes_from(network, other))
                        connections_end_left(other);
                if (takes_ipv6_from(network, other))
                        connections_end_left_ipv6(other);
        }
        if (network->record->twin != 0 || network->record->left_subnet.prefix == 0)
                return;
        network->record->left_subnet = (Subnet){ 0 };
        save(network);
}
