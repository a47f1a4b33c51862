/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A twin's way to its NIC: a routing table of its own, and the rules that lead there packets that
 * carry its mark, and those of sockets that are bound to the NIC. The NIC's rp_filter is loose: by
 * the main table its addresses are somewhere else. What the kernel itself answers to a packet with
 * a mark (a packet too big for the upstream, a port that is closed) carries the same mark. Of the
 * twins, the oldest has the main table's route as well when nobody else has it. */

#include "network/network-private.h"

#include <linux/rtnetlink.h>

#include "host/link.h"
#include "host/route-rule.h"
#include "host/route.h"
#include "model/twin.h"
#include "network/twins.h"

#define RP_FILTER_LOOSE 2

/* Of no interface; this one is always there. */
#define LOOPBACK "lo"

/* Keeps the first error and forgets the others. */
static GError **first(GError **error)
{
        return *error ? NULL : error;
}

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

static void rules_of(const Network *network, RouteRule rules[2])
{
        guint number = network->record->twin;

        rules[0] = (RouteRule){ .preference = twin_table(number),
                                .table = twin_table(number),
                                .mark = twin_mark(number),
                                .mask = TWIN_MARK_MASK };
        rules[1] =
                (RouteRule){ .preference = twin_bound_rule(number), .table = twin_table(number) };
        g_strlcpy(rules[1].interface, network->interface, sizeof rules[1].interface);
}

/* Around the twins' rules by mark: a packet without any mark of ours does not look at each. */
static const RouteRule gates[] = {
        { .preference = TWIN_RULE_AFTER },
        { .preference = TWIN_RULE_BEFORE, .target = TWIN_RULE_AFTER, .mask = TWIN_MARK_MASK },
};

static bool add_gates(Network *network, GError **error)
{
        for (guint i = 0; i < G_N_ELEMENTS(gates); i++)
                if (!route_rule_add(network->host->rtnl, &gates[i], error))
                        return false;
        return true;
}

static bool is_last_twin(const Network *network)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, network->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                if (value != network && ((const Network *)value)->record->routed != 0)
                        return false;
        return true;
}

static void delete_gates(Network *network, GError **error)
{
        for (guint i = G_N_ELEMENTS(gates); i-- > 0;)
                (void)route_rule_delete(network->host->rtnl, &gates[i], first(error));
}

static bool rule_is_among(const RouteRule *rule, const RouteRule *rules, guint n)
{
        for (guint i = 0; i < n; i++)
                if (rule->preference == rules[i].preference && rule->table == rules[i].table &&
                    rule->target == rules[i].target && rule->mark == rules[i].mark &&
                    rule->mask == rules[i].mask && g_str_equal(rule->interface, rules[i].interface))
                        return true;
        return false;
}

/* Exactly the rules that are wanted: the NIC may have had another name. */
static bool sync_rules(Network *network, GError **error)
{
        Netlink *rtnl = network->host->rtnl;
        RouteRule wanted[2];

        rules_of(network, wanted);
        g_autoptr(GArray) there = route_rule_list(rtnl, wanted[0].table, error);
        if (!there)
                return false;
        const RouteRule *rules = (const RouteRule *)(void *)there->data;
        for (guint i = 0; i < there->len; i++)
                if (!rule_is_among(&rules[i], wanted, G_N_ELEMENTS(wanted)) &&
                    !route_rule_delete(rtnl, &rules[i], error))
                        return false;
        for (guint i = 0; i < G_N_ELEMENTS(wanted); i++)
                if (!rule_is_among(&wanted[i], rules, there->len) &&
                    !route_rule_add(rtnl, &wanted[i], error))
                        return false;
        return true;
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
                (void)delete_routes(network, RT_TABLE_MAIN, NULL, first(error));
        g_autoptr(GArray) rules = route_rule_list(rtnl, table, first(error));
        for (guint i = 0; rules && i < rules->len; i++)
                (void)route_rule_delete(rtnl, &g_array_index(rules, RouteRule, i), first(error));
        if (is_last_twin(network))
                delete_gates(network, error);
        (void)delete_routes(network, table, NULL, first(error));
        (void)knobs_release(network->host->knobs, network->name, "routes", first(error));
        (void)conntrack_end_marked(network->host->conntrack, twin_mark(record->routed),
                                   TWIN_MARK_MASK, first(error));
        record->main_route = false;
        record->routed = 0;
        (void)network_save_record(network, first(error));
}

static bool apply(Network *network, GError **error)
{
        Record *record = network->record;
        const Knob knobs[] = {
                { SYSCTL_IPV4_RP_FILTER, network->interface, RP_FILTER_LOOSE },
                { SYSCTL_IPV4_FWMARK_REFLECT, LOOPBACK, 1 },
        };

        if (record->routed != record->twin) {
                record->routed = record->twin;
                if (!network_save_record(network, error))
                        return false;
        }
        return knobs_hold(network->host->knobs, network->name, "routes", knobs, G_N_ELEMENTS(knobs),
                          error) &&
               sync_table(network, twin_table(record->twin), error) && add_gates(network, error) &&
               sync_rules(network, error) && sync_main(network, error);
}

void routes_start(Network *network)
{
        Record *record = network->record;
        GError *error = NULL;

        if (record->routed != 0 && record->routed != record->twin)
                clear(network, &error);
        if (!error && record->twin != 0)
                (void)apply(network, &error); /* `error` says how it went */
        step_done(network, error);
}

void routes_undo(Network *network)
{
        GError *error = NULL;

        if (network->record->routed != 0)
                clear(network, &error);
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
        RouteRule wanted[G_N_ELEMENTS(gates)];

        if (record->twin == 0)
                return true;
        rules_of(network, wanted);
        g_autoptr(GArray) rules = route_rule_list(rtnl, 0, NULL);
        g_autoptr(GArray) routes = route_list_table(rtnl, own.table, NULL);
        g_autoptr(GArray) main_routes = route_list(rtnl, NULL);
        if (!rules || !routes || !main_routes)
                return true;
        for (guint i = 0; i < G_N_ELEMENTS(wanted); i++)
                if (!rule_is_among(&wanted[i], (const RouteRule *)(void *)rules->data,
                                   rules->len) ||
                    !rule_is_among(&gates[i], (const RouteRule *)(void *)rules->data, rules->len))
                        return false;
        return has_route(routes, &own) && (!record->main_route || has_route(main_routes, &main));
}
