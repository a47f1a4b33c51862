/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The addresses that IPv6 needs on the NIC. The gateway's brings the kernel's route to the subnet
 * with it. That of the link the kernel makes itself, unless NetworkManager has told it not to and
 * taken its own away again: without one no router can advertise itself. Addresses that others have
 * put on stay; but an interface has an address only once, with one prefix: what is the gateway's
 * with another makes way, and comes back. What is on an interface that is down goes when that is
 * set down again, and comes back, too. */

#include "network/link-ipv6.h"

#include <linux/if_addr.h>
#include <net/if.h>

#include "host/ip-address.h"
#include "host/ip6-address.h"
#include "host/route6.h"
#include "host/sysctl.h"
#include "model/ipv6.h"
#include "network/network-private.h"
#include "util/error.h"

/* Of addr_gen_mode: IN6_ADDR_GEN_MODE_NONE of linux/if_link.h. */
#define MODE_NONE 1

static bool refuse(const NetworkConfig *config, const Subnet6 *other, const char *whose,
                   GError **error)
{
        g_autofree char *subnet = subnet6_to_string(&config->ipv6_subnet);
        g_autofree char *taken = subnet6_to_string(other);

        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_ADDRESS_IN_USE,
                    "ipv6_subnet: %s overlaps %s, which is %s; unique local subnets (fd00::/8) are "
                    "free to be chosen",
                    subnet, taken, whose);
        return false;
}

static bool check_networks(Network *network, GError **error)
{
        const NetworkConfig *config = network->config;
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, network->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Network *other = value;
                const Subnet6 *theirs = &other->config->ipv6_subnet;
                if (other == network || !network_has_interface(other) || theirs->prefix == 0 ||
                    !subnet6_overlaps(&config->ipv6_subnet, theirs))
                        continue;
                g_autofree char *whose = g_strdup_printf("network %s's", other->name);
                return refuse(config, theirs, whose, error);
        }
        return true;
}

/* A wider one that leads to a router is a summary: what is more particular goes before it. */
static bool is_in_the_way(const Route6 *route, const Subnet6 *subnet)
{
        return route->destination.prefix > 0 && subnet6_overlaps(&route->destination, subnet) &&
               (route->destination.prefix >= subnet->prefix || !route->has_gateway);
}

/* The kernel has no IPv6 on such a NIC at all, nor knobs for it. What `mtu` says is not in force
 * yet and has been checked with the settings. */
static bool check_mtu(const Network *network, guint index, GError **error)
{
        const NetworkConfig *config = network->config;
        Link link;

        if (config->mtu != 0 || link_get_by_index(network->host->rtnl, index, &link) < 0 ||
            link.mtu >= IPV6_MIN_MTU)
                return true;
        g_autofree char *subnet = subnet6_to_string(&config->ipv6_subnet);
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                    "ipv6_subnet: %s cannot be on %s, whose MTU is %u: IPv6 needs %d", subnet,
                    link.name, link.mtu, IPV6_MIN_MTU);
        return false;
}

bool link_ipv6_check(Network *network, guint index, GError **error)
{
        const NetworkConfig *config = network->config;

        if (!config_has_ipv6(config))
                return true;
        if (!check_mtu(network, index, error) || !check_networks(network, error))
                return false;
        g_autoptr(GArray) routes = route6_list(network->host->rtnl, error);
        for (guint i = 0; routes && i < routes->len; i++) {
                const Route6 *route = &g_array_index(routes, Route6, i);
                char interface[IF_NAMESIZE] = "";
                if (route->index == index || !is_in_the_way(route, &config->ipv6_subnet))
                        continue;
                (void)if_indextoname(route->index, interface); /* gone: "" */
                g_autofree char *whose = g_strdup_printf("routed by %s", interface);
                return refuse(config, &route->destination, whose, error);
        }
        return routes != NULL;
}

static Ip6Address gateway_of(const Record *record, guint index)
{
        return (Ip6Address){ .index = index,
                             .address = record->ipv6_gateway,
                             .prefix = record->ipv6_prefix,
                             .flags = IFA_F_NODAD,
                             .protocol = IP_ADDRESS_OURS };
}

static Ip6Address link_local_of(const Record *record, guint index)
{
        return (Ip6Address){ .index = index,
                             .address = record->link_local,
                             .prefix = link_local_subnet6.prefix,
                             .flags = IFA_F_NODAD,
                             .protocol = IP_ADDRESS_OURS };
}

static bool is_recorded(const Network *network)
{
        const NetworkConfig *config = network->config;
        const Record *record = network->record;

        return record->ipv6_prefix == config->ipv6_subnet.prefix &&
               address6_equal(&record->ipv6_gateway, &config->ipv6_gateway);
}

static const Ip6Address *find(const GArray *addresses, const Address6 *address)
{
        for (guint i = 0; i < addresses->len; i++) {
                const Ip6Address *there = &g_array_index(addresses, Ip6Address, i);
                if (address6_equal(&there->address, address))
                        return there;
        }
        return NULL;
}

static bool has_link_local(const GArray *addresses)
{
        for (guint i = 0; i < addresses->len; i++)
                if (subnet6_contains(&link_local_subnet6,
                                     &g_array_index(addresses, Ip6Address, i).address))
                        return true;
        return false;
}

static void note(Record *record, const Ip6Address *address)
{
        if (!find(record->ipv6_found, &address->address))
                g_array_append_vals(record->ipv6_found, address, 1);
}

void link_ipv6_note(Network *network, guint index)
{
        g_autoptr(GArray) addresses = ip6_address_list(network->host->rtnl, index, NULL);

        for (guint i = 0; addresses && i < addresses->len; i++) {
                const Ip6Address *address = &g_array_index(addresses, Ip6Address, i);
                if (address->protocol != IP_ADDRESS_OURS)
                        note(network->record, address);
        }
}

static void give_back(Network *network, const Ip6Address *found, guint index, GError **error)
{
        Ip6Address address = *found;

        address.index = index;
        (void)ip6_address_add(network->host->rtnl, &address, error_first(error));
}

void link_ipv6_give_back(Network *network, guint index, GError **error)
{
        GArray *found = network->record->ipv6_found;

        for (guint i = 0; i < found->len; i++)
                give_back(network, &g_array_index(found, Ip6Address, i), index, error);
        g_array_set_size(found, 0);
}

void link_ipv6_undo(Network *network, guint index, GError **error)
{
        Netlink *rtnl = network->host->rtnl;
        Record *record = network->record;
        const Ip6Address gateway = gateway_of(record, index);
        const Ip6Address link_local = link_local_of(record, index);
        const Ip6Address *found = find(record->ipv6_found, &record->ipv6_gateway);

        if (record->ipv6_prefix > 0 && !record->ipv6_existed)
                (void)ip6_address_delete(rtnl, &gateway, error_first(error));
        if (record->ipv6_prefix > 0 && found)
                give_back(network, found, index, error);
        if (!address6_is_none(&record->link_local))
                (void)ip6_address_delete(rtnl, &link_local, error_first(error));
        record->ipv6_prefix = 0;
        record->ipv6_gateway = record->link_local = (Address6){ 0 };
        record->ipv6_existed = false;
}

static bool put_gateway(Network *network, const GArray *addresses, guint index, GError **error)
{
        const NetworkConfig *config = network->config;
        Record *record = network->record;
        const Ip6Address *there = find(addresses, &config->ipv6_gateway);
        bool is_other = there && there->prefix != config->ipv6_subnet.prefix;

        if (!is_recorded(network)) {
                bool is_foreign = there && there->protocol != IP_ADDRESS_OURS;
                record->ipv6_gateway = config->ipv6_gateway;
                record->ipv6_prefix = config->ipv6_subnet.prefix;
                record->ipv6_served = config->ipv6_subnet;
                record->ipv6_existed = is_foreign && !is_other;
                if (is_foreign && is_other)
                        note(record, there);
                if (!network_save_record(network, error))
                        return false;
        }
        const Ip6Address gateway = gateway_of(record, index);
        if (is_other && !ip6_address_delete(network->host->rtnl, there, error))
                return false;
        return ip6_address_add(network->host->rtnl, &gateway, error);
}

/* What we have made has no carrier yet, and the kernel waits for one: who opens it asks for routers
 * at once. */
static bool needs_link_local(const Network *network, const Link *link)
{
        const Record *record = network->record;
        int mode;

        if (record->made || !address6_is_none(&record->link_local))
                return true;
        return sysctl_get(SYSCTL_IPV6_ADDR_GEN_MODE, link->name, &mode) == 0 && mode == MODE_NONE;
}

static bool put_link_local(Network *network, const GArray *addresses, const Link *link,
                           GError **error)
{
        Record *record = network->record;

        if (has_link_local(addresses) || !*link->mac || !needs_link_local(network, link))
                return true;
        record->link_local = subnet6_eui64(&link_local_subnet6, link->mac);
        if (!network_save_record(network, error))
                return false;
        const Ip6Address link_local = link_local_of(record, link->index);
        return ip6_address_add(network->host->rtnl, &link_local, error);
}

bool link_ipv6_apply(Network *network, const Link *link, GError **error)
{
        const Record *record = network->record;
        g_autoptr(GError) failed = NULL;

        if (record->ipv6_prefix > 0 && !is_recorded(network)) {
                link_ipv6_undo(network, link->index, &failed);
                network->record->ipv6_served = (Subnet6){ 0 }; /* a change ends them itself */
                if (failed) {
                        g_propagate_error(error, g_steal_pointer(&failed));
                        return false;
                }
                if (!network_save_record(network, error))
                        return false;
        }
        if (!config_has_ipv6(network->config))
                return true;
        g_autoptr(GArray) addresses = ip6_address_list(network->host->rtnl, link->index, error);
        return addresses && put_gateway(network, addresses, link->index, error) &&
               put_link_local(network, addresses, link, error);
}

bool link_ipv6_is_there(Network *network, guint index)
{
        const NetworkConfig *config = network->config;

        if (!config_has_ipv6(config))
                return true;
        g_autoptr(GArray) addresses = ip6_address_list(network->host->rtnl, index, NULL);
        const Ip6Address *there = addresses ? find(addresses, &config->ipv6_gateway) : NULL;
        return !addresses ||
               (there && there->prefix == config->ipv6_subnet.prefix &&
                (address6_is_none(&network->record->link_local) || has_link_local(addresses)));
}
