/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The interface out of NetworkManager's hands, and back into them as it was. */

#include "network/network-private.h"

#include "util/log.h"

static void taken(const GError *error, gpointer data)
{
        step_done(data, error ? g_error_copy(error) : NULL);
}

void hand_over_start(Network *network)
{
        Record *record = network->record;
        GError *error = NULL;

        if (!record->taken) {
                nm_held_free(record->held);
                record->held = g_steal_pointer(&network->inspected);
                record->taken = true;
                if (!network_save_record(network, &error)) {
                        record->taken = false;
                        step_done(network, error);
                        return;
                }
        }
        nm_take(network->host->nm, network->interface, taken, network);
}

static void given_back(const GError *error, gpointer data)
{
        Network *network = data;
        Record *record = network->record;
        g_autoptr(GError) save = NULL;

        g_clear_pointer(&record->held, nm_held_free);
        record->taken = false;
        if (!network_save_record(network, &save))
                log_network_warning(network->name, "%s", save->message);
        step_done(network, error ? g_error_copy(error) : NULL);
}

void hand_over_undo(Network *network)
{
        Record *record = network->record;

        if (!record->taken || !record->held) {
                record->taken = false;
                step_done(network, NULL);
                return;
        }
        nm_give_back(network->host->nm, network->interface, record->held, given_back, network);
}
