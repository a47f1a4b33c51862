/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Bridges and the TAPs that are their ports, in a network namespace of the test's own. */

#include "host/tap.h"

#include <errno.h>
#include <unistd.h>

#include "host/bridge.h"
#include "host/link.h"
#include "namespace.h"
#include "util/error.h"

#define ALIAS     "dut-network guest of br9"
#define MAC       "06:00:00:00:00:09"
#define MAX_PORTS 1023

typedef struct Fixture {
        Netlink *rtnl;
        Link bridge;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;

        fixture->rtnl = netlink_new(NETLINK_ROUTE, &error);
        g_assert_no_error(error);
        g_assert_true(bridge_make(fixture->rtnl, "br9", MAC, 1400, &error));
        g_assert_no_error(error);
        g_assert_cmpint(link_get(fixture->rtnl, "br9", &fixture->bridge), ==, 0);
        g_assert_true(link_set_mtu(fixture->rtnl, fixture->bridge.index, 1400, &error));
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;

        g_assert_true(link_delete(fixture->rtnl, fixture->bridge.index, &error));
        g_assert_true(link_delete(fixture->rtnl, fixture->bridge.index, &error)); /* gone is fine */
        netlink_free(fixture->rtnl);
}

static TapPlan plan_of(const Fixture *fixture, const char *name)
{
        return (TapPlan){ .name = name,
                          .alias = ALIAS,
                          .owner = 1000,
                          .mtu = 1500,
                          .bridge = fixture->bridge.index };
}

static bool make(const Fixture *fixture, const TapPlan *plan, bool keep, GError **error)
{
        int fd = tap_new(plan, error);
        if (fd < 0)
                return false;
        bool made = tap_join(fixture->rtnl, plan, error) && (!keep || tap_keep(fd, error));
        close(fd);
        return made;
}

static void test_bridge(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;
        TapPlan plan = plan_of(fixture, "tap-1");
        Link link;

        g_assert_cmpint(link_get(fixture->rtnl, "br9", &link), ==, 0);
        g_assert_true(link.bridge);
        g_assert_cmpuint(link.mtu, ==, 1400);
        g_assert_cmpstr(link.mac, ==, MAC);
        g_assert_true(make(fixture, &plan, true, &error));
        g_assert_no_error(error);
        g_assert_cmpint(link_get(fixture->rtnl, "br9", &link), ==, 0);
        g_assert_cmpuint(link.mtu, ==, 1400); /* whatever the port's */
        g_assert_cmpstr(link.mac, ==, MAC);
        g_assert_false(bridge_make(fixture->rtnl, "br9", MAC, 1500, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        namespace_delete_link("tap-1");
}

static void test_tap(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        TapPlan plan = plan_of(fixture, "tap-1");
        Tap tap;

        g_assert_true(make(fixture, &plan, false, &error));
        g_assert_false(tap_get(fixture->rtnl, "tap-1", ALIAS, &tap)); /* it was not kept */
        g_assert_true(make(fixture, &plan, true, &error));
        g_assert_no_error(error);
        g_assert_true(tap_get(fixture->rtnl, "tap-1", ALIAS, &tap));
        g_assert_true(tap_is_as_planned(&tap, &plan));
        g_assert_false(tap_get(fixture->rtnl, "tap-1", "somebody else's", &tap));

        plan.isolated = true;
        plan.mtu = 1300;
        g_assert_false(tap_is_as_planned(&tap, &plan));
        g_assert_true(tap_join(fixture->rtnl, &plan, &error));
        g_assert_true(tap_get(fixture->rtnl, "tap-1", ALIAS, &tap));
        g_assert_true(tap_is_as_planned(&tap, &plan));

        g_assert_cmpint(tap_new(&plan, &error), ==, -1); /* the name is taken */
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        g_clear_error(&error);
        g_ptr_array_add(names, (gpointer) "tap-1");
        g_ptr_array_add(names, (gpointer) "lo");
        g_assert_true(tap_delete(fixture->rtnl, names, "somebody else's", &error));
        g_assert_true(tap_get(fixture->rtnl, "tap-1", ALIAS, &tap));
        g_assert_true(tap_delete(fixture->rtnl, names, ALIAS, &error));
        g_assert_false(tap_get(fixture->rtnl, "tap-1", ALIAS, &tap));
        g_assert_true(tap_delete(fixture->rtnl, names, ALIAS, &error)); /* gone is fine */
        g_assert_no_error(error);
}

static void test_open(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;
        TapPlan one = plan_of(fixture, "tap-1"), many = plan_of(fixture, "tap-2");
        Tap tap;

        many.multi_queue = true;
        g_assert_true(make(fixture, &one, true, &error) && make(fixture, &many, true, &error));
        g_assert_true(tap_get(fixture->rtnl, "tap-1", ALIAS, &tap));
        int fd = tap_open(fixture->rtnl, &tap, ALIAS, true, &error);
        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(tap_open(fixture->rtnl, &tap, ALIAS, true, &error), ==, -1);
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_IN_USE);
        g_clear_error(&error);
        close(fd);

        g_assert_true(tap_get(fixture->rtnl, "tap-2", ALIAS, &tap));
        int first = tap_open(fixture->rtnl, &tap, ALIAS, false, &error);
        int second = tap_open(fixture->rtnl, &tap, ALIAS, false, &error);
        g_assert_cmpint(first, >=, 0);
        g_assert_cmpint(second, >=, 0);
        close(first);
        close(second);
        tap.multi_queue = false;
        g_assert_cmpint(tap_open(fixture->rtnl, &tap, ALIAS, false, &error), ==, -1);
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        namespace_delete_link("tap-1");
        namespace_delete_link("tap-2");
}

/* What has the name by then is another one, or has to be made: neither is opened, nor left. */
static void test_open_another(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;
        TapPlan plan = plan_of(fixture, "tap-1");
        Link link;
        Tap tap;

        g_assert_true(make(fixture, &plan, true, &error));
        g_assert_true(tap_get(fixture->rtnl, "tap-1", ALIAS, &tap));
        namespace_delete_link("tap-1");
        g_assert_cmpint(tap_open(fixture->rtnl, &tap, ALIAS, false, &error), ==, -1);
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        g_clear_error(&error);
        g_assert_cmpint(link_get(fixture->rtnl, "tap-1", &link), ==, -ENODEV);

        g_assert_true(make(fixture, &plan, true, &error));
        g_assert_cmpint(tap_open(fixture->rtnl, &tap, ALIAS, false, &error), ==, -1);
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        g_clear_error(&error);
        g_assert_true(tap_get(fixture->rtnl, "tap-1", ALIAS, &tap));
        g_assert_cmpint(tap_open(fixture->rtnl, &tap, "another's", false, &error), ==, -1);
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        namespace_delete_link("tap-1");
}

/* By itself, without a bridge: what a user's program opens. */
static void test_alone(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;
        const TapPlan plan = { .name = "aliceTAP0", .alias = "a", .owner = 1000, .mtu = 1300 };
        Link link;
        Tap tap;

        int fd = tap_new(&plan, &error);
        g_assert_no_error(error);
        g_assert_true(tap_set_up_alone(fixture->rtnl, &plan, "06:12:34:56:78:9a", &error));
        g_assert_true(tap_keep(fd, &error));
        close(fd);
        g_assert_true(tap_get(fixture->rtnl, "aliceTAP0", "a", &tap));
        g_assert_cmpuint(tap.owner, ==, 1000);
        g_assert_cmpuint(tap.bridge, ==, 0);
        g_assert_cmpint(link_get(fixture->rtnl, "aliceTAP0", &link), ==, 0);
        g_assert_cmpstr(link.mac, ==, "06:12:34:56:78:9a");
        g_assert_cmpuint(link.mtu, ==, 1300);
        g_assert_false(link.carrier);

        g_assert_true(link_set_up(fixture->rtnl, "aliceTAP0", true, &error));
        fd = tap_open(fixture->rtnl, &tap, "a", true, &error);
        g_assert_no_error(error);
        g_assert_cmpint(link_get(fixture->rtnl, "aliceTAP0", &link), ==, 0);
        g_assert_true(link.carrier);
        close(fd);
        g_assert_true(link_delete(fixture->rtnl, link.index, &error));
        g_assert_cmpint(link_get(fixture->rtnl, "aliceTAP0", &link), ==, -ENODEV);
}

/* As many as a bridge takes, and one more; all of them gone at once. */
static void test_many(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) error = NULL;

        for (guint i = 0; i <= MAX_PORTS; i++) {
                char *name = g_strdup_printf("tap-%08x", i);
                TapPlan plan = plan_of(fixture, name);
                g_ptr_array_add(names, name);
                bool made = make(fixture, &plan, true, &error);
                g_assert_cmpint(made, ==, i < MAX_PORTS);
        }
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED);
        g_clear_error(&error);
        g_autoptr(GArray) taps = tap_list(fixture->rtnl, ALIAS, &error);
        g_assert_cmpuint(taps->len, ==, MAX_PORTS);
        g_assert_true(tap_delete(fixture->rtnl, names, ALIAS, &error));
        g_assert_no_error(error);
        g_autoptr(GArray) left = tap_list(fixture->rtnl, ALIAS, &error);
        g_assert_cmpuint(left->len, ==, 0);
}

#define ADD(name, function) g_test_add(name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (access("/dev/net/tun", R_OK | W_OK) < 0 || !namespace_enter())
                return 77;
        ADD("/tap/bridge", test_bridge);
        ADD("/tap/tap", test_tap);
        ADD("/tap/open", test_open);
        ADD("/tap/open-another", test_open_another);
        ADD("/tap/alone", test_alone);
        ADD("/tap/many", test_many);
        return g_test_run();
}
