/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One netlink socket and the request-and-answer on it: the small helper that link.c, address.c,
 * route.c, nft.c and conntrack.c share. The kernel answers from within sendmsg(2), so nothing here
 * waits. */

#include <glib.h>
#include <libmnl/libmnl.h>
#include <stdbool.h>

typedef struct Netlink Netlink;

/* A socket of @protocol (NETLINK_ROUTE, NETLINK_NETFILTER), close-on-exec, with strict checking and
 * extended acknowledgements where the kernel has them. FAILED else. */
Netlink *netlink_new(int protocol, GError **error);
void netlink_free(Netlink *netlink);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Netlink, netlink_free)

/* The socket's port: what the kernel's notifications of a change name as its author. */
guint32 netlink_port(const Netlink *netlink);

/* The sequence number for the next message. */
guint32 netlink_next_seq(Netlink *netlink);

/* Sends @request (with NLM_F_ACK or NLM_F_DUMP set, its sequence number filled in here) and runs
 * the answers through @receive (may be NULL) until the acknowledgement or the dump's end. A dump
 * that was interrupted (NLM_F_DUMP_INTR) fails with EINTR. Returns 0 or a negative errno;
 * *ret_message, where not NULL and where the kernel gave one, is its extended acknowledgement's
 * text (the caller's). */
int netlink_request(Netlink *netlink, struct nlmsghdr *request, mnl_cb_t receive, void *data,
                    char **ret_message);

/* The same with @request, a dump: one that a change has interrupted is taken again, unless changes
 * never end. @receive adds to @found, which is emptied before. */
int netlink_dump(Netlink *netlink, struct nlmsghdr *request, mnl_cb_t receive, void *data,
                 GArray *found);

/* Sends @length bytes of a batch (libmnl's mnl_nlmsg_batch) and reads until every message with
 * NLM_F_ACK, whose sequence numbers are @first_seq to @last_seq, is answered or an error came.
 * Returns 0 or the first error; *ret_failed_seq (may be NULL) then says which message it was. */
int netlink_send_batch(Netlink *netlink, const void *batch, gsize length, guint32 first_seq,
                       guint32 last_seq, guint32 *ret_failed_seq);

/* A socket subscribed to multicast @groups (a mask: RTMGRP_*, or 1 << (RTNLGRP_* - 1)), hung on the
 * default GMainContext:
 * @receive runs for each message; @overrun when messages were lost (ENOBUFS) and the caller has to
 * read the state again. */
typedef struct NetlinkMonitor NetlinkMonitor;
NetlinkMonitor *netlink_monitor_new(int protocol, guint groups,
                                    void (*receive)(const struct nlmsghdr *message, gpointer data),
                                    void (*overrun)(gpointer data), gpointer data, GError **error);
/* From now on the kernel does not tell @monitor of changes that one of @ports (netlink_port()) has
 * asked for. FAILED else. */
bool netlink_monitor_ignore(NetlinkMonitor *monitor, const guint32 *ports, guint n_ports,
                            GError **error);
void netlink_monitor_free(NetlinkMonitor *monitor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetlinkMonitor, netlink_monitor_free)
