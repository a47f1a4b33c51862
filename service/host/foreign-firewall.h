/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Narrow accepts in other programs' forward chains: an accept in our own table does not overrule
 * another base chain's drop. Looks at `table ip filter` and `table ip6
 * filter` (@family is NFPROTO_IPV4 or NFPROTO_IPV6) as iptables-nft and Docker keep them, and
 * puts in only expressions that iptables-nft writes itself (iifname, oifname, counter, accept). */

#include <glib.h>
#include <stdbool.h>

typedef struct ForeignFirewall ForeignFirewall;

ForeignFirewall *foreign_firewall_new(GError **error);
void foreign_firewall_free(ForeignFirewall *firewall);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ForeignFirewall, foreign_firewall_free)

/* What the kernel's notifications name as the author of our changes. */
guint32 foreign_firewall_port(const ForeignFirewall *firewall);
/* Whether @table of @family (NFPROTO_*) is one that this is about. */
bool foreign_firewall_is_in(guint8 family, const char *table);

/* Where chain FORWARD of the table has policy drop or jumps to DOCKER-USER: inserts accepts
 * between @interface and @upstream, both ways, at the head of DOCKER-USER if FORWARD jumps there,
 * else of FORWARD. Accepts that are there already, of exactly that form, are left and counted as
 * found. Success with *ret_chain NULL where nothing is needed, else the chain's name (the
 * caller's). */
bool foreign_firewall_open(ForeignFirewall *firewall, guint8 family, const char *interface,
                           const char *upstream, char **ret_chain, GError **error);

/* Whether foreign_firewall_open() would find nothing to do. */
bool foreign_firewall_is_open(ForeignFirewall *firewall, guint8 family, const char *interface,
                              const char *upstream);

/* Takes them out again, by handle: rules of exactly that form that we put in. They are known by the
 * user data that we write with them (a comment), never by position. Nothing there is success. */
bool foreign_firewall_close(ForeignFirewall *firewall, guint8 family, const char *interface,
                            const char *upstream, GError **error);
