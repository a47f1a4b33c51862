/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Child processes, held by pidfd. A number alone never gets a signal: it could be another process's
 * by now. Nothing here uses SIGCHLD, so that nobody else's children are touched; a process that is
 * not our child (adopted after our own restart) is watched in the same way.
 *
 * Starting is left to posix_spawn(3): it neither copies our memory nor runs code of ours between
 * fork and exec. */

#include "host/child.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include "util/error.h"
#include "util/file.h"

#define PROC_FILE_LIMIT (256 * 1024)
/* Field 22 of /proc/PID/stat, counted from the one after the command name, which is field 2. */
#define START_TIME_FIELD (22 - 3)

struct Child {
        pid_t pid;
        int pidfd;
        guint64 start_time;
        guint source; /* 0: it has ended */
        ChildEnded ended;
        gpointer data;
};

/* Reaps the process if it is our child. Its status, or -1. */
static int take_status(int pidfd)
{
        siginfo_t info = { 0 };

        if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
                return -1;
        switch (info.si_code) {
        case CLD_EXITED:
                return W_EXITCODE(info.si_status, 0);
        case CLD_DUMPED:
                return W_EXITCODE(0, info.si_status) | WCOREFLAG;
        default:
                return W_EXITCODE(0, info.si_status);
        }
}

static gboolean on_ended(int fd, GIOCondition condition, gpointer data)
{
        Child *child = data;

        child->source = 0;
        child->ended(child, take_status(fd), child->data);
        return G_SOURCE_REMOVE;
}

static gboolean on_forgotten_ended(int fd, GIOCondition condition, gpointer data)
{
        (void)take_status(fd); /* nobody asks any more; only no zombie must stay */
        close(fd);
        return G_SOURCE_REMOVE;
}

/* Takes @pidfd. */
static Child *child_new(pid_t pid, int pidfd, guint64 start_time, ChildEnded ended, gpointer data)
{
        Child *child = g_new0(Child, 1);

        child->pid = pid;
        child->pidfd = pidfd;
        child->start_time = start_time;
        child->ended = ended;
        child->data = data;
        child->source = g_unix_fd_add(pidfd, G_IO_IN, on_ended, child);
        return child;
}

static char *read_proc(pid_t pid, const char *file, gsize *ret_length)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/%s", pid, file);

        return file_read(path, PROC_FILE_LIMIT, ret_length, NULL);
}

/* 0 where it cannot be read. */
static guint64 read_start_time(pid_t pid)
{
        g_autofree char *stat = read_proc(pid, "stat", NULL);
        const char *rest = stat ? strrchr(stat, ')') : NULL; /* the name may hold any character */
        if (!rest)
                return 0;

        g_auto(GStrv) fields = g_strsplit(rest + 1, " ", START_TIME_FIELD + 3);
        if (g_strv_length(fields) < START_TIME_FIELD + 2)
                return 0;
        return g_ascii_strtoull(fields[START_TIME_FIELD + 1], NULL, 10);
}

static bool command_line_is(pid_t pid, const char *const *argv)
{
        gsize length = 0;
        g_autofree char *actual = read_proc(pid, "cmdline", &length);
        const char *at = actual;

        if (!actual)
                return false;
        for (; *argv; argv++) {
                gsize size = strlen(*argv) + 1;
                if (length < size || memcmp(at, *argv, size) != 0)
                        return false;
                at += size;
                length -= size;
        }
        return length == 0;
}

/* A process writes its own command line; which program it runs is the kernel's word. */
static bool runs_program(pid_t pid, const char *program)
{
        g_autofree char *link = g_strdup_printf("/proc/%d/exe", pid);
        g_autofree char *actual = g_file_read_link(link, NULL);
        g_autofree char *expected = realpath(program, NULL);

        if (actual && g_str_has_suffix(actual, " (deleted)"))
                actual[strlen(actual) - strlen(" (deleted)")] = '\0'; /* upgraded meanwhile */
        return g_strcmp0(actual, expected) == 0 && actual;
}

/* A command line can be anybody's; the user that runs it cannot. */
static bool runs_as_us(pid_t pid)
{
        g_autofree char *path = g_strdup_printf("/proc/%d", pid);
        struct stat status;

        return stat(path, &status) == 0 && (status.st_uid == geteuid() || status.st_uid == 0);
}

static void set_attributes(posix_spawnattr_t *attributes)
{
        sigset_t none, all;

        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_init(attributes);
        posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                     POSIX_SPAWN_SETSIGDEF);
        posix_spawnattr_setsigmask(attributes, &none);
        posix_spawnattr_setsigdefault(attributes, &all);
}

/* CHILD_EXTRA_FD comes last: here, another of @setup's may have that number. */
static void set_files(posix_spawn_file_actions_t *files, const ChildSetup *setup)
{
        int next = STDERR_FILENO + 1;

        posix_spawn_file_actions_init(files);
        posix_spawn_file_actions_adddup2(
                files, setup->stderr_fd < 0 ? STDERR_FILENO : setup->stderr_fd, STDERR_FILENO);
        posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (setup->stdout_fd < 0)
                posix_spawn_file_actions_addopen(files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        else
                posix_spawn_file_actions_adddup2(files, setup->stdout_fd, STDOUT_FILENO);
        if (setup->extra_fd >= 0) {
                posix_spawn_file_actions_adddup2(files, setup->extra_fd, CHILD_EXTRA_FD);
                next = CHILD_EXTRA_FD + 1;
        }
        posix_spawn_file_actions_addclosefrom_np(files, next);
        posix_spawn_file_actions_addchdir_np(files, "/");
}

static int spawn(const char *const *argv, const ChildSetup *setup, pid_t *ret_pid)
{
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;

        set_attributes(&attributes);
        set_files(&files, setup);
        /* posix_spawn() takes the strings as char *const [], and leaves them alone. */
        int r = posix_spawn(ret_pid, argv[0], &files, &attributes, (char *const *)argv,
                            (char *const *)setup->environment);
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
        return -r;
}

/* Takes up a process that has just been started: @r is what spawn() said. */
static Child *take_up(const char *program, int r, pid_t pid, ChildEnded ended, gpointer data,
                      GError **error)
{
        if (r < 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: cannot start: %s",
                            program, g_strerror(-r));
                return NULL;
        }

        /* Until it is waited for, the number is its own. */
        int pidfd = pidfd_open(pid, 0);
        if (pidfd < 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: cannot watch: %s",
                            program, g_strerror(errno));
                (void)kill(pid, SIGKILL); /* it is our child, not waited for yet */
                (void)waitpid(pid, NULL, 0);
                return NULL;
        }
        return child_new(pid, pidfd, read_start_time(pid), ended, data);
}

/* Borrows what @variables has; the array is the caller's. */
static const char **environment_with(const char *const *variables)
{
        guint n = variables ? g_strv_length((char **)variables) : 0;
        const char **environment = g_new0(const char *, n + 2);

        environment[0] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
        for (guint i = 0; i < n; i++)
                environment[i + 1] = variables[i];
        return environment;
}

Child *child_spawn(const char *const *argv, const char *const *variables, int stderr_fd,
                   ChildEnded ended, gpointer data, GError **error)
{
        g_autofree const char **environment = environment_with(variables);
        const ChildSetup setup = {
                .stdout_fd = -1,
                .stderr_fd = stderr_fd,
                .extra_fd = -1,
                .environment = environment,
        };
        pid_t pid = 0;

        int r = spawn(argv, &setup, &pid);
        return take_up(argv[0], r, pid, ended, data, error);
}

/* What a thread's children get of its capabilities. */
typedef struct Heritage {
        struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
        guint64 ambient; /* a bit for each */
} Heritage;

static void set_capabilities(const struct __user_cap_data_struct *sets)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        (void)syscall(SYS_capset, &header, sets); /* within what it has: cannot fail */
}

/* What is not inheritable is not ambient. */
static void heritage_give_up(Heritage *heritage)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

        *heritage = (Heritage){ 0 };
        for (unsigned i = 0; i < 64; i++)
                if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1)
                        heritage->ambient |= G_GUINT64_CONSTANT(1) << i;
        (void)syscall(SYS_capget, &header, heritage->sets); /* of ourselves: cannot fail */
        memcpy(sets, heritage->sets, sizeof sets);
        for (guint i = 0; i < G_N_ELEMENTS(sets); i++)
                sets[i].inheritable = 0;
        set_capabilities(sets);
}

static void heritage_take_back(const Heritage *heritage)
{
        set_capabilities(heritage->sets);
        for (unsigned i = 0; i < 64; i++)
                if (heritage->ambient & G_GUINT64_CONSTANT(1) << i)
                        (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0,
                                    0); /* it was there, so it may */
}

static void limit(pid_t pid)
{
        static const int none[] = { RLIMIT_FSIZE, RLIMIT_NPROC, RLIMIT_CORE };
        const struct rlimit zero = { 0, 0 };

        for (guint i = 0; i < G_N_ELEMENTS(none); i++)
                (void)prlimit(pid, none[i], &zero, NULL); /* ended already */
}

Child *child_spawn_confined(const char *const *argv, const ChildSetup *setup, ChildEnded ended,
                            gpointer data, GError **error)
{
        pid_t pid = 0;

        /* All of these are the thread's own. A program without file capabilities gets none then
         * (capabilities(7)), and those of a file are void where no_new_privs is set. */
        Heritage heritage;
        heritage_give_up(&heritage);
        int r = spawn(argv, setup, &pid);
        heritage_take_back(&heritage);
        if (r == 0)
                limit(pid);
        return take_up(argv[0], r, pid, ended, data, error);
}

Child *child_adopt(pid_t pid, guint64 start_time, const char *const *argv, ChildEnded ended,
                   gpointer data)
{
        if (pid <= 1)
                return NULL;
        int pidfd = pidfd_open(pid, 0);
        if (pidfd < 0)
                return NULL;

        guint64 actual = read_start_time(pid);
        bool ours = start_time ? start_time == actual : actual && runs_program(pid, argv[0]);
        ours = ours && command_line_is(pid, argv) && runs_as_us(pid);
        /* Alive after all this was read: then it was all read of this very process. */
        if (!ours || pidfd_send_signal(pidfd, 0, NULL, 0) < 0) {
                close(pidfd);
                return NULL;
        }
        return child_new(pid, pidfd, actual, ended, data);
}

pid_t child_find(const char *const *argv)
{
        g_autoptr(GDir) directory = g_dir_open("/proc", 0, NULL);
        const char *name;

        while (directory && (name = g_dir_read_name(directory))) {
                guint64 pid;
                if (g_ascii_string_to_unsigned(name, 10, 2, G_MAXINT, &pid, NULL) &&
                    command_line_is((pid_t)pid, argv) && runs_program((pid_t)pid, argv[0]) &&
                    runs_as_us((pid_t)pid))
                        return (pid_t)pid;
        }
        return 0;
}

void child_free(Child *child)
{
        if (!child)
                return;
        if (child->source > 0) {
                g_source_remove(child->source);
                g_unix_fd_add(child->pidfd, G_IO_IN, on_forgotten_ended, NULL);
        } else {
                close(child->pidfd);
        }
        g_free(child);
}

pid_t child_pid(const Child *child)
{
        return child->pid;
}

guint64 child_start_time(const Child *child)
{
        return child->start_time;
}

void child_signal(Child *child, int signal)
{
        (void)pidfd_send_signal(child->pidfd, signal, NULL, 0); /* ended already */
}
