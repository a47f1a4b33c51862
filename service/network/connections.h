/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A network's connections with what is beyond the host: told of, and ended. */

#include "host/conntrack.h"
#include "model/connection.h"
#include "network/network.h"

/* Which connections are @network's, whoever has the same subnet. */
ConntrackScope connections_scope(const Network *network);

/* conntrack_end_judged() for those with what is beyond the host, and with the gateway. */
bool connections_end_judged(const Network *network, ConntrackJudge is_to_end, gpointer data,
                            guint *ret_n, GError **error);
/* Those that @match fits, as a LIST of MAPs; the caller's. LIMIT_EXCEEDED where there are more than
 * CONNECTIONS_MAX. */
Value *connections_list(const Network *network, const ConnectionMatch *match, GError **error);
/* How many there are. */
bool connections_count(const Network *network, guint *ret_n, GError **error);
/* Ends those that @match fits; *ret_n is how many. */
bool connections_expire(const Network *network, const ConnectionMatch *match, guint *ret_n,
                        GError **error);
/* Ends all that the boards of @subnet have, so that none is left to whoever has their addresses
 * next. @twin: the number that the network had with it, 0: it was none. */
void connections_end(Network *network, const Subnet *subnet, guint twin);
/* The same of an IPv6 subnet, which is nobody else's. */
void connections_end_ipv6(Network *network, const Subnet6 *subnet);

/* Its NIC has gone, and perhaps comes back, or it becomes a twin: what goes on until then is noted
 * in the record, which is to be saved. */
void connections_leave(Network *network);
/* It does not come back to them: they end. Does nothing where none were left. */
void connections_end_left(Network *network);
void connections_end_left_ipv6(Network *network);
/* The network has its subnets: what was left of its own goes on, unless it is a twin now, and what
 * was left there by others, whose NICs are away, ends. */
void connections_take_over(Network *network);
