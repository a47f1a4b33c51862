/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The interface itself: the addresses that it had go away, the gateway address comes, the link is
 * up; and no board becomes the host's router by IPv6 advertisements or by redirects. */

#include "network/network-private.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "host/ip-address.h"
#include "host/link.h"
#include "host/route.h"
#include "network/link-ipv6.h"
#include "network/twins.h"
#include "util/error.h"

static bool hold_knobs(Network *network, GError **error)
{
        const Knob knobs[] = {
                { SYSCTL_IPV4_SEND_REDIRECTS, network->interface, 0 },
                { SYSCTL_IPV4_ACCEPT_REDIRECTS, network->interface, 0 },
                { SYSCTL_IPV6_ACCEPT_RA, network->interface, 0 },
                { SYSCTL_IPV6_ACCEPT_REDIRECTS, network->interface, 0 },
                { SYSCTL_IPV6_DISABLE, network->interface, 0 }, /* the last, after the others */
        };
        guint n = G_N_ELEMENTS(knobs) - (config_has_ipv6(network->config) ? 0 : 1);

        return knobs_hold(network->host->knobs, network->name, "link", knobs, n, error);
}

/* The kernel's route to the subnet comes with it, but a twin's: the main table has another. */
static IpAddress gateway_address(guint index, guint32 gateway_ip, guint prefix, bool is_twin)
{
        Subnet subnet = { .prefix = prefix };

        subnet.network = gateway_ip & subnet_netmask(&subnet);
        return (IpAddress){
                .index = index,
                .address = gateway_ip,
                .prefix = prefix,
                .broadcast = subnet_broadcast(&subnet),
                .scope = RT_SCOPE_UNIVERSE,
                .flags = is_twin ? IFA_F_NOPREFIXROUTE : 0,
                .valid_sec = G_MAXUINT32,
                .preferred_sec = G_MAXUINT32,
                .protocol = IP_ADDRESS_OURS,
        };
}

/* Whether it is the gateway address as it is to be; one that was there before may have any flags
 * where the network is no twin. */
static bool is_gateway(const IpAddress *address, const Network *network)
{
        const NetworkConfig *config = network->config;
        bool without_route = (address->flags & IFA_F_NOPREFIXROUTE) != 0;
        bool is_twin = network->record->twin != 0;

        if (address->address != config->gateway_ip || address->prefix != config->subnet.prefix)
                return false;
        return without_route == is_twin || (!is_twin && address->protocol != IP_ADDRESS_OURS);
}

/* Whether it is a gateway address that we put on: it carries our mark, or the record says so. */
static bool is_ours(const IpAddress *address, const Record *record)
{
        return address->protocol == IP_ADDRESS_OURS ||
               (!record->gateway_existed && address->address == record->gateway_ip &&
                address->prefix == record->gateway_prefix);
}

/* The routes by this interface that go with its addresses and do not come back with them: all but
 * the kernel's own. */
static bool note_routes(Network *network, GError **error)
{
        g_autoptr(GArray) routes = route_list(network->host->rtnl, error);

        if (!routes)
                return false;
        for (guint i = 0; i < routes->len; i++) {
                const Route *route = &g_array_index(routes, Route, i);
                if (route->index == network->record->index && route->protocol != RTPROT_KERNEL)
                        g_array_append_val(network->record->routes_found, *route);
        }
        return true;
}

/* Records how the interface is before it is ours, once: what comes later is not given back (what
 * NetworkManager put on, it puts on again itself). */
static bool note_found(Network *network, const Link *link, const GArray *addresses, GError **error)
{
        Record *record = network->record;

        if (record->link_found)
                return true;
        record->link_found = true;
        record->link_up = link->up;
        for (guint i = 0; i < addresses->len; i++) {
                const IpAddress *address = &g_array_index(addresses, IpAddress, i);
                if (!is_gateway(address, network) && !is_ours(address, record))
                        g_array_append_val(record->addresses_found, *address);
        }
        if (!link->up)
                link_ipv6_note(network, link->index);
        return note_routes(network, error) && network_save_record(network, error);
}

/* Whether the interface is being taken, at first or from somebody who has laid hands on it since.
 * Else what an administrator has added to it stays. */
static bool is_taking(const Network *network)
{
        unsigned changes = network->run.changes;

        return !network->record->is_up ||
               ((changes & NETWORK_PART_HAND_OVER) && !(changes & STEP_CHANGE_UP));
}

/* Takes away every address but the gateway's, or of ours alone. */
static bool clear_addresses(Network *network, const GArray *addresses, GError **error)
{
        bool all = is_taking(network);

        for (guint i = 0; i < addresses->len; i++) {
                const IpAddress *address = &g_array_index(addresses, IpAddress, i);
                if (!is_gateway(address, network) && (all || is_ours(address, network->record)) &&
                    !ip_address_delete(network->host->rtnl, address, error))
                        return false;
        }
        return true;
}

static bool has_gateway(const GArray *addresses, const Network *network)
{
        for (guint i = 0; i < addresses->len; i++) {
                const IpAddress *address = &g_array_index(addresses, IpAddress, i);
                if (is_gateway(address, network) && address->protocol != IP_ADDRESS_OURS)
                        return true;
        }
        return false;
}

static bool set_gateway(Network *network, const Link *link, bool existed, GError **error)
{
        Record *record = network->record;
        const NetworkConfig *config = network->config;
        IpAddress address = gateway_address(link->index, config->gateway_ip, config->subnet.prefix,
                                            record->twin != 0);

        bool is_recorded = record->gateway_ip == config->gateway_ip &&
                           record->gateway_prefix == config->subnet.prefix;
        if (!is_recorded) {
                record->gateway_ip = config->gateway_ip;
                record->gateway_prefix = config->subnet.prefix;
                record->gateway_existed = existed;
                if (!network_save_record(network, error))
                        return false;
        }
        return ip_address_add(network->host->rtnl, &address, NULL, error);
}

/* Of another subnet, perhaps, which is free now. */
static bool has_another_gateway(const Network *network)
{
        const Record *record = network->record;

        return record->gateway_ip != 0 &&
               (record->gateway_ip != network->config->gateway_ip ||
                record->gateway_prefix != network->config->subnet.prefix);
}

static bool apply(Network *network, GError **error)
{
        Link link;

        int r = link_get(network->host->rtnl, network->interface, &link);
        if (r < 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "cannot read the interface: %s", g_strerror(-r));
                return false;
        }
        network->record->index = link.index;
        bool had_another = has_another_gateway(network);
        if (!hold_knobs(network, error))
                return false;
        g_autoptr(GArray) addresses = ip_address_list(network->host->rtnl, link.index, error);
        if (!addresses || !note_found(network, &link, addresses, error) ||
            !clear_addresses(network, addresses, error) ||
            !set_gateway(network, &link, has_gateway(addresses, network), error) ||
            !link_set_up(network->host->rtnl, network->interface, true, error) ||
            !link_ipv6_apply(network, &link, error))
                return false;
        if (had_another)
                twins_look_again(network);
        return true;
}

void link_start(Network *network)
{
        GError *error = NULL;

        (void)apply(network, &error); /* `error` says how it went */
        step_done(network, error);
}

static void give_back_addresses(Network *network, guint index, GError **error)
{
        GArray *found = network->record->addresses_found;

        for (guint i = 0; i < found->len; i++) {
                IpAddress address = g_array_index(found, IpAddress, i);
                address.index = index;
                (void)ip_address_add(network->host->rtnl, &address, NULL, error_first(error));
        }
}

/* On-link ones first: gateways are reached by them. */
static void give_back_routes(Network *network, guint index, GError **error)
{
        GArray *found = network->record->routes_found;

        for (int with_gateway = 0; with_gateway <= 1; with_gateway++)
                for (guint i = 0; i < found->len; i++) {
                        Route route = g_array_index(found, Route, i);
                        route.index = index;
                        if ((route.gateway != 0) == with_gateway)
                                (void)route_add(network->host->rtnl, &route, error_first(error));
                }
}

void link_undo(Network *network)
{
        Record *record = network->record;
        GError *error = NULL;
        Link link;

        if (record->link_found &&
            link_get_by_index(network->host->rtnl, record->index, &link) == 0) {
                IpAddress gateway = gateway_address(link.index, record->gateway_ip,
                                                    record->gateway_prefix, record->twin != 0);
                if (record->gateway_ip && !record->gateway_existed)
                        (void)ip_address_delete(network->host->rtnl, &gateway, error_first(&error));
                link_ipv6_undo(network, link.index, &error);
                give_back_addresses(network, link.index, &error);
                give_back_routes(network, link.index, &error);
                if (!record->link_up)
                        (void)link_set_up(network->host->rtnl, link.name, false,
                                          error_first(&error));
                link_ipv6_give_back(network, link.index, &error);
        }
        (void)knobs_release(network->host->knobs, network->name, "link", error_first(&error));

        record->link_found = false;
        record->gateway_ip = 0;
        record->ipv6_prefix = 0;
        record->ipv6_gateway = record->link_local = (Address6){ 0 };
        g_array_set_size(record->addresses_found, 0);
        g_array_set_size(record->routes_found, 0);
        g_array_set_size(record->ipv6_found, 0);
        (void)network_save_record(network, error_first(&error));
        twins_look_again(network);
        step_done(network, error);
}
