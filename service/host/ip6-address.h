/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* IPv6 addresses on interfaces by rtnetlink. */

#include <glib.h>
#include <stdbool.h>

#include "host/netlink.h"
#include "model/address6.h"

typedef struct Ip6Address {
        guint index; /* of the interface */
        Address6 address;
        guint prefix;
        guint8 scope;
        guint32 flags;                    /* IFA_F_*; those of IFA_F_TENTATIVE are not in use yet */
        guint32 valid_sec, preferred_sec; /* 0xffffffff = for ever, and so is a valid_sec of 0 */
        Address6 peer;                    /* the other end of a point-to-point link; none */
        guint32 metric;                   /* of its prefix route; 0 = none */
        guint8 protocol;                  /* who put it on; 0 = not said; IP_ADDRESS_OURS */
} Ip6Address;

/* Every IPv6 address of interface @index; 0: of all. An array of Ip6Address; the caller's. An
 * interface that is gone has none. */
GArray *ip6_address_list(Netlink *rtnl, guint index, GError **error);

/* Adds @address, as it is listed. With IFA_F_NODAD it is in use at once: nobody is asked whether he
 * has it. There already, with whatever prefix, is success: an interface has an address once. */
bool ip6_address_add(Netlink *rtnl, const Ip6Address *address, GError **error);
/* Deletes it; gone already, or the interface gone, is success. */
bool ip6_address_delete(Netlink *rtnl, const Ip6Address *address, GError **error);
