/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What `wait` takes from its command line, and which leases are meant by it. */

#include "cli/wait-goal.h"

#include <string.h>

#include "cli/error.h"

static WaitGoal read_goal(const WaitOptions *options)
{
        g_autoptr(GError) error = NULL;
        WaitGoal goal = { 0 };
        bool is_read = wait_goal_read(options, &goal, &error);
        g_assert_no_error(error);
        g_assert_true(is_read);
        return goal;
}

static void test_default(void)
{
        WaitGoal goal = read_goal(&(WaitOptions){ 0 });
        g_assert_cmpstr(goal.state, ==, "active");
        g_assert_null(goal.lease);
        g_assert_cmpuint(goal.port, ==, 0);
        g_assert_cmpint(goal.timeout_usec, ==, G_MAXINT64);
}

static void test_states(void)
{
        static const char *const states[] = { "inactive", "waiting",      "activating", "active",
                                              "degraded", "deactivating", "failed" };

        for (guint i = 0; i < G_N_ELEMENTS(states); i++)
                g_assert_cmpstr(read_goal(&(WaitOptions){ .state = states[i] }).state, ==,
                                states[i]);
}

static void test_lease_and_port(void)
{
        WaitGoal goal = read_goal(&(WaitOptions){ .lease = "02:00:00:00:00:AB", .port = "22" });
        g_assert_null(goal.state);
        g_assert_cmpstr(goal.mac, ==, "02:00:00:00:00:ab");
        g_assert_cmpuint(goal.port, ==, 22);

        g_assert_cmpstr(read_goal(&(WaitOptions){ .lease = "Board" }).mac, ==, "");
        g_assert_cmpuint(read_goal(&(WaitOptions){ .port = "65535" }).port, ==, 65535);
        g_assert_null(read_goal(&(WaitOptions){ .port = "65535" }).state);
}

static void test_timeouts(void)
{
        static const struct {
                const char *text;
                gint64 usec;
        } cases[] = {
                { "1", 1000000 },
                { "0.25", 250000 },
                { ".5", 500000 },
                { "90.", 90000000 },
                { "0.0000001", 1 },
                { "007", 7000000 },
                { "1000000000", G_GINT64_CONSTANT(1000000000000000) },
                { "99999999999999999999999", G_GINT64_CONSTANT(1000000000000000) },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
                g_assert_cmpint(read_goal(&(WaitOptions){ .timeout = cases[i].text }).timeout_usec,
                                ==, cases[i].usec);
}

static void test_refused(void)
{
        static const struct {
                WaitOptions options;
                const char *words;
        } cases[] = {
                { { .state = "activ" },
                  "--state: \"activ\" is not one of inactive, waiting, activating, active, "
                  "degraded, deactivating, failed" },
                { { .state = "" }, "--state: \"\"" },
                { { .state = "Active" }, "--state: \"Active\"" },
                { { .lease = "02:00:00:00:00" }, "--lease: \"02:00:00:00:00\"" },
                { { .lease = "" }, "--lease: \"\"" },
                { { .lease = "a b" }, "--lease: \"a b\" is not a MAC or a host name" },
                { { .lease = "10.0.0.1" }, "--lease: \"10.0.0.1\"" },
                { { .port = "0" }, "--port: \"0\" is not a TCP port, 1 to 65535" },
                { { .port = "65536" }, "--port: \"65536\"" },
                { { .port = "-1" }, "--port: \"-1\"" },
                { { .port = "ssh" }, "--port: \"ssh\"" },
                { { .port = "22 " }, "--port: \"22 \"" },
                { { .port = "" }, "--port: \"\"" },
                { { .timeout = "0" }, "--timeout: \"0\" is not a number of seconds above 0" },
                { { .timeout = "0.0" }, "--timeout: \"0.0\"" },
                { { .timeout = "-1" }, "--timeout: \"-1\"" },
                { { .timeout = "1e3" }, "--timeout: \"1e3\"" },
                { { .timeout = "0x10" }, "--timeout: \"0x10\"" },
                { { .timeout = "inf" }, "--timeout: \"inf\"" },
                { { .timeout = "nan" }, "--timeout: \"nan\"" },
                { { .timeout = "1.2.3" }, "--timeout: \"1.2.3\"" },
                { { .timeout = "1,5" }, "--timeout: \"1,5\"" },
                { { .timeout = "." }, "--timeout: \".\"" },
                { { .timeout = "" }, "--timeout: \"\"" },
                { { .timeout = "5s" }, "--timeout: \"5s\"" },
                { { .state = "active", .port = "22" }, "--state goes with neither" },
                { { .state = "active", .lease = "board" }, "--state goes with neither" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                WaitGoal goal;
                g_assert_false(wait_goal_read(&cases[i].options, &goal, &error));
                g_assert_error(error, CLI_ERROR, CLI_ERROR_USAGE);
                g_assert_nonnull(strstr(error->message, cases[i].words));
        }
}

static Value *lease_new(const char *mac, const char *hostname)
{
        Value *lease = value_new_map();
        value_set(lease, "mac", value_new_text(mac));
        value_set(lease, "hostname", value_new_text(hostname));
        return lease;
}

static void test_wanted_leases(void)
{
        static const struct {
                WaitOptions options;
                bool wants_board, wants_nameless;
        } cases[] = {
                { { .lease = "02:00:00:00:00:0A" }, true, false },
                { { .lease = "02:00:00:00:00:0b" }, false, true },
                { { .lease = "02:00:00:00:00:0c" }, false, false },
                { { .lease = "BOARD" }, true, false },
                { { .lease = "boar" }, false, false },
                { { .port = "22" }, true, true },
                { { .port = "22", .lease = "board" }, true, false },
                { { .state = "active" }, false, false },
        };

        g_autoptr(Value) board = lease_new("02:00:00:00:00:0a", "Board");
        g_autoptr(Value) nameless = lease_new("02:00:00:00:00:0b", "");
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                WaitGoal goal = read_goal(&cases[i].options);
                g_assert_cmpint(wait_goal_wants(&goal, board), ==, cases[i].wants_board);
                g_assert_cmpint(wait_goal_wants(&goal, nameless), ==, cases[i].wants_nameless);
        }
}

static void test_lack(void)
{
        static const struct {
                WaitOptions options;
                const char *words;
        } cases[] = {
                { { 0 }, "not active" },
                { { .state = "degraded" }, "not degraded" },
                { { .lease = "board" }, "no lease of board" },
                { { .port = "22" }, "no answer on port 22" },
                { { .lease = "board", .port = "22" }, "no answer of board on port 22" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                WaitGoal goal = read_goal(&cases[i].options);
                g_autofree char *words = wait_goal_describe_lack(&goal);
                g_assert_cmpstr(words, ==, cases[i].words);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/cli/wait-goal/active-unless-something-is-given", test_default);
        g_test_add_func("/cli/wait-goal/states", test_states);
        g_test_add_func("/cli/wait-goal/lease-and-port", test_lease_and_port);
        g_test_add_func("/cli/wait-goal/timeouts", test_timeouts);
        g_test_add_func("/cli/wait-goal/what-is-refused", test_refused);
        g_test_add_func("/cli/wait-goal/wanted-leases", test_wanted_leases);
        g_test_add_func("/cli/wait-goal/what-is-lacking", test_lack);
        return g_test_run();
}
