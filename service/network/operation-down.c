/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Taking a network down, for now or for good. */

#include "network/operations-private.h"

#include "util/log.h"

void operation_undo(Network *network, StepRunDone done)
{
        network->record->is_up = false; /* saved with what the first undo takes back */
        steps_undo(network, network->current->type == OPERATION_LOST, done);
}

/* Ends the connections of mappings that @old has and @now has not. */
void operation_end_lost_mappings(Network *network, const Entries *old, const Entries *now)
{
        g_autoptr(GHashTable) public_of = g_hash_table_new(NULL, NULL);
        g_autoptr(GError) error = NULL;

        for (guint i = 0; i < entries_n_addresses(old); i++) {
                const AddressEntry *entry = entries_address_at(old, i);
                const AddressEntry *left = entries_find_ip(now, entry->ip);
                if (entry->public_ip && !(left && left->public_ip == entry->public_ip))
                        g_hash_table_insert(public_of, GUINT_TO_POINTER(entry->ip),
                                            GUINT_TO_POINTER(entry->public_ip));
        }
        if (!conntrack_end_mappings(network->host->conntrack, public_of, &error))
                log_network_warning(network->name, "%s", error->message);
}

void operation_down_undone(Network *network, GError *error)
{
        g_clear_error(&error); /* undos report none */
        network_set_state(network, NETWORK_INACTIVE, NULL);
        operation_end(network, NULL);
}

void operation_remove_undone(Network *network, GError *error)
{
        const Record *record = network->record;
        const char *const directories[] = { network->config->state_dir, record->state_dir,
                                            record->moving_from, record->moving_to };

        g_clear_error(&error); /* undos report none */
        leases_unwatch(network);
        entry_changes_delete(network);
        for (guint i = 0; i < G_N_ELEMENTS(directories); i++)
                if (directories[i])
                        network_clear_state_dir(network, directories[i], false);
        network->removed = true;
        network_set_state(network, NETWORK_INACTIVE, NULL);
        operation_end(network, NULL);
}

/* A removal goes on where its first note cannot be made, since it takes the notes away. */
void operation_run_down(Network *network, StepRunDone done)
{
        bool was_wanted_up = network->record->wanted_up;
        g_autoptr(GError) error = NULL;

        network->record->wanted_up = false;
        network->record->doomed |= done == operation_remove_undone;
        if (!network_save_record(network, &error) && done == operation_down_undone) {
                network->record->wanted_up = was_wanted_up;
                operation_end(network, error);
                return;
        }
        if (error)
                log_network_warning(network->name, "%s", error->message);
        if (network->state == NETWORK_INACTIVE && done == operation_down_undone &&
            record_is_clean(network->record)) {
                operation_end(network, NULL);
                return;
        }
        network_set_state(network, NETWORK_DEACTIVATING, NULL);
        operation_undo(network, done);
}
