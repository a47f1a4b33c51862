/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Ports of the host that lead to a board: an item of the setting `forwards`. What a forward is
 * known by is what it takes: protocol, ports, and from whom. */

#include <glib.h>
#include <stdbool.h>

#include "model/address.h"
#include "model/port-range.h"
#include "model/value.h"

typedef struct Forward {
        guint8 protocol; /* IPPROTO_TCP or IPPROTO_UDP */
        PortRange ports; /* of the host */
        Subnet from;     /* who may use it; prefix 0: everybody */
        guint32 ip;      /* of the board; 0: whoever has the name */
        char *hostname;  /* lower case; NULL: no name */
        guint16 to_port; /* where the first of the ports leads to; the others follow */
} Forward;

/* Limits on what a client can make us hold, of a network. */
#define FORWARD_MAX       1024
#define FORWARD_MAX_PORTS 16384 /* of all of its forwards together */

Forward *forward_copy(const Forward *forward);
void forward_free(Forward *forward);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Forward, forward_free)
bool forward_equal(const Forward *a, const Forward *b);

/* Whether both take the same, wherever they lead; whether some packets would be both's. */
bool forward_is_same(const Forward *a, const Forward *b);
bool forward_overlaps(const Forward *a, const Forward *b);
/* Where @port, one of its ports, leads to. */
guint16 forward_port_behind(const Forward *forward, guint16 port);

/* "tcp" or "udp". */
const char *forward_protocol_name(const Forward *forward);
/* "tcp port 2222 from 10.0.0.0/24", for messages. The caller's. */
char *forward_describe(const Forward *forward);

/* From a MAP with `port` and `ip`, and `protocol`, `to_port` and `from` where they are not the
 * default. What forward_status adds to those is understood. INVALID_ARGS, with position, key and
 * value, else; @where (may be "") stands before the key. */
Forward *forward_from_value(const char *where, const Value *map, GError **error);
/* The same of what it is known by alone; the rest is passed over. */
Forward *forward_key_from_value(const Value *map, GError **error);
/* As a MAP, the caller's. */
Value *forward_to_value(const Forward *forward);
/* As it is now: `ip` is the board's address (@ip; 0: none now, and it is left out), with the
 * `hostname` beside it where that was given, and `in_force`; `error` is what stands in its way
 * (NULL: nothing). */
Value *forward_status(const Forward *forward, guint32 ip, bool is_in_force, const char *fault);

/* A forward and where it leads to now; 0: nowhere. Borrowed. */
typedef struct ForwardRoute {
        const Forward *forward;
        guint32 ip;
} ForwardRoute;

/* A connection that was begun by its first packet, as it came to the host and as it went on. Host
 * byte order. */
typedef struct ForwardFlow {
        guint32 source;
        guint8 protocol;
        guint16 asked_port; /* of the host */
        guint32 destination;
        guint16 port; /* of the board */
} ForwardFlow;

/* Whether @route has led @flow. */
bool forward_route_explains(const ForwardRoute *route, const ForwardFlow *flow);
