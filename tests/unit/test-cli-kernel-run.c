/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Runs of a program in a kernel's place: it finds its consoles on its command line, as a kernel
 * does, says what a test and the first process would say, and has a process besides that does not
 * end by itself. */

#include "cli/kernel-run.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/kernel-machine.h"

#define DEADLINE_SEC 10
#define POLL_USEC    5000
#define LATE_USEC    (11 * G_USEC_PER_SEC) /* a kernel has stopped by then, or is stopped */

static const char prologue[] =
        "#!/bin/bash\n"
        "for word; do case $word in\n"
        "        con[0-3]=fd:*) fd[${word:3:1}]=${word#*fd:} ;;\n"
        "        uml_dir=*) directory=${word#*=} ;;\n"
        "esac; done\n"
        "mkdir $directory/of-the-kernel && touch $directory/of-the-kernel/x\n"
        "sleep 1000 &\n"
        "echo $$ $! $directory >${0%/*}/pids.new\n"
        "mv ${0%/*}/pids.new ${0%/*}/pids\n";

typedef struct Fixture {
        char *place; /* of the program, and of what it writes down */
        char *program, *pids, *out;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer text)
{
        g_autofree char *all = g_strconcat(prologue, text, "\n", NULL);

        fixture->place = g_dir_make_tmp("test-kernel-run-XXXXXX", NULL);
        g_assert_nonnull(fixture->place);
        fixture->program = g_build_filename(fixture->place, "linux", NULL);
        fixture->pids = g_build_filename(fixture->place, "pids", NULL);
        fixture->out = g_build_filename(fixture->place, "out", NULL);
        g_assert_true(g_file_set_contents(fixture->program, all, -1, NULL));
        g_assert_cmpint(g_chmod(fixture->program, 0700), ==, 0);
}

static void tear_down(Fixture *fixture, gconstpointer text G_GNUC_UNUSED)
{
        kernel_directory_remove(fixture->place);
        g_free(fixture->place);
        g_free(fixture->program);
        g_free(fixture->pids);
        g_free(fixture->out);
}

static char *contents_of(const char *path)
{
        char *text = NULL;

        return g_file_get_contents(path, &text, NULL, NULL) ? text : g_strdup("");
}

/* Runs it, with what it says on stdout at @to. */
static void run_to(const Fixture *fixture, double seconds, int to, KernelEnd *ret_end)
{
        static const char *const texts[] = { "a", "b", NULL }, *const no_taps[] = { NULL };
        g_autoptr(GError) error = NULL;
        g_autofree char *directory = kernel_directory_make(texts, texts, &error);
        int out = dup(STDOUT_FILENO);

        g_assert_no_error(error);
        const KernelPlan plan = { fixture->program, "64M", directory, "/init", no_taps };
        g_assert_cmpint(dup2(to, STDOUT_FILENO), ==, STDOUT_FILENO);
        gint64 deadline = g_get_monotonic_time() + (gint64)(seconds * G_USEC_PER_SEC);
        bool done = kernel_run(&plan, deadline, false, ret_end, &error);
        g_assert_cmpint(dup2(out, STDOUT_FILENO), ==, STDOUT_FILENO);
        close(out);
        g_assert_no_error(error);
        g_assert_true(done);
}

static void run(const Fixture *fixture, double seconds, KernelEnd *ret_end)
{
        int file = open(fixture->out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        run_to(fixture, seconds, file, ret_end);
        close(file);
}

/* Whether it, its other process and its directory have gone. */
static bool is_gone(const Fixture *fixture)
{
        g_autofree char *text = contents_of(fixture->pids);
        g_auto(GStrv) words = g_strsplit(g_strchomp(text), " ", -1);

        g_assert_cmpuint(g_strv_length(words), ==, 3);
        for (guint i = 0; i < 2; i++)
                if (kill(atoi(words[i]), 0) == 0)
                        return false;
        return access(words[2], F_OK) < 0 && errno == ENOENT;
}

static void test_exit(Fixture *fixture, gconstpointer text G_GNUC_UNUSED)
{
        g_auto(KernelEnd) end = { 0 };

        run(fixture, DEADLINE_SEC, &end);
        g_autofree char *out = contents_of(fixture->out);
        g_assert_cmpint(end.verdict, ==, KERNEL_VERDICT_EXIT);
        g_assert_cmpint(end.code, ==, 42);
        g_assert_false(end.is_late);
        g_assert_cmpint(end.signal, ==, 0);
        g_assert_cmpstr(out, ==, "said\nand the last\n");
        g_assert_nonnull(strstr(end.log->str, "booting"));
        g_assert_nonnull(strstr(end.log->str, "by itself"));
        g_assert_true(is_gone(fixture));
}

static void test_fault(Fixture *fixture, gconstpointer text G_GNUC_UNUSED)
{
        g_auto(KernelEnd) end = { 0 };

        run(fixture, DEADLINE_SEC, &end);
        g_assert_cmpint(end.verdict, ==, KERNEL_VERDICT_FAULT);
        g_assert_cmpstr(end.reason, ==, "cannot mount /proc: No such device");
        g_assert_true(is_gone(fixture));
}

static void test_crash(Fixture *fixture, gconstpointer text G_GNUC_UNUSED)
{
        g_auto(KernelEnd) end = { 0 };

        run(fixture, DEADLINE_SEC, &end);
        g_assert_cmpint(end.verdict, ==, KERNEL_VERDICT_NONE);
        g_assert_false(end.is_late);
        g_assert_true(g_str_has_suffix(end.log->str, "panic\n"));
        g_assert_cmpuint(end.log->len, <=, 16 * 1024); /* of a log that is longer */
        g_assert_true(is_gone(fixture));
}

/* Processes that have left the first one's group end as well, and we with them. */
static void test_sessions(Fixture *fixture, gconstpointer text G_GNUC_UNUSED)
{
        g_auto(KernelEnd) end = { 0 };

        run(fixture, DEADLINE_SEC, &end);
        g_assert_cmpint(end.verdict, ==, KERNEL_VERDICT_NONE);
        g_assert_true(is_gone(fixture));
}

static void test_late(Fixture *fixture, gconstpointer text G_GNUC_UNUSED)
{
        g_auto(KernelEnd) end = { 0 };

        run(fixture, 0.5, &end);
        g_assert_cmpint(end.verdict, ==, KERNEL_VERDICT_NONE);
        g_assert_true(end.is_late);
        g_assert_true(is_gone(fixture));
}

static gpointer end_soon(gpointer data)
{
        g_usleep(300000);
        (void)kill(getpid(), SIGTERM);
        return data;
}

/* A signal that comes while nobody reads what the test says. */
static void test_signal(Fixture *fixture, gconstpointer text G_GNUC_UNUSED)
{
        g_auto(KernelEnd) end = { 0 };
        sigset_t set;
        int unread[2];

        g_assert_cmpint(pipe(unread), ==, 0);
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        g_assert_cmpint(pthread_sigmask(SIG_BLOCK, &set, NULL), ==, 0); /* in all threads */
        GThread *thread = g_thread_new("end", end_soon, NULL);
        run_to(fixture, DEADLINE_SEC, unread[1], &end);
        g_thread_join(thread);
        close(unread[0]);
        close(unread[1]);
        g_assert_cmpint(end.signal, ==, SIGTERM);
        g_assert_true(is_gone(fixture));
}

/* Nobody reads what the test said until the deadline is there: it is not whole, whatever the test's
 * code. */
static void test_unread(Fixture *fixture, gconstpointer text G_GNUC_UNUSED)
{
        g_auto(KernelEnd) end = { 0 };
        int unread[2];

        g_assert_cmpint(pipe(unread), ==, 0);
        run_to(fixture, 0.5, unread[1], &end);
        close(unread[0]);
        close(unread[1]);
        g_assert_cmpint(end.verdict, ==, KERNEL_VERDICT_EXIT);
        g_assert_true(end.is_late);
        g_assert_true(is_gone(fixture));
}

static gpointer read_late(gpointer data)
{
        GString *all = g_string_new(NULL);
        char bytes[4096];
        ssize_t n;

        g_usleep(LATE_USEC);
        while ((n = read(GPOINTER_TO_INT(data), bytes, sizeof bytes)) > 0)
                g_string_append_len(all, bytes, n);
        return all;
}

/* Whoever reads what the test said may take longer than a kernel may take to stop. */
static void test_slow_reader(Fixture *fixture, gconstpointer text G_GNUC_UNUSED)
{
        g_auto(KernelEnd) end = { 0 };
        int pair[2];

        g_assert_cmpint(pipe(pair), ==, 0);
        GThread *thread = g_thread_new("read", read_late, GINT_TO_POINTER(pair[0]));
        run_to(fixture, 3 * DEADLINE_SEC, pair[1], &end);
        close(pair[1]);
        GString *all = g_thread_join(thread);
        close(pair[0]);
        g_assert_cmpint(end.code, ==, 42);
        g_assert_false(end.is_late);
        g_assert_true(g_str_has_suffix(all->str, "\n100000\n"));
        g_string_free(all, TRUE);
        g_assert_true(is_gone(fixture));
}

/* We are killed: the keeper sees to the rest. */
static void test_killed(Fixture *fixture, gconstpointer text G_GNUC_UNUSED)
{
        gint64 end_usec = g_get_monotonic_time() + DEADLINE_SEC * G_USEC_PER_SEC;

        pid_t child = fork();
        if (child == 0) {
                KernelEnd end = { 0 };
                run(fixture, DEADLINE_SEC, &end);
                _exit(EXIT_SUCCESS);
        }
        while (access(fixture->pids, F_OK) < 0 && g_get_monotonic_time() < end_usec)
                g_usleep(POLL_USEC);
        g_assert_false(is_gone(fixture));
        g_assert_cmpint(kill(child, SIGKILL), ==, 0);
        g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
        while (!is_gone(fixture) && g_get_monotonic_time() < end_usec)
                g_usleep(POLL_USEC);
        g_assert_true(is_gone(fixture));
}

static void test_no_program(Fixture *fixture, gconstpointer text G_GNUC_UNUSED)
{
        g_auto(KernelEnd) end = { 0 };

        g_assert_true(g_file_set_contents(fixture->program, "#!/no/such/shell\n", -1, NULL));
        g_assert_cmpint(g_chmod(fixture->program, 0700), ==, 0);
        run(fixture, DEADLINE_SEC, &end);
        g_assert_cmpint(end.verdict, ==, KERNEL_VERDICT_NONE);
        g_assert_nonnull(strstr(end.log->str, "cannot run"));
}

/* Directories are where the user's sockets are, unless others than the user have a say there. */
static void test_place(Fixture *fixture, gconstpointer text G_GNUC_UNUSED)
{
        static const struct {
                mode_t mode;
                uid_t owner; /* -1: us */
                bool is_taken;
        } cases[] = {
                { 0700, (uid_t)-1, true },   { 0755, (uid_t)-1, false }, { 0770, (uid_t)-1, false },
                { 01700, (uid_t)-1, false }, { 0700, 65534, false },
        };
        static const char *const texts[] = { "a", NULL };
        g_autofree char *runtime = g_build_filename(fixture->place, "runtime", NULL);
        g_autofree char *before = g_strdup(g_getenv("XDG_RUNTIME_DIR"));

        g_assert_cmpint(g_mkdir(runtime, 0700), ==, 0);
        g_setenv("XDG_RUNTIME_DIR", runtime, TRUE);
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                if (chown(runtime, cases[i].owner, (gid_t)-1) < 0)
                        continue; /* root alone may */
                g_assert_cmpint(g_chmod(runtime, cases[i].mode), ==, 0);
                g_autofree char *made = kernel_directory_make(texts, texts, NULL);
                g_assert_nonnull(made);
                g_assert_cmpint(g_str_has_prefix(made, runtime), ==, cases[i].is_taken);
                kernel_directory_remove(made);
        }
        if (before)
                g_setenv("XDG_RUNTIME_DIR", before, TRUE);
        else
                g_unsetenv("XDG_RUNTIME_DIR");
}

#define ADD(name, function, text) g_test_add(name, Fixture, text, set_up, function, tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        ADD("/cli-kernel-run/exit", test_exit,
            "echo booting >&${fd[0]}; echo by itself; echo said >&${fd[1]}\n"
            "echo 'nothing known' >&${fd[3]}; printf 'exit 42\\r\\nexit 3\\r\\n' >&${fd[3]}\n"
            "echo 'and the last' >&${fd[1]}");
        ADD("/cli-kernel-run/fault", test_fault,
            "echo 'fault cannot mount /proc: No such device' >&${fd[3]}; sleep 0.1");
        ADD("/cli-kernel-run/crash", test_crash,
            "seq 20000 >&${fd[0]}; echo panic >&2; kill -9 $$");
        ADD("/cli-kernel-run/late", test_late, "sleep 1000");
        ADD("/cli-kernel-run/signal", test_signal, "yes >&${fd[1]}");
        ADD("/cli-kernel-run/unread", test_unread, "echo 'exit 42' >&${fd[3]}; yes >&${fd[1]}");
        ADD("/cli-kernel-run/slow-reader", test_slow_reader,
            "echo 'exit 42' >&${fd[3]}; seq 100000 >&${fd[1]}");
        ADD("/cli-kernel-run/killed", test_killed, "sleep 1000");
        ADD("/cli-kernel-run/sessions", test_sessions,
            "rm ${0%/*}/pids; setsid bash -c 'setsid sleep 1000 & echo $$ $! $0 >$1/pids.new\n"
            "mv $1/pids.new $1/pids; sleep 1000' $directory ${0%/*} &\n"
            "until [ -e ${0%/*}/pids ]; do sleep 0.01; done");
        ADD("/cli-kernel-run/no-program", test_no_program, "");
        ADD("/cli-kernel-run/place", test_place, "");
        return g_test_run();
}
