/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A TCP connection by one interface alone. */

#include <glib.h>
#include <stdbool.h>

typedef struct TcpConnect TcpConnect;

/* Where from and where to. */
typedef struct TcpRoute {
        const char *interface; /* what the socket is bound to; borrowed for the call */
        guint32 source;        /* an address of the host on it */
        guint32 address;
        guint16 port;
} TcpRoute;

/* @fd is connected, blocking, close-on-exec and still bound to its interface; it is the callee's.
 * -1 with @error (borrowed) otherwise: UNREACHABLE (no way, nobody has the address, the interface
 * or the source address is gone), REFUSED, TIMED_OUT, FAILED. */
typedef void (*TcpConnectDone)(int fd, const GError *error, gpointer data);

/* Begins to connect (needs CAP_NET_RAW before Linux 5.7). @done is called once, later, from the
 * default main context, when it has come to something, at the latest after @timeout_ms. What fails
 * at once is this call's error, by the same codes. */
TcpConnect *tcp_connect_new(const TcpRoute *route, guint timeout_ms, TcpConnectDone done,
                            gpointer data, GError **error);
/* Gives up where it is under way: @done is not called any more. May be called from @done. */
void tcp_connect_free(TcpConnect *attempt);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TcpConnect, tcp_connect_free)
