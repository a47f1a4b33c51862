/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The consoles are read until each is at its end, which they are when the last process of the
 * kernel has gone: nothing that was said is lost. */

#include "cli/kernel-run.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/error.h"
#include "cli/kernel-machine.h"

/* From the test's end to that of a kernel that stops at all; whoever reads what was said may take
 * longer. */
#define STOP_USEC (10 * G_USEC_PER_SEC)
/* What may be the reason why it ended is at the end of what it said. */
#define LOG_MAX_BYTES  (16 * 1024)
#define LINE_MAX_BYTES 4096

typedef struct Run {
        KernelMachine machine;
        KernelEnd *end;
        GString *line;        /* of the control console, as far as it has come */
        gint64 deadline_usec; /* the user's */
        gint64 stop_usec;     /* the kernel's, once the test has ended */
        bool shows_log;
        int signals;
} Run;

void kernel_end_clear(KernelEnd *end)
{
        g_clear_pointer(&end->reason, g_free);
        if (end->log)
                g_string_free(g_steal_pointer(&end->log), TRUE);
}

static int timeout_ms(gint64 deadline_usec)
{
        if (deadline_usec == G_MAXINT64)
                return -1;
        gint64 usec = deadline_usec - g_get_monotonic_time();
        return (int)CLAMP(usec / 1000 + 1, 0, G_MAXINT);
}

/* Waits until @fd takes bytes. False where there is something else to do first: the deadline, or a
 * signal, which whoever does not read is not to keep from us. */
static bool wait_for_room(const Run *run, int fd)
{
        for (;;) {
                struct pollfd fds[] = { { fd, POLLOUT, 0 }, { run->signals, POLLIN, 0 } };
                int n = poll(fds, G_N_ELEMENTS(fds), timeout_ms(run->deadline_usec));
                if (n == 0 || (n > 0 && fds[1].revents))
                        return false;
                if (n > 0)
                        return true;
        }
}

/* What is said is not more than a pipe that has room takes without a pause (pipe(7), PIPE_BUF).
 * Where the deadline comes first, the run is late. */
static bool write_all(Run *run, int fd, const char *bytes, gssize n)
{
        gint64 begun_usec = g_get_monotonic_time();

        while (n > 0 && wait_for_room(run, fd)) {
                gssize written = write(fd, bytes, (gsize)n);
                if (written < 0 && errno != EINTR && errno != EAGAIN)
                        return false;
                bytes += MAX(written, 0);
                n -= MAX(written, 0);
        }
        if (run->stop_usec != G_MAXINT64) /* the kernel may have been kept waiting as well */
                run->stop_usec += g_get_monotonic_time() - begun_usec;
        if (n > 0 && g_get_monotonic_time() >= run->deadline_usec)
                run->end->is_late = true;
        return true;
}

static void keep_log(Run *run, const char *bytes, gssize n)
{
        GString *log = run->end->log;

        g_string_append_len(log, bytes, n);
        if (log->len > LOG_MAX_BYTES)
                g_string_erase(log, 0, (gssize)(log->len - LOG_MAX_BYTES));
        if (run->shows_log)
                (void)write_all(run, STDERR_FILENO, bytes, n); /* an aside */
}

static void take_line(Run *run)
{
        KernelEnd *end = run->end;
        const char *reason = NULL;

        if (end->verdict != KERNEL_VERDICT_NONE)
                return;
        end->verdict = kernel_verdict_parse(run->line->str, &end->code, &reason);
        end->reason = g_strdup(reason);
        if (end->verdict != KERNEL_VERDICT_NONE)
                run->stop_usec = g_get_monotonic_time() + STOP_USEC;
}

static void take_control(Run *run, const char *bytes, gssize n)
{
        for (gssize i = 0; i < n; i++) {
                if (bytes[i] == '\n') {
                        take_line(run);
                        g_string_truncate(run->line, 0);
                } else if (run->line->len < LINE_MAX_BYTES) {
                        g_string_append_c(run->line, bytes[i]);
                }
        }
}

static bool take(Run *run, KernelConsole console, const char *bytes, gssize n, GError **error)
{
        bool done = true;

        switch (console) {
        case KERNEL_CONSOLE_LOG:
                keep_log(run, bytes, n);
                break;
        case KERNEL_CONSOLE_OUT:
                done = write_all(run, STDOUT_FILENO, bytes, n);
                break;
        case KERNEL_CONSOLE_ERRORS:
                done = write_all(run, STDERR_FILENO, bytes, n);
                break;
        case KERNEL_CONSOLE_CONTROL:
                take_control(run, bytes, n);
                break;
        case KERNEL_CONSOLE_MAX:
                break;
        }
        if (!done)
                g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED,
                            "what the test says cannot be written: %s", g_strerror(errno));
        return done;
}

/* Closes it at its end. */
static bool read_console(Run *run, KernelConsole console, GError **error)
{
        int *fd = &run->machine.consoles[console];
        char bytes[PIPE_BUF];

        gssize n = read(*fd, bytes, sizeof bytes);
        if (n > 0)
                return take(run, console, bytes, n, error);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return true;
        close(*fd);
        *fd = -1;
        return true;
}

static bool has_console(const KernelMachine *machine)
{
        for (guint i = 0; i < KERNEL_CONSOLE_MAX; i++)
                if (machine->consoles[i] >= 0)
                        return true;
        return false;
}

/* Whether there is something to go on for. */
static bool is_over(Run *run)
{
        if (run->end->signal != 0 || !has_console(&run->machine))
                return true;
        if (g_get_monotonic_time() < run->deadline_usec)
                return false;
        run->end->is_late |= run->end->verdict == KERNEL_VERDICT_NONE;
        return true;
}

static bool go_on(Run *run, GError **error)
{
        while (!is_over(run)) {
                struct pollfd fds[KERNEL_CONSOLE_MAX + 2];
                for (guint i = 0; i < KERNEL_CONSOLE_MAX; i++)
                        fds[i] = (struct pollfd){ run->machine.consoles[i], POLLIN, 0 };
                fds[KERNEL_CONSOLE_MAX] = (struct pollfd){ run->signals, POLLIN, 0 };
                fds[KERNEL_CONSOLE_MAX + 1] = (struct pollfd){ run->machine.leash, POLLIN, 0 };
                int n = poll(fds, G_N_ELEMENTS(fds),
                             timeout_ms(MIN(run->deadline_usec, run->stop_usec)));
                if (n < 0)
                        continue; /* of a signal that stopped us for a while */
                if (n == 0 && g_get_monotonic_time() >= run->stop_usec)
                        return true; /* what was said until then has been read */
                for (guint i = 0; i < KERNEL_CONSOLE_MAX; i++)
                        if (fds[i].revents && !read_console(run, i, error))
                                return false;
                struct signalfd_siginfo info;
                if (fds[KERNEL_CONSOLE_MAX].revents &&
                    read(run->signals, &info, sizeof info) == sizeof info)
                        run->end->signal = (int)info.ssi_signo;
                if (fds[KERNEL_CONSOLE_MAX + 1].revents)
                        kernel_machine_bury_keeper(&run->machine);
        }
        return true;
}

static void signals_to_end(sigset_t *ret_set)
{
        static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

        sigemptyset(ret_set);
        for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
                sigaddset(ret_set, numbers[i]);
}

void kernel_signals_block(sigset_t *ret_before)
{
        sigset_t set;

        signals_to_end(&set);
        (void)sigprocmask(SIG_BLOCK, &set, ret_before);
}

bool kernel_run(const KernelPlan *plan, gint64 deadline_usec, bool shows_log, KernelEnd *ret_end,
                GError **error)
{
        g_autoptr(GString) line = g_string_new(NULL);
        g_auto(KernelEnd) end = { .log = g_string_new(NULL) };
        Run run = {
                .end = &end, .line = line, .deadline_usec = deadline_usec, .stop_usec = G_MAXINT64
        };
        sigset_t set, before;

        run.shows_log = shows_log;
        signals_to_end(&set);
        kernel_signals_block(&before);
        run.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        bool done = kernel_machine_start(plan, &run.machine, error);
        if (done) {
                done = go_on(&run, error);
                kernel_machine_end(&run.machine);
        }
        kernel_directory_remove(plan->directory); /* nothing, where the keeper has done it */
        if (run.signals >= 0)
                close(run.signals);
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        if (!done)
                return false;
        *ret_end = end;
        end = (KernelEnd){ 0 };
        return true;
}
