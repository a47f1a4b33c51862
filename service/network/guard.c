/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The guard's list of networks. The table is small and changes seldom: each change replaces it as a
 * whole, in one transaction. */

#include "network/guard.h"

typedef struct Guarded {
        char *interface;
        GuardedNetwork network; /* its interface is that one */
} Guarded;

struct Guard {
        Nft *nft;
        GHashTable *networks; /* network's name -> Guarded */
        bool made;            /* the table may be there; an earlier life's counts as well */
};

static void guarded_free(gpointer data)
{
        Guarded *guarded = data;

        if (guarded)
                g_free(guarded->interface);
        g_free(guarded);
}

Guard *guard_new(Nft *nft)
{
        Guard *guard = g_new0(Guard, 1);
        guard->nft = nft;
        guard->networks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, guarded_free);
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
        gpointer value;
        g_hash_table_iter_init(&iter, guard->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Guarded *guarded = value;
                g_array_append_val(networks, guarded->network);
        }
        g_autoptr(Ruleset) ruleset =
                ruleset_new_guard((const GuardedNetwork *)(void *)networks->data, networks->len);
        guard->made = true;
        return nft_apply(guard->nft, ruleset, error);
}

/* What was there of @name before (owned; NULL: nothing). */
static Guarded *put(Guard *guard, const char *name, const GuardedNetwork *network)
{
        gpointer old_name = NULL, old = NULL;
        Guarded *guarded = g_new(Guarded, 1);

        (void)g_hash_table_steal_extended(guard->networks, name, &old_name,
                                          &old); /* none is fine */
        g_free(old_name);
        *guarded = (Guarded){ g_strdup(network->interface), *network };
        guarded->network.interface = guarded->interface;
        g_hash_table_insert(guard->networks, g_strdup(name), guarded);
        return old;
}

bool guard_add(Guard *guard, const char *name, const GuardedNetwork *network, GError **error)
{
        Guarded *old = put(guard, name, network);

        if (guard_apply(guard, error)) {
                guarded_free(old);
                return true;
        }
        if (old)
                g_hash_table_insert(guard->networks, g_strdup(name), old);
        else
                g_hash_table_remove(guard->networks, name);
        return false;
}

bool guard_has(const Guard *guard, const char *name)
{
        return g_hash_table_contains(guard->networks, name);
}

void guard_expect(Guard *guard, const char *name, const GuardedNetwork *network)
{
        guarded_free(put(guard, name, network));
}

bool guard_remove(Guard *guard, const char *name, GError **error)
{
        return !g_hash_table_remove(guard->networks, name) || guard_apply(guard, error);
}

bool guard_forget_others(Guard *guard, GError **error)
{
        return g_hash_table_size(guard->networks) > 0 || guard_apply(guard, error);
}
