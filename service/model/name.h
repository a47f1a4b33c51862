/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Names that come from a user and go to the kernel or to dnsmasq: interfaces and hosts. */

#include <glib.h>
#include <stdbool.h>

/* A name the kernel takes (dev_valid_name() in net/core/dev.c): 1 to 15 bytes, no '/', no ':', no
 * white space, not "." or "..", nor "all" or "default" (sysctl_dev_name_is_allowed() in
 * net/ipv4/devinet.c); beyond that: printable ASCII alone, and no '%' (a name template). */
bool interface_name_is_valid(const char *name);

#define TABLE_PREFIX "jumpstarter_"

/* The nftables table of @interface: TABLE_PREFIX and the name, all but ASCII letters and digits as
 * '_'. The caller's string. Two names can meet: see table_name_with_suffix(). */
char *table_name(const char *interface);
/* The same for the @nth (from 2) interface that would meet a name in use: with the suffix ".N",
 * which no interface's own table name has. */
char *table_name_with_suffix(const char *interface, guint nth);
/* What distinguishes @table, one of those, from others': by this a network's parts of tables that
 * networks share are called. Without any '-'. Borrowed from it. */
const char *table_suffix(const char *table);

/* A host name in lower case (the caller's): RFC 1123 labels with '_' allowed, each 1 to 63 bytes
 * and not beginning or ending in '-', at most 253 in all, no empty label, no trailing dot, not of
 * the form of an address. NULL and INVALID_ARGS, quoting @text with control characters escaped,
 * else. */
char *hostname_normalise(const char *text, GError **error);
/* Whether @hostname ends in a label of digits alone, which no domain is called (RFC 3696, 2): most
 * likely an address that was mistyped. */
bool hostname_is_like_address(const char *hostname);
/* The domain that @hostname is in; NULL where it is a single label. Borrowed from it. */
const char *hostname_parent(const char *hostname);
