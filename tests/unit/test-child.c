/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Child processes: what they inherit, how they are known again, and that no other process is ever
 * taken for one of them. */

#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include "host/child.h"
#include "namespace.h"

#define DECOY "dut-network-test-decoy"

static const char *const sleeping[] = { "/bin/sleep", "1000", NULL };

typedef struct End {
        bool ended;
        int status;
} End;

static void on_ended(Child *child, int status, gpointer data)
{
        End *end = data;

        g_assert_false(end->ended);
        end->ended = true;
        end->status = status;
}

static Child *spawn(const char *const *argv, int stderr_fd, End *end)
{
        g_autoptr(GError) error = NULL;
        Child *child = child_spawn(argv, NULL, stderr_fd, on_ended, end, &error);

        g_assert_no_error(error);
        g_assert_nonnull(child);
        return child;
}

/* exec(2) lets the parent go on a moment before the new command line can be read. */
static void wait_for_exec(pid_t pid)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", pid);

        for (guint i = 0; i < 100; i++) {
                g_autofree char *text = NULL;
                if (g_file_get_contents(path, &text, NULL, NULL) && g_str_equal(text, sleeping[0]))
                        return;
                run_for(5);
        }
        g_assert_not_reached();
}

static void test_exit_status(void)
{
        static const char *const argv[] = { "/bin/sh", "-c", "exit 3", NULL };
        End end = { 0 };
        g_autoptr(Child) child = spawn(argv, -1, &end);

        wait_until(&end.ended, 5000);
        g_assert_true(WIFEXITED(end.status));
        g_assert_cmpint(WEXITSTATUS(end.status), ==, 3);
        child_signal(child, SIGTERM); /* ended already */
}

static void test_signal(void)
{
        End end = { 0 };
        g_autoptr(Child) child = spawn(sleeping, -1, &end);

        child_signal(child, SIGTERM);
        wait_until(&end.ended, 5000);
        g_assert_true(WIFSIGNALED(end.status));
        g_assert_cmpint(WTERMSIG(end.status), ==, SIGTERM);
}

static void test_not_there(void)
{
        static const char *const argv[] = { "/nowhere/program", NULL };
        g_autoptr(GError) error = NULL;

        g_assert_null(child_spawn(argv, NULL, -1, on_ended, NULL, &error));
        g_assert_nonnull(strstr(error->message, "/nowhere/program"));
}

static void test_inherits_nothing(void)
{
        static const char script[] =
                "exec >&2; for n in /proc/$$/fd/*; do [ ${n##*/} -gt 2 ] && [ -e $n ] && echo fd "
                "$n; done;"
                "grep '^Sig' /proc/self/status; readlink /proc/$$/cwd;"
                "[ \"$(cut -d' ' -f6 /proc/$$/stat)\" = $$ ] || echo no session; env";
        static const char *const argv[] = { "/bin/sh", "-c", script, NULL };
        g_autofree char *path = g_build_filename(g_get_tmp_dir(), "child-XXXXXX", NULL);
        g_autofree char *text = NULL;
        End end = { 0 };
        int fd = g_mkstemp(path);
        int leak = open("/dev/null", O_RDONLY); /* not close-on-exec */
        sigset_t blocked;

        sigemptyset(&blocked);
        sigaddset(&blocked, SIGUSR1);
        sigprocmask(SIG_BLOCK, &blocked, NULL);
        signal(SIGPIPE, SIG_IGN);
        g_setenv("NOTIFY_SOCKET", "/run/x", TRUE);
        G_GNUC_UNUSED g_autoptr(Child) child = spawn(argv, fd, &end);
        wait_until(&end.ended, 5000);
        sigprocmask(SIG_UNBLOCK, &blocked, NULL);

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_assert_null(strstr(text, "fd "));
        g_assert_nonnull(strstr(text, "SigBlk:\t0000000000000000\n"));
        const char *ignored = strstr(text, "SigIgn:\t");
        g_assert_nonnull(ignored);
        /* glibc ignores 32 and 33 there, which are its own. */
        g_assert_cmphex(g_ascii_strtoull(ignored + 8, NULL, 16) & 0x7fffffff, ==, 0);
        g_assert_nonnull(strstr(text, "\n/\n"));
        g_assert_null(strstr(text, "no session"));
        g_assert_null(strstr(text, "NOTIFY_SOCKET"));
        g_assert_cmpint(unlink(path), ==, 0);
        close(leak);
        close(fd);
}

/* Gives this thread an ambient capability, where it may have one. */
static bool raise_net_raw(void)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };

        g_assert_cmpint(syscall(SYS_capget, &header, sets), ==, 0);
        sets[0].inheritable |= CAP_TO_MASK(CAP_NET_RAW) & sets[0].permitted;
        g_assert_cmpint(syscall(SYS_capset, &header, sets), ==, 0);
        return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) == 0;
}

static char *read_proc(pid_t pid, const char *file)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/%s", pid, file);
        char *text = NULL;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        return text;
}

static void test_confined(void)
{
        static const char *const words[] = { "WORD=given", NULL };
        int pipe_fds[2], extra = open("/dev/zero", O_RDONLY | O_CLOEXEC);
        bool has_ambient = raise_net_raw();
        g_autoptr(GError) error = NULL;
        End end = { 0 };

        g_assert_true(g_unix_open_pipe(pipe_fds, FD_CLOEXEC, &error));
        const ChildSetup setup = { pipe_fds[1], pipe_fds[1], extra, words };
        g_autoptr(Child) child = child_spawn_confined(sleeping, &setup, on_ended, &end, &error);
        g_assert_no_error(error);
        wait_for_exec(child_pid(child));

        g_autofree char *status = read_proc(child_pid(child), "status");
        g_autofree char *limits = read_proc(child_pid(child), "limits");
        g_autofree char *environment = read_proc(child_pid(child), "environ");
        g_autofree char *first = g_strdup_printf("/proc/%d/fd/3", child_pid(child));
        g_autofree char *next = g_strdup_printf("/proc/%d/fd/4", child_pid(child));
        g_autofree char *target = g_file_read_link(first, NULL);
        g_assert_nonnull(strstr(status, "\nCapAmb:\t0000000000000000\n"));
        g_assert_nonnull(strstr(status, "CapInh:\t0000000000000000\n"));
        g_assert_true(g_regex_match_simple("^Max file size +0 +0 ", limits, G_REGEX_MULTILINE, 0));
        g_assert_true(g_regex_match_simple("^Max processes +0 +0 ", limits, G_REGEX_MULTILINE, 0));
        g_assert_true(
                g_regex_match_simple("^Max core file size +0 +0 ", limits, G_REGEX_MULTILINE, 0));
        g_assert_cmpstr(environment, ==, "WORD=given");
        g_assert_cmpstr(target, ==, "/dev/zero");
        g_assert_false(g_file_test(next, G_FILE_TEST_EXISTS));
        if (has_ambient)
                g_assert_cmpint(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0), ==,
                                1);

        child_signal(child, SIGTERM);
        wait_until(&end.ended, 5000);
        (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* for the next test */
        close(pipe_fds[0]);
        close(pipe_fds[1]);
        close(extra);
}

static void test_adopt(void)
{
        End ends[3] = { 0 };
        Child *first = spawn(sleeping, -1, &ends[0]);
        pid_t pid = child_pid(first);
        guint64 start_time = child_start_time(first);

        g_assert_cmpuint(start_time, >, 0);
        wait_for_exec(pid);
        child_free(first); /* goes on running */

        g_autoptr(Child) second = child_adopt(pid, start_time, sleeping, on_ended, &ends[1]);
        g_assert_nonnull(second);
        g_assert_cmpint(child_pid(second), ==, pid);
        child_signal(second, SIGKILL);
        wait_until(&ends[1].ended, 5000);
        g_assert_false(ends[0].ended);
        g_assert_null(child_adopt(pid, start_time, sleeping, on_ended, &ends[2]));
}

static void test_adopts_no_other(void)
{
        static const char *const longer[] = { "/bin/sleep", "1000", "1", NULL };
        static const char *const shorter[] = { "/bin/sleep", NULL };
        static const char *const other[] = { "/bin/sleep", "100", NULL };
        End end = { 0 };
        g_autoptr(Child) child = spawn(sleeping, -1, &end);
        pid_t pid = child_pid(child);
        guint64 start_time = child_start_time(child);

        wait_for_exec(pid);
        g_assert_null(child_adopt(pid, start_time, longer, on_ended, NULL));
        g_assert_null(child_adopt(pid, start_time, shorter, on_ended, NULL));
        g_assert_null(child_adopt(pid, start_time, other, on_ended, NULL));
        g_assert_null(child_adopt(pid, start_time + 1, sleeping, on_ended, NULL));
        g_assert_null(child_adopt(0, 0, sleeping, on_ended, NULL));
        g_assert_null(child_adopt(1, 0, sleeping, on_ended, NULL));
        g_assert_null(child_adopt(-1, 0, sleeping, on_ended, NULL));
        run_for(20);
        g_assert_false(end.ended);
        child_signal(child, SIGKILL);
        wait_until(&end.ended, 5000);
}

/* Another program under the very same command line. */
static void test_adopts_no_impostor(void)
{
        char *const argv[] = { (char *)"/bin/sleep", (char *)DECOY, NULL };
        const char *const expected[] = { "/bin/sleep", DECOY, NULL };
        g_autofree char *own = g_file_read_link("/proc/self/exe", NULL);
        GPid pid = 0;

        char *const spawned[] = { own, argv[0], argv[1], NULL };
        g_assert_true(g_spawn_async(NULL, (char **)spawned, NULL,
                                    G_SPAWN_FILE_AND_ARGV_ZERO | G_SPAWN_DO_NOT_REAP_CHILD, NULL,
                                    NULL, &pid, NULL));
        run_for(50); /* g_spawn_async() has seen the exec */
        g_assert_null(child_adopt(pid, 0, expected, on_ended, NULL));
        g_assert_cmpint(waitpid(pid, NULL, WNOHANG), ==, 0);
        g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
}

static void test_forgotten_leaves_no_zombie(void)
{
        End end = { 0 };
        Child *child = spawn(sleeping, -1, &end);
        pid_t pid = child_pid(child);

        child_free(child);
        g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
        for (guint i = 0; i < 100 && kill(pid, 0) == 0; i++)
                run_for(10);
        g_assert_cmpint(kill(pid, 0), <, 0);
        g_assert_false(end.ended);
}

int main(int argc, char **argv)
{
        if (argc == 2 && g_str_equal(argv[1], DECOY)) {
                pause();
                return 0;
        }
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/child/exit-status", test_exit_status);
        g_test_add_func("/child/signal", test_signal);
        g_test_add_func("/child/not-there", test_not_there);
        g_test_add_func("/child/inherits-nothing", test_inherits_nothing);
        g_test_add_func("/child/confined-has-nothing-but-its-work", test_confined);
        g_test_add_func("/child/adopt", test_adopt);
        g_test_add_func("/child/adopts-no-other", test_adopts_no_other);
        g_test_add_func("/child/adopts-no-impostor", test_adopts_no_impostor);
        g_test_add_func("/child/forgotten-leaves-no-zombie", test_forgotten_leaves_no_zombie);
        return g_test_run();
}
