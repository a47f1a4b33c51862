/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The routing rules that lead to twins: which of them there are for which numbers. */

#include <glib.h>
#include <stdbool.h>

#include "host/netlink.h"

/* Makes the rules of twin @number, whose NIC is @interface, exactly these, and those that lead past
 * twins what those that the kernel has need. */
bool twin_rules_put(Netlink *rtnl, guint number, const char *interface, GError **error);
/* Takes its rules away, and those that no other twin needs. */
bool twin_rules_remove(Netlink *rtnl, guint number, GError **error);
/* Whether it has all that it needs. Rules that cannot be read are there. */
bool twin_rules_are_there(Netlink *rtnl, guint number, const char *interface);
