/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The kernel's notifications of addresses that are deleted, by whomever but ourselves. Those
 * that come are of no interest here; that the way out may have moved is route.c's. */

#include "host/ip-address-watch.h"

#include <arpa/inet.h>

#include <linux/rtnetlink.h>

#include "host/netlink.h"

/* An interface that is flushed loses all of its addresses; one that goes is told of after them. */
#define SETTLE_MS 10

struct IpAddressWatch {
        NetlinkMonitor *monitor;
        IpAddressesGone gone;
        gpointer data;
        GArray *addresses; /* IpAddressGone */
        bool lost;
        guint timer;
};

static gboolean on_settled(gpointer data)
{
        IpAddressWatch *watch = data;
        g_autoptr(GArray) addresses = g_steal_pointer(&watch->addresses);
        bool lost = watch->lost;

        watch->addresses = g_array_new(FALSE, FALSE, sizeof(IpAddressGone));
        watch->lost = false;
        watch->timer = 0;
        watch->gone((const IpAddressGone *)(void *)addresses->data, lost ? 0 : addresses->len,
                    watch->data);
        return G_SOURCE_REMOVE;
}

static void schedule(IpAddressWatch *watch)
{
        if (watch->timer == 0)
                watch->timer = g_timeout_add(SETTLE_MS, on_settled, watch);
}

static int take_attribute(const struct nlattr *attribute, void *data)
{
        IpAddressGone *gone = data;

        if (mnl_attr_get_type(attribute) == IFA_LOCAL &&
            mnl_attr_validate(attribute, MNL_TYPE_U32) >= 0)
                gone->address = ntohl(mnl_attr_get_u32(attribute));
        return MNL_CB_OK;
}

static void on_message(const struct nlmsghdr *message, gpointer data)
{
        IpAddressWatch *watch = data;
        const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);

        if (message->nlmsg_type != RTM_DELADDR ||
            mnl_nlmsg_get_payload_len(message) < sizeof *info ||
            (info->ifa_family != AF_INET && info->ifa_family != AF_INET6))
                return;
        IpAddressGone gone = { .index = info->ifa_index };
        if (info->ifa_family == AF_INET)
                (void)mnl_attr_parse(message, sizeof *info, take_attribute, &gone); /* none: 0 */
        if (gone.address == 0 && info->ifa_family == AF_INET)
                return;
        g_array_append_val(watch->addresses, gone);
        schedule(watch);
}

static void on_overrun(gpointer data)
{
        IpAddressWatch *watch = data;

        watch->lost = true;
        schedule(watch);
}

IpAddressWatch *ip_address_watch_new(guint32 own_port, IpAddressesGone gone, gpointer data,
                                     GError **error)
{
        g_autoptr(IpAddressWatch) watch = g_new0(IpAddressWatch, 1);

        watch->gone = gone;
        watch->data = data;
        watch->addresses = g_array_new(FALSE, FALSE, sizeof(IpAddressGone));
        watch->monitor = netlink_monitor_new(NETLINK_ROUTE, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
                                             on_message, on_overrun, watch, error);
        if (!watch->monitor || !netlink_monitor_ignore(watch->monitor, &own_port, 1, error))
                return NULL;
        return g_steal_pointer(&watch);
}

void ip_address_watch_free(IpAddressWatch *watch)
{
        if (!watch)
                return;
        netlink_monitor_free(watch->monitor);
        g_clear_handle_id(&watch->timer, g_source_remove);
        g_array_unref(watch->addresses);
        g_free(watch);
}
