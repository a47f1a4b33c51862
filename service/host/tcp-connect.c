/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One non-blocking connect(2) on the main loop: the socket can be written to when it has come to
 * something, and SO_ERROR says to what. Bound to the interface, it takes no other way, whatever the
 * routing tables say, and whoever gets it cannot bind it elsewhere without CAP_NET_RAW. Bound to an
 * address of that interface, the peer needs no route beyond its own link to answer.
 *
 * Messages name the attempt's other end; whose network it is the caller adds. */

#include "host/tcp-connect.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model/address.h"
#include "util/error.h"

struct TcpConnect {
        int fd; /* -1: handed on, or closed */
        guint32 address;
        guint16 port;
        guint timeout_ms;
        guint ready_id, timer_id; /* sources; 0: removed */
        TcpConnectDone done;
        gpointer data;
};

static ServiceError code_of(int cause)
{
        switch (cause) {
        case ECONNREFUSED:
                return SERVICE_ERROR_REFUSED;
        case ETIMEDOUT:
                return SERVICE_ERROR_TIMED_OUT;
        case EHOSTUNREACH:
        case EHOSTDOWN:
        case ENETUNREACH:
        case ENETDOWN:
        case ENONET:
        case ENODEV:
                return SERVICE_ERROR_UNREACHABLE;
        default:
                return SERVICE_ERROR_FAILED;
        }
}

static GError *error_new(const TcpConnect *attempt, int cause)
{
        char text[ADDRESS_TEXT_SIZE];
        return g_error_new(SERVICE_ERROR, (gint)code_of(cause), "%s port %u: %s",
                           address_format(attempt->address, text), attempt->port,
                           g_strerror(cause));
}

/* A negative errno where it cannot be one end of the connection. */
static int bind_to(int fd, const TcpRoute *route)
{
        const int on = 1;
        const struct sockaddr_in name = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(route->source),
        };

        if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, route->interface,
                       (socklen_t)strlen(route->interface)) < 0)
                return -errno;
        /* The port is chosen by connect(2), which knows the other end: there are enough then. */
        if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0)
                return -errno;
        if (bind(fd, (const struct sockaddr *)&name, sizeof name) < 0)
                return errno == EADDRNOTAVAIL ? -ENETUNREACH : -errno;
        return 0;
}

/* Returns 0 when it is under way, or a negative errno. */
static int begin(TcpConnect *attempt, const TcpRoute *route)
{
        const struct sockaddr_in peer = {
                .sin_family = AF_INET,
                .sin_port = htons(route->port),
                .sin_addr.s_addr = htonl(route->address),
        };

        attempt->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (attempt->fd < 0)
                return -errno;
        int r = bind_to(attempt->fd, route);
        if (r < 0)
                return r;
        if (connect(attempt->fd, (const struct sockaddr *)&peer, sizeof peer) < 0 &&
            errno != EINPROGRESS)
                return -errno;
        return 0;
}

static void end(TcpConnect *attempt)
{
        if (attempt->ready_id)
                g_source_remove(attempt->ready_id);
        if (attempt->timer_id)
                g_source_remove(attempt->timer_id);
        attempt->ready_id = attempt->timer_id = 0;
        if (attempt->fd >= 0)
                close(attempt->fd);
        attempt->fd = -1;
}

/* @attempt may be gone afterwards. */
static void fail(TcpConnect *attempt, GError *cause)
{
        g_autoptr(GError) error = cause;

        end(attempt);
        attempt->done(-1, error, attempt->data);
}

/* 0, or an errno. */
static int take_result(int fd)
{
        int cause = 0;
        socklen_t size = sizeof cause;

        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &cause, &size) < 0)
                return errno;
        if (cause != 0)
                return cause;
        int flags = fcntl(fd, F_GETFL);
        return flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ? errno : 0;
}

static gboolean on_ready(int fd, GIOCondition condition, gpointer data)
{
        TcpConnect *attempt = data;
        int cause = take_result(fd);

        attempt->ready_id = 0;
        if (cause != 0) {
                fail(attempt, error_new(attempt, cause));
                return G_SOURCE_REMOVE;
        }
        attempt->fd = -1; /* the callee's from here on */
        end(attempt);
        attempt->done(fd, NULL, attempt->data);
        return G_SOURCE_REMOVE;
}

static gboolean on_timeout(gpointer data)
{
        TcpConnect *attempt = data;
        char text[ADDRESS_TEXT_SIZE];

        attempt->timer_id = 0;
        fail(attempt, g_error_new(SERVICE_ERROR, SERVICE_ERROR_TIMED_OUT,
                                  "%s port %u: no answer within %g s",
                                  address_format(attempt->address, text), attempt->port,
                                  attempt->timeout_ms / 1000.0));
        return G_SOURCE_REMOVE;
}

TcpConnect *tcp_connect_new(const TcpRoute *route, guint timeout_ms, TcpConnectDone done,
                            gpointer data, GError **error)
{
        g_autoptr(TcpConnect) attempt = g_new0(TcpConnect, 1);

        attempt->address = route->address;
        attempt->port = route->port;
        attempt->timeout_ms = timeout_ms;
        attempt->done = done;
        attempt->data = data;
        int r = begin(attempt, route);
        if (r < 0) {
                g_propagate_error(error, error_new(attempt, -r));
                return NULL;
        }
        attempt->ready_id = g_unix_fd_add(attempt->fd, G_IO_OUT, on_ready, attempt);
        attempt->timer_id = g_timeout_add(timeout_ms, on_timeout, attempt);
        return g_steal_pointer(&attempt);
}

void tcp_connect_free(TcpConnect *attempt)
{
        if (!attempt)
                return;
        end(attempt);
        g_free(attempt);
}
