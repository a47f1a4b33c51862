/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A forward as a value. Reading it is forward-parse.c's. */

#include "model/forward.h"

#include <netinet/in.h>

Forward *forward_copy(const Forward *forward)
{
        Forward *copy = g_new(Forward, 1);

        *copy = *forward;
        copy->hostname = g_strdup(forward->hostname);
        return copy;
}

void forward_free(Forward *forward)
{
        if (!forward)
                return;
        g_free(forward->hostname);
        g_free(forward);
}

bool forward_is_same(const Forward *a, const Forward *b)
{
        return a->protocol == b->protocol && port_range_equal(&a->ports, &b->ports) &&
               a->from.network == b->from.network && a->from.prefix == b->from.prefix;
}

bool forward_equal(const Forward *a, const Forward *b)
{
        return forward_is_same(a, b) && a->ip == b->ip && a->to_port == b->to_port &&
               g_strcmp0(a->hostname, b->hostname) == 0;
}

bool forward_overlaps(const Forward *a, const Forward *b)
{
        return a->protocol == b->protocol && port_range_overlaps(&a->ports, &b->ports) &&
               subnet_overlaps(&a->from, &b->from);
}

guint16 forward_port_behind(const Forward *forward, guint16 port)
{
        return (guint16)(forward->to_port + (port - forward->ports.first));
}

const char *forward_protocol_name(const Forward *forward)
{
        return forward->protocol == IPPROTO_UDP ? "udp" : "tcp";
}

char *forward_describe(const Forward *forward)
{
        g_autofree char *ports = port_range_to_string(&forward->ports);
        g_autofree char *from = hosts_to_string(&forward->from);
        bool is_for_all = forward->from.prefix == 0;

        return g_strdup_printf("%s port%s %s%s%s", forward_protocol_name(forward),
                               port_range_length(&forward->ports) > 1 ? "s" : "", ports,
                               is_for_all ? "" : " from ", is_for_all ? "" : from);
}

bool forward_route_explains(const ForwardRoute *route, const ForwardFlow *flow)
{
        const Forward *forward = route->forward;

        return route->ip != 0 && route->ip == flow->destination &&
               forward->protocol == flow->protocol &&
               port_range_contains(&forward->ports, flow->asked_port) &&
               forward_port_behind(forward, flow->asked_port) == flow->port &&
               subnet_contains(&forward->from, flow->source);
}
