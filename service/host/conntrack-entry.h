/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One entry of connection tracking, read from the kernel's message (linux/netfilter/
 * nfnetlink_conntrack.h). */

#include <glib.h>
#include <libmnl/libmnl.h>
#include <stdbool.h>

#include "host/conntrack.h"
#include "model/address6.h"
#include "model/connection.h"
#include "model/filter.h"

/* One direction's; network byte order. 0 where it is not of that family, or has no ports, or is in
 * no zone of this direction's own. */
typedef struct ConntrackTuple {
        const struct nlattr *attribute;
        guint32 src, dst;
        Address6 src6, dst6;
        guint16 src_port, dst_port;
        guint16 zone;
        guint8 protocol;
} ConntrackTuple;

typedef struct ConntrackEntry {
        ConntrackTuple original, reply;
        guint32 mark;
        guint32 id; /* as the kernel wrote it */
        guint16 zone;
        bool has_zone;
        guint32 timeout_sec;
        guint32 status; /* IPS_* */
        guint8 tcp_state;
        bool is_counted;
        guint64 packets, bytes;
} ConntrackEntry;

/* The attributes are borrowed from @message. False where it has not both tuples. */
bool conntrack_entry_read(const struct nlmsghdr *message, ConntrackEntry *ret_entry);

/* @entry, which has the mark of @scope, as a connection of one of its boards. What a board has
 * begun is translated at its source, what came to it at its destination; false for what is neither,
 * or is a board's to itself: it stays on the host. */
bool conntrack_entry_get_connection(const ConntrackEntry *entry, const ConntrackScope *scope,
                                    Connection *ret_connection);

/* @entry as the filter judges it, of IPv6: between a board in @subnet and an address outside of it,
 * translated or not. False for what is both a board's, or neither. */
bool conntrack_entry_get_flow6(const ConntrackEntry *entry, const Subnet6 *subnet,
                               FilterDirection *ret_direction, FilterFlow *ret_flow);
