/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Entry changes that came together, and that bring public addresses: all of these are asked for at
 * once, then the changes are made one by one, in the order in which they came. Each goes its own
 * way from there: one address that is another host's is one change that fails. */

#include "network/network-private.h"
#include "network/public-probe.h"
#include "network/public.h"

typedef struct Burst {
        Network *network;
        GPtrArray *changes; /* entry changes, borrowed */
        GArray *numbers;    /* int: of each one's wish, -1 = none */
        GHashTable *boards; /* mac or ip -> number + 1: who is in it twice has one address */
        void (*done)(Network *network);
} Burst;

static void run_one(Burst *burst, PublicProbe *probe, guint i)
{
        gpointer change = burst->changes->pdata[i];
        int number = g_array_index(burst->numbers, int, i);
        AddressEntry *entry = entry_change_address(burst->network, change);
        g_autoptr(GError) error = NULL;

        if (number >= 0) {
                const AddressEntry *result = public_probe_result(probe, (guint)number, &error);
                if (!result) {
                        entry_change_cancel(burst->network, change, error);
                        return;
                }
                entry->public_ip = result->public_ip;
        }
        entry_changes_run(burst->network, change);
}

static void probed(PublicProbe *probe, gpointer data)
{
        Burst *burst = data;
        Network *network = burst->network;
        void (*done)(Network * network) = burst->done;

        for (guint i = 0; i < burst->changes->len; i++)
                run_one(burst, probe, i);
        g_clear_pointer(&network->probe, public_probe_free);
        g_ptr_array_unref(burst->changes);
        g_array_unref(burst->numbers);
        g_hash_table_unref(burst->boards);
        g_free(burst);
        done(network);
}

/* The address that @entry would have of the pool, asked for once. */
static int choice_of(Burst *burst, const AddressEntry *entry)
{
        Network *network = burst->network;
        g_autofree char *board = entry->mac ? g_strdup(entry->mac) : address_to_string(entry->ip);
        int number = GPOINTER_TO_INT(g_hash_table_lookup(burst->boards, board)) - 1;

        if (number >= 0)
                return number;
        g_autoptr(AddressEntry) wanted = address_entry_copy(entry);
        /* What it has may be there still, and be removed by a change before. */
        wanted->public_ip = entries_choice_of(network->config->entries, wanted);
        number = (int)public_probe_add(network->probe, wanted);
        g_hash_table_insert(burst->boards, g_steal_pointer(&board), GINT_TO_POINTER(number + 1));
        return number;
}

/* The number of the wish that @change makes, -1 for none. */
static int wish_of(Burst *burst, gpointer change)
{
        Network *network = burst->network;
        const AddressEntry *entry = entry_change_address(network, change);

        if (!entry || !(entry->public_ip || entry->public_auto) ||
            network->config->nat_mode != NAT_MODE_1TO1 ||
            (entry->public_auto && network->config->public_pool.first == 0))
                return -1; /* refused when it runs, or nothing to ask for */
        if (entry->public_ip == 0)
                return choice_of(burst, entry);
        return (int)public_probe_add(network->probe, entry);
}

void entry_burst_run(Network *network, const GPtrArray *changes, void (*done)(Network *network))
{
        Burst *burst = g_new0(Burst, 1);

        burst->network = network;
        burst->changes = g_ptr_array_copy((GPtrArray *)changes, NULL, NULL);
        burst->numbers = g_array_new(FALSE, FALSE, sizeof(int));
        burst->boards = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        burst->done = done;
        network->probe = public_probe_new(network, probed, burst);
        for (guint i = 0; i < changes->len; i++) {
                int number = wish_of(burst, changes->pdata[i]);
                g_array_append_val(burst->numbers, number);
        }
        public_probe_run(network->probe);
}
