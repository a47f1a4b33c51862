/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Bridges, as `ip link add type bridge` makes them. Whose a bridge is, is the callers' to know. */

#include "host/bridge.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "model/address.h"
#include "util/error.h"

#define BUFFER_SIZE 512

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
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
        g_autofree char *reason = NULL;
        guint8 bytes[MAC_BYTES];

        request->nlmsg_type = RTM_NEWLINK;
        request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
        struct ifinfomsg *info = mnl_nlmsg_put_extra_header(request, sizeof *info);
        info->ifi_family = AF_UNSPEC;
        mnl_attr_put_strz(request, IFLA_IFNAME, name);
        mac_to_bytes(mac, bytes);
        mnl_attr_put(request, IFLA_ADDRESS, sizeof bytes, bytes);
        /* Another one than it gets: only a change has the bridge keep it, whatever its ports'
         * (BROPT_MTU_SET_BY_USER in net/bridge/br_device.c). */
        mnl_attr_put_u32(request, IFLA_MTU, mtu - 1);
        put_kind(request);
        int r = netlink_request(rtnl, request, NULL, NULL, &reason);
        if (r == 0)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "cannot make the bridge %s: %s",
                    name, reason ? reason : g_strerror(-r));
        return false;
}
