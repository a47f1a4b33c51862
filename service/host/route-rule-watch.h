/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Tells that a routing rule or a route of ours was deleted by somebody else. One call may stand for
 * many, or for messages that were lost. */

#include <glib.h>

typedef struct RouteRuleWatch RouteRuleWatch;

/* @own_port (netlink_port()): whose changes are not told of. */
RouteRuleWatch *route_rule_watch_new(guint32 own_port, void (*gone)(gpointer data), gpointer data,
                                     GError **error);
void route_rule_watch_free(RouteRuleWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RouteRuleWatch, route_rule_watch_free)
