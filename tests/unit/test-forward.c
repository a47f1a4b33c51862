/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Forwards beside each other, and what they lead. Reading them from settings is test-config.c's,
 * from the disk test-entry-log.c's. */

#include "model/forward.h"

#include <netinet/in.h>

#define LAN 0x0a4d0000 /* 10.77.0.0 */

static void test_overlap(void)
{
        static const Forward ssh = { .protocol = IPPROTO_TCP, .ports = { 20, 29 } };
        static const struct {
                Forward other;
                bool is_same, overlaps;
        } cases[] = {
                { { .protocol = IPPROTO_TCP, .ports = { 20, 29 }, .ip = 1 }, true, true },
                { { .protocol = IPPROTO_UDP, .ports = { 20, 29 } }, false, false },
                { { .protocol = IPPROTO_TCP, .ports = { 29, 29 } }, false, true },
                { { .protocol = IPPROTO_TCP, .ports = { 1, 65535 } }, false, true },
                { { .protocol = IPPROTO_TCP, .ports = { 30, 39 } }, false, false },
                { { .protocol = IPPROTO_TCP, .ports = { 20, 29 }, .from = { LAN, 24 } },
                  false,
                  true },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_assert_cmpint(forward_is_same(&ssh, &cases[i].other), ==, cases[i].is_same);
                g_assert_cmpint(forward_overlaps(&ssh, &cases[i].other), ==, cases[i].overlaps);
                g_assert_cmpint(forward_overlaps(&cases[i].other, &ssh), ==, cases[i].overlaps);
        }
}

static void test_sources(void)
{
        Forward a = { .protocol = IPPROTO_TCP, .ports = { 22, 22 }, .from = { LAN, 25 } };
        Forward b = a;

        b.from = (Subnet){ LAN + 128, 25 };
        g_assert_false(forward_overlaps(&a, &b));
        b.from = (Subnet){ LAN, 24 };
        g_assert_true(forward_overlaps(&a, &b));
        g_assert_false(forward_is_same(&a, &b));
        b.from = (Subnet){ LAN + 127, 32 };
        g_assert_true(forward_overlaps(&a, &b));
}

static void test_explains(void)
{
        static const Forward range = {
                .protocol = IPPROTO_UDP,
                .ports = { 2000, 2009 },
                .from = { LAN, 24 },
                .to_port = 3000,
        };
        static const struct {
                ForwardFlow flow;
                bool is_led;
        } cases[] = {
                { { LAN + 5, IPPROTO_UDP, 2000, 9, 3000 }, true },
                { { LAN + 5, IPPROTO_UDP, 2009, 9, 3009 }, true },
                { { LAN + 5, IPPROTO_UDP, 2010, 9, 3010 }, false },
                { { LAN + 5, IPPROTO_UDP, 2009, 9, 3000 }, false },
                { { LAN + 5, IPPROTO_UDP, 2000, 8, 3000 }, false },
                { { LAN + 256, IPPROTO_UDP, 2000, 9, 3000 }, false },
                { { LAN + 5, IPPROTO_TCP, 2000, 9, 3000 }, false },
        };
        const ForwardRoute route = { &range, 9 }, nowhere = { &range, 0 };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_assert_cmpint(forward_route_explains(&route, &cases[i].flow), ==,
                                cases[i].is_led);
                g_assert_false(forward_route_explains(&nowhere, &cases[i].flow));
        }
}

static const char *text_of(const Value *map, const char *key)
{
        const Value *value = value_get(map, key);

        return value ? value->text : NULL;
}

/* What is told of it is read back to the same. */
static void test_status(void)
{
        Forward named = { .protocol = IPPROTO_TCP,
                          .ports = { 22, 22 },
                          .hostname = (char *)"board",
                          .to_port = 22 };
        g_autoptr(Value) led = forward_status(&named, LAN + 9, true, NULL);
        g_autoptr(Value) waiting = forward_status(&named, 0, false, NULL);
        g_autoptr(Value) refused = forward_status(&named, LAN + 9, false, "taken");

        g_assert_cmpstr(text_of(led, "ip"), ==, "10.77.0.9");
        g_assert_true(value_get(led, "in_force")->boolean);
        g_assert_null(value_get(waiting, "ip"));
        g_assert_false(value_get(waiting, "in_force")->boolean);
        g_assert_null(value_get(waiting, "error"));
        g_assert_false(value_get(refused, "in_force")->boolean);
        g_assert_cmpstr(text_of(refused, "error"), ==, "taken");

        const Value *told[] = { led, waiting, refused };
        for (guint i = 0; i < G_N_ELEMENTS(told); i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(Forward) read = forward_from_value("", told[i], &error);
                g_assert_no_error(error);
                g_assert_true(forward_equal(read, &named));
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/forward/overlap", test_overlap);
        g_test_add_func("/forward/sources", test_sources);
        g_test_add_func("/forward/explains", test_explains);
        g_test_add_func("/forward/status", test_status);
        return g_test_run();
}
