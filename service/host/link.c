/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Interfaces as the kernel has them, by rtnetlink: looked up, changed, removed and watched.
 * Nothing is remembered here between two calls. */

#include "host/link.h"

#include <errno.h>
#include <net/if_arp.h>
#include <string.h>

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "util/error.h"

#define MAC_SIZE 6
/* A dump that a change interrupted is taken again; more than this in a row is a storm. */
#define DUMP_ATTEMPTS 10

struct LinkWatch {
        NetlinkMonitor *monitor;
        LinkChanged changed;
        void (*resync)(gpointer data);
        gpointer data;
};

static void read_mac(const struct nlattr *attribute, char mac[static MAC_TEXT_SIZE])
{
        const guint8 *bytes = mnl_attr_get_payload(attribute);

        if (mnl_attr_get_payload_len(attribute) == MAC_SIZE)
                g_snprintf(mac, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1],
                           bytes[2], bytes[3], bytes[4], bytes[5]);
}

/* "" where it has none. */
static const char *kind_of(const struct nlattr *info)
{
        const struct nlattr *attribute;

        mnl_attr_for_each_nested (attribute, info) {
                if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND)
                        return mnl_attr_get_str(attribute);
        }
        return "";
}

/* Whether interfaces of @kind take another interface's MAC address as theirs. */
static bool is_stacked(const char *kind)
{
        static const char *const kinds[] = { "vlan",   "macvlan", "macvtap", "ipvlan", "ipvtap",
                                             "bridge", "bond",    "team",    NULL };
        return g_strv_contains(kinds, kind);
}

static int take_attribute(const struct nlattr *attribute, void *data)
{
        Link *link = data;

        switch (mnl_attr_get_type(attribute)) {
        case IFLA_IFNAME:
                g_strlcpy(link->name, mnl_attr_get_str(attribute), sizeof link->name);
                break;
        case IFLA_ADDRESS:
                read_mac(attribute, link->mac);
                break;
        case IFLA_PERM_ADDRESS:
                read_mac(attribute, link->permanent_mac);
                break;
        case IFLA_LINKINFO:
                link->stacked = is_stacked(kind_of(attribute));
                link->bridge = g_str_equal(kind_of(attribute), "bridge");
                break;
        case IFLA_MTU:
                link->mtu = mnl_attr_get_u32(attribute);
                break;
        case IFLA_MASTER:
                link->master = mnl_attr_get_u32(attribute);
                break;
        default:
                break;
        }
        return MNL_CB_OK;
}

/* Reads an RTM_NEWLINK or RTM_DELLINK. False for one that is not about an interface as such: a
 * bridge tells of its ports by the same messages, wireless drivers of their events. */
static bool read_link(const struct nlmsghdr *message, Link *ret_link)
{
        const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);

        if (mnl_nlmsg_get_payload_len(message) < sizeof *info || info->ifi_family != AF_UNSPEC)
                return false;

        Link link = {
                .index = (guint)info->ifi_index,
                .up = info->ifi_flags & IFF_UP,
                .carrier = info->ifi_flags & IFF_LOWER_UP,
                .loopback = info->ifi_flags & IFF_LOOPBACK,
        };
        if (mnl_attr_parse(message, sizeof *info, take_attribute, &link) < MNL_CB_OK)
                return false;
        if (info->ifi_type != ARPHRD_ETHER)
                link.mac[0] = link.permanent_mac[0] = '\0';
        if (link.name[0] == '\0')
                return false;
        *ret_link = link;
        return true;
}

static int take_link(const struct nlmsghdr *message, void *data)
{
        Link *link = data;

        if (message->nlmsg_type == RTM_NEWLINK)
                (void)read_link(message, link); /* none read: its index stays 0 */
        return MNL_CB_OK;
}

static int get(Netlink *rtnl, const char *name, guint index, Link *ret_link)
{
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
        struct ifinfomsg *info;
        Link link = { 0 };

        request->nlmsg_type = RTM_GETLINK;
        request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
        info = mnl_nlmsg_put_extra_header(request, sizeof *info);
        info->ifi_family = AF_UNSPEC;
        info->ifi_index = (int)index;
        mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        if (name)
                mnl_attr_put_strz(request, IFLA_IFNAME, name);

        int r = netlink_request(rtnl, request, take_link, &link, NULL);
        if (r < 0)
                return r;
        if (link.index == 0)
                return -ENODEV;
        *ret_link = link;
        return 0;
}

int link_get(Netlink *rtnl, const char *name, Link *ret_link)
{
        Link link;

        if (name[0] == '\0' || strlen(name) >= IFNAMSIZ)
                return -ENODEV;

        int r = get(rtnl, name, 0, &link);
        if (r < 0)
                return r;
        /* The kernel finds alternative names too; everything else here goes by the name. */
        if (!g_str_equal(link.name, name))
                return -ENODEV;
        *ret_link = link;
        return 0;
}

int link_get_by_index(Netlink *rtnl, guint index, Link *ret_link)
{
        if (index == 0)
                return -ENODEV;
        return get(rtnl, NULL, index, ret_link);
}

static int take_one(const struct nlmsghdr *message, void *data)
{
        Link link;

        if (message->nlmsg_type == RTM_NEWLINK && read_link(message, &link))
                g_array_append_val((GArray *)data, link);
        return MNL_CB_OK;
}

GArray *link_list(Netlink *rtnl, GError **error)
{
        g_autoptr(GArray) links = g_array_new(FALSE, FALSE, sizeof(Link));
        int r = -EINTR;

        for (guint attempt = 0; r == -EINTR && attempt < DUMP_ATTEMPTS; attempt++) {
                char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
                struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
                request->nlmsg_type = RTM_GETLINK;
                request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
                struct ifinfomsg *info = mnl_nlmsg_put_extra_header(request, sizeof *info);
                info->ifi_family = AF_UNSPEC;
                mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
                g_array_set_size(links, 0);
                r = netlink_request(rtnl, request, take_one, links, NULL);
        }
        if (r < 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "cannot list the interfaces: %s", g_strerror(-r));
                return NULL;
        }
        return g_steal_pointer(&links);
}

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

bool link_set_up(Netlink *rtnl, const char *name, bool up, GError **error)
{
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        g_autofree char *reason = NULL;
        Link link;

        int r = link_get(rtnl, name, &link);
        if (r == 0) {
                struct nlmsghdr *request = request_new(buffer, RTM_SETLINK, link.index);
                struct ifinfomsg *info = mnl_nlmsg_get_payload(request);
                info->ifi_change = IFF_UP;
                info->ifi_flags = up ? IFF_UP : 0;
                r = netlink_request(rtnl, request, NULL, NULL, &reason);
        }
        if (r == 0 || (r == -ENODEV && !up))
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: cannot set the link %s: %s",
                    name, up ? "up" : "down", reason ? reason : g_strerror(-r));
        return false;
}

bool link_set_mtu(Netlink *rtnl, guint index, guint mtu, GError **error)
{
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = request_new(buffer, RTM_SETLINK, index);
        g_autofree char *reason = NULL;

        mnl_attr_put_u32(request, IFLA_MTU, mtu);
        int r = netlink_request(rtnl, request, NULL, NULL, &reason);
        if (r == 0)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "cannot set the MTU to %u: %s", mtu,
                    reason ? reason : g_strerror(-r));
        return false;
}

bool link_delete(Netlink *rtnl, guint index, GError **error)
{
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = request_new(buffer, RTM_DELLINK, index);
        g_autofree char *reason = NULL;

        int r = netlink_request(rtnl, request, NULL, NULL, &reason);
        if (r == 0 || r == -ENODEV)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "cannot remove the interface: %s",
                    reason ? reason : g_strerror(-r));
        return false;
}

static void on_message(const struct nlmsghdr *message, gpointer data)
{
        LinkWatch *watch = data;
        Link link;

        if (message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK)
                return;
        if (read_link(message, &link))
                watch->changed(&link, message->nlmsg_type == RTM_DELLINK, watch->data);
}

static void on_overrun(gpointer data)
{
        LinkWatch *watch = data;

        if (watch->resync)
                watch->resync(watch->data);
}

LinkWatch *link_watch_new(LinkChanged changed, void (*resync)(gpointer data), gpointer data,
                          GError **error)
{
        LinkWatch *watch = g_new0(LinkWatch, 1);

        watch->changed = changed;
        watch->resync = resync;
        watch->data = data;
        watch->monitor = netlink_monitor_new(NETLINK_ROUTE, RTMGRP_LINK, on_message, on_overrun,
                                             watch, error);
        if (!watch->monitor)
                g_clear_pointer(&watch, link_watch_free);
        return watch;
}

void link_watch_free(LinkWatch *watch)
{
        if (!watch)
                return;
        netlink_monitor_free(watch->monitor);
        g_free(watch);
}
