/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Network interfaces by rtnetlink: what there is, up and down, coming and going. */

#include <glib.h>
#include <stdbool.h>

#include "host/netlink.h"
#include "model/address.h"

typedef struct Link {
        guint index;
        char name[16];
        char mac[MAC_TEXT_SIZE];           /* "" where it has none */
        char permanent_mac[MAC_TEXT_SIZE]; /* as it was made with; "" where nobody knows */
        bool up;                           /* IFF_UP */
        bool carrier;                      /* IFF_LOWER_UP */
        bool loopback;
        bool bridge;
        guint mtu;
        guint master; /* index of the bridge or bond that it is a port of; 0 = none */
        bool stacked; /* made upon other interfaces, whose MAC it may have: VLAN, bridge, … */
} Link;

/* Returns 0, -ENODEV where there is no such interface, or another negative errno. */
int link_get(Netlink *rtnl, const char *name, Link *ret_link);
int link_get_by_index(Netlink *rtnl, guint index, Link *ret_link);
/* All there are: array of Link; the caller's. */
GArray *link_list(Netlink *rtnl, GError **error);
/* Sets or clears IFF_UP. Gone already (-ENODEV) is success for down. */
bool link_set_up(Netlink *rtnl, const char *name, bool up, GError **error);
bool link_set_mtu(Netlink *rtnl, guint index, guint mtu, GError **error);
/* Removes it; gone already is success. */
bool link_delete(Netlink *rtnl, guint index, GError **error);

/* Tells of interfaces that come, go, are renamed or change flags. @changed gets the link as it is
 * now, or @gone true for the last message of its index. @resync: messages were lost. */
typedef struct LinkWatch LinkWatch;
typedef void (*LinkChanged)(const Link *link, bool gone, gpointer data);
LinkWatch *link_watch_new(LinkChanged changed, void (*resync)(gpointer data), gpointer data,
                          GError **error);
void link_watch_free(LinkWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LinkWatch, link_watch_free)
