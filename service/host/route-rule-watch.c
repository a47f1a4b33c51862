/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The kernel's notifications of rules and routes that are deleted, those that carry our protocol
 * number. Routes that go with their link's being set down are not told of: links are. */

#include "host/route-rule-watch.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "host/netlink.h"
#include "host/route.h"

/* Somebody who flushes deletes many at once. */
#define SETTLE_MS 10

#define GROUP_RULES (1u << (RTNLGRP_IPV4_RULE - 1))

struct RouteRuleWatch {
        NetlinkMonitor *monitor;
        guint timer;
        void (*gone)(gpointer data);
        gpointer data;
};

static gboolean on_settled(gpointer data)
{
        RouteRuleWatch *watch = data;

        watch->timer = 0;
        watch->gone(watch->data);
        return G_SOURCE_REMOVE;
}

static void schedule(gpointer data)
{
        RouteRuleWatch *watch = data;

        if (watch->timer == 0)
                watch->timer = g_timeout_add(SETTLE_MS, on_settled, watch);
}

static int take_protocol(const struct nlattr *attribute, void *data)
{
        guint8 *protocol = data;

        if (mnl_attr_get_type(attribute) == FRA_PROTOCOL &&
            mnl_attr_get_payload_len(attribute) >= sizeof *protocol)
                *protocol = mnl_attr_get_u8(attribute);
        return MNL_CB_OK;
}

static guint8 protocol_of(const struct nlmsghdr *message)
{
        const struct rtmsg *route = mnl_nlmsg_get_payload(message);
        guint8 protocol = 0;

        if (message->nlmsg_type == RTM_DELROUTE)
                return mnl_nlmsg_get_payload_len(message) < sizeof *route ? 0 : route->rtm_protocol;
        if (message->nlmsg_type == RTM_DELRULE)
                (void)mnl_attr_parse(message, sizeof(struct fib_rule_hdr), take_protocol,
                                     &protocol); /* never stops */
        return protocol;
}

static void on_message(const struct nlmsghdr *message, gpointer data)
{
        if (protocol_of(message) == ROUTE_OURS)
                schedule(data);
}

RouteRuleWatch *route_rule_watch_new(guint32 own_port, void (*gone)(gpointer data), gpointer data,
                                     GError **error)
{
        g_autoptr(RouteRuleWatch) watch = g_new0(RouteRuleWatch, 1);

        watch->gone = gone;
        watch->data = data;
        watch->monitor = netlink_monitor_new(NETLINK_ROUTE, RTMGRP_IPV4_ROUTE | GROUP_RULES,
                                             on_message, schedule, watch, error);
        if (!watch->monitor || !netlink_monitor_ignore(watch->monitor, &own_port, 1, error))
                return NULL;
        return g_steal_pointer(&watch);
}

void route_rule_watch_free(RouteRuleWatch *watch)
{
        if (!watch)
                return;
        netlink_monitor_free(watch->monitor);
        g_clear_handle_id(&watch->timer, g_source_remove);
        g_free(watch);
}
