/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The end of a lease, told to the network's DHCPv6 server in its client's place. */

#include <glib.h>
#include <stdbool.h>

#include "model/lease.h"

/* What a client says when it gives the address of @lease back (RFC 8415, 18.2.7), to the server
 * that calls itself @server on interface @index. Nobody is answered. */
bool dhcp6_release(guint index, const char *server, const Lease *lease, GError **error);
