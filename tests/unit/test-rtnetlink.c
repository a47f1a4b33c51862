/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Links, addresses, routes and sysctls, in a network namespace of the test's own. */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "host/arp.h"
#include "host/ip-address.h"
#include "host/ip6-address.h"
#include "host/link.h"
#include "host/route.h"
#include "host/route6.h"
#include "host/sysctl.h"
#include "namespace.h"

#define ADDRESS(a, b, c, d) ((guint32)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define FOR_EVER            G_MAXUINT32

typedef struct Fixture {
        Netlink *rtnl;
        Link left, right;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;

        namespace_add_veth("left", "right");
        fixture->rtnl = netlink_new(NETLINK_ROUTE, &error);
        g_assert_no_error(error);
        g_assert_cmpint(link_get(fixture->rtnl, "left", &fixture->left), ==, 0);
        g_assert_cmpint(link_get(fixture->rtnl, "right", &fixture->right), ==, 0);
}

static void both_up(Fixture *fixture)
{
        g_assert_true(link_set_up(fixture->rtnl, "left", true, NULL));
        g_assert_true(link_set_up(fixture->rtnl, "right", true, NULL));
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        Link link;

        if (link_get(fixture->rtnl, "left", &link) == 0)
                namespace_delete_link("left");
        netlink_free(fixture->rtnl);
}

static void add(Fixture *fixture, IpAddress address)
{
        g_autoptr(GError) error = NULL;
        bool existed = true;

        g_assert_true(ip_address_add(fixture->rtnl, &address, &existed, &error));
        g_assert_no_error(error);
        g_assert_false(existed);
}

static void test_link(Fixture *fixture, gconstpointer data)
{
        Link link;

        g_assert_false(fixture->left.up);
        g_assert_cmpuint(strlen(fixture->left.mac), ==, 17);
        both_up(fixture);
        g_assert_cmpint(link_get_by_index(fixture->rtnl, fixture->left.index, &link), ==, 0);
        g_assert_true(link.up);
        g_assert_true(link.carrier);
        g_assert_cmpstr(link.name, ==, "left");
        g_assert_true(link_set_up(fixture->rtnl, "left", false, NULL));
        g_assert_cmpint(link_get(fixture->rtnl, "left", &link), ==, 0);
        g_assert_false(link.up);
        g_assert_cmpint(link_get(fixture->rtnl, "lo", &link), ==, 0);
        g_assert_true(link.loopback);
        g_assert_cmpstr(link.mac, ==, "");
}

static void test_link_unknown(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;
        Link link;

        g_assert_cmpint(link_get(fixture->rtnl, "none0", &link), ==, -ENODEV);
        g_assert_cmpint(link_get(fixture->rtnl, "a-name-that-is-too-long", &link), ==, -ENODEV);
        g_assert_cmpint(link_get_by_index(fixture->rtnl, 4711, &link), ==, -ENODEV);
        g_assert_true(link_set_up(fixture->rtnl, "none0", false, &error));
        g_assert_no_error(error);
        g_assert_false(link_set_up(fixture->rtnl, "none0", true, &error));
        g_assert_nonnull(strstr(error->message, "none0"));
}

typedef struct Seen {
        bool came, up, gone;
} Seen;

static void on_link(const Link *link, bool gone, gpointer data)
{
        Seen *seen = data;

        if (!g_str_equal(link->name, "watched"))
                return;
        seen->came = true;
        seen->up |= link->up;
        seen->gone |= gone;
}

static void test_link_watch(Fixture *fixture, gconstpointer data)
{
        Seen seen = { 0 };
        g_autoptr(LinkWatch) watch = link_watch_new(on_link, NULL, &seen, NULL);

        g_assert_nonnull(watch);
        namespace_add_veth("watched", "other");
        wait_until(&seen.came, 1000);
        g_assert_false(seen.up);
        g_assert_true(link_set_up(fixture->rtnl, "watched", true, NULL));
        wait_until(&seen.up, 1000);
        g_assert_false(seen.gone);
        namespace_delete_link("watched");
        wait_until(&seen.gone, 1000);
}

static bool kernel_keeps_protocols(void)
{
        struct utsname name;
        int major = 0, minor = 0;

        g_assert_cmpint(uname(&name), ==, 0);
        g_assert_cmpint(sscanf(name.release, "%d.%d", &major, &minor), ==, 2);
        return major > 5 || (major == 5 && minor >= 18);
}

static void test_address(Fixture *fixture, gconstpointer data)
{
        const IpAddress gateway = {
                .index = fixture->left.index,
                .address = ADDRESS(192, 168, 100, 1),
                .broadcast = ADDRESS(192, 168, 100, 255),
                .prefix = 24,
                .valid_sec = FOR_EVER,
                .preferred_sec = FOR_EVER,
                .label = "left:dut",
        };
        const IpAddress alias = {
                .index = fixture->left.index,
                .address = ADDRESS(198, 51, 100, 7),
                .prefix = 32,
                .flags = IFA_F_NOPREFIXROUTE,
                .valid_sec = 600,
                .preferred_sec = 300,
                .protocol = IP_ADDRESS_OURS,
        };
        bool existed = false;

        add(fixture, gateway);
        add(fixture, alias);
        g_assert_true(ip_address_add(fixture->rtnl, &gateway, &existed, NULL));
        g_assert_true(existed);

        g_autoptr(GArray) list = ip_address_list(fixture->rtnl, fixture->left.index, NULL);
        g_assert_cmpuint(list->len, ==, 2);
        const IpAddress *first = &g_array_index(list, IpAddress, 0);
        const IpAddress *second = &g_array_index(list, IpAddress, 1);
        g_assert_cmphex(first->address, ==, gateway.address);
        g_assert_cmphex(first->broadcast, ==, gateway.broadcast);
        g_assert_cmpuint(first->prefix, ==, 24);
        g_assert_cmpstr(first->label, ==, "left:dut");
        g_assert_cmphex(first->valid_sec, ==, FOR_EVER);
        g_assert_cmpuint(first->peer, ==, 0);
        g_assert_cmphex(second->flags & IFA_F_NOPREFIXROUTE, !=, 0);
        g_assert_cmpuint(second->valid_sec, ==, 600);
        g_assert_cmpuint(second->preferred_sec, ==, 300);
        g_assert_cmpuint(first->protocol, ==, 0);
        g_assert_cmpuint(second->protocol, ==, kernel_keeps_protocols() ? IP_ADDRESS_OURS : 0);

        /* What was listed goes back as it was. */
        IpAddress copy = *second;
        g_assert_true(ip_address_delete(fixture->rtnl, &copy, NULL));
        add(fixture, copy);
        for (guint i = 0; i < 2; i++) {
                g_assert_true(ip_address_delete(fixture->rtnl, &gateway, NULL));
                g_assert_true(ip_address_delete(fixture->rtnl, &alias, NULL));
        }
        g_autoptr(GArray) empty = ip_address_list(fixture->rtnl, fixture->left.index, NULL);
        g_assert_cmpuint(empty->len, ==, 0);
}

static void test_address_without_interface(Fixture *fixture, gconstpointer data)
{
        const IpAddress address = { .index = 4711, .address = ADDRESS(10, 0, 0, 1), .prefix = 24 };
        g_autoptr(GError) error = NULL;

        g_assert_true(ip_address_delete(fixture->rtnl, &address, &error));
        g_assert_no_error(error);
        g_assert_false(ip_address_add(fixture->rtnl, &address, NULL, &error));
        g_assert_nonnull(strstr(error->message, "10.0.0.1/24"));
        g_autoptr(GArray) none = ip_address_list(fixture->rtnl, 4711, NULL);
        g_assert_nonnull(none);
        g_assert_cmpuint(none->len, ==, 0);
}

static void add_default_route(Fixture *fixture, guint32 gateway, guint32 metric)
{
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

        request->nlmsg_type = RTM_NEWROUTE;
        request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
        struct rtmsg *info = mnl_nlmsg_put_extra_header(request, sizeof *info);
        info->rtm_family = AF_INET;
        info->rtm_table = RT_TABLE_MAIN;
        info->rtm_protocol = RTPROT_STATIC;
        info->rtm_type = RTN_UNICAST;
        mnl_attr_put_u32(request, RTA_GATEWAY, htonl(gateway));
        mnl_attr_put_u32(request, RTA_PRIORITY, metric);
        g_assert_cmpint(netlink_request(fixture->rtnl, request, NULL, NULL, NULL), ==, 0);
}

static void add_subnets(Fixture *fixture)
{
        both_up(fixture);
        add(fixture, (IpAddress){ .index = fixture->left.index,
                                  .address = ADDRESS(10, 1, 0, 1),
                                  .prefix = 24 });
        add(fixture, (IpAddress){ .index = fixture->right.index,
                                  .address = ADDRESS(10, 2, 0, 1),
                                  .prefix = 24 });
}

static void test_default_route(Fixture *fixture, gconstpointer data)
{
        add_subnets(fixture);
        g_autoptr(GArray) before = route_list(fixture->rtnl, NULL);
        g_assert_cmpuint(before->len, ==, 2);
        g_assert_cmpuint(route_default_interface(before, NULL), ==, 0);

        add_default_route(fixture, ADDRESS(10, 1, 0, 254), 100);
        add_default_route(fixture, ADDRESS(10, 2, 0, 254), 50);
        g_autoptr(GArray) routes = route_list(fixture->rtnl, NULL);
        g_autoptr(GArray) ignored = g_array_new(FALSE, FALSE, sizeof(guint));
        g_assert_cmpuint(route_default_interface(routes, NULL), ==, fixture->right.index);
        g_array_append_val(ignored, fixture->right.index);
        g_assert_cmpuint(route_default_interface(routes, ignored), ==, fixture->left.index);
        g_array_append_val(ignored, fixture->left.index);
        g_assert_cmpuint(route_default_interface(routes, ignored), ==, 0);

        g_assert_cmpuint(route_lookup(fixture->rtnl, ADDRESS(10, 1, 0, 9)), ==,
                         fixture->left.index);
        g_assert_cmpuint(route_lookup(fixture->rtnl, ADDRESS(8, 8, 8, 8)), ==,
                         fixture->right.index);
}

static void test_no_route(Fixture *fixture, gconstpointer data)
{
        g_assert_cmpuint(route_lookup(fixture->rtnl, ADDRESS(8, 8, 8, 8)), ==, 0);
}

static void test_neighbours(Fixture *fixture, gconstpointer data)
{
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
        static const guint8 mac[] = { 2, 0, 0, 0, 0, 9 };

        add_subnets(fixture);
        request->nlmsg_type = RTM_NEWNEIGH;
        request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
        struct ndmsg *info = mnl_nlmsg_put_extra_header(request, sizeof *info);
        info->ndm_family = AF_INET;
        info->ndm_ifindex = (int)fixture->left.index;
        info->ndm_state = NUD_STALE;
        mnl_attr_put_u32(request, NDA_DST, htonl(ADDRESS(10, 1, 0, 9)));
        mnl_attr_put(request, NDA_LLADDR, sizeof mac, mac);
        g_assert_cmpint(netlink_request(fixture->rtnl, request, NULL, NULL, NULL), ==, 0);

        g_autoptr(GArray) left = route_neighbours(fixture->rtnl, fixture->left.index);
        g_autoptr(GArray) right = route_neighbours(fixture->rtnl, fixture->right.index);
        g_assert_cmpuint(left->len, ==, 1);
        g_assert_cmphex(g_array_index(left, guint32, 0), ==, ADDRESS(10, 1, 0, 9));
        g_assert_cmpuint(right->len, ==, 0);
}

static void on_route(gpointer data)
{
        *(bool *)data = true;
}

static void test_route_watch(Fixture *fixture, gconstpointer data)
{
        bool changed = false;

        add_subnets(fixture);
        g_autoptr(RouteWatch) watch = route_watch_new(on_route, &changed, NULL);
        g_assert_nonnull(watch);
        add_default_route(fixture, ADDRESS(10, 1, 0, 254), 100);
        wait_until(&changed, 1000);

        /* The kernel takes the route out without a word of it. */
        run_for(50);
        changed = false;
        g_assert_true(link_set_up(fixture->rtnl, "left", false, NULL));
        wait_until(&changed, 1000);
        g_autoptr(GArray) routes = route_list(fixture->rtnl, NULL);
        g_assert_cmpuint(route_default_interface(routes, NULL), ==, 0);
}

static void test_sysctl(Fixture *fixture, gconstpointer data)
{
        g_autofree char *name = sysctl_name(SYSCTL_IPV4_FORWARDING, "left");
        g_autoptr(GError) error = NULL;
        int value = -1;

        g_assert_cmpstr(name, ==, "net.ipv4.conf.left.forwarding");
        for (Sysctl sysctl = 0; sysctl < SYSCTL_MAX; sysctl++) {
                g_assert_cmpint(sysctl_get(sysctl, "left", &value), ==, 0);
                g_assert_true(sysctl_set(sysctl, "left", !value, &error));
                g_assert_no_error(error);
                int changed = -1;
                g_assert_cmpint(sysctl_get(sysctl, "left", &changed), ==, 0);
                g_assert_cmpint(changed, ==, !value);
        }
        g_assert_cmpint(sysctl_get(SYSCTL_IPV4_RP_FILTER, "none0", &value), ==, -ENOENT);
        g_assert_cmpint(sysctl_get(SYSCTL_IPV4_RP_FILTER, "..", &value), ==, -ENOENT);
        g_assert_false(sysctl_set(SYSCTL_IPV4_RP_FILTER, "none0", 1, &error));
        g_assert_nonnull(strstr(error->message, "net.ipv4.conf.none0.rp_filter"));
}

static void test_arp(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(guint32));
        g_autoptr(GError) error = NULL;
        g_autoptr(Arp) arp = arp_new(&error);

        g_assert_no_error(error);
        for (guint32 i = 1; i <= 200; i++) {
                guint32 address = ADDRESS(198, 51, 100, i);
                g_array_append_val(addresses, address);
        }
        /* Down, without a MAC, not there: nobody to tell. */
        g_assert_true(arp_announce(arp, fixture->left.index, addresses, &error));
        g_assert_true(arp_announce(arp, 1, addresses, &error));
        g_assert_true(arp_announce(arp, 4711, addresses, &error));
        both_up(fixture);
        g_assert_true(arp_announce(arp, fixture->left.index, addresses, &error));
        g_assert_no_error(error);
        run_for(100);
}

static const Ip6Address *find6(const GArray *list, const char *text)
{
        Address6 wanted;

        g_assert_true(address6_parse(text, &wanted));
        for (guint i = 0; i < list->len; i++) {
                const Ip6Address *address = &g_array_index(list, Ip6Address, i);
                if (address6_equal(&address->address, &wanted))
                        return address;
        }
        return NULL;
}

static void test_address6(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;
        Ip6Address gateway = { .index = fixture->left.index,
                               .prefix = 64,
                               .flags = IFA_F_NODAD,
                               .protocol = IP_ADDRESS_OURS };
        Ip6Address nowhere = { .index = 4711, .prefix = 64 };

        g_assert_true(address6_parse("fd00:d::1", &gateway.address));
        both_up(fixture);
        for (guint i = 0; i < 2; i++) { /* there already is success */
                g_assert_true(ip6_address_add(fixture->rtnl, &gateway, &error));
                g_assert_no_error(error);
        }
        g_autoptr(GArray) list = ip6_address_list(fixture->rtnl, fixture->left.index, &error);
        g_assert_no_error(error);
        const Ip6Address *there = find6(list, "fd00:d::1");
        g_assert_nonnull(there);
        g_assert_cmpuint(there->prefix, ==, 64);
        g_assert_cmphex(there->flags & IFA_F_TENTATIVE, ==, 0);
        g_assert_cmpuint(there->protocol, ==, kernel_keeps_protocols() ? IP_ADDRESS_OURS : 0);
        g_autoptr(GArray) other = ip6_address_list(fixture->rtnl, fixture->right.index, &error);
        g_assert_null(find6(other, "fd00:d::1"));

        for (guint i = 0; i < 2; i++)
                g_assert_true(ip6_address_delete(fixture->rtnl, &gateway, &error));
        g_autoptr(GArray) left = ip6_address_list(fixture->rtnl, fixture->left.index, &error);
        g_assert_null(find6(left, "fd00:d::1"));
        g_autoptr(GArray) none = ip6_address_list(fixture->rtnl, 4711, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(none->len, ==, 0);
        g_assert_true(ip6_address_delete(fixture->rtnl, &nowhere, &error));
        g_assert_no_error(error);
        g_assert_false(ip6_address_add(fixture->rtnl, &nowhere, &error));
        g_assert_nonnull(error);
}

static void run(const char *command)
{
        g_autoptr(GError) error = NULL;
        int status;

        g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, &status, &error));
        g_assert_no_error(error);
        g_assert_cmpint(status, ==, 0);
}

/* But for the second that may have passed. */
static void assert_same6(const Ip6Address *address, const Ip6Address *wanted)
{
        g_assert_cmpuint(address->prefix, ==, wanted->prefix);
        g_assert_cmpuint(address->scope, ==, wanted->scope);
        g_assert_cmphex(address->flags, ==, wanted->flags);
        g_assert_cmpuint(wanted->valid_sec - address->valid_sec, <=, 1);
        g_assert_cmpuint(wanted->preferred_sec - address->preferred_sec, <=, 1);
        g_assert_true(address6_equal(&address->peer, &wanted->peer));
        g_assert_cmpuint(address->metric, ==, wanted->metric);
        g_assert_cmpuint(address->protocol, ==, wanted->protocol);
}

/* As an administrator has made it, and as it is put back. */
static void test_address6_put_back(Fixture *fixture, gconstpointer data)
{
        static const char *const made[] = {
                "fd00:d::1/48 dev left metric 77 noprefixroute nodad",
                "fd00:d::1 peer fd00:d::2/128 dev left",
                "fd00:d::1/64 dev left valid_lft 900 preferred_lft 800 mngtmpaddr nodad",
        };
        g_autoptr(GError) error = NULL;

        both_up(fixture);
        for (guint i = 0; i < G_N_ELEMENTS(made); i++) {
                g_autofree char *command = g_strdup_printf("ip -6 address add %s", made[i]);
                run(command);
                g_autoptr(GArray) before =
                        ip6_address_list(fixture->rtnl, fixture->left.index, &error);
                Ip6Address found = *find6(before, "fd00:d::1");
                g_assert_true(ip6_address_delete(fixture->rtnl, &found, &error));
                g_assert_true(ip6_address_add(fixture->rtnl, &found, &error));
                g_assert_no_error(error);
                g_autoptr(GArray) after =
                        ip6_address_list(fixture->rtnl, fixture->left.index, &error);
                const Ip6Address *there = find6(after, "fd00:d::1");
                g_assert_nonnull(there);
                assert_same6(there, &found);
                g_assert_true(ip6_address_delete(fixture->rtnl, there, &error));
        }
}

static const Route6 *find_route6(const GArray *list, const char *text, guint index)
{
        Subnet6 wanted;

        g_assert_true(subnet6_parse(text, &wanted, NULL));
        for (guint i = 0; i < list->len; i++) {
                const Route6 *route = &g_array_index(list, Route6, i);
                if (subnet6_equal(&route->destination, &wanted) && route->index == index)
                        return route;
        }
        return NULL;
}

static void test_routes6(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;

        both_up(fixture);
        run("ip -6 address add fd00:d::1/64 dev left nodad");
        run("ip -6 address add fd00:e::1/64 dev right nodad");
        run("ip -6 route add default via fd00:d::2 proto ra metric 7");
        run("ip -6 route add 2001:db8::/32 nexthop via fd00:d::2 nexthop via fd00:e::2");
        run("ip -6 route add unreachable 2001:db9::/32");
        run("ip -6 route add 2001:dba::/32 via fd00:d::2 table 77");
        g_autoptr(GArray) list = route6_list(fixture->rtnl, &error);
        g_assert_no_error(error);

        const Route6 *own = find_route6(list, "fd00:d::/64", fixture->left.index);
        g_assert_nonnull(own);
        g_assert_false(own->has_gateway);
        const Route6 *all = find_route6(list, "::/0", fixture->left.index);
        g_assert_nonnull(all);
        g_assert_true(all->has_gateway);
        g_assert_cmpuint(all->protocol, ==, RTPROT_RA);
        g_assert_nonnull(find_route6(list, "2001:db8::/32", fixture->left.index));
        g_assert_nonnull(find_route6(list, "2001:db8::/32", fixture->right.index));
        g_assert_null(find_route6(list, "2001:dba::/32", fixture->left.index));
        for (guint i = 0; i < list->len; i++)
                g_assert_cmpuint(g_array_index(list, Route6, i).destination.network.bytes[3], !=,
                                 0xb9);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (!namespace_enter())
                return 77;
        ADD("/link/up-and-down", test_link);
        ADD("/link/unknown-is-no-device", test_link_unknown);
        ADD("/link/watch-tells-of-coming-and-going", test_link_watch);
        ADD("/ip-address/goes-back-as-it-was", test_address);
        ADD("/ip-address/interface-gone", test_address_without_interface);
        ADD("/ip6-address/put-on-and-off", test_address6);
        ADD("/ip6-address/put-back", test_address6_put_back);
        ADD("/route6/of-the-main-table", test_routes6);
        ADD("/route/default-is-the-lowest-metric", test_default_route);
        ADD("/route/lookup-without-route", test_no_route);
        ADD("/route/neighbours-of-one-interface", test_neighbours);
        ADD("/route/watch-sees-silent-removal", test_route_watch);
        ADD("/sysctl/get-and-set", test_sysctl);
        ADD("/arp/nobody-to-tell-is-success", test_arp);
        return g_test_run();
}
