/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A connection between a board and somebody beyond the host, as connection tracking has it, and
 * what a caller picks some of them by. */

#include <glib.h>
#include <stdbool.h>

#include "model/filter.h"
#include "model/value.h"

typedef struct Connection {
        FilterDirection direction; /* egress: the board has begun it */
        guint8 protocol;           /* IPPROTO_* */
        guint32 ip;                /* the board's address; addresses and ports in host byte order */
        guint32 public_ip;         /* what the peer knows the board by */
        guint32 peer_ip;
        guint16 port, public_port, peer_port; /* 0 where the protocol has none */
        guint8 tcp_state;                     /* TCP_CONNTRACK_* */
        guint32 timeout_sec;                  /* until it is forgotten, if nothing more comes */
        bool is_counted;        /* the two below are there: net.netfilter.nf_conntrack_acct is on */
        guint64 packets, bytes; /* of both directions */
} Connection;

/* Most that a caller is told of at once. */
#define CONNECTIONS_MAX 65536

/* As the bus has it: `direction`, `protocol`, `ip`, `public_ip`, `peer_ip`, `timeout`, and where
 * there are any `port`, `public_port`, `peer_port`, `state`, `packets`, `bytes`. The caller's. */
Value *connection_to_value(const Connection *connection);

/* How the filter judges it: by its first packet, between the two translations. */
FilterFlow connection_flow(const Connection *connection);

/* "tcp", "udp", "icmp", or the protocol's number. The caller's. */
char *connection_protocol_to_string(guint8 protocol);

/* What was given must be so; the rest may be anything. */
typedef struct ConnectionMatch {
        bool has_direction;
        FilterDirection direction;
        guint8 protocol; /* 0: any; the same for what follows */
        char *board;     /* the board's address, or a name or MAC for it, unread; NULL: any */
        guint32 ip, public_ip, peer_ip;
        guint16 port, public_port, peer_port;
} ConnectionMatch;

void connection_match_clear(ConnectionMatch *match);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ConnectionMatch, connection_match_clear)

/* From @map, with the keys of connection_to_value() that tell connections apart. Who `ip` means is
 * the caller's to find out from `board`. INVALID_ARGS names the key, and an unknown one. */
bool connection_match_from_value(const Value *map, ConnectionMatch *ret_match, GError **error);
bool connection_matches(const Connection *connection, const ConnectionMatch *match);
