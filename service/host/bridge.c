/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Bridges, as `ip link add type bridge` makes them. Whose a bridge is, is the callers' to know. */

#include "host/bridge.h"

#include <errno.h>
#include <stdio.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "util/error.h"

#define MAC_SIZE    6
#define BUFFER_SIZE 512

static struct nlmsghdr *request_new(char *buffer, guint16 type, guint index)
{
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

        request->nlmsg_type = type;
        request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
        struct ifinfomsg *info = mnl_nlmsg_put_extra_header(request, sizeof *info);
        info->ifi_family = AF_UNSPEC;
        info->ifi_index = (int)index;
        return request;
}

static bool fail(const char *attempt, int r, const char *reason, GError **error)
{
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "cannot %s: %s", attempt,
                    reason ? reason : g_strerror(-r));
        return false;
}

static void put_mac(struct nlmsghdr *request, const char *mac)
{
        guint8 bytes[MAC_SIZE];

        if (sscanf(mac, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &bytes[0], &bytes[1], &bytes[2],
                   &bytes[3], &bytes[4], &bytes[5]) == MAC_SIZE)
                mnl_attr_put(request, IFLA_ADDRESS, sizeof bytes, bytes);
}

static void put_kind(struct nlmsghdr *request)
{
        struct nlattr *link = mnl_attr_nest_start(request, IFLA_LINKINFO);

        mnl_attr_put_strz(request, IFLA_INFO_KIND, "bridge");
        struct nlattr *bridge = mnl_attr_nest_start(request, IFLA_INFO_DATA);
        mnl_attr_put_u32(request, IFLA_BR_STP_STATE, 0);
        mnl_attr_put_u32(request, IFLA_BR_FORWARD_DELAY, 0);
        mnl_attr_nest_end(request, bridge);
        mnl_attr_nest_end(request, link);
}

bool bridge_make(Netlink *rtnl, const char *name, const char *mac, guint mtu, GError **error)
{
        char buffer[BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = request_new(buffer, RTM_NEWLINK, 0);
        g_autofree char *attempt = g_strdup_printf("make the bridge %s", name);
        g_autofree char *reason = NULL;

        request->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
        mnl_attr_put_strz(request, IFLA_IFNAME, name);
        put_mac(request, mac);
        /* Another one than it gets: only a change has the bridge keep it, whatever its ports'
         * (BROPT_MTU_SET_BY_USER in net/bridge/br_device.c). */
        mnl_attr_put_u32(request, IFLA_MTU, mtu - 1);
        put_kind(request);
        int r = netlink_request(rtnl, request, NULL, NULL, &reason);
        return r == 0 || fail(attempt, r, reason, error);
}

bool bridge_set_mtu(Netlink *rtnl, guint index, guint mtu, GError **error)
{
        char buffer[BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = request_new(buffer, RTM_SETLINK, index);
        g_autofree char *attempt = g_strdup_printf("set the bridge's MTU to %u", mtu);
        g_autofree char *reason = NULL;

        mnl_attr_put_u32(request, IFLA_MTU, mtu);
        int r = netlink_request(rtnl, request, NULL, NULL, &reason);
        return r == 0 || fail(attempt, r, reason, error);
}

bool bridge_delete(Netlink *rtnl, guint index, GError **error)
{
        char buffer[BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = request_new(buffer, RTM_DELLINK, index);
        g_autofree char *reason = NULL;

        int r = netlink_request(rtnl, request, NULL, NULL, &reason);
        return r == 0 || r == -ENODEV || fail("remove the bridge", r, reason, error);
}
