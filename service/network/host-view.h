/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The host's routes and interfaces as they were when first asked for: read once, for all networks
 * that look at them in turn. Not to be kept longer than that. */

#include <glib.h>

#include "host/link.h"
#include "host/netlink.h"
#include "host/route.h"

typedef struct HostView HostView;

/* @rtnl is borrowed. */
HostView *host_view_new(Netlink *rtnl);
void host_view_free(HostView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostView, host_view_free)

/* As route_list() has them; borrowed. NULL: FAILED. */
const GArray *host_view_routes(HostView *view, GError **error);

/* As link_get() and link_get_by_index(). */
int host_view_link(HostView *view, const char *name, Link *ret_link);
int host_view_link_by_index(HostView *view, guint index, Link *ret_link);
