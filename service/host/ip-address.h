/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* IPv4 addresses on interfaces by rtnetlink. */

#include <glib.h>
#include <stdbool.h>

#include "host/netlink.h"

typedef struct IpAddress {
        guint index; /* of the interface */
        guint32 address;
        guint32 broadcast; /* 0 = none */
        guint prefix;
        guint8 scope;
        guint32 flags;                    /* IFA_F_*: IFA_F_SECONDARY, IFA_F_NOPREFIXROUTE */
        guint32 valid_sec, preferred_sec; /* 0xffffffff = for ever, and so is a valid_sec of 0 */
        char label[16];                   /* "" = none */
        guint32 peer;                     /* the other end of a point-to-point link; 0 = none */
        guint32 metric;                   /* of its prefix route; 0 = none */
        guint8 protocol;                  /* who put it on; 0 = not said */
} IpAddress;

/* Our mark on an address, which `ip address` shows. Kernels before 5.18 keep none. */
#define IP_ADDRESS_OURS 0x4a

/* Every IPv4 address of interface @index (0: of all), in the kernel's order. An array of IpAddress;
 * the caller's. An interface that is gone has none. */
GArray *ip_address_list(Netlink *rtnl, guint index, GError **error);

/* Adds @address; there already with the same prefix is success, and *ret_existed (may be NULL)
 * says so. */
bool ip_address_add(Netlink *rtnl, const IpAddress *address, bool *ret_existed, GError **error);
/* Deletes it; gone already, or the interface gone, is success. */
bool ip_address_delete(Netlink *rtnl, const IpAddress *address, GError **error);
