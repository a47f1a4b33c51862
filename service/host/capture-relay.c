/* SPDX-License-Identifier: GPL-2.0-or-later */

/* splice(2) moves pages from pipe to pipe: the bytes are counted, and never seen here. One splice a
 * turn of the loop is at most what a pipe holds, so no stream holds up the others. It waits for
 * whichever of the two pipes keeps it from going on. */

#include "host/capture-relay.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <stdbool.h>
#include <sys/ioctl.h>

/* More than a pipe holds by default. */
#define AT_ONCE (1024 * 1024)

struct CaptureRelay {
        int from, to;
        guint64 left;
        guint source; /* 0: done */
        CaptureRelayDone done;
        gpointer data;
};

static gboolean on_possible(int fd, GIOCondition condition, gpointer data);

static bool is_empty(int fd)
{
        int n = 0;
        return ioctl(fd, FIONREAD, &n) == 0 && n == 0;
}

static void wait_for_pipe(CaptureRelay *relay)
{
        relay->source = is_empty(relay->from)
                                ? g_unix_fd_add(relay->from, G_IO_IN, on_possible, relay)
                                : g_unix_fd_add(relay->to, G_IO_OUT, on_possible, relay);
}

/* Whether there is more to come. */
static bool move(CaptureRelay *relay)
{
        ssize_t n = splice(relay->from, NULL, relay->to, NULL, (size_t)MIN(relay->left, AT_ONCE),
                           SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR;
        relay->left -= (guint64)n;
        return n > 0 && relay->left > 0;
}

static gboolean on_possible(int fd, GIOCondition condition, gpointer data)
{
        CaptureRelay *relay = data;

        relay->source = 0;
        if (move(relay))
                wait_for_pipe(relay);
        else
                relay->done(relay->data);
        return G_SOURCE_REMOVE;
}

CaptureRelay *capture_relay_new(int from, int to, guint64 bytes, CaptureRelayDone done,
                                gpointer data)
{
        CaptureRelay *relay = g_new0(CaptureRelay, 1);

        relay->from = from;
        relay->to = to;
        relay->left = bytes;
        relay->done = done;
        relay->data = data;
        wait_for_pipe(relay);
        return relay;
}

void capture_relay_free(CaptureRelay *relay)
{
        if (!relay)
                return;
        g_clear_handle_id(&relay->source, g_source_remove);
        g_free(relay);
}
