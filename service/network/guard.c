/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The guard's list of networks. The table is small and changes seldom: each change replaces it as a
 * whole, in one transaction. */

#include "network/guard.h"

typedef struct Guarded {
        guint32 gateway_ip;
        Subnet subnet;
} Guarded;

struct Guard {
        Nft *nft;
        GHashTable *networks; /* interface -> Guarded */
        bool made;            /* the table may be there; an earlier life's counts as well */
};

Guard *guard_new(Nft *nft)
{
        Guard *guard = g_new0(Guard, 1);
        guard->nft = nft;
        guard->networks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        guard->made = true;
        return guard;
}

void guard_free(Guard *guard)
{
        if (!guard)
                return;
        g_hash_table_unref(guard->networks);
        g_free(guard);
}

static bool guard_apply(Guard *guard, GError **error)
{
        if (g_hash_table_size(guard->networks) == 0) {
                if (guard->made && !nft_remove(guard->nft, GUARD_TABLE, error))
                        return false;
                guard->made = false;
                return true;
        }

        g_autoptr(GArray) networks = g_array_new(FALSE, FALSE, sizeof(GuardedNetwork));
        GHashTableIter iter;
        gpointer interface, value;
        g_hash_table_iter_init(&iter, guard->networks);
        while (g_hash_table_iter_next(&iter, &interface, &value)) {
                const Guarded *guarded = value;
                GuardedNetwork network = { interface, guarded->gateway_ip, guarded->subnet };
                g_array_append_val(networks, network);
        }
        g_autoptr(Ruleset) ruleset =
                ruleset_new_guard((const GuardedNetwork *)(void *)networks->data, networks->len);
        guard->made = true;
        return nft_apply(guard->nft, ruleset, error);
}

bool guard_add(Guard *guard, const char *interface, guint32 gateway_ip, const Subnet *subnet,
               GError **error)
{
        const Guarded *old = g_hash_table_lookup(guard->networks, interface);
        g_autofree Guarded *before = old ? g_new(Guarded, 1) : NULL;
        Guarded *guarded = g_new(Guarded, 1);

        if (old)
                *before = *old;
        *guarded = (Guarded){ gateway_ip, *subnet };
        g_hash_table_insert(guard->networks, g_strdup(interface), guarded);
        if (guard_apply(guard, error))
                return true;
        if (before)
                g_hash_table_insert(guard->networks, g_strdup(interface), g_steal_pointer(&before));
        else
                g_hash_table_remove(guard->networks, interface);
        return false;
}

bool guard_remove(Guard *guard, const char *interface, GError **error)
{
        bool is_stale = guard->made && g_hash_table_size(guard->networks) == 0;

        if (!g_hash_table_remove(guard->networks, interface) && !is_stale)
                return true;
        return guard_apply(guard, error);
}
