/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Rule sets in the kernel, through libnftnl, one batch (transaction) a call, all on one socket that
 * lives as long as the object: with the table flags owner (Linux 5.12) and persist (6.9) it is this
 * socket that owns the tables. */

#include <glib.h>
#include <stdbool.h>

#include "host/netlink.h"
#include "model/ruleset.h"

typedef struct Nft Nft;

/* With @own, tables get the flags owner and persist where the kernel takes both. */
Nft *nft_new(bool own, GError **error);
void nft_free(Nft *nft);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Nft, nft_free)

/* Whether the kernel takes owner and persist together, as found out at nft_new(). */
bool nft_owns_tables(const Nft *nft);

/* What the kernel's notifications name as the author of our changes. */
guint32 nft_port(const Nft *nft);

/* Replaces the tables of @ruleset, whatever they held, in one transaction; of a table that is
 * shared only what @ruleset has in it. FAILED with the kernel's reason else, and nothing changed.
 */
bool nft_apply(Nft *nft, const Ruleset *ruleset, GError **error);
/* The same, and what @gone has in shared tables goes; not there is fine. Either may be NULL. */
bool nft_exchange(Nft *nft, const Ruleset *gone, const Ruleset *ruleset, GError **error);

/* As nft_apply(), but shared tables are made anew, with what @others has in them besides: for one
 * that somebody else has put something into that does not go with it. */
bool nft_apply_anew(Nft *nft, const Ruleset *others, const Ruleset *ruleset, GError **error);

/* Adds what @part has to the tables of the same names, which are there and have its maps and sets;
 * or takes exactly that out again. FAILED where they are not so, and nothing changed. */
bool nft_add_part(Nft *nft, const Ruleset *part, GError **error);
bool nft_remove_part(Nft *nft, const Ruleset *part, GError **error);
/* Both as one transaction: @gone out, @part in. */
bool nft_exchange_part(Nft *nft, const Ruleset *gone, const Ruleset *part, GError **error);

/* Removes the tables `ip`, `ip6`, `arp` and `inet` named @table that exist. Gone already is
 * success. */
bool nft_remove(Nft *nft, const char *table, GError **error);

/* One mapping in the 1:1 maps of a table. With @ip or @public_ip 0 it stands for nothing: nothing
 * is removed, or added. */
typedef struct NftMapping {
        guint32 ip;
        guint32 public_ip;
} NftMapping;

/* Takes @removed out of and puts @added into both maps of @table, and the set that a twin has
 * beside them, in one transaction. Elements of @removed that are not there are an error, as are
 * others at the place of @added. */
bool nft_change_mappings(Nft *nft, const char *table, bool is_twin, const NftMapping *removed,
                         guint n_removed, const NftMapping *added, guint n_added, GError **error);

/* For nft-*.c alone. Borrowed. */
Netlink *nft_netlink(Nft *nft);

/* A rule with a comment has counted so much. */
typedef void (*NftCounted)(const char *comment, guint64 packets, guint64 bytes, gpointer data);
/* Calls @counted for each rule of @chain in the table @table of @family (NFPROTO_*) that has a
 * comment and a counter. None where there is no such chain. FAILED. */
bool nft_read_counters(Nft *nft, guint16 family, const char *table, const char *chain,
                       NftCounted counted, gpointer data, GError **error);

/* The addresses in @set of `table ip @table`: array of guint32 (the caller's), in no order, some
 * perhaps twice; empty where there is no such set. FAILED. */
GArray *nft_read_addresses(Nft *nft, const char *table, const char *set, GError **error);
/* The same of a map of ports (MAP_PORT_TARGETS, MAP_PORT_SOURCE_TARGETS): array of RulesetPort. */
GArray *nft_read_ports(Nft *nft, const char *table, const char *map, GError **error);
/* The names (the caller's) of the sets of `table ip @table` that begin with @prefix; none where
 * there is no such table. FAILED. */
GPtrArray *nft_list_sets(Nft *nft, const char *table, const char *prefix, GError **error);
/* The same of its chains. */
GPtrArray *nft_list_chains(Nft *nft, const char *table, const char *prefix, GError **error);

/* The table of @family (NFPROTO_IPV4 or NFPROTO_IPV6) as `nft list table` prints it (libnftables);
 * or of the chains, sets and objects of one of IPv4's alone those in @parts, a set of what they are
 * called in it: "chain NAME". "" where there is none. The caller's. */
char *nft_print_table(guint16 family, const char *table, GError **error);
char *nft_print_parts(const char *table, GHashTable *parts, GError **error);
