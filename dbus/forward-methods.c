/* SPDX-License-Identifier: GPL-2.0-or-later */

/* AddForward and RemoveForward. Both take a forward as a mapping, as the settings and the property
 * Forwards have it. */

#include <errno.h>

#include "dbus/bus-error.h"
#include "dbus/bus-private.h"
#include "dbus/variant.h"

/* polkit's rules see which port of the host it is, and which protocol. As authorize() in
 * network-object.c otherwise. */
static int authorize(Bus *bus, sd_bus_message *message, const Forward *forward,
                     sd_bus_message_handler_t again, Network **ret_network, sd_bus_error *error)
{
        Network *network = bus_message_network(bus, message, error);

        if (!network)
                return -ENOENT;
        g_autofree char *ports = port_range_to_string(&forward->ports);
        const AuthorityObject object = { .port = ports,
                                         .protocol = forward_protocol_name(forward) };
        int r = bus_authorize(bus, message, network, object, again, error);
        if (r > 0)
                *ret_network = network;
        return r;
}

int method_add_forward(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        Network *network;
        g_autoptr(Value) map = NULL;
        g_autoptr(GError) cause = NULL;

        int r = variant_read_map(message, &map, &cause);
        if (r < 0)
                return cause ? bus_error_set(error, cause) : r;
        g_autoptr(Forward) forward = forward_from_value("", map, &cause);
        if (!forward)
                return bus_error_set(error, cause);
        r = authorize(bus, message, forward, method_add_forward, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        network_put_forward(network, g_steal_pointer(&forward), call_network_done,
                            call_new(bus, message));
        return 1;
}

int method_remove_forward(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        Network *network;
        g_autoptr(Value) map = NULL;
        g_autoptr(GError) cause = NULL;

        int r = variant_read_map(message, &map, &cause);
        if (r < 0)
                return cause ? bus_error_set(error, cause) : r;
        g_autoptr(Forward) key = forward_key_from_value(map, &cause);
        if (!key)
                return bus_error_set(error, cause);
        r = authorize(bus, message, key, method_remove_forward, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        network_remove_forward(network, g_steal_pointer(&key), call_network_done,
                               call_new(bus, message));
        return 1;
}
