/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The host's IPv4 routes and neighbours, as far as this service asks, and giving a route back. */

#include <glib.h>
#include <stdbool.h>

#include "host/netlink.h"
#include "model/address.h"

typedef struct Route {
        Subnet destination; /* prefix 0 = default, up to 32 */
        guint32 gateway;    /* 0 = on link */
        guint32 source;     /* preferred source; 0 = none */
        guint index;        /* output interface */
        guint32 metric;
        guint8 protocol;
        guint8 scope;
        guint8 type;   /* RTN_UNICAST, … */
        guint32 table; /* 0 = main */
} Route;

/* Our mark on a route or a rule, which `ip route` and `ip rule` show as their protocol. */
#define ROUTE_OURS 0x4a

/* The main table's unicast routes, an array of Route; the caller's. A route with several next hops
 * is one Route for each. */
GArray *route_list(Netlink *rtnl, GError **error);

/* The same of @table. */
GArray *route_list_table(Netlink *rtnl, guint32 table, GError **error);

/* Puts @route into its table. There already, or its interface gone, is success. */
bool route_add(Netlink *rtnl, const Route *route, GError **error);
/* Takes it out; gone already, or its interface gone, is success. */
bool route_delete(Netlink *rtnl, const Route *route, GError **error);

/* The best default route's interface, those of @ignored (interface indexes, may be NULL) aside:
 * lowest metric, then first. 0 where there is none. @routes as route_list() gave them. */
guint route_default_interface(const GArray *routes, const GArray *ignored);

/* The interface that the kernel would send to @destination by (RTM_GETROUTE). 0 where it has no
 * route. */
guint route_lookup(Netlink *rtnl, guint32 destination);

/* IPv4 addresses that the neighbour table of interface @index shows to be in use (NUD_REACHABLE,
 * STALE, DELAY, PROBE, PERMANENT). An array of guint32; the caller's. */
GArray *route_neighbours(Netlink *rtnl, guint index);
/* What was learned of @address on interface @index, if anything, is forgotten. */
void route_forget_neighbour(Netlink *rtnl, guint index, guint32 address);

/* Tells that a route of the main table or an address changed, our own routes aside. One call may
 * stand for many changes. */
typedef struct RouteWatch RouteWatch;
RouteWatch *route_watch_new(void (*changed)(gpointer data), gpointer data, GError **error);
void route_watch_free(RouteWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RouteWatch, route_watch_free)
