/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Who asks for an address on an interface, heard beside the DHCP server: dnsmasq tells of leases
 * that it gives, not of clients that it turns away. */

#include <glib.h>

typedef struct DhcpWatch DhcpWatch;

/* @mac in lower case, for each BOOTREQUEST (RFC 2131, section 2) that arrives. */
typedef void (*DhcpAsked)(const char *mac, gpointer data);

/* Listens on interface @index (needs CAP_NET_RAW). FAILED else. */
DhcpWatch *dhcp_watch_new(guint index, DhcpAsked asked, gpointer data, GError **error);
void dhcp_watch_free(DhcpWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DhcpWatch, dhcp_watch_free)
