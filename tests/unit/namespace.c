/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the tests of host/ need of a network namespace. */

#include "namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include "host/link.h"
#include "host/netlink.h"

bool namespace_enter(void)
{
        if (unshare(CLONE_NEWNET) < 0) {
                fprintf(stderr, "skipped: no network namespace: %s\n", g_strerror(errno));
                return false;
        }
        g_autoptr(Netlink) rtnl = netlink_new(NETLINK_ROUTE, NULL);
        return rtnl && link_set_up(rtnl, "lo", true, NULL);
}

static void request(struct nlmsghdr *message)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Netlink) rtnl = netlink_new(NETLINK_ROUTE, &error);

        g_assert_no_error(error);
        g_assert_cmpint(netlink_request(rtnl, message, NULL, NULL, NULL), ==, 0);
}

void namespace_add_veth(const char *name, const char *peer)
{
        char buffer[1024] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

        message->nlmsg_type = RTM_NEWLINK;
        message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
        mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
        mnl_attr_put_strz(message, IFLA_IFNAME, name);
        struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);
        mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
        struct nlattr *veth = mnl_attr_nest_start(message, IFLA_INFO_DATA);
        struct nlattr *other = mnl_attr_nest_start(message, VETH_INFO_PEER);
        mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
        mnl_attr_put_strz(message, IFLA_IFNAME, peer);
        mnl_attr_nest_end(message, other);
        mnl_attr_nest_end(message, veth);
        mnl_attr_nest_end(message, info);
        request(message);
}

void namespace_delete_link(const char *name)
{
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

        message->nlmsg_type = RTM_DELLINK;
        message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
        mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
        mnl_attr_put_strz(message, IFLA_IFNAME, name);
        request(message);
}

void namespace_move_link(const char *name, int fd)
{
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

        message->nlmsg_type = RTM_SETLINK;
        message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
        mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
        mnl_attr_put_strz(message, IFLA_IFNAME, name);
        mnl_attr_put_u32(message, IFLA_NET_NS_FD, (guint32)fd);
        request(message);
}

int namespace_open(void)
{
        int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

        g_assert_cmpint(fd, >=, 0);
        return fd;
}

void namespace_set(int fd)
{
        g_assert_cmpint(setns(fd, CLONE_NEWNET), ==, 0);
}

static gboolean on_deadline(gpointer data)
{
        bool *expired = data;

        *expired = true;
        return G_SOURCE_CONTINUE;
}

void wait_until(const bool *condition, guint timeout_ms)
{
        bool expired = false;
        guint timer = g_timeout_add(timeout_ms, on_deadline, &expired);

        while (!*condition && !expired)
                g_main_context_iteration(NULL, TRUE);
        g_source_remove(timer);
        g_assert_true(*condition);
}

void run_for(guint duration_ms)
{
        bool expired = false;
        guint timer = g_timeout_add(duration_ms, on_deadline, &expired);

        while (!expired)
                g_main_context_iteration(NULL, TRUE);
        g_source_remove(timer);
}
