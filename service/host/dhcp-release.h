/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The end of a lease, told to the network's DHCP server in its client's place. */

#include <glib.h>
#include <stdbool.h>

#include "model/address.h"

/* What a client says when it gives its address back (RFC 2131, DHCPRELEASE), and dhcp_release(1)
 * for it: that @mac has done with @address, to the server at @server on @interface. Nobody answers.
 */
bool dhcp_release(const char *interface, guint32 server, guint32 address, const char *mac,
                  GError **error);
