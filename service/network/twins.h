/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which networks are twins, and which of those that overlap has the route in the main table. */

#include <glib.h>
#include <stdbool.h>

#include "network/host-view.h"

typedef struct Network Network;

/* Decides whether @network is a twin: for its whole life, or until its subnet is another one.
 * @routes (route_list()) are the main table's, @index its NIC. Writes it down. LIMIT_EXCEEDED where
 * all numbers are taken; ADDRESS_IN_USE where a gateway address cannot be the network's; FAILED. */
bool twins_decide(Network *network, const GArray *routes, guint index, GError **error);
/* Whether it is none, decided for, and the host has come to route the same subnet by another
 * interface that is no network's: the kernel would go on choosing the network's. A larger one that
 * comes later, as a VPN has it, or a smaller one is no reason to disturb what runs: the kernel
 * chooses by the length of the prefix. Nor is one where the gateway address is the host's or its
 * router's: nothing helps there. */
bool twins_should_be(Network *network, HostView *view);
/* Where it is none: the parts of its subnet that the host routes by another interface, since they
 * are smaller. Array of Subnet; the caller's. FAILED. */
GArray *twins_elsewhere(const Network *network, GError **error);
/* It is not on the host any more, and may be anything the next time. */
bool twins_forget(Network *network, GError **error);

/* Whether the main table's route to @network's subnet is due to it: nobody else has it, and no
 * older twin waits for it. */
bool twins_main_is_free(const Network *network, const GArray *routes);
/* @network has given up its subnet: has twins of it look at the main table again. */
void twins_look_again(const Network *network);
