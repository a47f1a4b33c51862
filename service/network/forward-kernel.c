/* SPDX-License-Identifier: GPL-2.0-or-later */

/* While there was no daemon, a name can have gone to another board, and a file can have changed:
 * where connections have been led to, the maps alone tell. They have single ports; what was put
 * together is found by what is configured, and the rest is put together by the ports. */

#include "network/forward-kernel.h"

#include "model/ruleset-types.h"
#include "model/ruleset.h"
#include "network/forward-list.h"
#include "network/network-private.h"

static const RulesetPort *port_at(const GArray *ports, guint i)
{
        return &g_array_index(ports, RulesetPort, i);
}

static bool is_same_source(const Subnet *a, const Subnet *b)
{
        return a->network == b->network && a->prefix == b->prefix;
}

/* 0: not there. */
static guint32 where_it_leads(const GArray *ports, const Forward *forward)
{
        for (guint i = 0; i < ports->len; i++) {
                const RulesetPort *port = port_at(ports, i);
                if (port->port == forward->ports.first && port->to_port == forward->to_port &&
                    is_same_source(&port->from, &forward->from))
                        return port->ip;
        }
        return 0;
}

static void add_configured(GPtrArray *list, const ForwardMap *map, const GArray *ports,
                           const GPtrArray *forwards)
{
        for (guint i = 0; i < forwards->len; i++) {
                const Forward *forward = forwards->pdata[i];
                if (forward->protocol != map->protocol ||
                    (forward->from.prefix > 0) != map->with_source)
                        continue;
                guint32 ip = where_it_leads(ports, forward);
                if (ip != 0 || forward->hostname)
                        forward_list_add(list, forward, ip, NULL);
        }
}

static bool is_listed(const GArray *routes, const ForwardMap *map, const RulesetPort *port)
{
        const ForwardFlow flow = { port->from.network, map->protocol, port->port, port->ip,
                                   port->to_port };

        for (guint i = 0; i < routes->len; i++)
                if (forward_route_explains(&g_array_index(routes, ForwardRoute, i), &flow))
                        return true;
        return false;
}

static gint by_source_and_port(gconstpointer a, gconstpointer b)
{
        const RulesetPort *one = a, *other = b;

        if (one->from.network != other->from.network)
                return one->from.network < other->from.network ? -1 : 1;
        if (one->from.prefix != other->from.prefix)
                return one->from.prefix < other->from.prefix ? -1 : 1;
        return (gint)one->port - (gint)other->port;
}

static bool goes_on(const RulesetPort *port, const RulesetPort *next)
{
        return is_same_source(&port->from, &next->from) && port->ip == next->ip &&
               port->port + 1 == next->port && port->to_port + 1 == next->to_port;
}

/* Sorts @others. */
static void add_together(GPtrArray *list, const ForwardMap *map, GArray *others)
{
        g_array_sort(others, by_source_and_port);
        for (guint i = 0, n; i < others->len; i += n) {
                const RulesetPort *first = port_at(others, i);
                for (n = 1; i + n < others->len; n++)
                        if (!goes_on(port_at(others, i + n - 1), port_at(others, i + n)))
                                break;
                const Forward forward = {
                        .protocol = map->protocol,
                        .ports = { first->port, port_at(others, i + n - 1)->port },
                        .from = first->from,
                        .ip = first->ip,
                        .to_port = first->to_port,
                };
                forward_list_add(list, &forward, first->ip, NULL);
        }
}

static void add_others(GPtrArray *list, const ForwardMap *map, const GArray *ports)
{
        g_autoptr(GArray) routes = forward_list_routes(list);
        g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(RulesetPort));

        for (guint i = 0; i < ports->len; i++)
                if (!is_listed(routes, map, port_at(ports, i)))
                        g_array_append_val(others, *port_at(ports, i));
        add_together(list, map, others);
}

GPtrArray *forward_kernel_read(const Network *network, GError **error)
{
        const GPtrArray *forwards = entries_forwards(network->config->entries);
        g_autoptr(GPtrArray) list = forward_list_new();
        const ForwardMap *map;

        for (guint nth = 0; (map = ruleset_forward_map(nth)); nth++) {
                g_autoptr(GArray) ports =
                        nft_read_ports(network->host->nft, network->record->table, map->map, error);
                if (!ports)
                        return NULL;
                add_configured(list, map, ports, forwards);
                add_others(list, map, ports);
        }
        return g_steal_pointer(&list);
}
