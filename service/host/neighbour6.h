/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the host has learned of who has which IPv6 address. */

#include <glib.h>

#include "host/netlink.h"
#include "model/address.h"
#include "model/address6.h"

typedef struct Neighbour6 {
        Address6 address;
        char mac[MAC_TEXT_SIZE];
} Neighbour6;

/* Those of interface @index whose MAC is known: array of Neighbour6, the caller's. */
GArray *neighbour6_list(Netlink *rtnl, guint index);
/* Forgets who has @address on interface @index; nothing learned is fine. */
void neighbour6_forget(Netlink *rtnl, guint index, const Address6 *address);
