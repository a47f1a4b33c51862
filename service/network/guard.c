/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The guard's list of networks. The table is small and changes seldom: each change replaces it as a
 * whole, in one transaction. */

#include "network/guard.h"

struct Guard {
        Nft *nft;
        GHashTable *gateways; /* interface -> gateway address */
        bool made;            /* the table may be there; an earlier life's counts as well */
};

Guard *guard_new(Nft *nft)
{
        Guard *guard = g_new0(Guard, 1);
        guard->nft = nft;
        guard->gateways = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        guard->made = true;
        return guard;
}

void guard_free(Guard *guard)
{
        if (!guard)
                return;
        g_hash_table_unref(guard->gateways);
        g_free(guard);
}

static bool guard_apply(Guard *guard, GError **error)
{
        if (g_hash_table_size(guard->gateways) == 0) {
                if (guard->made && !nft_remove(guard->nft, GUARD_TABLE, error))
                        return false;
                guard->made = false;
                return true;
        }

        g_autoptr(GArray) networks = g_array_new(FALSE, FALSE, sizeof(GuardedNetwork));
        GHashTableIter iter;
        gpointer interface, gateway;
        g_hash_table_iter_init(&iter, guard->gateways);
        while (g_hash_table_iter_next(&iter, &interface, &gateway)) {
                GuardedNetwork network = { interface, GPOINTER_TO_UINT(gateway) };
                g_array_append_val(networks, network);
        }
        g_autoptr(Ruleset) ruleset =
                ruleset_new_guard((const GuardedNetwork *)(void *)networks->data, networks->len);
        guard->made = true;
        return nft_apply(guard->nft, ruleset, error);
}

bool guard_add(Guard *guard, const char *interface, guint32 gateway_ip, GError **error)
{
        gpointer before;
        bool had = g_hash_table_lookup_extended(guard->gateways, interface, NULL, &before);

        g_hash_table_insert(guard->gateways, g_strdup(interface), GUINT_TO_POINTER(gateway_ip));
        if (guard_apply(guard, error))
                return true;
        if (had)
                g_hash_table_insert(guard->gateways, g_strdup(interface), before);
        else
                g_hash_table_remove(guard->gateways, interface);
        return false;
}

bool guard_remove(Guard *guard, const char *interface, GError **error)
{
        bool is_stale = guard->made && g_hash_table_size(guard->gateways) == 0;

        if (!g_hash_table_remove(guard->gateways, interface) && !is_stale)
                return true;
        return guard_apply(guard, error);
}
