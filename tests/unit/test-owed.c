/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What is owed to NetworkManager, on disk and in memory. The giving back itself needs a real
 * NetworkManager: that is the lab's. */

#include <glib/gstdio.h>

#include "network/owed.h"
#include "util/file.h"

typedef struct Fixture {
        char *run_dir;
        char *path;
        Owed *owed;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
        fixture->run_dir = g_dir_make_tmp("owed-XXXXXX", NULL);
        fixture->path = g_build_filename(fixture->run_dir, "network-manager.owed", NULL);
        fixture->owed = owed_new(fixture->run_dir, NULL);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        owed_free(fixture->owed);
        (void)g_unlink(fixture->path); /* most tests leave none */
        g_assert_cmpint(g_rmdir(fixture->run_dir), ==, 0);
        g_free(fixture->path);
        g_free(fixture->run_dir);
}

static void restart(Fixture *fixture)
{
        owed_free(fixture->owed);
        fixture->owed = owed_new(fixture->run_dir, NULL);
}

static void add(Fixture *fixture, const char *uuid, const char *id)
{
        const NmHeld held = {
                .managed = true,
                .connection_uuid = (char *)uuid,
                .connection_id = (char *)id,
        };
        GError *error = NULL;

        owed_add(fixture->owed, "lo", &held, &error);
        g_assert_no_error(error);
}

static void forget(Fixture *fixture)
{
        GError *error = NULL;

        owed_forget(fixture->owed, "lo", &error);
        g_assert_no_error(error);
}

static void test_outlives_the_daemon(Fixture *fixture, gconstpointer data)
{
        g_assert_true(owed_is_empty(fixture->owed));
        add(fixture, "1234-5678", "a name = with [signs]");
        restart(fixture);

        const NmHeld *held = owed_find(fixture->owed, "lo");
        g_assert_false(owed_is_empty(fixture->owed));
        g_assert_true(held->managed);
        g_assert_cmpstr(held->connection_uuid, ==, "1234-5678");
        g_assert_cmpstr(held->connection_id, ==, "a name = with [signs]");
        g_assert_null(owed_find(fixture->owed, "eth9"));
}

static void test_keeps_what_is_not_there_apart(Fixture *fixture, gconstpointer data)
{
        add(fixture, NULL, "external");
        restart(fixture);
        g_assert_null(owed_find(fixture->owed, "lo")->connection_uuid);
        g_assert_cmpstr(owed_find(fixture->owed, "lo")->connection_id, ==, "external");

        add(fixture, NULL, NULL);
        restart(fixture);
        g_assert_null(owed_find(fixture->owed, "lo")->connection_id);
        g_assert_true(owed_find(fixture->owed, "lo")->managed);
}

static void test_leaves_no_file_behind(Fixture *fixture, gconstpointer data)
{
        forget(fixture);
        add(fixture, "1234-5678", NULL);
        g_assert_true(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
        forget(fixture);
        g_assert_false(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
        g_assert_true(owed_is_empty(fixture->owed));
        g_assert_null(owed_find(fixture->owed, "lo"));
}

/* Of the index that it had NetworkManager remembers something, of a later one of the name not. */
static void test_owes_nothing_of_another_interface(Fixture *fixture, gconstpointer data)
{
        g_assert_true(file_replace(fixture->path, "[lo]\nindex=999999\nuuid=1234-5678\n", -1, 0644,
                                   NULL));
        restart(fixture);
        g_assert_null(owed_find(fixture->owed, "lo"));
        g_assert_true(owed_is_empty(fixture->owed));
        owed_give_back(fixture->owed, "lo");
        g_assert_false(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
}

static void test_takes_a_broken_file_for_none(Fixture *fixture, gconstpointer data)
{
        g_assert_true(file_replace(fixture->path, "index=1\n\xff[", -1, 0644, NULL));
        restart(fixture);
        g_assert_true(owed_is_empty(fixture->owed));
        add(fixture, "1234-5678", NULL);
        restart(fixture);
        g_assert_nonnull(owed_find(fixture->owed, "lo"));
}

static void add_test(const char *path, void (*test)(Fixture *, gconstpointer))
{
        g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        add_test("/owed/outlives-the-daemon", test_outlives_the_daemon);
        add_test("/owed/keeps-what-is-not-there-apart", test_keeps_what_is_not_there_apart);
        add_test("/owed/leaves-no-file-behind", test_leaves_no_file_behind);
        add_test("/owed/owes-nothing-of-another-interface", test_owes_nothing_of_another_interface);
        add_test("/owed/takes-a-broken-file-for-none", test_takes_a_broken_file_for_none);
        return g_test_run();
}
