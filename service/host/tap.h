/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* TAP devices that outlive those who have them open, as ports of a bridge or by themselves. */

#include <glib.h>
#include <stdbool.h>

#include "host/netlink.h"

typedef struct TapPlan {
        const char *name;
        const char *alias; /* says whose it is, to people and to tap_list() */
        guint32 owner;     /* the user who may open it */
        bool multi_queue;
        guint mtu;
        guint bridge;  /* the index of what it is a port of */
        bool isolated; /* from other ports that are so */
} TapPlan;

/* Makes the TAP @plan->name, which goes with the descriptor that is returned (the caller's) until
 * tap_keep(). -1 with FAILED else; where somebody has the name, too. */
int tap_new(const TapPlan *plan, GError **error);
/* Makes the TAP what @plan says, and sets it up. LIMIT_EXCEEDED where the bridge has no room for
 * another port. */
bool tap_join(Netlink *rtnl, const TapPlan *plan, GError **error);
/* Makes it a TAP by itself, of @plan's alias and MTU, with @mac (as mac_parse() gives it) on the
 * host's side. It is down. */
bool tap_set_up_alone(Netlink *rtnl, const TapPlan *plan, const char *mac, GError **error);
/* Whether the descriptor of tap_new() is the only one. One of several queues was nobody's for a
 * moment, in which anybody could open it, or make it his: FAILED then. After tap_join(). */
bool tap_check_alone(Netlink *rtnl, const TapPlan *plan, GError **error);
/* Has the TAP of @fd outlive it. */
bool tap_keep(int fd, GError **error);

/* A TAP as it is. */
typedef struct Tap {
        guint index;
        char name[16];
        guint bridge; /* 0: none */
        guint mtu;
        bool up;
        bool isolated;
        guint32 owner;
        bool multi_queue;
        guint n_queues; /* that somebody has open */
} Tap;

/* Those of @alias: array of Tap; the caller's. */
GArray *tap_list(Netlink *rtnl, const char *alias, GError **error);
/* Whether interface @name is a TAP of @alias; it is in *@ret_tap then. */
bool tap_get(Netlink *rtnl, const char *name, const char *alias, Tap *ret_tap);
/* Whether @tap is what @plan says. */
bool tap_is_as_planned(const Tap *tap, const TapPlan *plan);

/* Removes those of @names (char* each) that are TAPs of @alias, as one: a single one costs the
 * kernel as much. */
bool tap_delete(Netlink *rtnl, const GPtrArray *names, const char *alias, GError **error);

/* Opens a queue of @tap, which tap_get() has found with @alias, and of no other interface; with
 * @vnet_hdr frames have a virtio_net_hdr before them. Close-on-exec; the caller's. -1 with IN_USE
 * where all are taken, with FAILED where it has gone, or another one has its name. */
int tap_open(Netlink *rtnl, const Tap *tap, const char *alias, bool vnet_hdr, GError **error);
