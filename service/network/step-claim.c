/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Whether the host can give this network what it asks for, and whether it is a twin. Changes
 * nothing on the host: it only refuses, with the error that the caller of CreateNetwork sees. */

#include "network/network-private.h"

#include <string.h>

#include "host/ip-address.h"
#include "host/link.h"
#include "host/route.h"
#include "network/connections.h"
#include "network/forwards.h"
#include "network/joint.h"
#include "network/link-ipv6.h"
#include "network/names-table.h"
#include "network/public.h"
#include "network/twins.h"
#include "util/error.h"
#include "util/log.h"

static GError *refuse(ServiceError code, const char *format, ...) G_GNUC_PRINTF(2, 3);

static GError *refuse(ServiceError code, const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        GError *error = g_error_new_valist(SERVICE_ERROR, code, format, arguments);
        va_end(arguments);
        return error;
}

/* The interface itself: not another's upstream, not a port, not the loopback. */
static GError *check_interface(Network *network, const Link *link)
{
        GHashTableIter iter;
        gpointer value;

        if (link->loopback)
                return refuse(SERVICE_ERROR_INVALID_ARGS, "interface: %s is the loopback interface",
                              link->name);
        if (strpbrk(link->name, ",*#\"\\")) /* of a `match`: a configured name has been checked */
                return refuse(SERVICE_ERROR_INVALID_ARGS,
                              "interface: %s cannot be served: dnsmasq does not take its name",
                              link->name);
        if (link->master != 0)
                return refuse(SERVICE_ERROR_INTERFACE_IN_USE,
                              "interface: %s is a port of another interface", link->name);
        g_hash_table_iter_init(&iter, network->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Network *other = value;
                if (other == network)
                        continue;
                if (network_has_interface(other) && g_str_equal(other->interface, link->name))
                        return refuse(SERVICE_ERROR_INTERFACE_IN_USE,
                                      "interface: %s is network %s's", link->name, other->name);
                if (g_strcmp0(other->upstream, link->name) == 0 ||
                    g_strcmp0(other->config->upstream_interface, link->name) == 0 ||
                    g_strcmp0(other->public_interface, link->name) == 0)
                        return refuse(SERVICE_ERROR_INTERFACE_IN_USE,
                                      "interface: %s is the upstream of network %s", link->name,
                                      other->name);
        }
        return NULL;
}

static GError *check_upstream(Network *network, const char *key, const char *name)
{
        const Network *other = name ? network_of_interface(network->host, name) : NULL;
        Link link;

        if (name && link_get(network->host->rtnl, name, &link) == 0 && link.loopback)
                return refuse(SERVICE_ERROR_INVALID_ARGS, "%s: %s is the loopback interface", key,
                              name);
        if (other || g_strcmp0(name, network->interface) == 0)
                return refuse(SERVICE_ERROR_INTERFACE_IN_USE, "%s: %s is a network's own interface",
                              key, name);
        return NULL;
}

/* A default route on the interface: never the only one, the best one only when the caller says so.
 */
static GError *check_default_route(Network *network, const Link *link, const GArray *routes)
{
        g_autoptr(GArray) own = upstream_ignored(network);
        bool has_one = false;

        for (guint i = 0; i < routes->len; i++) {
                const Route *route = &g_array_index(routes, Route, i);
                if (route->destination.prefix == 0 && route->index == link->index)
                        has_one = true;
        }
        if (!has_one)
                return NULL;

        if (route_default_interface(routes, own) == 0)
                return refuse(SERVICE_ERROR_INTERFACE_IN_USE,
                              "interface: %s carries the host's only default route", link->name);
        if (route_default_interface(routes, NULL) == link->index &&
            !network->config->take_default_route)
                return refuse(SERVICE_ERROR_INTERFACE_IN_USE,
                              "interface: %s carries the best of the host's default routes; "
                              "take_default_route: true takes it all the same",
                              link->name);
        return NULL;
}

/* No public address of another network's mappings, as @config has them, is inside the subnet. */
static GError *check_mappings(Network *network, const Network *other, const NetworkConfig *config)
{
        const Entries *entries = config->entries;
        char text[ADDRESS_TEXT_SIZE];

        if (entries_n_public(entries) == 0)
                return NULL;
        for (guint i = 0; i < entries_n_addresses(entries); i++) {
                guint32 ip = entries_address_at(entries, i)->public_ip;
                if (ip && subnet_contains(&network->config->subnet, ip))
                        return refuse(SERVICE_ERROR_ADDRESS_IN_USE,
                                      "subnet: %s in it is a public address of network %s",
                                      address_format(ip, text), other->name);
        }
        return NULL;
}

static GError *check_mappings_of_others(Network *network)
{
        GError *error = NULL;
        GHashTableIter iter;
        gpointer other;

        g_hash_table_iter_init(&iter, network->host->networks);
        while (!error && g_hash_table_iter_next(&iter, NULL, &other)) {
                const NetworkConfig *config = NULL;
                for (guint i = 0; !error && other != network; i++) {
                        config = joint_rival(network, other, i);
                        if (!config)
                                break;
                        error = check_mappings(network, other, config);
                }
        }
        return error;
}

/* A subnet that others have as well makes a twin of the network; then their addresses in it stay
 * theirs. */
static GError *check_subnet(Network *network, const Link *link, const GArray *routes)
{
        GError *error = NULL;

        if (!twins_decide(network, routes, link->index, &error))
                return error;
        return network->record->twin ? NULL : check_mappings_of_others(network);
}

/* What its name was cannot be @entry's public address now; why, is said when it is put again. */
static void lose_choice(Network *network, const AddressEntry *entry)
{
        g_autoptr(GError) error = NULL;

        if (!conntrack_end_mapping(network->host->conntrack, entry->ip, entry->public_ip, NULL,
                                   &error))
                log_network_warning(network->name, "%s", error->message);
        entries_choose_public(network->config->entries, entry->ip, 0);
        network->run.changes |= CONFIG_CHANGE_RULES;
        network_tell(network, NETWORK_PROPERTY_ADDRESSES);
}

static GError *check_public(Network *network)
{
        g_autoptr(GError) error = NULL;
        const Entries *entries = network->config->entries;

        if (!public_choose_all(network, network->config, &error))
                return g_steal_pointer(&error);
        if (network->config->nat_mode != NAT_MODE_1TO1 || entries_n_public(entries) == 0)
                return NULL;
        g_autoptr(PublicCheck) check = public_check_new(network, &error);
        if (!check)
                return g_steal_pointer(&error);
        for (guint i = 0; i < entries_n_addresses(entries); i++) {
                const AddressEntry *entry = entries_address_at(entries, i);
                if (!entry->public_ip || entry->public_auto ||
                    public_check(check, entry->public_ip, &error))
                        continue;
                if (!entry->public_name)
                        return g_steal_pointer(&error);
                lose_choice(network, entry);
                g_clear_error(&error);
        }
        return NULL;
}

static GError *check_host(Network *network)
{
        Link link;
        int r = link_get(network->host->rtnl, network->interface, &link);
        if (r < 0)
                return refuse(SERVICE_ERROR_FAILED, "cannot read the interface: %s",
                              g_strerror(-r));

        GError *error = check_interface(network, &link);
        if (error)
                return error;
        g_autoptr(HostView) view = host_view_new(network->host->rtnl);
        if (upstream_resolve(network, view)) { /* moved just now: what goes by it must follow */
                network->run.changes |= CONFIG_CHANGE_RULES;
                network_tell(network, NETWORK_PROPERTY_UPSTREAM);
        }
        error = check_upstream(network, "upstream_interface", network->config->upstream_interface);
        if (!error)
                error = check_upstream(network, "public_interface",
                                       network->config->public_interface);
        if (error)
                return error;

        const GArray *routes = host_view_routes(view, &error);
        if (!routes)
                return error;
        if (!network->record->taken)
                error = check_default_route(network, &link, routes);
        if (!error)
                error = check_subnet(network, &link, routes);
        if (!error)
                (void)link_ipv6_check(network, link.index, &error); /* `error` says how it went */
        if (!error)
                error = check_public(network);
        if (!error)
                (void)forwards_claim(network, &error); /* `error` says how it went */
        if (!error)
                connections_take_over(network);
        return error;
}

static void inspected(NmHeld *held, bool dhcp_lease, gpointer data)
{
        Network *network = data;
        const NetworkConfig *config = network->config;

        nm_held_free(network->inspected);
        network->inspected = held;
        if (dhcp_lease && config->dhcp_enabled && !config->dhcp_force) {
                step_done(network,
                          refuse(SERVICE_ERROR_FOREIGN_DHCP_SERVER,
                                 "a DHCP server answers on %s already; dhcp_enabled: false leaves "
                                 "DHCP to it, dhcp_force: true serves all the same",
                                 network->interface));
                return;
        }
        step_done(network, NULL);
}

/* Last, since the answer comes later. */
static void build_checked(const GError *error, gpointer data)
{
        Network *network = data;

        if (error) {
                network->claimed = false;
                step_done(network, g_error_copy(error));
                return;
        }
        if (network->record->taken || network->record->made)
                step_done(network, NULL);
        else
                nm_inspect(network->host->nm, network->interface, inspected, network);
}

void claim_start(Network *network)
{
        GError *error = check_host(network);

        network->claimed = !error;
        if (error)
                step_done(network, error);
        else if (names_table_is_wanted(network))
                dnsmasq_build_check_nftset(network->host->dnsmasq_build, build_checked, network);
        else
                build_checked(NULL, network);
}

/* Connections go on over a NIC that is plugged out and in. */
static void end_connections(Network *network)
{
        const Record *record = network->record;

        if (network->run.is_lost) {
                connections_leave(network); /* saved with what the claim forgets */
                return;
        }
        if (record->decided_gateway != 0)
                connections_end(network, &record->decided_subnet, record->twin);
        connections_end_left(network);
        connections_end_left_ipv6(network);
}

/* The rules, which would take an ended connection up again, have gone. */
void claim_undo(Network *network)
{
        GError *error = NULL;

        end_connections(network);
        network->claimed = false;
        (void)twins_forget(network, &error); /* `error` says how it went */
        g_clear_pointer(&network->inspected, nm_held_free);
        step_done(network, error);
}
