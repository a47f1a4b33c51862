/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What GetStatus and the properties tell, as values: reads a network, changes nothing. */

#include <linux/netfilter.h>

#include "dbus/bus-private.h"
#include "host/ip-address.h"
#include "host/ip6-address.h"
#include "host/link.h"
#include "network/filter-table.h"
#include "util/log.h"

static void set_text(Value *map, const char *key, const char *text)
{
        value_set(map, key, value_new_text(text));
}

static void set_address(Value *map, const char *key, guint32 address)
{
        char text[ADDRESS_TEXT_SIZE];
        set_text(map, key, address_format(address, text));
}

Value *status_lease(const Lease *lease)
{
        Value *map = value_new_map();

        char ip6[ADDRESS6_TEXT_SIZE];

        set_text(map, "mac", lease->mac);
        if (lease->ip != 0)
                set_address(map, "ip", lease->ip);
        else
                set_text(map, "ip", address6_format(&lease->ip6, ip6));
        set_text(map, "hostname", lease->hostname);
        value_set(map, "expiry", value_new_number(lease->expiry));
        return map;
}

Value *status_leases(const Network *network)
{
        Value *list = value_new_list();
        const GPtrArray *leases = network_leases(network);
        gint64 now_sec = g_get_real_time() / G_USEC_PER_SEC;

        for (guint i = 0; i < leases->len; i++)
                if (!lease_is_expired(leases->pdata[i], now_sec))
                        value_append(list, status_lease(leases->pdata[i]));
        return list;
}

static Value *dns_entries(const Network *network)
{
        return config_print_dns_entries(network_config(network)->entries);
}

/* The link's own are of no use to anybody else. */
static void append_addresses6(Bus *bus, const Network *network, guint index, Value *list)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) addresses = ip6_address_list(bus->host->rtnl, index, &error);

        if (error)
                log_network_warning(network_name(network), "%s", error->message);
        for (guint i = 0; addresses && i < addresses->len; i++) {
                const Ip6Address *address = &g_array_index(addresses, Ip6Address, i);
                char text[ADDRESS6_TEXT_SIZE];
                if (subnet6_contains(&link_local_subnet6, &address->address))
                        continue;
                g_autofree char *with_prefix = g_strdup_printf(
                        "%s/%u", address6_format(&address->address, text), address->prefix);
                value_append(list, value_new_text(with_prefix));
        }
}

static Value *interface_status(Bus *bus, const Network *network)
{
        Value *map = value_new_map();
        Value *list = value_new_list();
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) addresses = NULL;
        Link link;
        bool exists = link_get(bus->host->rtnl, network_interface(network), &link) == 0;

        set_text(map, "name", network_interface(network));
        value_set(map, "exists", value_new_bool(exists));
        if (exists)
                addresses = ip_address_list(bus->host->rtnl, link.index, &error);
        if (error)
                log_network_warning(network_name(network), "%s", error->message);
        for (guint i = 0; addresses && i < addresses->len; i++) {
                const IpAddress *address = &g_array_index(addresses, IpAddress, i);
                char text[ADDRESS_TEXT_SIZE];
                g_autofree char *with_prefix = g_strdup_printf(
                        "%s/%u", address_format(address->address, text), address->prefix);
                value_append(list, value_new_text(with_prefix));
        }
        if (exists && config_has_ipv6(network_config(network)))
                append_addresses6(bus, network, link.index, list);
        value_set(map, "addresses", list);
        return map;
}

char *status_ipv6_subnet(const NetworkConfig *config)
{
        return config_has_ipv6(config) ? subnet6_to_string(&config->ipv6_subnet) : g_strdup("");
}

char *status_ipv6_gateway(const NetworkConfig *config)
{
        return config_has_ipv6(config) ? address6_to_string(&config->ipv6_gateway) : g_strdup("");
}

static void predict(const NetworkConfig *config, const char *mac, GHashTable *seen, Value *list)
{
        char text[ADDRESS6_TEXT_SIZE];

        if (!mac || !*mac || !g_hash_table_add(seen, (gpointer)mac))
                return;
        const Address6 address = subnet6_eui64(&config->ipv6_subnet, mac);
        Value *map = value_new_map();
        set_text(map, "mac", mac);
        set_text(map, "ip", address6_format(&address, text));
        value_append(list, map);
}

/* What each device that is known by its MAC makes of the advertisements. */
static Value *ra_addresses(const Network *network)
{
        const NetworkConfig *config = network_config(network);
        const GPtrArray *leases = network_leases(network);
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
        Value *list = value_new_list();

        if (!config_has_ipv6(config) || config->ipv6_mode == IPV6_MODE_STATEFUL)
                return list;
        for (guint i = 0; i < entries_n_addresses(config->entries); i++)
                predict(config, entries_address_at(config->entries, i)->mac, seen, list);
        for (guint i = 0; i < leases->len; i++)
                predict(config, ((const Lease *)leases->pdata[i])->mac, seen, list);
        return list;
}

static void set_ipv6(Value *map, const Network *network)
{
        const NetworkConfig *config = network_config(network);
        g_autofree char *subnet = status_ipv6_subnet(config);
        g_autofree char *gateway = status_ipv6_gateway(config);

        set_text(map, "ipv6_subnet", subnet);
        set_text(map, "ipv6_gateway", gateway);
        set_text(map, "ipv6_mode",
                 config_has_ipv6(config) ? ipv6_mode_to_string(config->ipv6_mode) : "");
        value_set(map, "ra_addresses", ra_addresses(network));
}

Value *status_forwards(const Network *network)
{
        const GPtrArray *forwards = entries_forwards(network_config(network)->entries);
        Value *list = value_new_list();

        for (guint i = 0; i < forwards->len; i++)
                value_append(list, network_forward_status(network, forwards->pdata[i]));
        return list;
}

char *status_rules(const Network *network, GError **error)
{
        if (!network_table(network) || !nat_mode_forwards(network_config(network)->nat_mode))
                return g_strdup("");
        g_autofree char *translation = nft_print_table(NFPROTO_IPV4, network_table(network), error);
        g_autofree char *filter = translation ? filter_table_print(network, error) : NULL;
        if (!filter || !config_has_ipv6(network_config(network)))
                return filter ? g_strconcat(translation, filter, NULL) : NULL;
        g_autofree char *ipv6 = nft_print_table(NFPROTO_IPV6, network_table(network), error);
        return ipv6 ? g_strconcat(translation, filter, ipv6, NULL) : NULL;
}

Value *status_ntp(const Network *network)
{
        Value *map = value_new_map();
        NetworkNtp ntp;

        network_get_ntp(network, &ntp);
        value_set(map, "enabled", value_new_bool(ntp.enabled));
        value_set(map, "running", value_new_bool(ntp.running));
        value_set(map, "stratum", value_new_number(ntp.stratum));
        value_set(map, "synchronised", value_new_bool(ntp.synchronised));
        return map;
}

Value *status_of_network(Bus *bus, const Network *network)
{
        Value *map = value_new_map();
        const NetworkConfig *config = network_config(network);
        g_autofree char *subnet = subnet_to_string(&config->subnet);
        g_autoptr(GError) error = NULL;
        g_autofree char *rules = status_rules(network, &error);

        if (error)
                log_network_warning(network_name(network), "%s", error->message);
        value_set(map, "interface_status", interface_status(bus, network));
        set_text(map, "interface", network_interface(network));
        set_text(map, "name", network_name(network));
        set_text(map, "upstream", network_upstream(network));
        set_text(map, "subnet", subnet);
        set_ipv6(map, network);
        set_text(map, "nat_mode", nat_mode_to_string(config->nat_mode));
        value_set(map, "dhcp_enabled", value_new_bool(config->dhcp_enabled));
        value_set(map, "leases", status_leases(network));
        value_set(map, "dns_entries", dns_entries(network));
        value_set(map, "forwards", status_forwards(network));
        set_text(map, "nat_rules", rules ? rules : "");
        value_set(map, "twin", value_new_number(network_twin(network)));
        set_text(map, "twin_of", network_twin_of(network));
        set_text(map, "state", network_state_to_string(network_state(network)));
        set_text(map, "error", network_error(network));
        value_set(map, "settings", config_to_value(config, true));
        return map;
}
