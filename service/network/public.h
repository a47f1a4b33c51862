/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Public addresses of 1:1 mappings: which may be used, and putting them on the public interface. */

#include <glib.h>
#include <stdbool.h>

#include "network/network.h"
#include "network/record.h"

/* What the host's addresses and routes are now, read once for many checks. */
typedef struct PublicCheck PublicCheck;

PublicCheck *public_check_new(Network *network, GError **error);
void public_check_free(PublicCheck *check);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PublicCheck, public_check_free)

/* Whether @public_ip may be a mapping's: not an interface's primary address, not a route's source,
 * not on another interface than the public one (INVALID_ARGS); not another network's
 * (ADDRESS_IN_USE). */
bool public_check(PublicCheck *check, guint32 public_ip, GError **error);

/* The address that @config's pool gives @entry, which wants one, beside @config's entries; not one
 * of
 * @excluded (a set of addresses; may be NULL), nor one that the host has for itself. 0 with
 * LIMIT_EXCEEDED where none is left. */
guint32 public_choose(PublicCheck *check, const NetworkConfig *config, const AddressEntry *entry,
                      GHashTable *excluded, GError **error);
/* Has each entry of @config, which is @network's or is to be, have its address where it wants one
 * of the pool, and another one where the old one cannot be its any more. LIMIT_EXCEEDED;
 * INVALID_ARGS where the pool has addresses of the subnet and the LAN does not have the same one.
 */
bool public_choose_all(Network *network, NetworkConfig *config, GError **error);

/* Whether the public interface is one that the addresses had left only just now. */
bool public_is_just_back(Network *network);
/* Whether @ip is on the host already, so that nobody has to be asked for it. */
bool public_is_on(Network *network, guint32 ip);
/* The mappings' addresses that are not on the public interface (guint32; the caller's). Empty where
 * there is none now. */
GArray *public_missing(Network *network, GError **error);

/* Takes off what we added and no mapping of the configuration wants any more. Comes before the
 * mappings go: an address without one would be the host's own, and answered for by the host. */
bool public_take_lost_off(Network *network, GError **error);

/* Makes the addresses that are on the public interface those that the configuration's entries ask
 * for: adds what is missing and not another host's (announced by ARP), removes what we added and
 * nobody wants. Comes after the mappings are there. */
bool public_sync(Network *network, GError **error);

/* Whether @record's network has put @ip on the host. */
bool public_is_ours(const Record *record, guint32 ip);
/* The public interface as it is now; 0: none is there. */
guint public_index(const Network *network);
/* Removes all that we added. */
bool public_clear(Network *network, GError **error);

/* Tells the LAN of every mapping's address once more: its switches may have forgotten. */
void public_announce(Network *network);

/* The same for one address alone, for entry changes, without reading the others: on after its
 * mapping is there, off before that goes. 0: nothing to do. */
bool public_put_on(Network *network, guint32 ip, GError **error);
bool public_take_off(Network *network, guint32 ip, GError **error);
