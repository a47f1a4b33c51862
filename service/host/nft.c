/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The tables of ours in the kernel. Each call is one transaction; what is in it, model/ruleset.h
 * says, and how it is written, nft-objects.c.
 *
 * A table is replaced by adding it without flags, deleting it and adding it again: that is good for
 * one that is not there, one without an owner, our own, and one whose owner is gone (persist); a
 * table that another process owns is refused (EPERM). */

#include "host/nft.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "host/netlink.h"
#include "host/nft-batch.h"
#include "host/nft-objects.h"
#include "util/error.h"

#ifndef NFT_TABLE_F_PERSIST
#define NFT_TABLE_F_PERSIST 0x4 /* Linux 6.9 */
#endif

/* No interface's: a point does not occur in table_name(). */
#define PROBE_TABLE "jumpstarter.probe"

struct Nft {
        Netlink *netlink;
        guint32 table_flags;
};

/* Kernels that do not know one of the flags say EINVAL or EOPNOTSUPP. */
static bool probe_owner(Nft *nft, GError **error)
{
        const guint32 flags = NFT_TABLE_F_OWNER | NFT_TABLE_F_PERSIST;
        g_autoptr(NftBatch) batch = nft_batch_new(nft->netlink);

        nft_objects_add_table(batch, NFPROTO_IPV4, PROBE_TABLE, flags);
        int r = nft_batch_check(batch);
        if (r == 0)
                nft->table_flags = flags;
        if (r == 0 || r == -EINVAL || r == -EOPNOTSUPP)
                return true;
        return nft_batch_fail(r, "use nf_tables", "nftables", error);
}

Nft *nft_new(bool own, GError **error)
{
        g_autoptr(Nft) nft = g_new0(Nft, 1);

        nft->netlink = netlink_new(NETLINK_NETFILTER, error);
        if (!nft->netlink)
                return NULL;
        if (own && !probe_owner(nft, error))
                return NULL;
        return g_steal_pointer(&nft);
}

void nft_free(Nft *nft)
{
        if (!nft)
                return;

        netlink_free(nft->netlink);
        g_free(nft);
}

bool nft_owns_tables(const Nft *nft)
{
        return nft->table_flags != 0;
}

Netlink *nft_netlink(Nft *nft)
{
        return nft->netlink;
}

guint32 nft_port(const Nft *nft)
{
        return netlink_port(nft->netlink);
}

static bool send_batch(NftBatch *batch, const char *table, GError **error)
{
        const char *failed = NULL;
        int r = nft_batch_send(batch, &failed);

        return r == 0 || nft_batch_fail(r, failed, table, error);
}

/* What is to be taken out may be in the other one of the two filter tables, which is left as it is.
 * The table of names has no owner.
 */
static guint32 flags_of(const Nft *nft, const RulesetTable *table)
{
        if (g_str_equal(table->name, NAMES_TABLE))
                return NFT_OBJECTS_AS_IS;
        bool is_plain = g_str_equal(table->name, FILTER_TABLE_PLAIN);

        return is_plain == nft_owns_tables(nft) ? NFT_OBJECTS_AS_IS : nft->table_flags;
}

static void take_shared(const Nft *nft, NftBatch *batch, const Ruleset *gone)
{
        for (guint i = 0; i < gone->tables->len; i++) {
                const RulesetTable *table = g_ptr_array_index(gone->tables, i);
                if (table->shared)
                        nft_objects_take_part(batch, table, flags_of(nft, table));
        }
}

static const char *name_of(const Ruleset *ruleset)
{
        const RulesetTable *first =
                ruleset && ruleset->tables->len > 0 ? g_ptr_array_index(ruleset->tables, 0) : NULL;
        return first ? first->name : "nftables";
}

static void put_tables(const Nft *nft, NftBatch *batch, const Ruleset *ruleset)
{
        for (guint i = 0; i < ruleset->tables->len; i++) {
                const RulesetTable *table = g_ptr_array_index(ruleset->tables, i);
                if (table->shared)
                        nft_objects_put_part(batch, table, flags_of(nft, table));
                else
                        nft_objects_replace_table(batch, table, nft->table_flags);
        }
}

bool nft_exchange(Nft *nft, const Ruleset *gone, const Ruleset *ruleset, GError **error)
{
        g_autoptr(NftBatch) batch = nft_batch_new(nft->netlink);

        if (gone)
                take_shared(nft, batch, gone);
        if (ruleset)
                put_tables(nft, batch, ruleset);
        return send_batch(batch, name_of(ruleset ? ruleset : gone), error);
}

bool nft_apply_anew(Nft *nft, const Ruleset *others, const Ruleset *ruleset, GError **error)
{
        g_autoptr(NftBatch) batch = nft_batch_new(nft->netlink);

        for (guint i = 0; i < ruleset->tables->len; i++) {
                const RulesetTable *table = g_ptr_array_index(ruleset->tables, i);
                if (table->shared)
                        nft_objects_remove_table(batch, table->family, table->name);
        }
        put_tables(nft, batch, others);
        put_tables(nft, batch, ruleset);
        return send_batch(batch, name_of(ruleset), error);
}

bool nft_apply(Nft *nft, const Ruleset *ruleset, GError **error)
{
        return nft_exchange(nft, NULL, ruleset, error);
}

static bool change_part(Nft *nft, const Ruleset *part,
                        void (*change)(NftBatch *batch, const RulesetTable *part), GError **error)
{
        g_autoptr(NftBatch) batch = nft_batch_new(nft->netlink);

        for (guint i = 0; i < part->tables->len; i++)
                change(batch, g_ptr_array_index(part->tables, i));
        return send_batch(batch, name_of(part), error);
}

bool nft_add_part(Nft *nft, const Ruleset *part, GError **error)
{
        return change_part(nft, part, nft_objects_add_part, error);
}

bool nft_remove_part(Nft *nft, const Ruleset *part, GError **error)
{
        return change_part(nft, part, nft_objects_remove_part, error);
}

bool nft_exchange_part(Nft *nft, const Ruleset *gone, const Ruleset *part, GError **error)
{
        g_autoptr(NftBatch) batch = nft_batch_new(nft->netlink);

        for (guint i = 0; i < gone->tables->len; i++)
                nft_objects_remove_part(batch, g_ptr_array_index(gone->tables, i));
        for (guint i = 0; i < part->tables->len; i++)
                nft_objects_add_part(batch, g_ptr_array_index(part->tables, i));
        return send_batch(batch, name_of(part), error);
}

bool nft_remove(Nft *nft, const char *table, GError **error)
{
        static const guint16 families[] = { NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_ARP, NFPROTO_INET };
        g_autoptr(NftBatch) batch = nft_batch_new(nft->netlink);

        for (guint i = 0; i < G_N_ELEMENTS(families); i++)
                nft_objects_remove_table(batch, families[i], table);
        return send_batch(batch, table, error);
}

static void change_mappings(NftBatch *batch, guint16 type, const char *table, bool is_twin,
                            const NftMapping *mappings, guint n)
{
        g_autoptr(GArray) to_private = g_array_new(FALSE, FALSE, sizeof(RulesetElement));
        g_autoptr(GArray) to_public = g_array_new(FALSE, FALSE, sizeof(RulesetElement));

        for (guint i = 0; i < n; i++) {
                if (mappings[i].ip == 0 || mappings[i].public_ip == 0)
                        continue;
                RulesetElement in = { mappings[i].public_ip, mappings[i].ip };
                RulesetElement out = { mappings[i].ip, mappings[i].public_ip };
                g_array_append_val(to_private, in);
                g_array_append_val(to_public, out);
        }
        const RulesetElement *in = (const RulesetElement *)(void *)to_private->data;
        const RulesetElement *out = (const RulesetElement *)(void *)to_public->data;
        nft_objects_change_elements(batch, type, NFPROTO_IPV4, table, MAP_PUBLIC_TO_PRIVATE,
                                    MAP_ADDRESSES, in, to_private->len);
        nft_objects_change_elements(batch, type, NFPROTO_IPV4, table, MAP_PRIVATE_TO_PUBLIC,
                                    MAP_ADDRESSES, out, to_public->len);
        if (is_twin)
                nft_objects_change_elements(batch, type, NFPROTO_IPV4, table, SET_PUBLIC,
                                            MAP_ADDRESS_SET, in, to_private->len);
}

bool nft_change_mappings(Nft *nft, const char *table, bool is_twin, const NftMapping *removed,
                         guint n_removed, const NftMapping *added, guint n_added, GError **error)
{
        g_autoptr(NftBatch) batch = nft_batch_new(nft->netlink);

        change_mappings(batch, NFT_MSG_DELSETELEM, table, is_twin, removed, n_removed);
        change_mappings(batch, NFT_MSG_NEWSETELEM, table, is_twin, added, n_added);
        return send_batch(batch, table, error);
}
