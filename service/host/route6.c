/* SPDX-License-Identifier: GPL-2.0-or-later */

/* IPv6 routes, read by rtnetlink. None is made here: ours come and go with addresses. */

#include "host/route6.h"

#include <errno.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include "util/error.h"

/* A route as it is read: its next hops, where it has several, come in one attribute. */
typedef struct ReadRoute {
        Route6 route;
        guint32 table;
        const struct nlattr *hops;
} ReadRoute;

static int take_attribute(const struct nlattr *attribute, void *data)
{
        ReadRoute *read = data;
        guint8 *destination = read->route.destination.network.bytes;

        switch (mnl_attr_get_type(attribute)) {
        case RTA_DST:
                memcpy(destination, mnl_attr_get_payload(attribute),
                       MIN(mnl_attr_get_payload_len(attribute), sizeof(Address6)));
                break;
        case RTA_GATEWAY:
                read->route.has_gateway = true;
                break;
        case RTA_OIF:
                read->route.index = mnl_attr_get_u32(attribute);
                break;
        case RTA_TABLE:
                read->table = mnl_attr_get_u32(attribute);
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
static void append_hops(GArray *routes, const Route6 *route, const struct nlattr *hops)
{
        const struct rtnexthop *hop = mnl_attr_get_payload(hops);
        int left = mnl_attr_get_payload_len(hops);

        while (left >= (int)sizeof *hop && RTNH_OK(hop, left)) {
                Route6 one = *route;
                one.index = (guint)hop->rtnh_ifindex;
                one.has_gateway = true; /* hops without one are of other kinds of routes */
                g_array_append_val(routes, one);
                left -= (int)RTNH_ALIGN(hop->rtnh_len);
                hop = (const void *)((const char *)hop + RTNH_ALIGN(hop->rtnh_len));
        }
}

static int take_route(const struct nlmsghdr *message, void *data)
{
        GArray *routes = data;
        const struct rtmsg *info = mnl_nlmsg_get_payload(message);

        if (message->nlmsg_type != RTM_NEWROUTE || info->rtm_family != AF_INET6)
                return MNL_CB_OK;

        ReadRoute read = {
                .route.destination.prefix = info->rtm_dst_len,
                .route.protocol = info->rtm_protocol,
                .table = info->rtm_table,
        };
        (void)mnl_attr_parse(message, sizeof *info, take_attribute, &read); /* never stops */
        if (read.table != RT_TABLE_MAIN || info->rtm_type != RTN_UNICAST ||
            (info->rtm_flags & RTM_F_CLONED))
                return MNL_CB_OK;
        if (read.hops)
                append_hops(routes, &read.route, read.hops);
        else
                g_array_append_val(routes, read.route);
        return MNL_CB_OK;
}

GArray *route6_list(Netlink *rtnl, GError **error)
{
        g_autoptr(GArray) routes = g_array_new(FALSE, FALSE, sizeof(Route6));
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
        request->nlmsg_type = RTM_GETROUTE;
        request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        struct rtmsg *info = mnl_nlmsg_put_extra_header(request, sizeof *info);
        info->rtm_family = AF_INET6;
        info->rtm_table = RT_TABLE_MAIN;

        int r = netlink_dump(rtnl, request, take_route, routes, routes);
        if (r == -ENOENT)
                return g_steal_pointer(&routes); /* no such table yet, no route */
        if (r < 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "cannot list IPv6 routes: %s", g_strerror(-r));
                return NULL;
        }
        return g_steal_pointer(&routes);
}
