/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Accepts in the tables of a real iptables-nft, which must go on working with them. */

#include "host/foreign-firewall.h"

#include <linux/netfilter.h>
#include <string.h>

#include "namespace.h"

#define THERE    "-A %s -i eth1 -o fifteen-letters -m comment --comment jumpstarter -j ACCEPT\n"
#define AND_BACK "-A %s -i fifteen-letters -o eth1 -m comment --comment jumpstarter -j ACCEPT\n"

typedef struct Fixture {
        ForeignFirewall *firewall;
} Fixture;

static char *run(const char *command)
{
        const char *const argv[] = { "sh", "-c", command, NULL };
        g_autoptr(GError) error = NULL;
        char *output = NULL;
        int status;

        g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, NULL,
                     &status, &error);
        g_assert_no_error(error);
        g_assert_true(g_spawn_check_wait_status(status, &error));
        return output;
}

static void do_run(const char *command)
{
        g_free(run(command));
}

static void open_firewall(Fixture *fixture, const char *expected)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *chain = NULL;

        g_assert_true(foreign_firewall_open(fixture->firewall, NFPROTO_IPV4, "eth1",
                                            "fifteen-letters", &chain, &error));
        g_assert_no_error(error);
        g_assert_cmpstr(chain, ==, expected);
}

static void close_firewall(Fixture *fixture)
{
        g_autoptr(GError) error = NULL;

        g_assert_true(foreign_firewall_close(fixture->firewall, NFPROTO_IPV4, "eth1",
                                             "fifteen-letters", &error));
        g_assert_no_error(error);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;

        fixture->firewall = foreign_firewall_new(&error);
        g_assert_no_error(error);
        do_run("nft flush ruleset");
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        foreign_firewall_free(fixture->firewall);
}

static void check_rules(const char *chain, const char *before, const char *after)
{
        g_autofree char *command = g_strdup_printf("iptables -S %s | grep ^-A || :", chain);
        g_autofree char *rules = run(command);
        g_autofree char *back = g_strdup_printf(AND_BACK, chain);
        g_autofree char *there = g_strdup_printf(THERE, chain);
        g_autofree char *expected = g_strconcat(before, back, there, after, NULL);

        g_assert_cmpstr(rules, ==, expected);
        do_run("iptables -L -v -n > /dev/null && iptables-save > /dev/null");
}

static void check_no_rules(const char *chain, const char *expected)
{
        g_autofree char *command = g_strdup_printf("iptables -S %s | grep ^-A || :", chain);
        g_autofree char *rules = run(command);

        g_assert_cmpstr(rules, ==, expected);
}

static void test_nothing_there(Fixture *fixture, gconstpointer data)
{
        open_firewall(fixture, NULL);
        close_firewall(fixture);
        do_run("iptables -P FORWARD ACCEPT");
        open_firewall(fixture, NULL);
        close_firewall(fixture);
        check_no_rules("FORWARD", "");
}

static void test_forward(Fixture *fixture, gconstpointer data)
{
        do_run("iptables -P FORWARD DROP; iptables -A FORWARD -p tcp -j DROP");
        open_firewall(fixture, "FORWARD");
        open_firewall(fixture, "FORWARD");
        check_rules("FORWARD", "", "-A FORWARD -p tcp -j DROP\n");
        do_run("iptables -C FORWARD -i eth1 -o fifteen-letters -m comment --comment jumpstarter"
               " -j ACCEPT");
        close_firewall(fixture);
        close_firewall(fixture);
        check_no_rules("FORWARD", "-A FORWARD -p tcp -j DROP\n");
}

static void test_others_rules(Fixture *fixture, gconstpointer data)
{
        do_run("iptables -P FORWARD DROP");
        open_firewall(fixture, "FORWARD");
        do_run("iptables -I FORWARD -i a -j DROP; iptables -A FORWARD -i b -j DROP;"
               "iptables -I FORWARD -i c -j DROP; iptables -D FORWARD -i c -j DROP");
        check_rules("FORWARD", "-A FORWARD -i a -j DROP\n", "-A FORWARD -i b -j DROP\n");
        close_firewall(fixture);
        check_no_rules("FORWARD", "-A FORWARD -i a -j DROP\n-A FORWARD -i b -j DROP\n");
}

static void test_docker(Fixture *fixture, gconstpointer data)
{
        do_run("iptables -P FORWARD DROP; iptables -N DOCKER-USER;"
               "iptables -A FORWARD -j DOCKER-USER; iptables -A DOCKER-USER -j RETURN");
        open_firewall(fixture, "DOCKER-USER");
        open_firewall(fixture, "DOCKER-USER");
        check_rules("DOCKER-USER", "", "-A DOCKER-USER -j RETURN\n");
        check_no_rules("FORWARD", "-A FORWARD -j DOCKER-USER\n");
        close_firewall(fixture);
        check_no_rules("DOCKER-USER", "-A DOCKER-USER -j RETURN\n");
}

/* Docker starts after us, or has gone and left its chain behind. */
static void test_docker_comes_and_goes(Fixture *fixture, gconstpointer data)
{
        do_run("iptables -P FORWARD DROP; iptables -N DOCKER-USER");
        open_firewall(fixture, "FORWARD");
        check_rules("FORWARD", "", "");
        do_run("iptables -I FORWARD -j DOCKER-USER");
        open_firewall(fixture, "DOCKER-USER");
        check_rules("DOCKER-USER", "", "");
        close_firewall(fixture);
        check_no_rules("DOCKER-USER", "");
        check_no_rules("FORWARD", "-A FORWARD -j DOCKER-USER\n");
}

static void test_admins_rule_stays(Fixture *fixture, gconstpointer data)
{
        const char *rule = "-A FORWARD -i eth1 -o fifteen-letters -j ACCEPT\n";

        do_run("iptables -P FORWARD DROP; iptables -A FORWARD -i eth1 -o fifteen-letters -j ACCEPT;"
               "iptables -A FORWARD -i eth10 -o fifteen-letters -j ACCEPT;"
               "iptables -A FORWARD -i fifteen-letters -o eth1 -j DROP");
        open_firewall(fixture, "FORWARD");
        g_autofree char *rules = run("iptables -S FORWARD");
        g_assert_nonnull(strstr(rules, rule));
        g_assert_null(strstr(rules, "-i eth1 -o fifteen-letters -m comment"));
        g_assert_nonnull(
                strstr(rules, "-P FORWARD DROP\n-A FORWARD -i fifteen-letters -o eth1 -m"));
        close_firewall(fixture);
        g_autofree char *left = run("iptables -S FORWARD | wc -l");
        g_assert_cmpint(g_ascii_strtoll(left, NULL, 10), ==, 4);
}

/* After iptables-restore they look different, and are still ours; and known to the next daemon. */
static void test_known_again(Fixture *fixture, gconstpointer data)
{
        do_run("iptables -P FORWARD DROP");
        open_firewall(fixture, "FORWARD");
        do_run("iptables-save | iptables-restore");
        tear_down(fixture, NULL);
        fixture->firewall = foreign_firewall_new(NULL);
        open_firewall(fixture, "FORWARD");
        check_rules("FORWARD", "", "");
        close_firewall(fixture);
        check_no_rules("FORWARD", "");
}

static void check_open(Fixture *fixture, bool expected)
{
        g_assert_cmpint(foreign_firewall_is_open(fixture->firewall, NFPROTO_IPV4, "eth1",
                                                 "fifteen-letters"),
                        ==, expected);
}

static void test_is_open(Fixture *fixture, gconstpointer data)
{
        check_open(fixture, true); /* nothing is needed */
        do_run("iptables -P FORWARD ACCEPT");
        check_open(fixture, true);
        do_run("iptables -P FORWARD DROP");
        check_open(fixture, false);
        open_firewall(fixture, "FORWARD");
        check_open(fixture, true);
        do_run("iptables -D FORWARD -i eth1 -o fifteen-letters -m comment --comment jumpstarter"
               " -j ACCEPT");
        check_open(fixture, false); /* one way only */
        open_firewall(fixture, "FORWARD");
        check_open(fixture, true);
        do_run("iptables -N DOCKER-USER; iptables -A FORWARD -j DOCKER-USER");
        check_open(fixture, false); /* Docker will drop ours in FORWARD */
        open_firewall(fixture, "DOCKER-USER");
        check_open(fixture, true);
        do_run("iptables -F DOCKER-USER");
        check_open(fixture, false);
}

/* The two families' tables are apart. */
static void test_ipv6(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *chain = NULL;

        do_run("iptables -P FORWARD DROP; ip6tables -P FORWARD DROP; ip6tables -A FORWARD -j DROP");
        g_assert_false(foreign_firewall_is_open(fixture->firewall, NFPROTO_IPV6, "eth1",
                                                "fifteen-letters"));
        g_assert_true(foreign_firewall_open(fixture->firewall, NFPROTO_IPV6, "eth1",
                                            "fifteen-letters", &chain, &error));
        g_assert_no_error(error);
        g_assert_cmpstr(chain, ==, "FORWARD");
        g_assert_true(foreign_firewall_is_open(fixture->firewall, NFPROTO_IPV6, "eth1",
                                               "fifteen-letters"));
        check_open(fixture, false);
        check_no_rules("FORWARD", "");
        g_autofree char *rules = run("ip6tables -S FORWARD | grep -c ACCEPT");
        g_assert_cmpstr(rules, ==, "2\n");
        g_assert_true(foreign_firewall_close(fixture->firewall, NFPROTO_IPV6, "eth1",
                                             "fifteen-letters", &error));
        g_autofree char *left = run("ip6tables -S FORWARD | tail -n +2");
        g_assert_cmpstr(left, ==, "-A FORWARD -j DROP\n");
}

static void test_is_in(Fixture *fixture, gconstpointer data)
{
        g_assert_true(foreign_firewall_is_in(NFPROTO_IPV4, "filter"));
        g_assert_false(foreign_firewall_is_in(NFPROTO_IPV4, "nat"));
        g_assert_true(foreign_firewall_is_in(NFPROTO_IPV6, "filter"));
        g_assert_false(foreign_firewall_is_in(NFPROTO_INET, "filter"));
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
        g_autofree char *version = NULL;

        g_test_init(&argc, &argv, NULL);
        if (!namespace_enter())
                return 77;
        version = run("iptables --version 2>&1 || :");
        if (!strstr(version, "nf_tables")) {
                g_printerr("skipped: no iptables-nft: %s\n", version);
                return 77;
        }
        ADD("/foreign-firewall/nothing-needed", test_nothing_there);
        ADD("/foreign-firewall/forward-drops", test_forward);
        ADD("/foreign-firewall/others-rules-are-left", test_others_rules);
        ADD("/foreign-firewall/docker", test_docker);
        ADD("/foreign-firewall/docker-comes-and-goes", test_docker_comes_and_goes);
        ADD("/foreign-firewall/admins-rule-stays", test_admins_rule_stays);
        ADD("/foreign-firewall/known-again", test_known_again);
        ADD("/foreign-firewall/is-open", test_is_open);
        ADD("/foreign-firewall/is-in-ip-filter", test_is_in);
        ADD("/foreign-firewall/ipv6", test_ipv6);
        return g_test_run();
}
