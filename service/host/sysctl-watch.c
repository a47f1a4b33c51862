/* SPDX-License-Identifier: GPL-2.0-or-later */

/* rtnetlink's netconf notifications of both families. A knob is a file, so nothing tells whose hand
 * it was; the value in the message is old when it is read, so the user of this reads the knob. */

#include "host/sysctl-watch.h"

#include <linux/netconf.h>
#include <linux/rtnetlink.h>

#include "host/netlink.h"

/* net.ipv4.ip_forward turns those of all interfaces, each told of. */
#define SETTLE_MS 10

typedef struct Turned {
        Sysctl sysctl;
        guint index;
} Turned;

struct SysctlWatch {
        NetlinkMonitor *monitor;
        SysctlTurned turned;
        gpointer data;
        GArray *pending; /* Turned, each once */
        guint timer;
};

static gboolean on_settled(gpointer data)
{
        SysctlWatch *watch = data;
        g_autoptr(GArray) pending = g_steal_pointer(&watch->pending);

        watch->pending = g_array_new(FALSE, FALSE, sizeof(Turned));
        watch->timer = 0;
        for (guint i = 0; i < pending->len; i++) {
                const Turned *turned = &g_array_index(pending, Turned, i);
                watch->turned(turned->sysctl, turned->index, watch->data);
        }
        return G_SOURCE_REMOVE;
}

static void note(SysctlWatch *watch, Sysctl sysctl, guint index)
{
        Turned turned = { sysctl, index };

        for (guint i = watch->pending->len; i-- > 0;) {
                const Turned *other = &g_array_index(watch->pending, Turned, i);
                if (other->sysctl == sysctl && other->index == index)
                        return;
        }
        g_array_append_val(watch->pending, turned);
        if (watch->timer == 0)
                watch->timer = g_timeout_add(SETTLE_MS, on_settled, watch);
}

static int take_attribute(const struct nlattr *attribute, void *data)
{
        const struct nlattr **attributes = data;
        guint16 type = mnl_attr_get_type(attribute);

        if (type <= NETCONFA_RP_FILTER && mnl_attr_validate(attribute, MNL_TYPE_U32) >= 0)
                attributes[type] = attribute;
        return MNL_CB_OK;
}

/* What turns forwarding off turns force_forwarding off with it, and headers that are older than the
 * kernel have no number for that. */
static void note_ipv6(SysctlWatch *watch, guint index, bool is_forwarding)
{
        if (is_forwarding)
                note(watch, SYSCTL_IPV6_FORWARDING, index);
        note(watch, SYSCTL_IPV6_FORCE_FORWARDING, index);
}

static void on_message(const struct nlmsghdr *message, gpointer data)
{
        SysctlWatch *watch = data;
        const struct netconfmsg *info = mnl_nlmsg_get_payload(message);
        const struct nlattr *attributes[NETCONFA_RP_FILTER + 1] = { NULL };

        if (message->nlmsg_type != RTM_NEWNETCONF ||
            mnl_nlmsg_get_payload_len(message) < sizeof *info ||
            (info->ncm_family != AF_INET && info->ncm_family != AF_INET6))
                return;
        (void)mnl_attr_parse(message, sizeof *info, take_attribute, attributes); /* none: NULL */
        if (!attributes[NETCONFA_IFINDEX])
                return;
        int told = (int)mnl_attr_get_u32(attributes[NETCONFA_IFINDEX]);
        guint index = told == NETCONFA_IFINDEX_ALL ? SYSCTL_WATCH_ALL : (guint)told;
        if (told == NETCONFA_IFINDEX_DEFAULT)
                return; /* of interfaces to come */
        if (info->ncm_family == AF_INET6) {
                note_ipv6(watch, index, attributes[NETCONFA_FORWARDING] != NULL);
                return;
        }
        if (attributes[NETCONFA_FORWARDING])
                note(watch, SYSCTL_IPV4_FORWARDING, index);
        if (attributes[NETCONFA_RP_FILTER])
                note(watch, SYSCTL_IPV4_RP_FILTER, index);
}

static void on_overrun(gpointer data)
{
        note(data, SYSCTL_IPV4_FORWARDING, 0);
        note(data, SYSCTL_IPV4_RP_FILTER, 0);
}

SysctlWatch *sysctl_watch_new(SysctlTurned turned, gpointer data, GError **error)
{
        g_autoptr(SysctlWatch) watch = g_new0(SysctlWatch, 1);

        watch->turned = turned;
        watch->data = data;
        watch->pending = g_array_new(FALSE, FALSE, sizeof(Turned));
        watch->monitor = netlink_monitor_new(
                NETLINK_ROUTE, 1 << (RTNLGRP_IPV4_NETCONF - 1) | 1 << (RTNLGRP_IPV6_NETCONF - 1),
                on_message, on_overrun, watch, error);
        return watch->monitor ? g_steal_pointer(&watch) : NULL;
}

void sysctl_watch_free(SysctlWatch *watch)
{
        if (!watch)
                return;
        netlink_monitor_free(watch->monitor);
        g_clear_handle_id(&watch->timer, g_source_remove);
        g_array_unref(watch->pending);
        g_free(watch);
}
