/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Public addresses that are given by name: what the names are on the LAN, followed while the
 * network is up. */

#include "network/network-private.h"

PublicNames *public_names_new(Network *network); /* borrowed */
void public_names_free(PublicNames *names);

/* Has the names be followed that the network's entries have now. Cheap where nothing has changed.
 */
void public_names_follow(PublicNames *names);
/* Which names are of no use now, and why, in words; NULL: none. The caller's. */
char *public_names_fault(const PublicNames *names);
