/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One transaction of nf_tables: messages that take effect together or not at all. The small helper
 * that nft.c and foreign-firewall.c share. */

#include <glib.h>
#include <stdbool.h>

#include "host/netlink.h"

/* What one message's attributes may take. */
#define NFT_BATCH_ROOM 65536

typedef struct NftBatch NftBatch;

/* @object, of libnftnl: one that it cannot make for lack of memory ends the process, as GLib's. */
void *nft_checked(void *object);

/* @netlink (NETLINK_NETFILTER) is borrowed and outlives the batch. */
NftBatch *nft_batch_new(Netlink *netlink);
void nft_batch_free(NftBatch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NftBatch, nft_batch_free)

/* A new message of @type (NFT_MSG_*) at the end, with room for its attributes: the caller puts them
 * in before it calls anything else of the batch. */
struct nlmsghdr *nft_batch_add(NftBatch *batch, guint16 type, guint16 family, guint16 flags);

/* Sends the whole, once. Returns 0 or a negative errno, and nothing has changed then; *ret_failed
 * (may be NULL) is what could not be done, a literal such as "add a chain". An empty batch is
 * success. */
int nft_batch_send(NftBatch *batch, const char **ret_failed);
/* The same, but the kernel only says whether it would: nothing changes. */
int nft_batch_check(NftBatch *batch);

/* Fails @error with FAILED for @r, of a batch about @object. Returns false. */
bool nft_batch_fail(int r, const char *failed, const char *object, GError **error);
