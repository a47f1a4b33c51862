/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Bridges made, changed and removed, by rtnetlink. */

#include <glib.h>
#include <stdbool.h>

#include "host/netlink.h"

/* Makes the bridge @name with @mac (as mac_parse() gives it) and @mtu, without a spanning tree and
 * without a pause before its ports forward. It is down. FAILED, where there is an interface of that
 * name, too. */
bool bridge_make(Netlink *rtnl, const char *name, const char *mac, guint mtu, GError **error);
/* Its MTU, which its ports do not change from then on. */
bool bridge_set_mtu(Netlink *rtnl, guint index, guint mtu, GError **error);
/* Removes interface @index; gone already is success. */
bool bridge_delete(Netlink *rtnl, guint index, GError **error);
