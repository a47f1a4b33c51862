/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What of a network that is up is no longer on the host as it was put there, found by reading back.
 * Each returns NetworkPart bits for network_repair(); 0: all is there, or the network is not up. */

#include <glib.h>

#include "network/network.h"

/* The link is up and has its gateway address. Its interface gone is not for a repair: 0. */
unsigned missing_link(Network *network);
/* What is lacking for want of @address (0: one of IPv6), which interface @index has lost. */
unsigned missing_address(Network *network, guint index, guint32 address);
/* Any of its public addresses; reads them all. */
unsigned missing_public(Network *network);
/* A twin's rules and routes. */
unsigned missing_routes(Network *network);
/* The accepts in other programs' chains. */
unsigned missing_accepts(Network *network);
