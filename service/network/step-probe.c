/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Asks the LAN for the mappings' public addresses before anything is set up with them. An operation
 * that somebody waits for fails where another host has one. One that does not, since the upstream
 * moved or the interface came back, goes on without it: the network is degraded until that host has
 * left. Nor is anybody asked when the upstream was away for a moment: what comes back is ours. */

#include "network/network-private.h"
#include "network/public-probe.h"
#include "network/public.h"

static void block(Network *network, const PublicProbe *probe, guint32 ip)
{
        g_hash_table_insert(network->blocked, GUINT_TO_POINTER(ip),
                            g_strdup(public_probe_holder(probe, ip)));
}

/* What the pool chose instead is the entry's now. */
static void take_over(Network *network, const AddressEntry *entry)
{
        Entries *entries = network->config->entries;

        if (entries_find_ip(entries, entry->ip)->public_ip == entry->public_ip)
                return;
        entries_choose_public(entries, entry->ip, entry->public_ip);
        g_array_append_val(network->chosen, entry->ip);
        network->run.changes |= CONFIG_CHANGE_RULES;
}

/* What a name is, is nobody's mistake who waits. */
static bool is_named(const Network *network, guint32 ip)
{
        const AddressEntry *entry = entries_find_public_ip(network->config->entries, ip);

        return entry && entry->public_name;
}

static void probed(PublicProbe *probe, gpointer data)
{
        Network *network = data;
        GError *error = NULL;
        bool strict = operations_have_caller(network);

        for (guint i = 0; !error && i < public_probe_n(probe); i++) {
                g_autoptr(GError) cause = NULL;
                const AddressEntry *entry = public_probe_result(probe, i, &cause);
                guint32 ip = public_probe_address(probe, i);
                if (entry)
                        take_over(network, entry);
                else if ((strict && !is_named(network, ip)) || !public_probe_holder(probe, ip))
                        error = g_steal_pointer(&cause);
                else
                        block(network, probe, ip);
        }
        g_clear_pointer(&network->probe, public_probe_free);
        step_done(network, error);
}

void probe_start(Network *network)
{
        GError *error = NULL;
        const Entries *entries = network->config->entries;
        g_autoptr(GArray) missing = public_missing(network, &error);
        bool is_put_back = !operations_have_caller(network) && public_is_just_back(network) &&
                           g_hash_table_size(network->blocked) == 0;

        g_hash_table_remove_all(network->blocked);
        if (!missing || missing->len == 0 || is_put_back) {
                step_done(network, error);
                return;
        }
        network->probe = public_probe_new(network, probed, network);
        for (guint i = 0; i < missing->len; i++) {
                guint32 ip = g_array_index(missing, guint32, i);
                (void)public_probe_add(network->probe, entries_find_public_ip(entries, ip));
        }
        public_probe_run(network->probe);
}

void probe_undo(Network *network)
{
        g_hash_table_remove_all(network->blocked);
        step_done(network, NULL);
}
