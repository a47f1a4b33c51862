/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A twin's connections have its mark, those of the network that was there first have none; and both
 * are told apart from all others by the subnet. */

#include "network/connections.h"

#include "model/twin.h"
#include "network/network-private.h"
#include "util/error.h"
#include "util/log.h"

ConntrackScope connections_scope(const Network *network)
{
        return (ConntrackScope){ network->config->subnet, twin_mark(network->record->twin),
                                 TWIN_MARK_MASK };
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
        const ConntrackScope scope = connections_scope(network);
        g_autoptr(Value) list = value_new_list();
        Listing listing = { network, match, list };

        if (!network_is_up(network))
                return g_steal_pointer(&list);
        if (!conntrack_for_each(network->host->conntrack, &scope, list_one, &listing, error))
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
        const ConntrackScope scope = connections_scope(network);
        Count count = { network, 0 };

        if (network_is_up(network) &&
            !conntrack_for_each(network->host->conntrack, &scope, count_one, &count, error))
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
        const ConntrackScope scope = connections_scope(network);
        Expiry expiry = { network, match };

        *ret_n = 0;
        return !network_is_up(network) || conntrack_end_judged(network->host->conntrack, &scope,
                                                               is_to_end, &expiry, ret_n, error);
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
