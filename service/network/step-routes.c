/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A twin's way to its NIC: a routing table of its own, and the rules that lead there packets that
 * carry its mark, and those of sockets that are bound to the NIC. The NIC's rp_filter is loose: by
 * the main table its addresses are somewhere else. What the kernel itself answers to a packet with
 * a mark (a packet too big for the upstream, a port that is closed) carries the same mark. Of the
 * twins, the oldest has the main table's route as well when nobody else has it. */

#include "network/network-private.h"

#include <linux/rtnetlink.h>

#include "host/link.h"
#include "host/route.h"
#include "model/twin.h"
#include "network/connections.h"
#include "network/twin-rules.h"
#include "network/twins.h"
#include "util/error.h"

#define RP_FILTER_OFF   0
#define RP_FILTER_LOOSE 2

/* Of no interface; this one is always there. */
#define LOOPBACK "lo"

static Route route_of(const Network *network, guint32 table)
{
        return (Route){
                .destination = network->config->subnet,
                .source = network->config->gateway_ip,
                .index = network->record->index,
                .protocol = ROUTE_OURS,
                .scope = RT_SCOPE_LINK,
                .table = table,
        };
}

static bool route_is_same(const Route *route, const Route *wanted)
{
        return route->protocol == ROUTE_OURS && route->index == wanted->index &&
               route->source == wanted->source &&
               route->destination.network == wanted->destination.network &&
               route->destination.prefix == wanted->destination.prefix;
}

static bool has_route(const GArray *routes, const Route *wanted)
{
        for (guint i = 0; i < routes->len; i++)
                if (route_is_same(&g_array_index(routes, Route, i), wanted))
                        return true;
        return false;
}

/* Deletes our routes in @table by the network's NIC, all but @wanted (NULL: all). */
static bool delete_routes(Network *network, guint32 table, const Route *wanted, GError **error)
{
        Netlink *rtnl = network->host->rtnl;
        g_autoptr(GArray) there = route_list_table(rtnl, table, error);

        if (!there)
                return false;
        for (guint i = 0; i < there->len; i++) {
                const Route *route = &g_array_index(there, Route, i);
                if (route->protocol == ROUTE_OURS && route->index == network->record->index &&
                    !(wanted && route_is_same(route, wanted)) && !route_delete(rtnl, route, error))
                        return false;
        }
        return true;
}

static bool sync_table(Network *network, guint32 table, GError **error)
{
        const Route wanted = route_of(network, table);

        return delete_routes(network, table, &wanted, error) &&
               route_add(network->host->rtnl, &wanted, error);
}

/* The main table's, once it is due to the network, is its for as long as it is up. */
static bool sync_main(Network *network, GError **error)
{
        Record *record = network->record;
        g_autoptr(GArray) routes = route_list(network->host->rtnl, error);

        if (!routes)
                return false;
        if (!record->main_route) {
                if (!twins_main_is_free(network, routes))
                        return true;
                record->main_route = true;
                if (!network_save_record(network, error))
                        return false;
        }
        return sync_table(network, RT_TABLE_MAIN, error);
}

/* Takes away what belongs to the number that the record names, whatever the network has now. */
static void clear(Network *network, GError **error)
{
        Record *record = network->record;
        guint32 table = twin_table(record->routed);
        Netlink *rtnl = network->host->rtnl;

        if (record->main_route)
                (void)delete_routes(network, RT_TABLE_MAIN, NULL, error_first(error));
        (void)twin_rules_remove(rtnl, record->routed, error_first(error));
        (void)delete_routes(network, table, NULL, error_first(error));
        (void)conntrack_end_marked(network->host->conntrack, twin_mark(record->routed),
                                   TWIN_MARK_MASK, error_first(error));
        record->main_route = false;
        record->routed = 0;
        (void)network_save_record(network, error_first(error));
}

/* The kernel goes by the larger one of the NIC's and all's. */
static bool is_looked_up_on_all(void)
{
        int value;

        return sysctl_get(SYSCTL_IPV4_RP_FILTER, "all", &value) == 0 && value != RP_FILTER_OFF;
}

/* The firewall judges where a board's packets say they come from, by the network's subnet alone.
 * The kernel would look up a route for each, twice as long where there are rules: it need not. */
static bool hold_knobs(Network *network, GError **error)
{
        bool is_twin = network->record->twin != 0;
        bool is_judged = nat_mode_forwards(network->config->nat_mode);
        Knob knobs[3];
        guint n = 0;

        if (is_judged)
                knobs[n++] = (Knob){ SYSCTL_IPV4_ACCEPT_LOCAL, network->interface, 1 };
        if (is_twin && (!is_judged || is_looked_up_on_all()))
                knobs[n++] = (Knob){ SYSCTL_IPV4_RP_FILTER, network->interface, RP_FILTER_LOOSE };
        else if (is_judged)
                knobs[n++] = (Knob){ SYSCTL_IPV4_RP_FILTER, network->interface, RP_FILTER_OFF };
        if (is_twin)
                knobs[n++] = (Knob){ SYSCTL_IPV4_FWMARK_REFLECT, LOOPBACK, 1 };
        return knobs_hold(network->host->knobs, network->name, "routes", knobs, n, error);
}

static bool apply(Network *network, GError **error)
{
        Record *record = network->record;

        if (record->routed != record->twin) {
                record->routed = record->twin;
                if (!network_save_record(network, error))
                        return false;
        }
        return sync_table(network, twin_table(record->twin), error) &&
               twin_rules_put(network->host->rtnl, record->twin, network->interface, error) &&
               sync_main(network, error);
}

void routes_start(Network *network)
{
        Record *record = network->record;
        GError *error = NULL;

        if (record->routed != 0 && record->routed != record->twin)
                clear(network, &error);
        if (!error && hold_knobs(network, &error) && record->twin != 0 && apply(network, &error))
                connections_end_left(network); /* of when it was none: they are in another zone */
        step_done(network, error);
}

void routes_undo(Network *network)
{
        GError *error = NULL;

        if (network->record->routed != 0)
                clear(network, &error);
        (void)knobs_release(network->host->knobs, network->name, "routes", error_first(&error));
        step_done(network, error);
}

/* What is there cannot be said of a network whose NIC or routes cannot be read: nothing is missing.
 */
bool routes_are_there(Network *network)
{
        const Record *record = network->record;
        Netlink *rtnl = network->host->rtnl;
        const Route own = route_of(network, twin_table(record->twin));
        const Route main = route_of(network, RT_TABLE_MAIN);

        if (record->twin == 0)
                return true;
        g_autoptr(GArray) routes = route_list_table(rtnl, own.table, NULL);
        g_autoptr(GArray) main_routes = route_list(rtnl, NULL);
        if (!routes || !main_routes)
                return true;
        return twin_rules_are_there(rtnl, record->twin, network->interface) &&
               has_route(routes, &own) && (!record->main_route || has_route(main_routes, &main));
}
