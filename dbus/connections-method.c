/* SPDX-License-Identifier: GPL-2.0-or-later */

/* GetConnections and ExpireConnections. */

#include <errno.h>

#include "dbus/bus-error.h"
#include "dbus/bus-private.h"
#include "dbus/variant.h"
#include "network/connections.h"

/* What the message picks connections of @network by. */
static bool find_match(const Network *network, const Value *map, ConnectionMatch *ret_match,
                       GError **error)
{
        g_auto(ConnectionMatch) match = { 0 };

        if (!connection_match_from_value(map, &match, error) ||
            (match.board && !network_find_address(network, match.board, &match.ip, error)))
                return false;
        *ret_match = match;
        match.board = NULL;
        return true;
}

/* Returns 1 with both, 0 when the handler is to return 1, negative with @error set. */
static int read_call(Bus *bus, sd_bus_message *message, sd_bus_message_handler_t again,
                     Network **ret_network, ConnectionMatch *ret_match, sd_bus_error *error)
{
        g_autoptr(Value) map = NULL;
        g_autoptr(GError) cause = NULL;
        Network *network = bus_message_network(bus, message, error);

        if (!network)
                return -ENOENT;
        int r = variant_read_map(message, &map, &cause);
        if (r < 0)
                return cause ? bus_error_set(error, cause) : r;
        if (!find_match(network, map, ret_match, &cause))
                return bus_error_set(error, cause);
        r = bus_authorize(bus, message, network, (AuthorityObject){ 0 }, again, error);
        if (r > 0)
                *ret_network = network;
        return r;
}

int method_get_connections(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        g_auto(ConnectionMatch) match = { 0 };
        g_autoptr(GError) cause = NULL;
        sd_bus_message *reply = NULL;
        Network *network;

        int r = read_call(bus, message, method_get_connections, &network, &match, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        g_autoptr(Value) list = connections_list(network, &match, &cause);
        if (!list)
                return bus_error_set(error, cause);
        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = variant_append_maps(reply, list);
        if (r >= 0)
                r = sd_bus_send(bus->bus, reply, NULL);
        sd_bus_message_unref(reply);
        return r < 0 ? r : 1;
}

int method_expire_connections(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        g_auto(ConnectionMatch) match = { 0 };
        g_autoptr(GError) cause = NULL;
        Network *network;
        guint n;

        int r = read_call(bus, message, method_expire_connections, &network, &match, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        if (!connections_expire(network, &match, &n, &cause))
                return bus_error_set(error, cause);
        return sd_bus_reply_method_return(message, "u", n);
}
