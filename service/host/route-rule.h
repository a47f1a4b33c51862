/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* IPv4 routing policy rules (ip-rule(8)) of ours: which packets are routed by which table. */

#include <glib.h>
#include <stdbool.h>

#include "host/netlink.h"

/* For packets whose mark is @mark in the bits @mask, that came by @input, of sockets that are bound
 * to @interface; or, @inverted, for all others: by the routes of @table; or on to the rule of
 * preference @target. With neither it does nothing, and is there to be gone to. */
typedef struct RouteRule {
        guint32 preference;
        guint32 table;  /* 0: none */
        guint32 target; /* 0: none */
        guint32 mark, mask;
        char input[16];     /* "": any; "lo" is the host itself */
        char interface[16]; /* "": any */
        bool inverted;
} RouteRule;

bool route_rule_equal(const RouteRule *a, const RouteRule *b);

/* Adds @rule, which carries our mark (its protocol); there already is success. */
bool route_rule_add(Netlink *rtnl, const RouteRule *rule, GError **error);
/* Deletes it; gone already is success. */
bool route_rule_delete(Netlink *rtnl, const RouteRule *rule, GError **error);

/* The rules of ours that lead to @table (0: to any). An array of RouteRule; the caller's. */
GArray *route_rule_list(Netlink *rtnl, guint32 table, GError **error);
