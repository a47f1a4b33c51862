/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The log of entry changes as a file: appended to, taken back, made shorter while it is appended
 * to, replaced; whatever fails, what it says is what it said. */

#include "network/entry-log-file.h"

#include <glib/gstdio.h>
#include <string.h>

#include "util/error.h"
#include "util/file.h"

typedef struct Fixture {
        FileSync *sync;
        EntryLogFile *log;
        HeldEntries *held;
        char *directory, *path, *staged;
        bool done;
        GError *error;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
        fixture->directory = g_dir_make_tmp("test-entry-log-XXXXXX", NULL);
        fixture->path = g_build_filename(fixture->directory, "entries.log", NULL);
        fixture->staged = g_strconcat(fixture->path, ".new", NULL);
        fixture->sync = file_sync_new();
        fixture->held = held_entries_new();
        fixture->log = entry_log_file_new(fixture->path, fixture->sync);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        entry_log_file_free(fixture->log);
        held_entries_free(fixture->held);
        file_sync_free(fixture->sync);
        g_assert_false(g_file_test(fixture->staged, G_FILE_TEST_EXISTS));
        (void)g_unlink(fixture->path);
        (void)g_rmdir(fixture->path);
        g_assert_cmpint(g_rmdir(fixture->directory), ==, 0);
        g_clear_error(&fixture->error);
        g_free(fixture->directory);
        g_free(fixture->path);
        g_free(fixture->staged);
}

static void append(Fixture *fixture, const char *line)
{
        g_assert_true(entry_log_file_append(fixture->log, line, &fixture->error));
}

static void assert_log(Fixture *fixture, const char *expected)
{
        g_autofree char *text = file_read(fixture->path, 1000, NULL, NULL);
        g_assert_cmpstr(text, ==, expected);
}

static void through(const GError *error, gpointer data)
{
        Fixture *fixture = data;
        fixture->done = true;
        fixture->error = error ? g_error_copy(error) : NULL;
}

static void wait_through(Fixture *fixture)
{
        while (!fixture->done)
                g_main_context_iteration(NULL, TRUE);
        fixture->done = false;
}

/* Until all that was asked for before is through, its answer too. */
static void settle(Fixture *fixture)
{
        file_sync_flush(fixture->sync, fixture->path, through, fixture);
        wait_through(fixture);
        g_assert_no_error(fixture->error);
}

static void test_append(Fixture *fixture, gconstpointer data)
{
        g_autoptr(Entries) entries = entries_new();
        guint n_bad = 99;

        g_assert_true(entry_log_file_load(fixture->log, entries, fixture->held, &n_bad, NULL));
        g_assert_cmpuint(n_bad, ==, 0);
        g_assert_false(g_file_test(fixture->path, G_FILE_TEST_EXISTS)); /* nothing to say yet */
        append(fixture, "+d a 10.0.0.1\n");
        append(fixture, "+d b 10.0.0.1\n");
        assert_log(fixture, "+d a 10.0.0.1\n+d b 10.0.0.1\n");
        g_assert_cmpuint(entry_log_file_n_lines(fixture->log), ==, 2);
}

static void test_load_cuts_half_a_line(Fixture *fixture, gconstpointer data)
{
        g_autoptr(Entries) entries = entries_new();
        guint n_bad;

        g_assert_true(file_replace(fixture->path, "+d a 10.0.0.1\n+d b 10.", -1, 0644, NULL));
        g_assert_true(file_replace(fixture->staged, "x", -1, 0644, NULL)); /* of an earlier life */
        g_assert_true(entry_log_file_load(fixture->log, entries, fixture->held, &n_bad, NULL));
        g_assert_cmpuint(entries_n_dns(entries), ==, 1);
        append(fixture, "-d a\n");
        assert_log(fixture, "+d a 10.0.0.1\n-d a\n");
}

static void test_missing_log_is_not_made_anew(Fixture *fixture, gconstpointer data)
{
        append(fixture, "+d a 10.0.0.1\n");
        g_assert_cmpint(g_unlink(fixture->path), ==, 0);
        g_assert_false(entry_log_file_append(fixture->log, "+d b 10.0.0.1\n", &fixture->error));
        g_assert_error(fixture->error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        g_assert_false(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
}

static void test_unreadable(Fixture *fixture, gconstpointer data)
{
        g_autoptr(Entries) entries = entries_new();
        guint n_bad;

        g_assert_cmpint(g_mkdir(fixture->path, 0755), ==, 0);
        g_assert_false(
                entry_log_file_load(fixture->log, entries, fixture->held, &n_bad, &fixture->error));
        g_clear_error(&fixture->error);
        g_assert_cmpint(g_rmdir(fixture->path), ==, 0);
        g_assert_false(entry_log_file_append(fixture->log, "+d a 10.0.0.1\n", &fixture->error));
        g_assert_nonnull(strstr(fixture->error->message, fixture->path));
        g_clear_error(&fixture->error);

        /* As soon as it is known what it says, it can be written. */
        entry_log_file_stage(fixture->log, fixture->path, g_strdup(""), through, fixture);
        wait_through(fixture);
        entry_log_file_commit(fixture->log, through, fixture);
        wait_through(fixture);
        append(fixture, "+d a 10.0.0.1\n");
        assert_log(fixture, "+d a 10.0.0.1\n");
}

static void test_take_back(Fixture *fixture, gconstpointer data)
{
        append(fixture, "+d a 10.0.0.1\n");
        append(fixture, "+d b 10.0.0.1\n");
        append(fixture, "-d a\n");
        g_assert_true(
                entry_log_file_take_back(fixture->log, 2, strlen("+d b 10.0.0.1\n-d a\n"), NULL));
        assert_log(fixture, "+d a 10.0.0.1\n");
        g_assert_cmpuint(entry_log_file_n_lines(fixture->log), ==, 1);
}

/* What is appended, and taken back, while the short one is being written is in both. */
static void test_shorten(Fixture *fixture, gconstpointer data)
{
        append(fixture, "+d a 10.0.0.1\n");
        append(fixture, "-d a\n");
        append(fixture, "+d b 10.0.0.1\n");
        entry_log_file_shorten(fixture->log, g_strdup("+d b 10.0.0.1\n"));
        g_assert_true(entry_log_file_is_shortening(fixture->log));
        append(fixture, "+d c 10.0.0.1\n");
        append(fixture, "+d d 10.0.0.1\n");
        g_assert_true(entry_log_file_take_back(fixture->log, 1, strlen("+d d 10.0.0.1\n"), NULL));
        assert_log(fixture, "+d a 10.0.0.1\n-d a\n+d b 10.0.0.1\n+d c 10.0.0.1\n");

        settle(fixture);
        g_assert_false(entry_log_file_is_shortening(fixture->log));
        assert_log(fixture, "+d b 10.0.0.1\n+d c 10.0.0.1\n");
        g_assert_cmpuint(entry_log_file_n_lines(fixture->log), ==, 2);
        append(fixture, "-d c\n");
        assert_log(fixture, "+d b 10.0.0.1\n+d c 10.0.0.1\n-d c\n");
}

static void test_shorten_fails(Fixture *fixture, gconstpointer data)
{
        append(fixture, "+d a 10.0.0.1\n");
        g_assert_cmpint(g_mkdir(fixture->staged, 0755), ==, 0); /* in the way */
        entry_log_file_shorten(fixture->log, g_strdup(""));
        append(fixture, "+d b 10.0.0.1\n");
        settle(fixture);
        g_assert_false(entry_log_file_is_shortening(fixture->log));
        assert_log(fixture, "+d a 10.0.0.1\n+d b 10.0.0.1\n");
        g_assert_cmpuint(entry_log_file_n_lines(fixture->log), ==, 2);
        g_assert_cmpint(g_rmdir(fixture->staged), ==, 0);
}

/* A change of the whole wins over a shortening that is under way. */
static void test_stage_while_shortening(Fixture *fixture, gconstpointer data)
{
        append(fixture, "+d a 10.0.0.1\n");
        entry_log_file_shorten(fixture->log, g_strdup("short\n"));
        entry_log_file_stage(fixture->log, fixture->path, g_strdup("+d b 10.0.0.1\n"), through,
                             fixture);
        wait_through(fixture);
        g_assert_no_error(fixture->error);
        assert_log(fixture, "+d a 10.0.0.1\n");
        entry_log_file_commit(fixture->log, through, fixture);
        wait_through(fixture);
        g_assert_no_error(fixture->error);
        assert_log(fixture, "+d b 10.0.0.1\n");
        g_assert_cmpuint(entry_log_file_n_lines(fixture->log), ==, 1);
}

static void test_dropped(Fixture *fixture, gconstpointer data)
{
        append(fixture, "+d a 10.0.0.1\n");
        entry_log_file_stage(fixture->log, fixture->path, g_strdup(""), through, fixture);
        wait_through(fixture);
        g_autofree char *next = file_next_path(fixture->path);
        g_assert_true(g_file_test(next, G_FILE_TEST_EXISTS));
        entry_log_file_drop(fixture->log, through, fixture);
        wait_through(fixture);
        g_assert_no_error(fixture->error);
        g_assert_false(g_file_test(next, G_FILE_TEST_EXISTS));
        assert_log(fixture, "+d a 10.0.0.1\n");
        append(fixture, "-d a\n");
        assert_log(fixture, "+d a 10.0.0.1\n-d a\n");
}

static void test_moves(Fixture *fixture, gconstpointer data)
{
        g_autofree char *to = g_build_filename(fixture->directory, "to", NULL);
        g_autofree char *path = g_build_filename(to, "entries.log", NULL);

        append(fixture, "+d a 10.0.0.1\n");
        g_assert_cmpint(g_mkdir(to, 0755), ==, 0);
        entry_log_file_stage(fixture->log, path, g_strdup("+d a 10.0.0.1\n"), through, fixture);
        wait_through(fixture);
        entry_log_file_commit(fixture->log, through, fixture);
        wait_through(fixture);
        g_assert_no_error(fixture->error);
        assert_log(fixture, "+d a 10.0.0.1\n"); /* the old one is the caller's to remove */
        g_assert_cmpstr(entry_log_file_path(fixture->log), ==, path);
        append(fixture, "-d a\n");
        g_autofree char *text = file_read(path, 1000, NULL, NULL);
        g_assert_cmpstr(text, ==, "+d a 10.0.0.1\n-d a\n");
        g_assert_cmpint(g_unlink(path), ==, 0);
        g_assert_cmpint(g_rmdir(to), ==, 0);
}

#define ADD(path, function) g_test_add(path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_log_set_always_fatal(G_LOG_LEVEL_ERROR); /* a warning is what a failure ends with */
        ADD("/entry-log-file/append", test_append);
        ADD("/entry-log-file/load-cuts-half-a-line", test_load_cuts_half_a_line);
        ADD("/entry-log-file/missing-log-is-not-made-anew", test_missing_log_is_not_made_anew);
        ADD("/entry-log-file/unreadable", test_unreadable);
        ADD("/entry-log-file/take-back", test_take_back);
        ADD("/entry-log-file/shorten", test_shorten);
        ADD("/entry-log-file/shorten-fails", test_shorten_fails);
        ADD("/entry-log-file/stage-while-shortening", test_stage_while_shortening);
        ADD("/entry-log-file/dropped", test_dropped);
        ADD("/entry-log-file/moves", test_moves);
        return g_test_run();
}
