/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Gratuitous ARP announcements (RFC 5227, section 2.3). */

#include <glib.h>
#include <stdbool.h>

/* Announces each of @addresses (guint32) on interface @index now and once more after a second (by a
 * timer on the default main context; the announcement holds nothing else meanwhile). An interface
 * without a MAC or that is down is success: there is nobody to tell. */
bool arp_announce(guint index, const GArray *addresses, GError **error);
