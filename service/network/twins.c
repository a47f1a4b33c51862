/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The first network of a subnet is like any other. One that comes later and overlaps it, or what
 * the host routes anyway, is a twin: it has a number, and all that is done for it is told by that
 * number. The host reaches by the main table the one alone that has the route there: the first, or,
 * when that has gone, the oldest twin; where the host had the subnet before us, no twin of ours. */

#include "network/twins.h"

#include "host/ip-address.h"
#include "host/link.h"
#include "host/route-rule.h"
#include "host/route.h"
#include "model/twin.h"
#include "network/network-private.h"
#include "util/error.h"

static bool overlaps(const Network *network, const Network *other)
{
        return other != network &&
               subnet_overlaps(&other->config->subnet, &network->config->subnet);
}

static const char *name_of(Network *network, guint index, Link *link)
{
        return link_get_by_index(network->host->rtnl, index, link) == 0 ? link->name
                                                                        : "another interface";
}

/* Gateway addresses carry our mark, and so do public ones, which are /32. */
static bool is_gateway(const IpAddress *address)
{
        return address->protocol == IP_ADDRESS_OURS && address->prefix < 32;
}

/* Whether interface @index is a network's. */
static bool is_networks_own(const Network *network, guint index)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, network->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Network *other = value;
                if (network_has_interface(other) && other->record->index == index)
                        return true;
        }
        return false;
}

/* A default route, or one of the two halves that VPNs have instead. */
static bool is_default(const Route *route)
{
        return route->destination.prefix <= 1;
}

/* A route of the host that leads to some of the subnet by another interface than @index, default
 * routes aside; @no_networks: and those by networks' interfaces. NULL: none. */
static const Route *find_route(const Network *network, const GArray *routes, guint index,
                               bool no_networks)
{
        for (guint i = 0; i < routes->len; i++) {
                const Route *route = &g_array_index(routes, Route, i);
                if (!is_default(route) && route->index != index &&
                    subnet_overlaps(&route->destination, &network->config->subnet) &&
                    !(no_networks && is_networks_own(network, route->index)))
                        return route;
        }
        return NULL;
}

/* What @network's subnet overlaps, in words; NULL: nothing. Networks that are coming up have no
 * route yet. The caller's. */
static char *find_overlap(Network *network, const GArray *routes, guint index)
{
        GHashTableIter iter;
        gpointer value;
        Link link;

        g_hash_table_iter_init(&iter, network->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Network *other = value;
                if (overlaps(network, other) && network_has_interface(other) &&
                    other->record->twin == 0)
                        return g_strdup(other->name);
        }
        g_hash_table_iter_init(&iter, network->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Network *other = value;
                if (overlaps(network, other) && network_has_interface(other))
                        return g_strdup(other->name);
        }
        const Route *route = find_route(network, routes, index, false);
        if (!route)
                return NULL;
        g_autofree char *destination = subnet_to_string(&route->destination);
        return g_strdup_printf("%s by %s", destination, name_of(network, route->index, &link));
}

/* Numbers that rules are there for: of networks that an earlier life has left, and that are not
 * loaded yet. */
static bool note_ruled(const Network *network, bool *used, GError **error)
{
        g_autoptr(GArray) rules = route_rule_list(network->host->rtnl, 0, error);

        for (guint i = 0; rules && i < rules->len; i++)
                used[twin_of_table(g_array_index(rules, RouteRule, i).table)] = true;
        return rules != NULL;
}

/* 0: LIMIT_EXCEEDED, or they cannot be read. */
static guint free_number(const Network *network, GError **error)
{
        g_autofree bool *used = g_new0(bool, TWIN_NUMBER_MAX + 1);
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, network->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Record *record = ((const Network *)value)->record;
                used[record->twin] = used[record->routed] = true;
        }
        if (!note_ruled(network, used, error))
                return 0;
        for (guint number = 1; number <= TWIN_NUMBER_MAX; number++)
                if (!used[number])
                        return number;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED,
                    "subnet: %u networks overlap others, which is the most", TWIN_NUMBER_MAX);
        return 0;
}

/* What the host has, or needs elsewhere, it cannot have here. */
static bool check_gateway(Network *network, const GArray *routes, guint index, GError **error)
{
        guint32 gateway = network->config->gateway_ip;
        char text[ADDRESS_TEXT_SIZE];
        Link link;
        g_autoptr(GArray) addresses = ip_address_list(network->host->rtnl, 0, error);

        if (!addresses)
                return false;
        address_format(gateway, text);
        for (guint i = 0; i < addresses->len; i++) {
                const IpAddress *address = &g_array_index(addresses, IpAddress, i);
                if (address->address != gateway || address->index == index || is_gateway(address) ||
                    is_networks_own(network, address->index))
                        continue;
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_ADDRESS_IN_USE,
                            "gateway_ip: %s is the host's own address on %s", text,
                            name_of(network, address->index, &link));
                return false;
        }
        for (guint i = 0; i < routes->len; i++) {
                const Route *route = &g_array_index(routes, Route, i);
                if (route->gateway != gateway || route->index == index)
                        continue;
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_ADDRESS_IN_USE,
                            "gateway_ip: %s is the host's own gateway on %s", text,
                            name_of(network, route->index, &link));
                return false;
        }
        return true;
}

static bool is_decided(const Record *record, const NetworkConfig *config)
{
        return record->decided_gateway == config->gateway_ip &&
               record->decided_subnet.network == config->subnet.network &&
               record->decided_subnet.prefix == config->subnet.prefix;
}

static void set_twin(Record *record, guint number, const char *twin_of)
{
        if (record->twin != number)
                record->twin_since_usec = number ? g_get_monotonic_time() : 0;
        record->twin = number;
        g_free(record->twin_of);
        record->twin_of = g_strdup(twin_of);
}

bool twins_decide(Network *network, const GArray *routes, guint index, GError **error)
{
        Record *record = network->record;
        const NetworkConfig *config = network->config;

        if (is_decided(record, config))
                return true;
        if (!check_gateway(network, routes, index, error))
                return false;
        g_autofree char *overlap = find_overlap(network, routes, index);
        guint number = 0;
        if (overlap) {
                number = record->twin ? record->twin : free_number(network, error);
                if (number == 0)
                        return false;
        }
        record->decided_subnet = config->subnet;
        record->decided_gateway = config->gateway_ip;
        set_twin(record, number, overlap);
        record->twin_of_host = find_route(network, routes, index, true) != NULL;
        return network_save_record(network, error);
}

static bool has_same_subnet(const Network *network, const GArray *routes)
{
        const Subnet *subnet = &network->config->subnet;

        for (guint i = 0; i < routes->len; i++) {
                const Route *route = &g_array_index(routes, Route, i);
                if (route->destination.network == subnet->network &&
                    route->destination.prefix == subnet->prefix &&
                    route->index != network->record->index &&
                    !is_networks_own(network, route->index))
                        return true;
        }
        return false;
}

bool twins_should_be(Network *network, HostView *view)
{
        const Record *record = network->record;

        if (record->twin != 0 || record->decided_gateway == 0)
                return false;
        const GArray *routes = host_view_routes(view, NULL);
        return routes && has_same_subnet(network, routes) &&
               check_gateway(network, routes, record->index, NULL);
}

GArray *twins_elsewhere(const Network *network, GError **error)
{
        const Subnet *subnet = &network->config->subnet;
        g_autoptr(GArray) elsewhere = g_array_new(FALSE, FALSE, sizeof(Subnet));

        if (network->record->twin != 0)
                return g_steal_pointer(&elsewhere);
        g_autoptr(GArray) routes = route_list(network->host->rtnl, error);
        for (guint i = 0; routes && i < routes->len; i++) {
                const Route *route = &g_array_index(routes, Route, i);
                if (route->index != network->record->index &&
                    route->destination.prefix > subnet->prefix &&
                    subnet_contains(subnet, route->destination.network))
                        g_array_append_val(elsewhere, route->destination);
        }
        return routes ? g_steal_pointer(&elsewhere) : NULL;
}

bool twins_forget(Network *network, GError **error)
{
        if (network->record->decided_gateway == 0)
                return true;
        network->record->decided_gateway = 0;
        set_twin(network->record, 0, NULL);
        network->record->twin_of_host = false;
        return network_save_record(network, error);
}

/* Whether it has the main table's route, as the first of its subnet or as a twin. */
static bool has_main(const Network *network)
{
        const Record *record = network->record;

        return record->twin == 0 ? record->gateway_ip != 0 : record->main_route;
}

static bool somebody_has_main(const Network *network)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, network->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                if (overlaps(network, value) && has_main(value))
                        return true;
        return false;
}

/* Not even when its route has gone: the LAN comes back, and ours would win. */
static bool host_has_main(const Network *network, const GArray *routes)
{
        return network->record->twin_of_host ||
               find_route(network, routes, network->record->index, true);
}

static bool is_older(const Network *other, const Network *network)
{
        return other->record->routed != 0 &&
               other->record->twin_since_usec < network->record->twin_since_usec;
}

bool twins_main_is_free(const Network *network, const GArray *routes)
{
        GHashTableIter iter;
        gpointer value;

        if (somebody_has_main(network) || host_has_main(network, routes))
                return false;
        g_hash_table_iter_init(&iter, network->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Network *other = value;
                if (overlaps(network, other) && is_older(other, network) &&
                    !somebody_has_main(other) && !host_has_main(other, routes))
                        return false;
        }
        return true;
}

void twins_look_again(const Network *network)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, network->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Network *other = value;
                if (other != network && other->record->routed != 0 && !other->record->main_route)
                        operations_refresh(other, NETWORK_PART_ROUTES);
        }
}
