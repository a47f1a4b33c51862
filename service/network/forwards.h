/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A network's forwards as they are in force: where each leads to now, and the ports that it takes.
 * A name is one of the network's, and follows its lease; else one of the LAN's, and follows DNS. */

#include <glib.h>
#include <stdbool.h>

#include "model/forward.h"
#include "network/network.h"

/* Works out what is to be in force, for the firewall step. A port that a program of the host waits
 * at, or that another network has: ADDRESS_IN_USE where somebody waits for the operation and the
 * forward is new, else the network goes on without the forward, and looks again. */
bool forwards_claim(Network *network, GError **error);
/* Has what was claimed be what the rules are made of from now on; the caller's is what was before
 * (NULL: nothing was claimed). */
GPtrArray *forwards_take_claimed(Network *network);
/* The rules have been put: ends connections that they lead no more, or would lead, and tells. */
void forwards_put(Network *network, const GPtrArray *before);
/* The rules could not be put: back to @before (taken). */
void forwards_give_back(Network *network, GPtrArray *before);
/* What an earlier life has put counts as there, whatever is to be there now; where it is not so
 * already. Failures are logged. */
void forwards_adopt(Network *network);
/* Forgets all. @gone: there were rules, of this or an earlier life; their connections end. */
void forwards_clear(Network *network, bool gone);
/* For its destructor. */
void forwards_free(Network *network);

/* What rules are made of: array of ForwardRoute, borrowing; the caller's. */
GArray *forwards_routes(const Network *network);
/* Why one of them is not in force though it could be; NULL: there is none such. Borrowed. */
const char *forwards_fault(const Network *network);

/* Whether @forward could be put there now: ADDRESS_IN_USE, FAILED. */
bool forwards_check(Network *network, const Forward *forward, GError **error);
/* Exchanges @old for @new_forward (either may be NULL), where the network is up. On an error
 * nothing has changed. */
bool forwards_exchange(Network *network, const Forward *old, const Forward *new_forward,
                       GError **error);

/* A lease, an entry, a forward or a name of the LAN is another one: what is led by a name follows.
 */
void forwards_follow(Network *network);
