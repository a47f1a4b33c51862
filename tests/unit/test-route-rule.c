/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Routing rules, and routes in tables of our own, in a network namespace of the test's own. */

#include "host/route-rule.h"

#include <linux/rtnetlink.h>

#include "host/ip-address.h"
#include "host/link.h"
#include "host/route-rule-watch.h"
#include "host/route.h"
#include "namespace.h"

#define TABLE       18945
#define SUBNET      0xc0a86400 /* 192.168.100.0 */
#define MARK        0x400000
#define MASK        0xffc00000
#define DEADLINE_MS 2000

typedef struct Fixture {
        Netlink *rtnl;
        Link link;
} Fixture;

static const RouteRule by_mark = {
        .preference = TABLE, .table = TABLE, .mark = MARK, .mask = MASK
};
static const RouteRule by_interface = { .preference = TABLE, .table = TABLE, .interface = "left" };

static void set_up(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;

        namespace_add_veth("left", "right");
        fixture->rtnl = netlink_new(NETLINK_ROUTE, &error);
        g_assert_no_error(error);
        g_assert_true(link_set_up(fixture->rtnl, "left", true, &error));
        g_assert_cmpint(link_get(fixture->rtnl, "left", &fixture->link), ==, 0);

        IpAddress address = {
                .index = fixture->link.index,
                .address = SUBNET + 1,
                .prefix = 24,
                .flags = 0x200, /* IFA_F_NOPREFIXROUTE */
                .valid_sec = G_MAXUINT32,
                .preferred_sec = G_MAXUINT32,
        };
        g_assert_true(ip_address_add(fixture->rtnl, &address, NULL, &error));
        g_assert_no_error(error);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        namespace_delete_link("left");
        netlink_free(fixture->rtnl);
}

static void run(const char *command)
{
        g_autoptr(GError) error = NULL;
        int status;

        g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, &status, &error));
        g_assert_no_error(error);
        g_assert_cmpint(status, ==, 0);
}

static guint count_rules(Fixture *fixture, guint32 table)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) rules = route_rule_list(fixture->rtnl, table, &error);

        g_assert_no_error(error);
        return rules->len;
}

static void add(Fixture *fixture, const RouteRule *rule)
{
        g_autoptr(GError) error = NULL;

        g_assert_true(route_rule_add(fixture->rtnl, rule, &error));
        g_assert_no_error(error);
}

static void remove_rule(Fixture *fixture, const RouteRule *rule)
{
        g_autoptr(GError) error = NULL;

        g_assert_true(route_rule_delete(fixture->rtnl, rule, &error));
        g_assert_no_error(error);
}

static void test_add_list_delete(Fixture *fixture, gconstpointer data)
{
        g_assert_cmpuint(count_rules(fixture, 0), ==, 0); /* the kernel's own are not ours */
        add(fixture, &by_mark);
        add(fixture, &by_mark); /* there already */
        add(fixture, &by_interface);
        run("ip rule add fwmark 0x800000/0xffc00000 lookup 18945 preference 5");
        g_assert_cmpuint(count_rules(fixture, TABLE), ==, 2);
        g_assert_cmpuint(count_rules(fixture, TABLE + 1), ==, 0);

        g_autoptr(GArray) rules = route_rule_list(fixture->rtnl, 0, NULL);
        g_assert_true(route_rule_equal(&g_array_index(rules, RouteRule, 0), &by_mark));
        g_assert_true(route_rule_equal(&g_array_index(rules, RouteRule, 1), &by_interface));
        remove_rule(fixture, &by_mark);
        remove_rule(fixture, &by_mark); /* gone already */
        remove_rule(fixture, &by_interface);
        g_assert_cmpuint(count_rules(fixture, 0), ==, 0);
        run("ip rule delete preference 5");
}

static void test_goto(Fixture *fixture, gconstpointer data)
{
        const RouteRule after = { .preference = 19968 };
        const RouteRule before = { .preference = 18944, .target = 19968, .mask = MASK };

        add(fixture, &after);
        add(fixture, &before);
        add(fixture, &before); /* there already */
        g_autoptr(GArray) rules = route_rule_list(fixture->rtnl, 0, NULL);
        g_assert_cmpuint(rules->len, ==, 2);
        g_assert_true(route_rule_equal(&g_array_index(rules, RouteRule, 0), &before));
        g_assert_true(route_rule_equal(&g_array_index(rules, RouteRule, 1), &after));
        run("sh -c 'ip rule | grep -q \"18944:.*fwmark 0/0xffc00000 goto 19968\"'");
        remove_rule(fixture, &before);
        remove_rule(fixture, &after);
        g_assert_cmpuint(count_rules(fixture, 0), ==, 0);
}

static void test_inverted(Fixture *fixture, gconstpointer data)
{
        const RouteRule rule = {
                .preference = 33280, .target = 34304, .input = "lo", .inverted = true
        };

        add(fixture, &rule);
        g_autoptr(GArray) rules = route_rule_list(fixture->rtnl, 0, NULL);
        g_assert_cmpuint(rules->len, ==, 1);
        g_assert_true(route_rule_equal(&g_array_index(rules, RouteRule, 0), &rule));
        run("sh -c 'ip rule | grep -q \"33280:.*not from all iif lo goto 34304\"'");
        remove_rule(fixture, &rule);
        g_assert_cmpuint(count_rules(fixture, 0), ==, 0);
}

static void test_table(Fixture *fixture, gconstpointer data)
{
        const Route route = {
                .destination = { SUBNET, 24 },
                .source = SUBNET + 1,
                .index = fixture->link.index,
                .protocol = ROUTE_OURS,
                .scope = RT_SCOPE_LINK,
                .table = TABLE,
        };
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) none = route_list_table(fixture->rtnl, TABLE, &error);

        g_assert_no_error(error);
        g_assert_cmpuint(none->len, ==, 0);
        for (guint i = 0; i < 2; i++) { /* there already is success */
                g_assert_true(route_add(fixture->rtnl, &route, &error));
                g_assert_no_error(error);
        }
        g_autoptr(GArray) routes = route_list_table(fixture->rtnl, TABLE, &error);
        g_autoptr(GArray) main_routes = route_list(fixture->rtnl, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(main_routes->len, ==, 0);
        g_assert_cmpuint(routes->len, ==, 1);
        const Route *read = &g_array_index(routes, Route, 0);
        g_assert_cmpuint(read->destination.network, ==, SUBNET);
        g_assert_cmpuint(read->source, ==, SUBNET + 1);
        g_assert_cmpuint(read->protocol, ==, ROUTE_OURS);
        for (guint i = 0; i < 2; i++) { /* and gone already */
                g_assert_true(route_delete(fixture->rtnl, read, &error));
                g_assert_no_error(error);
        }
}

static void on_gone(gpointer data)
{
        bool *told = data;

        *told = true;
}

static void test_watch(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;
        bool told = false;
        g_autoptr(RouteRuleWatch) watch G_GNUC_UNUSED =
                route_rule_watch_new(netlink_port(fixture->rtnl), on_gone, &told, &error);
        g_assert_no_error(error);

        add(fixture, &by_mark);
        remove_rule(fixture, &by_mark); /* our own doing */
        run("ip rule add fwmark 0x800000/0xffc00000 lookup 18945 preference 5");
        run("ip rule delete preference 5"); /* not ours */
        run_for(100);
        g_assert_false(told);
        add(fixture, &by_mark);
        run("ip rule delete preference 18945");
        wait_until(&told, DEADLINE_MS);
        told = false;
        run("ip route add 192.168.100.0/24 dev left table 18945 protocol 74");
        run("ip route flush table 18945");
        wait_until(&told, DEADLINE_MS);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (!namespace_enter())
                return 77;
        ADD("/route-rule/add-list-delete", test_add_list_delete);
        ADD("/route-rule/goto", test_goto);
        ADD("/route-rule/inverted", test_inverted);
        ADD("/route-rule/table-of-our-own", test_table);
        ADD("/route-rule/watch", test_watch);
        return g_test_run();
}
