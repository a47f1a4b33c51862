/* SPDX-License-Identifier: GPL-2.0-or-later */

/* IPv4 routes and neighbours, read by rtnetlink, and word that the way out may have changed. Most
 * routes come and go with addresses; made here are those that were there before, and those of
 * tables of our own. */

#include "host/route.h"

#include <arpa/inet.h>
#include <errno.h>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "util/error.h"

/* Changes come in bunches: an interface that comes up brings addresses and routes. */
#define SETTLE_MS 20

#define NEIGHBOUR_IN_USE (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)

struct RouteWatch {
        NetlinkMonitor *monitor;
        guint timer;
        void (*changed)(gpointer data);
        gpointer data;
};

typedef struct Neighbours {
        GArray *addresses;
        guint index;
} Neighbours;

/* A route as it is read: its next hops, where it has several, come in one attribute. */
typedef struct ReadRoute {
        Route route;
        const struct nlattr *hops;
} ReadRoute;

static int take_attribute(const struct nlattr *attribute, void *data)
{
        ReadRoute *read = data;
        Route *route = &read->route;

        switch (mnl_attr_get_type(attribute)) {
        case RTA_DST:
                route->destination.network = ntohl(mnl_attr_get_u32(attribute));
                break;
        case RTA_GATEWAY:
                route->gateway = ntohl(mnl_attr_get_u32(attribute));
                break;
        case RTA_PREFSRC:
                route->source = ntohl(mnl_attr_get_u32(attribute));
                break;
        case RTA_OIF:
                route->index = mnl_attr_get_u32(attribute);
                break;
        case RTA_PRIORITY:
                route->metric = mnl_attr_get_u32(attribute);
                break;
        case RTA_TABLE:
                route->table = mnl_attr_get_u32(attribute);
                break;
        case RTA_MULTIPATH:
                read->hops = attribute;
                break;
        default:
                break;
        }
        return MNL_CB_OK;
}

/* Appends @route once for each of its next hops. */
static void append_hops(GArray *routes, const Route *route, const struct nlattr *hops)
{
        const struct rtnexthop *hop = mnl_attr_get_payload(hops);
        int left = mnl_attr_get_payload_len(hops);

        while (left >= (int)sizeof *hop && RTNH_OK(hop, left)) {
                ReadRoute one = { .route = *route };
                (void)mnl_attr_parse_payload(hop + 1, hop->rtnh_len - sizeof *hop, take_attribute,
                                             &one); /* never stops */
                one.route.index = (guint)hop->rtnh_ifindex;
                if (!(hop->rtnh_flags & RTNH_F_DEAD))
                        g_array_append_val(routes, one.route);
                left -= (int)RTNH_ALIGN(hop->rtnh_len);
                hop = (const void *)((const char *)hop + RTNH_ALIGN(hop->rtnh_len));
        }
}

typedef struct Listing {
        GArray *routes;
        guint32 table;
} Listing;

static int take_route(const struct nlmsghdr *message, void *data)
{
        const Listing *listing = data;
        GArray *routes = listing->routes;
        const struct rtmsg *info = mnl_nlmsg_get_payload(message);

        if (message->nlmsg_type != RTM_NEWROUTE || info->rtm_family != AF_INET)
                return MNL_CB_OK;

        ReadRoute read = {
                .route.destination.prefix = info->rtm_dst_len,
                .route.protocol = info->rtm_protocol,
                .route.scope = info->rtm_scope,
                .route.type = info->rtm_type,
                .route.table = info->rtm_table,
        };
        (void)mnl_attr_parse(message, sizeof *info, take_attribute, &read); /* never stops */
        if (read.route.table != listing->table || read.route.type != RTN_UNICAST ||
            (info->rtm_flags & (RTM_F_CLONED | RTNH_F_DEAD)))
                return MNL_CB_OK;
        if (read.hops)
                append_hops(routes, &read.route, read.hops);
        else
                g_array_append_val(routes, read.route);
        return MNL_CB_OK;
}

GArray *route_list(Netlink *rtnl, GError **error)
{
        return route_list_table(rtnl, RT_TABLE_MAIN, error);
}

/* A table that nothing has been put into yet is not there: it has no routes. */
GArray *route_list_table(Netlink *rtnl, guint32 table, GError **error)
{
        g_autoptr(GArray) routes = g_array_new(FALSE, FALSE, sizeof(Route));
        Listing listing = { .routes = routes, .table = table };
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
        request->nlmsg_type = RTM_GETROUTE;
        request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        struct rtmsg *info = mnl_nlmsg_put_extra_header(request, sizeof *info);
        info->rtm_family = AF_INET;
        mnl_attr_put_u32(request, RTA_TABLE, table);

        int r = netlink_dump(rtnl, request, take_route, &listing, routes);
        if (r < 0 && r != -ENOENT) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "cannot list IPv4 routes: %s", g_strerror(-r));
                return NULL;
        }
        return g_steal_pointer(&routes);
}

static struct nlmsghdr *put_route(char *buffer, guint16 type, guint16 flags, const Route *route)
{
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

        request->nlmsg_type = type;
        request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        struct rtmsg *info = mnl_nlmsg_put_extra_header(request, sizeof *info);
        info->rtm_family = AF_INET;
        info->rtm_dst_len = (guint8)route->destination.prefix;
        info->rtm_table = RT_TABLE_UNSPEC; /* its attribute has room for the number */
        info->rtm_protocol = route->protocol;
        info->rtm_scope = route->scope;
        info->rtm_type = RTN_UNICAST;
        if (route->destination.prefix > 0)
                mnl_attr_put_u32(request, RTA_DST, htonl(route->destination.network));
        if (route->gateway)
                mnl_attr_put_u32(request, RTA_GATEWAY, htonl(route->gateway));
        if (route->source)
                mnl_attr_put_u32(request, RTA_PREFSRC, htonl(route->source));
        if (route->metric)
                mnl_attr_put_u32(request, RTA_PRIORITY, route->metric);
        mnl_attr_put_u32(request, RTA_OIF, route->index);
        mnl_attr_put_u32(request, RTA_TABLE, route->table ? route->table : RT_TABLE_MAIN);
        return request;
}

static bool fail(const char *attempt, const Route *route, int r, const char *said, GError **error)
{
        char text[ADDRESS_TEXT_SIZE];

        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "cannot %s the route to %s/%u: %s",
                    attempt, address_format(route->destination.network, text),
                    route->destination.prefix, said ? said : g_strerror(-r));
        return false;
}

bool route_add(Netlink *rtnl, const Route *route, GError **error)
{
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        g_autofree char *said = NULL;
        struct nlmsghdr *request =
                put_route(buffer, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route);

        int r = netlink_request(rtnl, request, NULL, NULL, &said);
        return r >= 0 || r == -EEXIST || r == -ENODEV || fail("add", route, r, said, error);
}

bool route_delete(Netlink *rtnl, const Route *route, GError **error)
{
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        g_autofree char *said = NULL;
        struct nlmsghdr *request = put_route(buffer, RTM_DELROUTE, 0, route);

        int r = netlink_request(rtnl, request, NULL, NULL, &said);
        return r >= 0 || r == -ESRCH || r == -ENODEV || fail("delete", route, r, said, error);
}

static bool is_among(const GArray *indexes, guint index)
{
        for (guint i = 0; indexes && i < indexes->len; i++)
                if (g_array_index(indexes, guint, i) == index)
                        return true;
        return false;
}

guint route_default_interface(const GArray *routes, const GArray *ignored)
{
        const Route *best = NULL;

        for (guint i = 0; i < routes->len; i++) {
                const Route *route = &g_array_index(routes, Route, i);
                if (route->destination.prefix != 0 || route->index == 0 ||
                    is_among(ignored, route->index))
                        continue;
                if (!best || route->metric < best->metric)
                        best = route;
        }
        return best ? best->index : 0;
}

static int take_looked_up(const struct nlmsghdr *message, void *data)
{
        if (message->nlmsg_type == RTM_NEWROUTE)
                (void)mnl_attr_parse(message, sizeof(struct rtmsg), take_attribute, data);
        return MNL_CB_OK;
}

guint route_lookup(Netlink *rtnl, guint32 destination)
{
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
        struct rtmsg *info;
        ReadRoute read = { 0 };

        request->nlmsg_type = RTM_GETROUTE;
        request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
        info = mnl_nlmsg_put_extra_header(request, sizeof *info);
        info->rtm_family = AF_INET;
        info->rtm_dst_len = 32;
        mnl_attr_put_u32(request, RTA_DST, htonl(destination));

        if (netlink_request(rtnl, request, take_looked_up, &read, NULL) < 0)
                return 0; /* unreachable, prohibited: no way there */
        return read.route.index;
}

static int take_neighbour_attribute(const struct nlattr *attribute, void *data)
{
        GArray *addresses = data;

        if (mnl_attr_get_type(attribute) == NDA_DST) {
                guint32 address = ntohl(mnl_attr_get_u32(attribute));
                g_array_append_val(addresses, address);
        }
        return MNL_CB_OK;
}

static int take_neighbour(const struct nlmsghdr *message, void *data)
{
        Neighbours *neighbours = data;
        const struct ndmsg *info = mnl_nlmsg_get_payload(message);

        if (message->nlmsg_type != RTM_NEWNEIGH || info->ndm_family != AF_INET ||
            (guint)info->ndm_ifindex != neighbours->index || !(info->ndm_state & NEIGHBOUR_IN_USE))
                return MNL_CB_OK;
        return mnl_attr_parse(message, sizeof *info, take_neighbour_attribute,
                              neighbours->addresses);
}

GArray *route_neighbours(Netlink *rtnl, guint index)
{
        GArray *addresses = g_array_new(FALSE, FALSE, sizeof(guint32));
        Neighbours neighbours = { .addresses = addresses, .index = index };
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
        struct ndmsg *info;

        request->nlmsg_type = RTM_GETNEIGH;
        request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        info = mnl_nlmsg_put_extra_header(request, sizeof *info);
        info->ndm_family = AF_INET;
        mnl_attr_put_u32(request, NDA_IFINDEX, index);
        /* An interrupted dump is good enough for a table that changes by itself. */
        (void)netlink_request(rtnl, request, take_neighbour, &neighbours, NULL);
        return addresses;
}

void route_forget_neighbour(Netlink *rtnl, guint index, guint32 address)
{
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
        struct ndmsg *info;

        request->nlmsg_type = RTM_DELNEIGH;
        request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
        info = mnl_nlmsg_put_extra_header(request, sizeof *info);
        info->ndm_family = AF_INET;
        info->ndm_ifindex = (int)index;
        mnl_attr_put_u32(request, NDA_DST, htonl(address));
        (void)netlink_request(rtnl, request, NULL, NULL, NULL); /* nothing learned is fine */
}

static gboolean on_settled(gpointer data)
{
        RouteWatch *watch = data;

        watch->timer = 0;
        watch->changed(watch->data);
        return G_SOURCE_REMOVE;
}

static void schedule(gpointer data)
{
        RouteWatch *watch = data;

        if (watch->timer == 0)
                watch->timer = g_timeout_add(SETTLE_MS, on_settled, watch);
}

static bool is_others_route(const struct nlmsghdr *message)
{
        const struct rtmsg *info = mnl_nlmsg_get_payload(message);

        return mnl_nlmsg_get_payload_len(message) >= sizeof *info &&
               info->rtm_table == RT_TABLE_MAIN && info->rtm_protocol != ROUTE_OURS;
}

/* IPv4 routes that go with their interface's link are taken out silently: links count as well. */
static void on_message(const struct nlmsghdr *message, gpointer data)
{
        switch (message->nlmsg_type) {
        case RTM_NEWROUTE:
        case RTM_DELROUTE:
                if (is_others_route(message))
                        schedule(data);
                break;
        case RTM_NEWADDR:
        case RTM_DELADDR:
        case RTM_NEWLINK:
        case RTM_DELLINK:
                schedule(data);
                break;
        default:
                break;
        }
}

RouteWatch *route_watch_new(void (*changed)(gpointer data), gpointer data, GError **error)
{
        RouteWatch *watch = g_new0(RouteWatch, 1);

        watch->changed = changed;
        watch->data = data;
        watch->monitor = netlink_monitor_new(NETLINK_ROUTE,
                                             RTMGRP_IPV4_ROUTE | RTMGRP_IPV4_IFADDR | RTMGRP_LINK,
                                             on_message, schedule, watch, error);
        if (!watch->monitor)
                g_clear_pointer(&watch, route_watch_free);
        return watch;
}

void route_watch_free(RouteWatch *watch)
{
        if (!watch)
                return;
        netlink_monitor_free(watch->monitor);
        g_clear_handle_id(&watch->timer, g_source_remove);
        g_free(watch);
}
