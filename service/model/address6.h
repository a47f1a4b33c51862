/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* IPv6 addresses and subnets as values. An address is in network byte order; all zeros stand for
 * "none". */

#include <glib.h>
#include <stdbool.h>

#define ADDRESS6_TEXT_SIZE 46

typedef struct Address6 {
        guint8 bytes[16];
} Address6;

typedef struct Subnet6 {
        Address6 network; /* host bits are zero */
        guint prefix;     /* 0: none, or all there is */
} Subnet6;

/* As inet_pton(3) takes it, without a zone. */
bool address6_parse(const char *text, Address6 *ret_address);
/* Writes @address to @buffer as RFC 5952 has it, and returns it. */
const char *address6_format(const Address6 *address, char buffer[static ADDRESS6_TEXT_SIZE]);
/* The same as a new string, the caller's. */
char *address6_to_string(const Address6 *address);
bool address6_is_none(const Address6 *address);
bool address6_equal(const Address6 *a, const Address6 *b);
/* As memcmp(3) has it: by number. */
int address6_compare(const Address6 *a, const Address6 *b);
/* For a GHashTable whose keys are Address6. */
guint address6_hash(gconstpointer key);
gboolean address6_same(gconstpointer a, gconstpointer b);

/* "fd00:1::/64"; host bits must be zero, and the prefix 0 to 128. The error (INVALID_ARGS) quotes
 * the text and says what is wrong, without naming a key. */
bool subnet6_parse(const char *text, Subnet6 *ret_subnet, GError **error);
/* Some hosts: an address alone (prefix 128), or a subnet. Without a complaint. */
bool hosts6_parse(const char *text, Subnet6 *ret_hosts);
/* The caller's. */
char *subnet6_to_string(const Subnet6 *subnet);
char *hosts6_to_string(const Subnet6 *hosts);
bool subnet6_equal(const Subnet6 *a, const Subnet6 *b);
bool subnet6_contains(const Subnet6 *subnet, const Address6 *address);
bool subnet6_overlaps(const Subnet6 *a, const Subnet6 *b);
Address6 subnet6_netmask(guint prefix);
/* The address of host number @host in @subnet, which has so many. */
Address6 subnet6_host(const Subnet6 *subnet, guint64 host);
/* The number of @address, which is in @subnet: its last 64 bits without the prefix's. */
guint64 subnet6_host_number(const Subnet6 *subnet, const Address6 *address);

/* The address that a device with @mac (as mac_parse() gave it) makes itself in @subnet, a /64, from
 * its modified EUI-64 (RFC 4291, appendix A). One with privacy extensions (RFC 8981) or opaque
 * identifiers (RFC 7217) has another. */
Address6 subnet6_eui64(const Subnet6 *subnet, const char *mac);
/* fe80::/64 */
extern const Subnet6 link_local_subnet6;
/* ff00::/8 */
extern const Subnet6 multicast_subnet6;
