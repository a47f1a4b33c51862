/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A kernel's command line, its subnets, and what its first process says. */

#include "cli/kernel-plan.h"

#include <string.h>

static void test_words(void)
{
        static const char *const taps[] = { "aliceTAP0", "aliceTAP3", NULL };
        static const int fds[KERNEL_CONSOLE_MAX] = { 5, 7, 9, 11 };
        const KernelPlan plan = { "/usr/bin/linux.uml", "64M", "/run/d-1", "/x/init", taps };
        char mac[2][MAC_TEXT_SIZE];

        kernel_plan_mac("aliceTAP0", mac[0]);
        kernel_plan_mac("aliceTAP3", mac[1]);
        g_assert_cmpstr(mac[0], !=, mac[1]);
        g_assert_true(g_str_has_prefix(mac[0], "02:"));
        g_auto(GStrv) words = kernel_plan_words(&plan, fds);
        g_autofree char *line = g_strjoinv(" ", words);
        g_autofree char *expected = g_strdup_printf(
                "/usr/bin/linux.uml mem=64M uml_dir=/run/d-1 root=/dev/root rootfstype=hostfs "
                "rootflags=/ ro init=/x/init dutnetctl=/run/d-1 con=null ssl=null con0=fd:5 "
                "con1=fd:7 con2=fd:9 con3=fd:11 vec0:transport=tap,ifname=aliceTAP0,mac=%s "
                "vec1:transport=tap,ifname=aliceTAP3,mac=%s",
                mac[0], mac[1]);
        g_assert_cmpstr(line, ==, expected);
}

static void test_path(void)
{
        g_assert_true(kernel_plan_path_is_plain("/run/user/1000"));
        g_assert_false(kernel_plan_path_is_plain("/run/my user"));
        g_assert_false(kernel_plan_path_is_plain("/run/\"user\""));
        g_assert_false(kernel_plan_path_is_plain("/run/a,b"));
        g_assert_false(kernel_plan_path_is_plain("/run/\303\244"));
}

static void add(GArray *taken, const char *text)
{
        Subnet subnet;

        g_assert_true(subnet_parse(text, &subnet, NULL));
        g_array_append_val(taken, subnet);
}

static void test_subnets(void)
{
        g_autoptr(GArray) taken = g_array_new(FALSE, FALSE, sizeof(Subnet));

        g_autoptr(GArray) first = kernel_plan_subnets(taken, 2);
        g_assert_cmpuint(first->len, ==, 2);
        g_assert_cmphex(g_array_index(first, Subnet, 0).network, ==, 0xc6120000);
        g_assert_cmphex(g_array_index(first, Subnet, 1).network, ==, 0xc6120100);
        g_assert_cmpuint(g_array_index(first, Subnet, 1).prefix, ==, 24);

        add(taken, "198.18.0.128/30"); /* inside one */
        add(taken, "198.18.2.0/23");   /* around two */
        add(taken, "10.0.0.0/8");
        g_autoptr(GArray) others = kernel_plan_subnets(taken, 3);
        g_assert_cmphex(g_array_index(others, Subnet, 0).network, ==, 0xc6120100);
        g_assert_cmphex(g_array_index(others, Subnet, 1).network, ==, 0xc6120400);
        g_assert_cmphex(g_array_index(others, Subnet, 2).network, ==, 0xc6120500);

        g_autoptr(GArray) last = kernel_plan_subnets(taken, 509);
        g_assert_cmphex(g_array_index(last, Subnet, 508).network, ==, 0xc613ff00);
        g_assert_null(kernel_plan_subnets(taken, 510));
        add(taken, "198.0.0.0/8");
        g_assert_null(kernel_plan_subnets(taken, 1));
}

static void test_subnet6(void)
{
        g_autofree char *first = kernel_plan_subnet6(G_GUINT64_CONSTANT(0xabcdef0102030405), 0);
        g_autofree char *last = kernel_plan_subnet6(G_MAXUINT64, 15);

        g_assert_cmpstr(first, ==, "fd01:203:405:1::/64");
        g_assert_cmpstr(last, ==, "fdff:ffff:ffff:10::/64");
}

static void test_verdict(void)
{
        static const struct {
                const char *line;
                KernelVerdict verdict;
                int code;
                const char *reason;
        } cases[] = {
                { "exit 0\r", KERNEL_VERDICT_EXIT, 0, NULL },
                { "exit 255", KERNEL_VERDICT_EXIT, 255, NULL },
                { "exit 256", KERNEL_VERDICT_NONE, -1, NULL },
                { "exit -1", KERNEL_VERDICT_NONE, -1, NULL },
                { "exit", KERNEL_VERDICT_NONE, -1, NULL },
                { "exit 1 2", KERNEL_VERDICT_NONE, -1, NULL },
                { "reboot\r", KERNEL_VERDICT_REBOOT, -1, NULL },
                { "off", KERNEL_VERDICT_OFF, -1, NULL },
                { "fault cannot mount /proc: I/O error\r", KERNEL_VERDICT_FAULT, -1,
                  "cannot mount /proc: I/O error" },
                { "", KERNEL_VERDICT_NONE, -1, NULL },
                { "fault", KERNEL_VERDICT_NONE, -1, NULL },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *line = g_strdup(cases[i].line);
                const char *reason = NULL;
                int code = -1;
                g_assert_cmpint(kernel_verdict_parse(line, &code, &reason), ==, cases[i].verdict);
                g_assert_cmpint(code, ==, cases[i].code);
                g_assert_cmpstr(reason, ==, cases[i].reason);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/cli-kernel-plan/words", test_words);
        g_test_add_func("/cli-kernel-plan/path", test_path);
        g_test_add_func("/cli-kernel-plan/subnets", test_subnets);
        g_test_add_func("/cli-kernel-plan/subnet6", test_subnet6);
        g_test_add_func("/cli-kernel-plan/verdict", test_verdict);
        return g_test_run();
}
