/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What GetStatus and the properties tell, as values: reads a network, changes nothing. */

#include "dbus/bus-private.h"
#include "host/ip-address.h"
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

        set_text(map, "mac", lease->mac);
        set_address(map, "ip", lease->ip);
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
        Value *list = value_new_list();
        const Entries *entries = network_config(network)->entries;

        for (guint i = 0; i < entries_n_dns(entries); i++) {
                const DnsEntry *entry = entries_dns_at(entries, i);
                Value *map = value_new_map();
                set_text(map, "hostname", entry->hostname);
                set_address(map, "ip", entry->ip);
                value_append(list, map);
        }
        return list;
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
        value_set(map, "addresses", list);
        return map;
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
        g_autofree char *translation = nft_print_table(network_table(network), error);
        g_autofree char *filter = translation ? filter_table_print(network, error) : NULL;
        return filter ? g_strconcat(translation, filter, NULL) : NULL;
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
