/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Ports that programs of the host wait at: TCP sockets that listen, UDP sockets that take from
 * anybody. By sock_diag(7). */

#include <glib.h>

#include "model/port-range.h"

typedef struct Listeners Listeners;

typedef struct Listener {
        guint32 address; /* 0: every address of the host */
        guint16 port;
        guint index; /* of the interface that it is bound to; 0: any */
} Listener;

Listeners *listeners_new(GError **error);
void listeners_free(Listeners *listeners);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Listeners, listeners_free)

/* Those that wait at one of @ports of @protocol (IPPROTO_TCP or IPPROTO_UDP) of an IPv4 address.
 * Array of Listener, the caller's. FAILED; none where the kernel cannot tell. */
GArray *listeners_find(Listeners *listeners, guint8 protocol, const PortRange *ports,
                       GError **error);
