/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Property getters. Reads are open to everybody and never ask polkit. */

#include "dbus/network-properties.h"

#include <errno.h>

#include "dbus/bus-error.h"
#include "dbus/bus-private.h"
#include "dbus/variant.h"
#include "network/connections.h"
#include "util/log.h"

/* The network of the object that is read. */
static const Network *find(Bus *bus, const char *path)
{
        g_autofree char *name = NULL;

        if (sd_bus_path_decode(path, BUS_PATH, &name) <= 0)
                return NULL;
        return manager_find(bus->manager, name);
}

/* The text of @property. The caller's. */
static char *text_of(const Network *network, const char *property)
{
        const NetworkConfig *config = network_config(network);

        if (g_str_equal(property, "Interface"))
                return g_strdup(network_interface(network));
        if (g_str_equal(property, "Name"))
                return g_strdup(network_name(network));
        if (g_str_equal(property, "State"))
                return g_strdup(network_state_to_string(network_state(network)));
        if (g_str_equal(property, "Error"))
                return g_strdup(network_error(network));
        if (g_str_equal(property, "Subnet"))
                return subnet_to_string(&config->subnet);
        if (g_str_equal(property, "GatewayIp"))
                return address_to_string(config->gateway_ip);
        if (g_str_equal(property, "Ipv6Subnet"))
                return status_ipv6_subnet(config);
        if (g_str_equal(property, "Ipv6Gateway"))
                return status_ipv6_gateway(config);
        if (g_str_equal(property, "UpstreamInterface"))
                return g_strdup(network_upstream(network));
        if (g_str_equal(property, "PublicInterface"))
                return g_strdup(network_public_interface(network));
        if (g_str_equal(property, "NatMode"))
                return g_strdup(nat_mode_to_string(config->nat_mode));
        if (g_str_equal(property, "StateDir"))
                return g_strdup(config->state_dir);
        if (g_str_equal(property, "Origin"))
                return g_strdup(network_origin(network));
        g_assert_not_reached();
}

int network_get_text(sd_bus *connection, const char *path, const char *interface,
                     const char *property, sd_bus_message *reply, void *userdata,
                     sd_bus_error *error)
{
        const Network *network = find(userdata, path);
        if (!network)
                return -ENOENT;
        g_autofree char *text = text_of(network, property);
        return sd_bus_message_append(reply, "s", text);
}

int network_get_dhcp_enabled(sd_bus *connection, const char *path, const char *interface,
                             const char *property, sd_bus_message *reply, void *userdata,
                             sd_bus_error *error)
{
        const Network *network = find(userdata, path);
        if (!network)
                return -ENOENT;
        return sd_bus_message_append(reply, "b", (int)network_config(network)->dhcp_enabled);
}

int network_get_addresses(sd_bus *connection, const char *path, const char *interface,
                          const char *property, sd_bus_message *reply, void *userdata,
                          sd_bus_error *error)
{
        const Network *network = find(userdata, path);
        if (!network)
                return -ENOENT;

        const Entries *entries = network_config(network)->entries;
        int r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (guint i = 0; r >= 0 && i < entries_n_addresses(entries); i++) {
                g_autoptr(Value) map = address_entry_to_value(entries_address_at(entries, i));
                r = variant_append_map(reply, map);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int network_get_guests(sd_bus *connection, const char *path, const char *interface,
                       const char *property, sd_bus_message *reply, void *userdata,
                       sd_bus_error *error)
{
        const Network *network = find(userdata, path);
        if (!network)
                return -ENOENT;

        const Entries *entries = network_config(network)->entries;
        int r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (guint i = 0; r >= 0 && i < entries_n_addresses(entries); i++) {
                const AddressEntry *entry = entries_address_at(entries, i);
                g_autoptr(Value) map = entry->guest ? status_guest(network, entry) : NULL;
                if (map)
                        r = variant_append_map(reply, map);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int network_get_leases(sd_bus *connection, const char *path, const char *interface,
                       const char *property, sd_bus_message *reply, void *userdata,
                       sd_bus_error *error)
{
        const Network *network = find(userdata, path);
        if (!network)
                return -ENOENT;
        g_autoptr(Value) leases = status_leases(network);
        return variant_append_maps(reply, leases);
}

int network_append_dns_entries(sd_bus_message *message, const Network *network)
{
        const Entries *entries = network_config(network)->entries;
        char text[ADDRESS6_TEXT_SIZE];
        int r = sd_bus_message_open_container(message, 'a', "(ss)");

        for (guint i = 0; r >= 0 && i < DNS_FAMILIES * entries_n_dns(entries); i++) {
                const DnsEntry *entry = entries_dns_at(entries, i / DNS_FAMILIES);
                const char *ip = dns_entry_address(entry, i % DNS_FAMILIES, text);
                if (ip)
                        r = sd_bus_message_append(message, "(ss)", entry->hostname, ip);
        }
        return r < 0 ? r : sd_bus_message_close_container(message);
}

int network_get_dns_entries(sd_bus *connection, const char *path, const char *interface,
                            const char *property, sd_bus_message *reply, void *userdata,
                            sd_bus_error *error)
{
        const Network *network = find(userdata, path);
        return network ? network_append_dns_entries(reply, network) : -ENOENT;
}

int network_get_forwards(sd_bus *connection, const char *path, const char *interface,
                         const char *property, sd_bus_message *reply, void *userdata,
                         sd_bus_error *error)
{
        const Network *network = find(userdata, path);
        if (!network)
                return -ENOENT;
        g_autoptr(Value) forwards = status_forwards(network);
        return variant_append_maps(reply, forwards);
}

/* Counted in the kernel each time, so it is told to those alone who ask for it by name. */
int network_get_connection_count(sd_bus *connection, const char *path, const char *interface,
                                 const char *property, sd_bus_message *reply, void *userdata,
                                 sd_bus_error *error)
{
        const Network *network = find(userdata, path);
        g_autoptr(GError) cause = NULL;
        guint n;

        if (!network)
                return -ENOENT;
        if (!connections_count(network, &n, &cause))
                return bus_error_set(error, cause);
        return sd_bus_message_append(reply, "u", n);
}

/* Which properties each bit stands for. */
static const struct {
        NetworkProperty bit;
        const char *names[2];
} changes[] = {
        { NETWORK_PROPERTY_INTERFACE, { "Interface" } },
        { NETWORK_PROPERTY_STATE, { "State" } },
        { NETWORK_PROPERTY_ERROR, { "Error" } },
        { NETWORK_PROPERTY_SUBNET, { "Subnet" } },
        { NETWORK_PROPERTY_GATEWAY_IP, { "GatewayIp" } },
        { NETWORK_PROPERTY_IPV6, { "Ipv6Subnet", "Ipv6Gateway" } },
        { NETWORK_PROPERTY_NAT_MODE, { "NatMode" } },
        { NETWORK_PROPERTY_STATE_DIR, { "StateDir" } },
        { NETWORK_PROPERTY_DHCP_ENABLED, { "DhcpEnabled" } },
        { NETWORK_PROPERTY_UPSTREAM, { "UpstreamInterface", "PublicInterface" } },
        { NETWORK_PROPERTY_ADDRESSES, { "Addresses" } },
        { NETWORK_PROPERTY_GUESTS, { "Guests" } },
        { NETWORK_PROPERTY_LEASES, { "Leases" } },
        { NETWORK_PROPERTY_ORIGIN, { "Origin" } },
        { NETWORK_PROPERTY_DNS_ENTRIES, { "DnsEntries" } },
        { NETWORK_PROPERTY_FORWARDS, { "Forwards" } },
};

void network_properties_emit(sd_bus *bus, const Network *network, NetworkProperty properties)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        g_autofree char *path = bus_network_path(network_name(network));

        for (guint i = 0; i < G_N_ELEMENTS(changes); i++)
                for (guint j = 0; j < G_N_ELEMENTS(changes[i].names); j++)
                        if ((properties & changes[i].bit) && changes[i].names[j])
                                g_ptr_array_add(names, (gpointer)changes[i].names[j]);
        g_ptr_array_add(names, NULL);

        int r = sd_bus_emit_properties_changed_strv(bus, path, BUS_NETWORK, (char **)names->pdata);
        if (r < 0)
                log_network_warning(network_name(network), "cannot tell of a change: %s",
                                    g_strerror(-r));
}
