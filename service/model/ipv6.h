/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A network's IPv6 as its settings have it: how boards get addresses, and how they get out. */

#include <glib.h>
#include <stdbool.h>

#include "model/address6.h"

typedef enum Ipv6Mode {
        IPV6_MODE_SLAAC,     /* boards make their addresses themselves */
        IPV6_MODE_STATELESS, /* so they do, and may ask by DHCPv6 for the rest */
        IPV6_MODE_STATEFUL,  /* they get them by DHCPv6 */
        IPV6_MODE_MAX,
} Ipv6Mode;

const char *ipv6_mode_to_string(Ipv6Mode mode);
bool ipv6_mode_parse(const char *text, Ipv6Mode *ret_mode);

typedef enum Ipv6Nat {
        IPV6_NAT_MASQUERADE, /* by the upstream's address */
        IPV6_NAT_ROUTED,     /* by their own; the LAN has to know the way back */
        IPV6_NAT_MAX,
} Ipv6Nat;

const char *ipv6_nat_to_string(Ipv6Nat nat);
bool ipv6_nat_parse(const char *text, Ipv6Nat *ret_nat);

/* The prefix lengths that a network can have. Others than the first need stateful. */
#define IPV6_SLAAC_PREFIX 64
#define IPV6_MAX_PREFIX   120
/* What every link must carry (RFC 8200). */
#define IPV6_MIN_MTU 1280

/* What keeps @subnet from being a network's; NULL: nothing does. Borrowed. */
const char *ipv6_subnet_fault(const Subnet6 *subnet);

/* Where DHCPv6 gives addresses from, in @subnet: ::1000 to ::ffff, or all but the first sixteenth
 * of a subnet without so many. */
void ipv6_pool(const Subnet6 *subnet, Address6 *ret_first, Address6 *ret_last);
bool ipv6_pool_contains(const Subnet6 *subnet, const Address6 *address);
