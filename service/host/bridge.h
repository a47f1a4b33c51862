/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Bridges made, by rtnetlink. */

#include <glib.h>
#include <stdbool.h>

#include "host/netlink.h"

/* Makes the bridge @name with @mac (as mac_parse() gives it) and @mtu, without a spanning tree and
 * without a pause before its ports forward. It is down; its ports do not change its MTU. FAILED,
 * where there is an interface of that name, too. */
bool bridge_make(Netlink *rtnl, const char *name, const char *mac, guint mtu, GError **error);
