/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Knobs that several hold at once, in a network namespace of the test's own: which value it is, in
 * whatever order they come and go, over restarts of the daemon; and what is given back. */

#include <net/if.h>
#include <string.h>

#include <glib/gstdio.h>

#include "host/sysctl.h"
#include "namespace.h"
#include "network/knobs.h"

#define NIC "left"

typedef struct Fixture {
        char *run_dir;
        Knobs *knobs;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
        namespace_add_veth(NIC, "right");
        fixture->run_dir = g_dir_make_tmp("knobs-XXXXXX", NULL);
        fixture->knobs = knobs_new(fixture->run_dir);
}

/* No journal is left when nothing is held. */
static void tear_down(Fixture *fixture, gconstpointer data)
{
        knobs_free(fixture->knobs);
        g_assert_cmpint(g_rmdir(fixture->run_dir), ==, 0);
        g_free(fixture->run_dir);
        namespace_delete_link(NIC);
}

static void restart(Fixture *fixture)
{
        knobs_free(fixture->knobs);
        fixture->knobs = knobs_new(fixture->run_dir);
}

static int value_of(Sysctl sysctl, const char *interface)
{
        int value = -1;

        g_assert_cmpint(sysctl_get(sysctl, interface, &value), ==, 0);
        return value;
}

static void set(Sysctl sysctl, const char *interface, int value)
{
        GError *error = NULL;

        (void)sysctl_set(sysctl, interface, value, &error); /* `error` says how it went */
        g_assert_no_error(error);
}

static void hold(Fixture *fixture, const char *holder, Sysctl sysctl, const char *interface,
                 int value)
{
        const Knob knob = { sysctl, interface, value };
        GError *error = NULL;

        (void)knobs_hold(fixture->knobs, holder, "test", &knob, 1, &error);
        g_assert_no_error(error);
}

static void release(Fixture *fixture, const char *holder)
{
        GError *error = NULL;

        (void)knobs_release(fixture->knobs, holder, "test", &error);
        g_assert_no_error(error);
}

/* A knob as it is found, what each of two networks wants, and which of these has to win. */
static const struct {
        Sysctl sysctl;
        int found, wanted[2], winner;
} conflicts[] = {
        { SYSCTL_IPV6_ACCEPT_RA, 1, { 2, 0 }, 0 },
        { SYSCTL_IPV6_ACCEPT_REDIRECTS, 1, { 1, 0 }, 0 },
        { SYSCTL_IPV4_ACCEPT_REDIRECTS, 1, { 1, 0 }, 0 },
        { SYSCTL_IPV4_SEND_REDIRECTS, 1, { 1, 0 }, 0 },
        { SYSCTL_IPV6_DISABLE, 1, { 1, 0 }, 0 },
        { SYSCTL_IPV4_RP_FILTER, 1, { 0, 2 }, 2 },
        { SYSCTL_IPV4_FORWARDING, 0, { 0, 1 }, 1 },
        { SYSCTL_IPV4_ACCEPT_LOCAL, 0, { 0, 1 }, 1 },
};

static const char *const names[] = { "a", "b" };

/* Both come, each once more, and go; @order: which of them is the first to come, the first to be
 * looked at again, the first to go. */
static void conflict(Fixture *fixture, guint which, guint order, bool restarts)
{
        Sysctl sysctl = conflicts[which].sysctl;
        const int *wanted = conflicts[which].wanted;
        guint first = order & 1, again = order >> 1 & 1, goes = order >> 2 & 1;

        set(sysctl, NIC, conflicts[which].found);
        hold(fixture, names[first], sysctl, NIC, wanted[first]);
        g_assert_cmpint(value_of(sysctl, NIC), ==, wanted[first]);
        hold(fixture, names[!first], sysctl, NIC, wanted[!first]);
        g_assert_cmpint(value_of(sysctl, NIC), ==, conflicts[which].winner);
        if (restarts)
                restart(fixture);
        for (guint i = 0; i < 2; i++) {
                hold(fixture, names[again ^ i], sysctl, NIC, wanted[again ^ i]);
                g_assert_cmpint(value_of(sysctl, NIC), ==, conflicts[which].winner);
        }
        release(fixture, names[goes]);
        g_assert_cmpint(value_of(sysctl, NIC), ==, wanted[!goes]);
        if (restarts)
                restart(fixture);
        release(fixture, names[!goes]);
        g_assert_cmpint(value_of(sysctl, NIC), ==, conflicts[which].found);
}

static void test_conflicts(Fixture *fixture, gconstpointer data)
{
        for (guint which = 0; which < G_N_ELEMENTS(conflicts); which++)
                for (guint order = 0; order < 8; order++) {
                        conflict(fixture, which, order, false);
                        conflict(fixture, which, order, true);
                }
}

/* One whose wish changes makes way for the other's. */
static void test_wish_that_changes(Fixture *fixture, gconstpointer data)
{
        hold(fixture, "a", SYSCTL_IPV6_ACCEPT_RA, NIC, 0);
        hold(fixture, "b", SYSCTL_IPV6_ACCEPT_RA, NIC, 1);
        hold(fixture, "a", SYSCTL_IPV6_ACCEPT_RA, NIC, 2);
        g_assert_cmpint(value_of(SYSCTL_IPV6_ACCEPT_RA, NIC), ==, 1);
        hold(fixture, "a", SYSCTL_IPV6_ACCEPT_RA, NIC, 0);
        g_assert_cmpint(value_of(SYSCTL_IPV6_ACCEPT_RA, NIC), ==, 0);
        release(fixture, "b");
        g_assert_cmpint(value_of(SYSCTL_IPV6_ACCEPT_RA, NIC), ==, 0);
        release(fixture, "a");
        g_assert_cmpint(value_of(SYSCTL_IPV6_ACCEPT_RA, NIC), ==, 1);
}

/* What a hold that fails has changed is taken back, of both what was held and what was not. */
static void test_hold_that_fails(Fixture *fixture, gconstpointer data)
{
        const Knob wanted[] = {
                { SYSCTL_IPV6_ACCEPT_RA, NIC, 2 },
                { SYSCTL_IPV4_FORWARDING, NIC, 1 },
                { SYSCTL_IPV6_DISABLE, NIC, 0 },
                { SYSCTL_IPV6_ADDR_GEN_MODE, NIC, 77 }, /* there is none */
        };
        g_autoptr(GError) error = NULL;

        hold(fixture, "a", SYSCTL_IPV6_ACCEPT_RA, NIC, 0);
        g_assert_false(
                knobs_hold(fixture->knobs, "a", "test", wanted, G_N_ELEMENTS(wanted), &error));
        g_assert_nonnull(strstr(error->message, "addr_gen_mode"));
        for (int restarts = 0; restarts < 2; restarts++) {
                g_assert_cmpint(value_of(SYSCTL_IPV6_ACCEPT_RA, NIC), ==, 0);
                g_assert_cmpint(value_of(SYSCTL_IPV4_FORWARDING, NIC), ==, 0);
                restart(fixture);
        }
        hold(fixture, "b", SYSCTL_IPV6_ACCEPT_RA, NIC, 1);
        g_assert_cmpint(value_of(SYSCTL_IPV6_ACCEPT_RA, NIC), ==, 0);
        release(fixture, "b");
        release(fixture, "a");
        g_assert_cmpint(value_of(SYSCTL_IPV6_ACCEPT_RA, NIC), ==, 1);
}

/* The daemon dies between the journal and the knob: it has the value of before, which is ours. */
static void test_killed_before_it_is_turned(Fixture *fixture, gconstpointer data)
{
        hold(fixture, "a", SYSCTL_IPV6_ACCEPT_RA, NIC, 2);
        hold(fixture, "a", SYSCTL_IPV6_ACCEPT_RA, NIC, 0);
        set(SYSCTL_IPV6_ACCEPT_RA, NIC, 2);
        restart(fixture);
        release(fixture, "a");
        g_assert_cmpint(value_of(SYSCTL_IPV6_ACCEPT_RA, NIC), ==, 1);
}

/* As an earlier version wrote it, which knew one value for all. */
static void test_journal_of_an_earlier_version(Fixture *fixture, gconstpointer data)
{
        g_autofree char *path =
                g_strdup_printf("%s/sysctls-%u", fixture->run_dir, if_nametoindex(NIC));
        g_autofree char *text = g_strdup_printf("[5 %1$u]\nsysctl=5\nindex=%1$u\nfound=1\nset=0\n"
                                                "holders=a test;b test;\n\n",
                                                if_nametoindex(NIC));

        g_assert_true(g_file_set_contents(path, text, -1, NULL));
        set(SYSCTL_IPV6_ACCEPT_RA, NIC, 0);
        restart(fixture);
        hold(fixture, "a", SYSCTL_IPV6_ACCEPT_RA, NIC, 2);
        g_assert_cmpint(value_of(SYSCTL_IPV6_ACCEPT_RA, NIC), ==, 0);
        release(fixture, "b");
        g_assert_cmpint(value_of(SYSCTL_IPV6_ACCEPT_RA, NIC), ==, 2);
        release(fixture, "a");
        g_assert_cmpint(value_of(SYSCTL_IPV6_ACCEPT_RA, NIC), ==, 1);
}

/* Kernels before 6.17: the whole host forwards, and the kernel writes each interface's own. */
static void forward(Fixture *fixture, const char *holder)
{
        hold(fixture, holder, SYSCTL_IPV6_FORWARDING_ALL, "lo", 1);
        g_assert_cmpint(value_of(SYSCTL_IPV6_FORWARDING, "default"), ==, 1);
        g_assert_cmpint(value_of(SYSCTL_IPV6_FORWARDING, NIC), ==, 1);
        g_assert_cmpint(value_of(SYSCTL_IPV6_FORWARDING, "right"), ==, 1);
}

static void assert_forwarding(int of_nic, int right, int to_come)
{
        g_assert_cmpint(value_of(SYSCTL_IPV6_FORWARDING_ALL, "lo"), ==, 0);
        g_assert_cmpint(value_of(SYSCTL_IPV6_FORWARDING, NIC), ==, of_nic);
        g_assert_cmpint(value_of(SYSCTL_IPV6_FORWARDING, "right"), ==, right);
        g_assert_cmpint(value_of(SYSCTL_IPV6_FORWARDING, "default"), ==, to_come);
}

static void test_whole_host(Fixture *fixture, gconstpointer restarts)
{
        set(SYSCTL_IPV6_FORWARDING, NIC, 1);
        forward(fixture, "a");
        forward(fixture, "b");
        if (restarts)
                restart(fixture);
        release(fixture, "a");
        g_assert_cmpint(value_of(SYSCTL_IPV6_FORWARDING, "right"), ==, 1);
        if (restarts)
                restart(fixture);
        release(fixture, "b");
        assert_forwarding(1, 0, 0);
}

/* What has come since has what those to come had; what somebody has turned since stays so. */
static void test_whole_host_that_changes(Fixture *fixture, gconstpointer data)
{
        set(SYSCTL_IPV6_FORWARDING, NIC, 1);
        set(SYSCTL_IPV6_FORWARDING, "default", 1);
        forward(fixture, "a");
        namespace_add_veth("late", "later");
        set(SYSCTL_IPV6_FORWARDING, NIC, 0);
        set(SYSCTL_IPV6_FORWARDING, "later", 0);
        release(fixture, "a");
        assert_forwarding(0, 0, 1);
        g_assert_cmpint(value_of(SYSCTL_IPV6_FORWARDING, "late"), ==, 1);
        g_assert_cmpint(value_of(SYSCTL_IPV6_FORWARDING, "later"), ==, 0);
        namespace_delete_link("late");
        set(SYSCTL_IPV6_FORWARDING, "default", 0);
}

/* Who turns it off for all turns it off for each. */
static void test_whole_host_turned_by_somebody(Fixture *fixture, gconstpointer data)
{
        GError *error = NULL;

        set(SYSCTL_IPV6_FORWARDING, NIC, 1);
        forward(fixture, "a");
        set(SYSCTL_IPV6_FORWARDING_ALL, "lo", 0);
        (void)knobs_turned_for_all(fixture->knobs, SYSCTL_IPV6_FORWARDING, &error);
        g_assert_no_error(error);
        forward(fixture, "a");
        release(fixture, "a");
        assert_forwarding(0, 0, 0);
}

/* The daemon dies when it is off for all, and each has not been given back yet. */
static void test_killed_while_giving_back(Fixture *fixture, gconstpointer data)
{
        g_autofree char *path = g_build_filename(fixture->run_dir, "sysctls-1", NULL);
        g_autofree char *text = NULL;

        set(SYSCTL_IPV6_FORWARDING, NIC, 1);
        forward(fixture, "a");
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_auto(GStrv) parts = g_strsplit(text, "set=1\nleft=0\n", 2);
        g_assert_cmpuint(g_strv_length(parts), ==, 2);
        g_autofree char *giving_back = g_strjoinv("set=0\nleft=1\n", parts);
        g_assert_true(g_file_set_contents(path, giving_back, -1, NULL));
        set(SYSCTL_IPV6_FORWARDING_ALL, "lo", 0);
        restart(fixture);
        release(fixture, "a");
        assert_forwarding(1, 0, 0);
}

/* As long as the whole host forwards an interface hears routers with accept_ra 2 alone. */
static void test_accept_ra_stays_as_long(Fixture *fixture, gconstpointer restarts)
{
        const Knob wanted[] = { { SYSCTL_IPV6_ACCEPT_RA, NIC, 2 },
                                { SYSCTL_IPV6_FORWARDING_ALL, "lo", 1 } };
        GError *error = NULL;

        (void)knobs_hold(fixture->knobs, "a", "test", wanted, G_N_ELEMENTS(wanted), &error);
        g_assert_no_error(error);
        forward(fixture, "a"); /* the upstream is away for a while */
        g_assert_cmpint(value_of(SYSCTL_IPV6_ACCEPT_RA, NIC), ==, 2);
        forward(fixture, "b");
        release(fixture, "a");
        if (restarts)
                restart(fixture);
        g_assert_cmpint(value_of(SYSCTL_IPV6_ACCEPT_RA, NIC), ==, 2);
        hold(fixture, "c", SYSCTL_IPV6_ACCEPT_RA, NIC, 0); /* a network's own meanwhile */
        g_assert_cmpint(value_of(SYSCTL_IPV6_ACCEPT_RA, NIC), ==, 0);
        release(fixture, "c");
        g_assert_cmpint(value_of(SYSCTL_IPV6_ACCEPT_RA, NIC), ==, 2);
        release(fixture, "b");
        g_assert_cmpint(value_of(SYSCTL_IPV6_ACCEPT_RA, NIC), ==, 1);
        assert_forwarding(0, 0, 0);
}

/* One that is gone for good is forgotten. */
static void test_accept_ra_of_one_that_is_gone(Fixture *fixture, gconstpointer data)
{
        namespace_add_veth("late", "later");
        g_autofree char *path =
                g_strdup_printf("%s/sysctls-%u", fixture->run_dir, if_nametoindex("late"));

        forward(fixture, "a");
        hold(fixture, "b", SYSCTL_IPV6_ACCEPT_RA, "late", 2);
        release(fixture, "b");
        g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
        namespace_delete_link("late");
        forward(fixture, "a");
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
        release(fixture, "a");
}

static void add(const char *name, void (*test)(Fixture *, gconstpointer), gconstpointer data)
{
        g_autofree char *path = g_strdup_printf("/knobs/%s", name);

        g_test_add(path, Fixture, data, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (!namespace_enter())
                return 77;
        add("conflicts", test_conflicts, NULL);
        add("wish-that-changes", test_wish_that_changes, NULL);
        add("hold-that-fails", test_hold_that_fails, NULL);
        add("killed-before-it-is-turned", test_killed_before_it_is_turned, NULL);
        add("journal-of-an-earlier-version", test_journal_of_an_earlier_version, NULL);
        add("whole-host", test_whole_host, NULL);
        add("whole-host-over-restarts", test_whole_host, "restarts");
        add("whole-host-that-changes", test_whole_host_that_changes, NULL);
        add("whole-host-turned-by-somebody", test_whole_host_turned_by_somebody, NULL);
        add("killed-while-giving-back", test_killed_while_giving_back, NULL);
        add("accept-ra-stays-as-long", test_accept_ra_stays_as_long, NULL);
        add("accept-ra-stays-over-restarts", test_accept_ra_stays_as_long, "restarts");
        add("accept-ra-of-one-that-is-gone", test_accept_ra_of_one_that_is_gone, NULL);
        return g_test_run();
}
