/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Gratuitous ARP announcements (RFC 5227, section 2.3). */

#include <glib.h>
#include <stdbool.h>

typedef struct Arp Arp;

/* Opens the one packet socket that all announcements go out by (needs CAP_NET_RAW). FAILED else. */
Arp *arp_new(GError **error);
/* Forgets announcements that still had to be repeated. */
void arp_free(Arp *arp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Arp, arp_free)

/* Announces each of @addresses (guint32) on interface @index now and once more after a second, by a
 * timer on the default main context. An interface that has no Ethernet address or is down is
 * success: there is nobody to tell. */
bool arp_announce(Arp *arp, guint index, const GArray *addresses, GError **error);
