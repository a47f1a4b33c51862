/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A kernel is several processes, and some outlive its first. So between it and us is a keeper,
 * which ends all of them when the first has ended, or when we have, by whatever: it sees the end of
 * a socket. It also removes the directory then: we may not be there to do it. Where the keeper is
 * killed, we see the end of the same socket, and do it. */

#include "cli/kernel-machine.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/error.h"

#define RUNTIME_MAX_BYTES 64 /* a socket's path below it has room */
#define N_OPEN_FILES      16 /* of nftw(3) at once */

/* Its own, so that whoever kills all of ours by name (pkill(1)) leaves one. */
#define KEEPER_NAME "kernel-keeper"

static bool fail(const char *attempt, GError **error)
{
        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "cannot %s: %s", attempt,
                    g_strerror(errno));
        return false;
}

/* The directory */

/* As the XDG Base Directory Specification says of where a user's sockets are. Whoever becomes root
 * may have another user's in the environment, who could put anything into what is made there. */
static bool is_ours_alone(const char *directory)
{
        struct stat status;

        return stat(directory, &status) == 0 && S_ISDIR(status.st_mode) &&
               status.st_uid == geteuid() && (status.st_mode & ALLPERMS) == S_IRWXU;
}

/* Where the user's sockets are, or everybody's files. */
static const char *place_of_directories(void)
{
        const char *runtime = g_getenv("XDG_RUNTIME_DIR");

        if (runtime && runtime[0] == '/' && strlen(runtime) <= RUNTIME_MAX_BYTES &&
            kernel_plan_path_is_plain(runtime) && is_ours_alone(runtime))
                return runtime;
        return "/tmp";
}

static bool write_texts(const char *directory, const char *name, const char *const *texts,
                        GError **error)
{
        g_autofree char *path = g_build_filename(directory, name, NULL);
        g_autoptr(GString) all = g_string_new(NULL);

        for (; *texts; texts++)
                g_string_append_len(all, *texts, (gssize)strlen(*texts) + 1);
        return g_file_set_contents(path, all->str, (gssize)all->len, error);
}

char *kernel_directory_make(const char *const *arguments, const char *const *environment,
                            GError **error)
{
        g_autofree char *directory =
                g_build_filename(place_of_directories(), "dutnetctl-XXXXXX", NULL);

        if (!mkdtemp(directory)) {
                (void)fail("make a directory", error);
                return NULL;
        }
        if (write_texts(directory, "arguments", arguments, error) &&
            write_texts(directory, "environment", environment, error))
                return g_steal_pointer(&directory);
        kernel_directory_remove(directory);
        return NULL;
}

static int remove_one(const char *path, const struct stat *status G_GNUC_UNUSED,
                      int type G_GNUC_UNUSED, struct FTW *place G_GNUC_UNUSED)
{
        (void)remove(path); /* on to the others */
        return 0;
}

void kernel_directory_remove(const char *directory)
{
        (void)nftw(directory, remove_one, N_OPEN_FILES,
                   FTW_DEPTH | FTW_PHYS); /* as far as it goes */
}

/* The kernel's process */

G_GNUC_NORETURN static void run_kernel(char **words, const int fds[static KERNEL_CONSOLE_MAX])
{
        const struct rlimit no_core = { 0 };

        (void)setpgid(0, 0);                    /* a new process can */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* so it goes where the keeper is killed */
        (void)setrlimit(RLIMIT_CORE, &no_core); /* a panic dumps the kernel's memory else */
        for (guint i = 0; i < KERNEL_CONSOLE_MAX; i++)
                (void)fcntl(fds[i], F_SETFD, 0);
        if (dup2(fds[KERNEL_CONSOLE_LOG], STDOUT_FILENO) >= 0 &&
            dup2(fds[KERNEL_CONSOLE_LOG], STDERR_FILENO) >= 0)
                (void)execv(words[0], words);
        dprintf(STDERR_FILENO, "cannot run %s: %s\n", words[0], g_strerror(errno));
        _exit(EXIT_FAILURE);
}

/* The keeper */

/* Closes what is ours alone: the connection to the bus would outlive us, and a transient network
 * with it. */
static void close_others(int leash, const int fds[static KERNEL_CONSOLE_MAX])
{
        int highest = leash;

        for (guint i = 0; i < KERNEL_CONSOLE_MAX; i++)
                highest = MAX(highest, fds[i]);
        for (int fd = STDERR_FILENO + 1; fd < highest; fd++) {
                bool is_needed = fd == leash;
                for (guint i = 0; i < KERNEL_CONSOLE_MAX; i++)
                        is_needed |= fd == fds[i];
                if (!is_needed)
                        close(fd);
        }
        (void)close_range((unsigned)highest + 1, ~0u, 0); /* Linux 5.9 has it */
        int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int fd = STDIN_FILENO; nothing >= 0 && fd <= STDERR_FILENO; fd++)
                (void)dup2(nothing, fd);
        if (nothing > STDERR_FILENO)
                close(nothing);
}

/* Until the kernel has ended (its pidfd says so) or nobody holds the other end of @leash. */
static void wait_for_end(int leash, pid_t kernel)
{
        struct pollfd fds[] = {
                { .fd = leash, .events = POLLIN },
                { .fd = (int)syscall(SYS_pidfd_open, kernel, 0), .events = POLLIN },
        };

        while (poll(fds, G_N_ELEMENTS(fds), -1) < 0 && errno == EINTR)
                ;
}

/* Appends the pids of our children, but for those in the session @spared (-1: none). A kernel
 * without the file has none: they may take their time. */
static void list_children(pid_t spared, GArray *pids)
{
        g_autofree char *path = g_strdup_printf("/proc/self/task/%d/children", (int)getpid());
        g_autofree char *text = NULL;

        if (!g_file_get_contents(path, &text, NULL, NULL))
                return;
        for (char *next = text, *end; *next; next = end) {
                pid_t pid = (pid_t)g_ascii_strtoll(next, &end, 10);
                if (end == next)
                        return;
                if (pid > 0 && getsid(pid) != spared)
                        g_array_append_val(pids, pid);
        }
}

/* Kills those children, and waits for them; false where there are none. One that has a session of
 * its own, or a group, is missed by the first kernel's, and becomes our child when its parent ends.
 * All are killed before one is waited for, which may be traced by another. */
static bool end_children(pid_t spared)
{
        g_autoptr(GArray) pids = g_array_new(FALSE, FALSE, sizeof(pid_t));

        list_children(spared, pids);
        for (guint i = 0; i < pids->len; i++)
                (void)kill(g_array_index(pids, pid_t, i), SIGKILL); /* ours, so it is that one */
        for (guint i = 0; i < pids->len; i++)
                while (waitpid(g_array_index(pids, pid_t, i), NULL, 0) < 0 && errno == EINTR)
                        ;
        return pids->len > 0;
}

G_GNUC_NORETURN static void keep(const KernelPlan *plan, char **words, int leash,
                                 const int fds[static KERNEL_CONSOLE_MAX])
{
        sigset_t none;

        (void)prctl(PR_SET_NAME, KEEPER_NAME);
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* theirs become ours: nobody is missed */
        (void)setsid(); /* what the terminal says to us is not for the kernel */
        close_others(leash, fds);
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        pid_t kernel = fork();
        if (kernel == 0)
                run_kernel(words, fds);
        if (kernel > 0) {
                (void)setpgid(kernel, kernel); /* whoever comes first */
                for (guint i = 0; i < KERNEL_CONSOLE_MAX; i++)
                        close(fds[i]);
                wait_for_end(leash, kernel);
                (void)kill(-kernel, SIGKILL); /* nobody left is as well */
                while (end_children(-1))
                        ;
                while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
                        ;
        }
        kernel_directory_remove(plan->directory);
        _exit(EXIT_SUCCESS);
}

/* Starting and ending */

static bool make_pair(int *ret_ours, int *ret_theirs, GError **error)
{
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return fail("make a socket", error);
        *ret_ours = pair[0];
        *ret_theirs = pair[1];
        return true;
}

static void close_all(int *fds, guint n)
{
        for (guint i = 0; i < n; i++)
                if (fds[i] >= 0)
                        close(fds[i]);
}

static bool make_pairs(KernelMachine *machine, int *theirs, int *leash, GError **error)
{
        for (guint i = 0; i < KERNEL_CONSOLE_MAX; i++) {
                if (!make_pair(&machine->consoles[i], &theirs[i], error))
                        return false;
                (void)fcntl(machine->consoles[i], F_SETFL, O_NONBLOCK);
        }
        return make_pair(&machine->leash, leash, error);
}

bool kernel_machine_start(const KernelPlan *plan, KernelMachine *ret_machine, GError **error)
{
        KernelMachine machine = { .consoles = { -1, -1, -1, -1 }, .leash = -1 };
        int theirs[KERNEL_CONSOLE_MAX] = { -1, -1, -1, -1 }, leash = -1;
        pid_t keeper = -1;

        if (make_pairs(&machine, theirs, &leash, error)) {
                g_auto(GStrv) words = kernel_plan_words(plan, theirs);
                (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* for when the keeper is killed */
                keeper = fork();
                if (keeper == 0)
                        keep(plan, words, leash, theirs);
                if (keeper < 0)
                        (void)fail("fork", error);
        }
        close_all(theirs, KERNEL_CONSOLE_MAX);
        close_all(&leash, 1);
        if (keeper < 0) {
                close_all(machine.consoles, KERNEL_CONSOLE_MAX);
                close_all(&machine.leash, 1);
                return false;
        }
        machine.keeper = keeper;
        *ret_machine = machine;
        return true;
}

void kernel_machine_bury_keeper(KernelMachine *machine)
{
        close_all(&machine->leash, 1);
        machine->leash = -1;
        while (waitpid(machine->keeper, NULL, 0) < 0 && errno == EINTR)
                ;
        while (end_children(getsid(0))) /* which the keeper did not do if it was killed */
                ;
}

void kernel_machine_end(KernelMachine *machine)
{
        close_all(machine->consoles, KERNEL_CONSOLE_MAX);
        if (machine->leash >= 0)
                kernel_machine_bury_keeper(machine);
}
