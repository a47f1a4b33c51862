/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Two one-way streams over one poll(2). Stdin and stdout are shared with other processes, so they
 * are not made non-blocking: one is read when there is something, the other written when there is
 * room, and no more than a pipe then takes for sure (PIPE_BUF). A slow reader of one direction
 * never holds up the other.
 *
 * A peer that has ended its sending may still read (an upload to `nc -l >image`), or may have
 * closed the connection altogether: TCP does not tell. So what stdin gives goes on to it; but a
 * stdin that is silent, such as a terminal, does not keep us there; nor
 * when the reader of stdout has gone, as ssh does when it is done. */

#include "cli/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/error.h"

#define CONNECTION_NAME "the connection"
#define OUTPUT_NAME     "standard output"

#define BUFFER_SIZE (64 * 1024)
/* How long a stdin may be silent when nothing is to come from the peer. */
#define SILENCE_MS 1000

typedef struct Stream {
        int from, to;
        const char *from_name, *to_name; /* for errors */
        bool to_socket;                  /* that is, send(2) may be told not to wait */
        bool at_end;                     /* @from has come to its end */
        bool passed_on;                  /* and @to knows */
        bool is_deserted;                /* nobody reads what is written to @to any more */
        size_t begin, end;               /* what the buffer holds */
        char buffer[BUFFER_SIZE];
} Stream;

static bool fail(const char *attempt, const char *name, GError **error)
{
        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "cannot %s %s: %s", attempt, name,
                    g_strerror(errno));
        return false;
}

static bool is_socket(int fd)
{
        struct stat info;
        return fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode);
}

static Stream *stream_new(int from, const char *from_name, int to, const char *to_name)
{
        Stream *stream = g_new0(Stream, 1);
        stream->from = from;
        stream->from_name = from_name;
        stream->to = to;
        stream->to_name = to_name;
        stream->to_socket = is_socket(to);
        return stream;
}

static bool is_empty(const Stream *stream)
{
        return stream->begin == stream->end;
}

static bool is_passing(int error_number)
{
        return error_number == EINTR || error_number == EAGAIN || error_number == EWOULDBLOCK;
}

static bool stream_read(Stream *stream, GError **error)
{
        ssize_t n = read(stream->from, stream->buffer, sizeof stream->buffer);
        if (n < 0)
                return is_passing(errno) || fail("read from", stream->from_name, error);

        stream->begin = 0;
        stream->end = (size_t)n;
        stream->at_end = n == 0;
        return true;
}

static bool stream_write(Stream *stream, GError **error)
{
        const char *bytes = stream->buffer + stream->begin;
        size_t size = stream->end - stream->begin;
        ssize_t n = stream->to_socket ? send(stream->to, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL)
                                      : write(stream->to, bytes, MIN(size, PIPE_BUF));
        if (n < 0)
                return is_passing(errno) || fail("write to", stream->to_name, error);

        stream->begin += (size_t)n;
        return true;
}

/* A pipe ends for its reader when the last descriptor is closed; /dev/null takes its number, so
 * that nothing else does. */
static void close_output(int fd)
{
        int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (null_fd < 0)
                return;          /* it ends with us */
        (void)dup2(null_fd, fd); /* cannot fail: both are open */
        close(null_fd);
}

static void stream_pass_end_on(Stream *stream)
{
        if (stream->to_socket)
                (void)shutdown(stream->to, SHUT_WR); /* gone already: the other direction says so */
        else
                close_output(stream->to);
        stream->passed_on = true;
}

/* What it waits for: something to read, or room to write. */
static void stream_poll(const Stream *stream, struct pollfd *ret_from, struct pollfd *ret_to)
{
        bool reads = is_empty(stream) && !stream->at_end;
        bool writes = !is_empty(stream);

        *ret_from = (struct pollfd){ .fd = reads ? stream->from : -1, .events = POLLIN };
        *ret_to = (struct pollfd){ .fd = writes ? stream->to : -1, .events = POLLOUT };
}

static bool stream_go_on(Stream *stream, const struct pollfd *from, const struct pollfd *to,
                         GError **error)
{
        if (from->revents && !stream_read(stream, error))
                return false;
        if (to->revents && !stream_write(stream, error))
                return false;
        if (is_empty(stream) && stream->at_end && !stream->passed_on)
                stream_pass_end_on(stream);
        return true;
}

/* Nothing more needs to come of it. What comes for a reader that has gone is an error, though. */
static bool is_over(const Stream *stream)
{
        return stream->passed_on || stream->is_deserted;
}

/* It has broken; what the other direction has to deliver is delivered all the same. */
static void stream_give_up(Stream *stream)
{
        stream->begin = stream->end = 0;
        stream->at_end = true;
        stream_pass_end_on(stream);
}

/* One round. False where nothing more can be delivered. @cause is the first that went wrong. */
static bool relay_go_on(Stream *up, Stream *down, int timeout_ms, bool *ret_silent, GError **cause)
{
        struct pollfd fds[5];
        stream_poll(up, &fds[0], &fds[1]);
        stream_poll(down, &fds[2], &fds[3]);
        /* Only for its errors: whoever reads it may go while there is nothing to write. */
        fds[4] = (struct pollfd){ .fd = is_over(down) ? -1 : down->to };

        int n = poll(fds, G_N_ELEMENTS(fds), timeout_ms);
        *ret_silent = n == 0;
        if (n <= 0)
                return n == 0 || errno == EINTR ||
                       fail("wait for", CONNECTION_NAME, *cause ? NULL : cause);

        if (!stream_go_on(up, &fds[0], &fds[1], cause))
                stream_give_up(up);
        if (!stream_go_on(down, &fds[2], &fds[3], *cause ? NULL : cause))
                return false;
        down->is_deserted |= (fds[4].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
        return true;
}

bool relay_run(int socket_fd, int in_fd, int out_fd, GError **error)
{
        g_autofree Stream *up = stream_new(in_fd, "standard input", socket_fd, CONNECTION_NAME);
        g_autofree Stream *down = stream_new(socket_fd, CONNECTION_NAME, out_fd, OUTPUT_NAME);
        g_autoptr(GError) cause = NULL;
        bool is_silent = false, goes_on = true;

        while (goes_on && !is_silent && !(is_over(up) && is_over(down))) {
                bool may_be_all = is_over(down) && is_empty(up);
                goes_on = relay_go_on(up, down, may_be_all ? SILENCE_MS : -1, &is_silent, &cause);
        }
        if (!cause)
                return true;
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
}
