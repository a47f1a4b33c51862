/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Word of addresses that others take away. */

#include <glib.h>
#include <stdbool.h>

typedef struct IpAddressWatch IpAddressWatch;

typedef struct IpAddressGone {
        guint index;     /* of the interface */
        guint32 address; /* 0: one of IPv6 */
} IpAddressGone;

/* Tells of addresses that went, not by a request of @own_port's, a while ago: some may be back. @n
 * of 0: word was lost, any may have gone. */
typedef void (*IpAddressesGone)(const IpAddressGone *gone, guint n, gpointer data);
IpAddressWatch *ip_address_watch_new(guint32 own_port, IpAddressesGone gone, gpointer data,
                                     GError **error);
void ip_address_watch_free(IpAddressWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IpAddressWatch, ip_address_watch_free)
