/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Files on disks that fail: whatever call it is that fails, the old file is there or the new one,
 * nothing beside it, and the error says why. The linker's --wrap puts the test between the code and
 * the C library; it also sees that no sync is made by the main loop's thread. */

#include "util/file-sync.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/error.h"
#include "util/file.h"

/* The calls that can be made to fail. */
typedef enum Call { CALL_WRITE, CALL_FDATASYNC, CALL_FSYNC, CALL_RENAME, CALL_MAX } Call;

static int fail_with[CALL_MAX]; /* 0: it works */
static gsize room = G_MAXSIZE;  /* bytes that write(2) still takes */
static int n_calls[CALL_MAX];
static GThread *main_thread;
static GString *order; /* of fdatasync, fsync and rename: "d", "n" and "r" */

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
ssize_t __real_write(int fd, const void *buffer, size_t length);
ssize_t __wrap_write(int fd, const void *buffer, size_t length);

static bool fails(Call call, const char *sign)
{
        n_calls[call]++;
        if (sign)
                g_string_append(order, sign);
        errno = fail_with[call];
        return fail_with[call] != 0;
}

int __wrap_fdatasync(int fd)
{
        g_assert_true(g_thread_self() != main_thread);
        return fails(CALL_FDATASYNC, "d") ? -1 : __real_fdatasync(fd);
}

int __wrap_fsync(int fd)
{
        g_assert_true(g_thread_self() != main_thread);
        return fails(CALL_FSYNC, "n") ? -1 : __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
        return fails(CALL_RENAME, "r") ? -1 : __real_rename(from, to);
}

/* A disk that is nearly full takes half of what is written, and then nothing. */
ssize_t __wrap_write(int fd, const void *buffer, size_t length)
{
        if (room == G_MAXSIZE)
                return fails(CALL_WRITE, NULL) ? -1 : __real_write(fd, buffer, length);
        if (room == 0) {
                errno = ENOSPC;
                return -1;
        }
        length = MIN(length, room);
        room -= length;
        return __real_write(fd, buffer, length);
}

typedef struct Fixture {
        FileSync *sync;
        char *directory, *path, *staged;
        bool done;
        GError *error;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
        memset(fail_with, 0, sizeof fail_with);
        memset(n_calls, 0, sizeof n_calls);
        room = G_MAXSIZE;
        g_string_truncate(order, 0);
        fixture->directory = g_dir_make_tmp("test-file-XXXXXX", NULL);
        fixture->path = g_build_filename(fixture->directory, "file", NULL);
        fixture->staged = g_strconcat(fixture->path, ".new", NULL);
        g_assert_true(file_replace(fixture->path, "old\n", -1, 0644, NULL));
        g_string_truncate(order, 0);
        fixture->sync = file_sync_new();
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        file_sync_free(fixture->sync);
        (void)g_unlink(fixture->path);
        (void)g_unlink(fixture->staged);
        g_assert_cmpint(g_rmdir(fixture->directory), ==, 0); /* nothing else was left */
        g_clear_error(&fixture->error);
        g_free(fixture->directory);
        g_free(fixture->path);
        g_free(fixture->staged);
}

static void through(const GError *error, gpointer data)
{
        Fixture *fixture = data;

        g_assert_true(g_thread_self() == main_thread);
        g_assert_false(fixture->done);
        fixture->done = true;
        fixture->error = error ? g_error_copy(error) : NULL;
}

static void wait_through(Fixture *fixture)
{
        g_assert_false(fixture->done); /* never from inside the call */
        while (!fixture->done)
                g_main_context_iteration(NULL, TRUE);
        fixture->done = false;
}

static void assert_contents(const char *path, const char *expected)
{
        g_autofree char *text = file_read(path, 1000, NULL, NULL);
        g_assert_cmpstr(text, ==, expected);
}

static void test_replaced(Fixture *fixture, gconstpointer data)
{
        file_sync_replace(fixture->sync, fixture->path, g_strdup("new\n"), through, fixture);
        wait_through(fixture);
        g_assert_no_error(fixture->error);
        assert_contents(fixture->path, "new\n");
        g_assert_false(g_file_test(fixture->staged, G_FILE_TEST_EXISTS));
        g_assert_cmpstr(order->str, ==, "drnn");
}

static void test_in_two_halves(Fixture *fixture, gconstpointer data)
{
        file_sync_stage(fixture->sync, fixture->path, g_strdup("new\n"), through, fixture);
        wait_through(fixture);
        g_assert_no_error(fixture->error);
        assert_contents(fixture->path, "old\n");
        assert_contents(fixture->staged, "new\n");
        g_assert_cmpstr(order->str, ==, "d");

        file_sync_rename(fixture->sync, fixture->staged, fixture->path, through, fixture);
        wait_through(fixture);
        g_assert_no_error(fixture->error);
        assert_contents(fixture->path, "new\n");
        g_assert_cmpstr(order->str, ==, "drnn");
}

typedef struct Failure {
        Call call;
        int code;
        const char *left; /* what the file has then */
} Failure;

static const Failure failures[] = {
        { CALL_WRITE, ENOSPC, "old\n" },  { CALL_FDATASYNC, ENOSPC, "old\n" },
        { CALL_FDATASYNC, EIO, "old\n" }, { CALL_RENAME, EROFS, "old\n" },
        { CALL_FSYNC, EIO, "new\n" }, /* in its place, and perhaps not for ever */
};

static void test_fails(Fixture *fixture, gconstpointer data)
{
        const Failure *failure = data;

        fail_with[failure->call] = failure->code;
        file_sync_replace(fixture->sync, fixture->path, g_strdup("new\n"), through, fixture);
        wait_through(fixture);
        g_assert_error(fixture->error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        g_assert_nonnull(strstr(fixture->error->message, g_strerror(failure->code)));
        g_assert_nonnull(strstr(fixture->error->message, fixture->directory));
        assert_contents(fixture->path, failure->left);
        g_assert_false(g_file_test(fixture->staged, G_FILE_TEST_EXISTS));
}

/* Such a file system keeps names by itself. */
static void test_directory_that_cannot_be_synced(Fixture *fixture, gconstpointer data)
{
        fail_with[CALL_FSYNC] = EINVAL;
        file_sync_replace(fixture->sync, fixture->path, g_strdup("new\n"), through, fixture);
        wait_through(fixture);
        g_assert_no_error(fixture->error);
}

static void test_half_written(Fixture *fixture, gconstpointer data)
{
        room = 2;
        file_sync_replace(fixture->sync, fixture->path, g_strdup("new\n"), through, fixture);
        wait_through(fixture);
        g_assert_error(fixture->error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        assert_contents(fixture->path, "old\n");
        g_assert_false(g_file_test(fixture->staged, G_FILE_TEST_EXISTS));
}

static void note(const GError *error, gpointer data)
{
        g_assert_no_error(error);
        g_string_append(order, data);
}

/* What was asked for last is what is there, and the answers come in order. */
static void test_order(Fixture *fixture, gconstpointer data)
{
        for (int i = 0; i < 20; i++) {
                file_sync_replace(fixture->sync, fixture->path, g_strdup_printf("%d\n", i), note,
                                  (gpointer) "+");
                file_sync_remove(fixture->sync, fixture->path, note, (gpointer) "-");
        }
        file_sync_replace(fixture->sync, fixture->path, g_strdup("last\n"), through, fixture);
        wait_through(fixture);
        assert_contents(fixture->path, "last\n");
        g_autoptr(GString) answers = g_string_new(NULL);
        for (const char *sign = order->str; *sign; sign++)
                if (strchr("+-", *sign))
                        g_string_append_c(answers, *sign);
        g_assert_cmpuint(answers->len, ==, 40);
        g_assert_true(g_str_has_prefix(answers->str, "+-+-+-+-"));
}

static void test_removed(Fixture *fixture, gconstpointer data)
{
        for (int i = 0; i < 2; i++) { /* gone already is success */
                file_sync_remove(fixture->sync, fixture->path, through, fixture);
                wait_through(fixture);
                g_assert_no_error(fixture->error);
                g_assert_false(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
        }
        g_assert_cmpint(n_calls[CALL_FSYNC], ==, 4);
}

static void test_flushed(Fixture *fixture, gconstpointer data)
{
        file_sync_flush(fixture->sync, fixture->path, through, fixture);
        wait_through(fixture);
        g_assert_no_error(fixture->error);
        g_assert_cmpstr(order->str, ==, "dnn");

        fail_with[CALL_FDATASYNC] = EIO;
        file_sync_flush(fixture->sync, fixture->path, through, fixture);
        wait_through(fixture);
        g_assert_error(fixture->error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        g_clear_error(&fixture->error);

        g_assert_cmpint(g_unlink(fixture->path), ==, 0);
        file_sync_flush(fixture->sync, fixture->path, through, fixture);
        wait_through(fixture);
        g_assert_no_error(fixture->error);
}

G_GNUC_NORETURN static void never(const GError *error, gpointer data)
{
        g_assert_not_reached();
}

static void test_forgotten(Fixture *fixture, gconstpointer data)
{
        file_sync_forget(
                file_sync_replace(fixture->sync, fixture->path, g_strdup("new\n"), never, NULL));
        file_sync_forget(NULL);
        file_sync_flush(fixture->sync, fixture->path, through, fixture);
        wait_through(fixture);
        assert_contents(fixture->path, "new\n");
}

static void test_free_waits(Fixture *fixture, gconstpointer data)
{
        for (int i = 0; i < 10; i++)
                file_sync_replace(fixture->sync, fixture->path, g_strdup_printf("%d\n", i), never,
                                  NULL);
        g_clear_pointer(&fixture->sync, file_sync_free);
        assert_contents(fixture->path, "9\n");
        while (g_main_context_iteration(NULL, FALSE))
                ;
}

/* file.c, without syncs */

static void test_update_leaves_the_same_alone(Fixture *fixture, gconstpointer data)
{
        fail_with[CALL_WRITE] = EROFS;
        g_assert_true(file_update(fixture->path, "old\n", -1, 0644, NULL));
        g_assert_false(file_update(fixture->path, "odd\n", -1, 0644, &fixture->error));
        g_assert_nonnull(strstr(fixture->error->message, g_strerror(EROFS)));
        assert_contents(fixture->path, "old\n");
        fail_with[CALL_WRITE] = 0;
        g_assert_true(file_update(fixture->path, "odd\n", -1, 0644, NULL));
        assert_contents(fixture->path, "odd\n");
        g_assert_false(file_has(fixture->path, "odd", -1));
        g_assert_false(file_has(fixture->directory, "odd", -1));
}

static void test_append(Fixture *fixture, gconstpointer data)
{
        g_assert_true(file_append(fixture->path, "line\n", 5, false, NULL));
        assert_contents(fixture->path, "old\nline\n");

        room = 3; /* half a line */
        g_assert_false(file_append(fixture->path, "again\n", 6, false, &fixture->error));
        g_assert_nonnull(strstr(fixture->error->message, g_strerror(ENOSPC)));
        g_clear_error(&fixture->error);
        assert_contents(fixture->path, "old\nline\n");

        room = G_MAXSIZE;
        g_assert_false(file_append(fixture->staged, "line\n", 5, false, &fixture->error));
        g_assert_nonnull(strstr(fixture->error->message, g_strerror(ENOENT)));
        room = 0; /* not even an empty file is left */
        g_assert_false(file_append(fixture->staged, "line\n", 5, true, NULL));
        g_assert_false(g_file_test(fixture->staged, G_FILE_TEST_EXISTS));
        room = G_MAXSIZE;
        g_assert_true(file_append(fixture->staged, "line\n", 5, true, NULL));
        assert_contents(fixture->staged, "line\n");
}

#define ADD(path, data, function) g_test_add(path, Fixture, data, set_up, function, tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        main_thread = g_thread_self();
        order = g_string_new(NULL);
        ADD("/file-sync/replaced", NULL, test_replaced);
        ADD("/file-sync/in-two-halves", NULL, test_in_two_halves);
        for (guint i = 0; i < G_N_ELEMENTS(failures); i++) {
                g_autofree char *path = g_strdup_printf("/file-sync/failure-%u", i);
                ADD(path, &failures[i], test_fails);
        }
        ADD("/file-sync/directory-that-cannot-be-synced", NULL,
            test_directory_that_cannot_be_synced);
        ADD("/file-sync/half-written", NULL, test_half_written);
        ADD("/file-sync/order", NULL, test_order);
        ADD("/file-sync/removed", NULL, test_removed);
        ADD("/file-sync/flushed", NULL, test_flushed);
        ADD("/file-sync/forgotten", NULL, test_forgotten);
        ADD("/file-sync/free-waits", NULL, test_free_waits);
        ADD("/file/update-leaves-the-same-alone", NULL, test_update_leaves_the_same_alone);
        ADD("/file/append", NULL, test_append);
        int status = g_test_run();
        g_string_free(order, TRUE);
        return status;
}
