/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Public addresses of 1:1 mappings: which may be used, and putting them on the public interface. */

#include <glib.h>
#include <stdbool.h>

#include "network/network.h"

/* What the host's addresses and routes are now, read once for many checks. */
typedef struct PublicCheck PublicCheck;

PublicCheck *public_check_new(Network *network, GError **error);
void public_check_free(PublicCheck *check);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PublicCheck, public_check_free)

/* Whether @public_ip may be a mapping's: not an interface's primary address, not a route's source,
 * not on another interface than the public one (INVALID_ARGS); not another network's
 * (ADDRESS_IN_USE). */
bool public_check(PublicCheck *check, guint32 public_ip, GError **error);

/* Makes the addresses that are on the public interface those that the configuration's entries ask
 * for: adds what is missing (announced by ARP), removes what we added and nobody wants. */
bool public_sync(Network *network, GError **error);

/* Removes all that we added. */
bool public_clear(Network *network, GError **error);

/* Tells the LAN of every mapping's address once more: its switches may have forgotten. */
void public_announce(Network *network);

/* What public_sync() does, for one address alone, for entry changes: in and out, without reading
 * the others. Either may be 0. */
bool public_swap(Network *network, guint32 add, guint32 remove, GError **error);
