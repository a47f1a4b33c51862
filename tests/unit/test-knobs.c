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

static void add(const char *name, void (*test)(Fixture *, gconstpointer))
{
        g_autofree char *path = g_strdup_printf("/knobs/%s", name);

        g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (!namespace_enter())
                return 77;
        add("conflicts", test_conflicts);
        add("wish-that-changes", test_wish_that_changes);
        add("hold-that-fails", test_hold_that_fails);
        add("killed-before-it-is-turned", test_killed_before_it_is_turned);
        add("journal-of-an-earlier-version", test_journal_of_an_earlier_version);
        return g_test_run();
}
