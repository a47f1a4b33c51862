/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Word of changes that others make to nftables tables. */

#include <glib.h>
#include <stdbool.h>

typedef struct NftWatch NftWatch;

/* Tells of tables, by @family (NFPROTO_*) and name, in which anything was changed by another socket
 * than those of @own_ports; once for each of them, however many changes came together. @table is
 * NULL where word was lost: any table may have changed. @set is NULL, save in NAMES_TABLE
 * (model/ruleset.h), where it names a set that elements were added to. */
typedef void (*NftChanged)(guint8 family, const char *table, const char *set, gpointer data);
NftWatch *nft_watch_new(const guint32 *own_ports, guint n_own_ports, NftChanged changed,
                        gpointer data, GError **error);
void nft_watch_free(NftWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NftWatch, nft_watch_free)
