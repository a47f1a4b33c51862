/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Reads, and compares with the configuration: what is put back is the steps' business. The rules in
 * our own tables are not read: whoever touches one of those changes it, and replacing it costs no
 * more than reading it would. */

#include "network/missing.h"

#include <linux/netfilter.h>

#include "host/ip-address.h"
#include "host/link.h"
#include "network/link-ipv6.h"
#include "network/network-private.h"
#include "network/public.h"

/* Whether it is there, with @prefix (0: any). An interface that cannot be read has none, and all of
 * them: nobody is helped by a repair. */
static bool has_address(Network *network, guint index, guint32 address, guint prefix)
{
        g_autoptr(GArray) addresses = ip_address_list(network->host->rtnl, index, NULL);

        for (guint i = 0; addresses && i < addresses->len; i++) {
                const IpAddress *there = &g_array_index(addresses, IpAddress, i);
                if (there->address == address && (prefix == 0 || there->prefix == prefix))
                        return true;
        }
        return !addresses;
}

unsigned missing_link(Network *network)
{
        const NetworkConfig *config = network->config;
        Link link;

        if (!network_is_up(network) ||
            link_get(network->host->rtnl, network->interface, &link) < 0 ||
            link.index != network->record->index)
                return 0;
        if (link.up &&
            has_address(network, link.index, config->gateway_ip, config->subnet.prefix) &&
            link_ipv6_is_there(network, link.index))
                return 0;
        return NETWORK_PART_LINK;
}

unsigned missing_address(Network *network, guint index, guint32 address)
{
        const NetworkConfig *config = network->config;

        if (!network_is_up(network))
                return 0;
        if (index == network->record->index)
                return address == config->gateway_ip || address == 0 ? missing_link(network) : 0;
        if (config->nat_mode != NAT_MODE_1TO1 || !entries_find_public_ip(config->entries, address))
                return 0;
        if (index != public_index(network) || has_address(network, index, address, 0))
                return 0;
        return NETWORK_PART_PUBLIC;
}

static int compare_addresses(gconstpointer a, gconstpointer b)
{
        guint32 left = ((const IpAddress *)a)->address, right = ((const IpAddress *)b)->address;

        return left < right ? -1 : left > right;
}

unsigned missing_public(Network *network)
{
        const Entries *entries = network->config->entries;

        if (!network_is_up(network) || network->config->nat_mode != NAT_MODE_1TO1)
                return 0;
        guint index = public_index(network);
        if (index == 0)
                return 0;
        g_autoptr(GArray) there = ip_address_list(network->host->rtnl, index, NULL);
        if (!there)
                return 0;
        g_array_sort(there, compare_addresses);
        for (guint i = 0; i < entries_n_addresses(entries); i++) {
                IpAddress wanted = { .address = entries_address_at(entries, i)->public_ip };
                if (wanted.address &&
                    !g_hash_table_contains(network->blocked, GUINT_TO_POINTER(wanted.address)) &&
                    !g_array_binary_search(there, &wanted, compare_addresses, NULL))
                        return NETWORK_PART_PUBLIC;
        }
        return 0;
}

unsigned missing_routes(Network *network)
{
        return !network_is_up(network) || routes_are_there(network) ? 0 : NETWORK_PART_ROUTES;
}

static bool is_open_to(Network *network, const char *interface)
{
        ForeignFirewall *firewall = network->host->foreign_firewall;

        if (!interface)
                return true;
        return foreign_firewall_is_open(firewall, NFPROTO_IPV4, network->interface, interface) &&
               (!config_forwards_ipv6(network->config) ||
                foreign_firewall_is_open(firewall, NFPROTO_IPV6, network->interface, interface));
}

unsigned missing_accepts(Network *network)
{
        const Record *record = network->record;

        if (!network_is_up(network) || (is_open_to(network, record->foreign_upstream) &&
                                        is_open_to(network, record->foreign_public)))
                return 0;
        return NETWORK_PART_OTHER_FIREWALLS;
}
