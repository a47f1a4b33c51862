/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A lease file under a writer that truncates and rewrites it in place, as dnsmasq does. */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "host/lease-file.h"
#include "model/lease.h"
#include "namespace.h"

#define ONE "1700000000 02:00:00:00:00:01 192.168.100.101 dut-1 01:02:00:00:00:00:01\n"
#define TWO "1700000000 02:00:00:00:00:02 192.168.100.102 dut-2 *\n"

#define N_FILES 300

typedef struct Fixture {
        FileWatches *files;
        char *directory, *path;
        guint n_calls, n_leases;
        guint wanted;
        bool reached;
} Fixture;

static void on_changed(const GPtrArray *leases, gpointer data)
{
        Fixture *fixture = data;

        fixture->n_calls++;
        fixture->n_leases = leases->len;
        fixture->reached = leases->len == fixture->wanted;
}

static void make_directory(Fixture *fixture)
{
        fixture->directory = g_dir_make_tmp("lease-XXXXXX", NULL);
        fixture->path = g_build_filename(fixture->directory, "dnsmasq.leases", NULL);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
        fixture->files = file_watches_new(NULL);
        g_assert_nonnull(fixture->files);
        make_directory(fixture);
}

static void remove_directory(Fixture *fixture)
{
        (void)unlink(fixture->path);
        g_assert_cmpint(rmdir(fixture->directory), ==, 0);
        g_free(fixture->path);
        g_free(fixture->directory);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        file_watches_free(fixture->files);
        remove_directory(fixture);
}

static LeaseFile *watch_in(FileWatches *files, Fixture *fixture)
{
        g_autoptr(GError) error = NULL;
        LeaseFile *file = lease_file_new(files, fixture->path, on_changed, fixture, &error);

        g_assert_no_error(error);
        return file;
}

static LeaseFile *watch(Fixture *fixture)
{
        return watch_in(fixture->files, fixture);
}

static void expect(Fixture *fixture, guint n_leases)
{
        fixture->wanted = n_leases;
        fixture->reached = fixture->n_calls > 0 && fixture->n_leases == n_leases;
        wait_until(&fixture->reached, 1000);
}

static int open_truncated(Fixture *fixture)
{
        int fd = open(fixture->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        g_assert_cmpint(fd, >=, 0);
        return fd;
}

static void put(int fd, const char *text)
{
        g_assert_cmpint(write(fd, text, strlen(text)), ==, (ssize_t)strlen(text));
}

static void test_there_already(Fixture *fixture, gconstpointer data)
{
        int fd = open_truncated(fixture);
        put(fd, ONE);
        close(fd);
        G_GNUC_UNUSED g_autoptr(LeaseFile) file = watch(fixture);
        g_assert_cmpuint(fixture->n_calls, ==, 0);
        expect(fixture, 1);
}

static void test_comes_later(Fixture *fixture, gconstpointer data)
{
        G_GNUC_UNUSED g_autoptr(LeaseFile) file = watch(fixture);

        run_for(50);
        g_assert_cmpuint(fixture->n_calls, ==, 0);
        int fd = open_truncated(fixture);
        put(fd, ONE TWO);
        close(fd);
        gint64 before = g_get_monotonic_time();
        expect(fixture, 2);
        g_assert_cmpint(g_get_monotonic_time() - before, <, 500 * G_TIME_SPAN_MILLISECOND);
}

static void test_half_written(Fixture *fixture, gconstpointer data)
{
        G_GNUC_UNUSED g_autoptr(LeaseFile) file = watch(fixture);
        int fd = open_truncated(fixture);
        put(fd, ONE TWO);
        expect(fixture, 2);
        guint n_calls = fixture->n_calls;

        /* In place, with the file kept open. */
        g_assert_cmpint(ftruncate(fd, 0), ==, 0);
        g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
        put(fd, "1700000000 02:00:00:00");
        run_for(120);
        g_assert_cmpuint(fixture->n_calls, ==, n_calls);
        put(fd, ":00:01 192.168.100.101 dut-1 *\n");
        expect(fixture, 1);
        close(fd);
}

static void test_never_empty_in_between(Fixture *fixture, gconstpointer data)
{
        G_GNUC_UNUSED g_autoptr(LeaseFile) file = watch(fixture);
        int fd = open_truncated(fixture);
        put(fd, ONE TWO);
        expect(fixture, 2);

        for (guint i = 0; i < 20; i++) {
                g_assert_cmpint(ftruncate(fd, 0), ==, 0);
                g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
                run_for(1);
                put(fd, ONE);
                run_for(1);
                put(fd, TWO);
                run_for(i % 20);
                g_assert_cmpuint(fixture->n_leases, ==, 2);
        }
        g_assert_cmpuint(fixture->n_calls, ==, 1); /* the same text is no change */
        g_assert_cmpint(ftruncate(fd, 0), ==, 0);
        expect(fixture, 0);
        close(fd);
}

static void test_no_directory(void)
{
        g_autoptr(GError) error = NULL;

        g_autoptr(FileWatches) files = file_watches_new(NULL);

        g_assert_null(lease_file_new(files, "/nowhere/dnsmasq.leases", on_changed, NULL, &error));
        g_assert_nonnull(strstr(error->message, "/nowhere"));
}

/* More than a user may have instances of inotify, and each is told of its own changes alone. */
static void test_many(Fixture *fixture, gconstpointer data)
{
        static Fixture others[N_FILES];
        g_autoptr(GPtrArray) files =
                g_ptr_array_new_with_free_func((GDestroyNotify)lease_file_free);

        for (guint i = 0; i < N_FILES; i++) {
                make_directory(&others[i]);
                g_ptr_array_add(files, watch_in(fixture->files, &others[i]));
        }
        g_ptr_array_add(files, watch(fixture));
        g_assert_true(g_file_set_contents(others[7].path, ONE TWO, -1, NULL));
        expect(&others[7], 2);
        for (guint i = 0; i < N_FILES; i++)
                g_assert_cmpuint(others[i].n_calls, ==, i == 7);
        g_ptr_array_set_size(files, 0);
        for (guint i = 0; i < N_FILES; i++)
                remove_directory(&others[i]);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        ADD("/lease-file/there-already", test_there_already);
        ADD("/lease-file/comes-later", test_comes_later);
        ADD("/lease-file/half-written-does-not-count", test_half_written);
        ADD("/lease-file/never-empty-in-between", test_never_empty_in_between);
        ADD("/lease-file/many", test_many);
        g_test_add_func("/lease-file/no-directory", test_no_directory);
        return g_test_run();
}
