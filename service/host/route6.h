/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The host's IPv6 routes. */

#include <glib.h>
#include <stdbool.h>

#include "host/netlink.h"
#include "model/address6.h"

typedef struct Route6 {
        Subnet6 destination;
        guint index;     /* of the interface */
        guint8 protocol; /* RTPROT_*; RTPROT_RA: of an advertisement */
        bool has_gateway;
} Route6;

/* The unicast routes of the main table: array of Route6; the caller's. Of one with several next
 * hops, each. */
GArray *route6_list(Netlink *rtnl, GError **error);
