/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* IPv4 addresses, subnets and MAC addresses as values. Addresses are in host byte order; 0 stands
 * for "none". */

#include <glib.h>
#include <stdbool.h>

#define ADDRESS_TEXT_SIZE 16
#define MAC_TEXT_SIZE     18

typedef struct Subnet {
        guint32 network; /* host bits are zero */
        guint prefix;    /* 1 to 30 */
} Subnet;

/* 224.0.0.0/4 */
extern const Subnet multicast_subnet;
#define LIMITED_BROADCAST 0xffffffff

/* Dotted decimal, four parts, no leading zeros, nothing around it (inet_pton(3) is as strict). */
bool address_parse(const char *text, guint32 *ret_address);
/* Writes @address to @buffer and returns it. */
const char *address_format(guint32 address, char buffer[static ADDRESS_TEXT_SIZE]);
/* The same as a new string, the caller's. */
char *address_to_string(guint32 address);
/* Unspecified, loopback, multicast, reserved or broadcast: never a host on a LAN. */
bool address_is_special(guint32 address);

/* "192.168.100.0/24"; host bits must be zero and the prefix 1 to 30. The error (INVALID_ARGS)
 * quotes the text and says what is wrong, without naming a key. */
bool subnet_parse(const char *text, Subnet *ret_subnet, GError **error);
char *subnet_to_string(const Subnet *subnet);

/* Some hosts: an address alone (prefix 32), a subnet, or "0.0.0.0/0" for all (prefix 0). The error
 * (INVALID_ARGS) quotes the text. */
bool hosts_parse(const char *text, Subnet *ret_hosts, GError **error);
/* The same as text. The caller's. */
char *hosts_to_string(const Subnet *hosts);
#define HOSTS_COMPLAINT "is not an IPv4 address or subnet: there is no IPv6 and no name here"

guint32 subnet_netmask(const Subnet *subnet);
guint32 subnet_broadcast(const Subnet *subnet);
bool subnet_contains(const Subnet *subnet, guint32 address);
bool subnet_overlaps(const Subnet *a, const Subnet *b);

/* Six pairs of hexadecimal digits with colons, any case; stored in lower case. */
bool mac_parse(const char *text, char ret_mac[static MAC_TEXT_SIZE]);
#define MAC_BYTES 6
/* The bytes of @mac, as mac_parse() gave it. */
void mac_to_bytes(const char *mac, guint8 ret_bytes[static MAC_BYTES]);
/* @mac as mac_parse() gave it. True for broadcast as well. */
bool mac_is_multicast(const char *mac);
