/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Connection tracking decides by a connection's first packet: what was led once is led for as long
 * as it lasts, and what came before there was a forward goes on past it. */

#include "network/forward-connections.h"

#include <netinet/in.h>

#include "host/ip-address.h"
#include "network/connections.h"
#include "network/forward-list.h"
#include "network/forward-ports.h"
#include "network/network-private.h"
#include "util/log.h"

typedef struct Judged {
        const Network *network;
        const GArray *lost, *present;
        GHashTable
                *own; /* addresses that are led: the host's, but for the loopback's and gateways */
} Judged;

static bool explains(const GArray *routes, const ConntrackFlow *flow)
{
        const ForwardFlow led = { flow->source, flow->protocol, flow->asked_port, flow->destination,
                                  flow->port };

        for (guint i = 0; i < routes->len; i++)
                if (forward_route_explains(&g_array_index(routes, ForwardRoute, i), &led))
                        return true;
        return false;
}

/* A public address leads to the same board by itself. */
static bool is_lost(const ConntrackFlow *flow, gpointer data)
{
        const Judged *judged = data;

        return explains(judged->lost, flow) && !explains(judged->present, flow) &&
               !entries_find_public_ip(judged->network->config->entries, flow->asked);
}

static void end_lost(Network *network, const GArray *lost, const GArray *present)
{
        const ConntrackScope scope = connections_scope(network);
        Judged judged = { .network = network, .lost = lost, .present = present };
        g_autoptr(GError) error = NULL;

        if (lost->len > 0 &&
            !conntrack_end_led(network->host->conntrack, &scope, is_lost, &judged, &error))
                log_network_warning(network->name, "%s", error->message);
}

/* An answered one of TCP is somebody's who listens no more, and is left to end as it will. */
static bool would_go_past(const ConntrackFlow *flow, gpointer data)
{
        const Judged *judged = data;

        if (!g_hash_table_contains(judged->own, GUINT_TO_POINTER(flow->asked)) ||
            (flow->protocol == IPPROTO_TCP && flow->is_answered))
                return false;
        for (guint i = 0; i < judged->present->len; i++) {
                const Forward *forward = g_array_index(judged->present, ForwardRoute, i).forward;
                if (forward->protocol == flow->protocol &&
                    port_range_contains(&forward->ports, flow->asked_port) &&
                    subnet_contains(&forward->from, flow->source))
                        return true;
        }
        return false;
}

/* Connection tracking decides by the first packet: a sender that goes on would go on past. */
static void end_past(Network *network, const GArray *gained)
{
        g_autoptr(GHashTable) own = g_hash_table_new(NULL, NULL);
        Judged judged = { .network = network, .present = gained, .own = own };
        g_autoptr(GError) error = NULL;

        if (gained->len == 0)
                return;
        g_autoptr(GArray) addresses = ip_address_list(network->host->rtnl, 0, &error);
        for (guint i = 0; addresses && i < addresses->len; i++) {
                const IpAddress *address = &g_array_index(addresses, IpAddress, i);
                if (address->address >> 24 != IN_LOOPBACKNET &&
                    !forward_is_dut_side(network, address->address, 0))
                        g_hash_table_add(own, GUINT_TO_POINTER(address->address));
        }
        if (!addresses ||
            !conntrack_end_unled(network->host->conntrack, would_go_past, &judged, &error))
                log_network_warning(network->name, "%s", error->message);
}

void forward_connections_end(Network *network, const GPtrArray *before, const GPtrArray *now)
{
        g_autoptr(GArray) lost = forward_list_difference(before, now);
        g_autoptr(GArray) gained = forward_list_difference(now, before);
        g_autoptr(GArray) present = forward_list_routes(now);

        end_lost(network, lost, present);
        end_past(network, gained);
}
