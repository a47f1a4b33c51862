/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One poll(2) for the stream, its reader and the signals. The output may be another process's too,
 * so it is not made non-blocking: a pipe is written to when it has room, and no more than it then
 * takes for sure. */

#include "cli/capture-copy.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/error.h"
#include "cli/pcap-cut.h"

#define BUFFER_SIZE (64 * 1024)
/* After a signal: for what was captured before it, and then for the rest of a packet. */
#define SETTLE_MS   150
#define PATIENCE_MS 1000

typedef struct Copy {
        int from, to;
        const char *to_name;
        int signals;
        gsize at_once;   /* how much may be written without waiting */
        gint64 cut_usec; /* when only the rest of a packet is wanted still; 0: not interrupted */
        bool is_over;
        CaptureCopied copied;
        PcapCut cut; /* of what has been written */
        gsize begin, end;
        guint8 buffer[BUFFER_SIZE];
} Copy;

static bool fail(const char *attempt, const char *name, GError **error)
{
        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "cannot %s %s: %s", attempt, name,
                    g_strerror(errno));
        return false;
}

static gint64 left_ms(const Copy *copy)
{
        return MAX((copy->cut_usec - g_get_monotonic_time()) / 1000, 0);
}

/* Whether it is to end with the packet that it is in. */
static bool is_to_be_cut(const Copy *copy)
{
        return copy->cut_usec > 0 && left_ms(copy) == 0;
}

static bool is_passing(int error_number)
{
        return error_number == EINTR || error_number == EAGAIN;
}

static bool read_some(Copy *copy, GError **error)
{
        ssize_t n = read(copy->from, copy->buffer, sizeof copy->buffer);
        if (n < 0)
                return is_passing(errno) || fail("read", "the captured packets", error);

        copy->begin = 0;
        copy->end = (gsize)n;
        copy->is_over = n == 0;
        copy->copied.by_itself = n == 0 && copy->cut_usec == 0;
        return true;
}

static bool write_some(Copy *copy, GError **error)
{
        guint64 size = MIN(copy->end - copy->begin, copy->at_once);
        if (is_to_be_cut(copy))
                size = MIN(size, pcap_cut_rest(&copy->cut));

        ssize_t n = write(copy->to, copy->buffer + copy->begin, (gsize)size);
        if (n < 0 && errno == EPIPE) {
                copy->is_over = true;
                return true;
        }
        if (n < 0)
                return is_passing(errno) || fail("write to", copy->to_name, error);

        pcap_cut_pass(&copy->cut, copy->buffer + copy->begin, (gsize)n);
        copy->begin += (gsize)n;
        copy->copied.n_bytes += (guint64)n;
        return true;
}

/* The second one does not wait for anything. */
static void take_signal(Copy *copy)
{
        struct signalfd_siginfo info;
        if (read(copy->signals, &info, sizeof info) != sizeof info)
                return; /* it was none after all */
        copy->is_over |= copy->cut_usec > 0;
        copy->cut_usec = g_get_monotonic_time() + SETTLE_MS * G_TIME_SPAN_MILLISECOND;
}

static int timeout_ms(const Copy *copy)
{
        if (copy->cut_usec == 0)
                return -1;
        return is_to_be_cut(copy) ? PATIENCE_MS : (int)left_ms(copy);
}

static bool go_on(Copy *copy, GError **error)
{
        bool is_empty = copy->begin == copy->end, was_to_be_cut = is_to_be_cut(copy);
        struct pollfd fds[] = {
                { .fd = is_empty ? copy->from : -1, .events = POLLIN },
                /* While there is nothing to write, only for its errors: the reader may go. */
                { .fd = copy->to, .events = is_empty ? 0 : POLLOUT },
                { .fd = copy->signals, .events = POLLIN },
        };

        int n = poll(fds, G_N_ELEMENTS(fds), timeout_ms(copy));
        if (n < 0)
                return errno == EINTR || fail("wait for", "the captured packets", error);
        if (n == 0)
                copy->is_over = was_to_be_cut;
        if (fds[2].revents)
                take_signal(copy);
        else if (fds[1].revents & (POLLERR | POLLNVAL))
                copy->is_over = true;
        else if (fds[1].revents)
                return write_some(copy, error);
        else if (fds[0].revents)
                return read_some(copy, error);
        return true;
}

static gsize writable_at_once(int fd)
{
        struct stat status;
        return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? BUFFER_SIZE : PIPE_BUF;
}

static bool copy_all(Copy *copy, GError **error)
{
        while (!copy->is_over && !(is_to_be_cut(copy) && pcap_cut_rest(&copy->cut) == 0))
                if (!go_on(copy, error))
                        return false;
        return true;
}

bool capture_copy(int from, int to, const char *to_name, CaptureCopied *ret_copied, GError **error)
{
        g_autofree Copy *copy = g_new(Copy, 1);
        *copy = (Copy){
                .from = from,
                .to = to,
                .to_name = to_name,
                .at_once = writable_at_once(to),
                .cut = PCAP_CUT_INIT,
        };
        sigset_t wanted, before;

        sigemptyset(&wanted);
        sigaddset(&wanted, SIGINT);
        sigaddset(&wanted, SIGTERM);
        copy->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
        if (copy->signals < 0)
                return fail("wait for", "signals", error);
        (void)signal(SIGPIPE, SIG_IGN); /* cannot fail, nor can the next */
        (void)sigprocmask(SIG_BLOCK, &wanted, &before);

        bool done = copy_all(copy, error);
        *ret_copied = copy->copied;
        ret_copied->n_packets = copy->cut.n_packets;
        close(copy->signals);
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        return done;
}
