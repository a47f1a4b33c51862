/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The interface out of NetworkManager's hands, and back into them as it was.
 *
 * Run again for an interface that NetworkManager did not hold when it was taken, and does now (it
 * was not there, or somebody has told it to): from then on it is to get it back. While it is not
 * there it cannot; then it is owed (owed.c). */

#include "network/network-private.h"

#include "util/log.h"

static void taken(const GError *error, gpointer data)
{
        Network *network = data;

        if (error && network->record->link_found && !nm_answers(network->host->nm)) {
                /* ours since long; should it think otherwise, it is heard of when it answers */
                log_network_warning(network->name, "going on all the same: %s", error->message);
                error = NULL;
        }
        step_done(network, error ? g_error_copy(error) : NULL);
}

/* How NetworkManager is to get back what it holds @now, but did not when it was taken. The address
 * that it sees is ours: what it made of that says nothing. */
static NmHeld *held_since(const Network *network, const NmHeld *now)
{
        const Record *record = network->record;
        const char *left = record->held ? record->held->connection_uuid : NULL;
        NmHeld *held = nm_held_copy(now);

        if (held->connection_uuid)
                return held;
        g_clear_pointer(&held->connection_id, g_free);
        if (left)
                held->connection_uuid = g_strdup(left);
        else if (record->addresses_found->len > 0) /* somebody else's, to be left alone by it */
                held->connection_id = g_strdup(network->interface);
        return held;
}

static void looked_again(NmHeld *now, bool dhcp_lease, gpointer data)
{
        Network *network = data;
        Record *record = network->record;
        g_autoptr(NmHeld) own = now;
        GError *error = NULL;

        if (!own->managed) {
                step_done(network, NULL);
                return;
        }
        NmHeld *before = record->held;
        record->held = held_since(network, own);
        if (!network_save_record(network, &error)) {
                nm_held_free(record->held);
                record->held = before;
                step_done(network, error);
                return;
        }
        nm_held_free(before);
        nm_take(network->host->nm, network->interface, taken, network);
}

/* Nobody had what we have made. Should NetworkManager come to hold it, nm_watch() tells, and nobody
 * waits for it. */
static NmHeld *held_before(Network *network)
{
        const NmHeld *debt = owed_find(network->host->owed, network->interface);

        if (network->record->made)
                return g_new0(NmHeld, 1);
        return debt ? nm_held_copy(debt) : g_steal_pointer(&network->inspected);
}

/* Takes it for the first time. */
static void take(Network *network)
{
        Record *record = network->record;
        Owed *owed = network->host->owed;
        g_autoptr(GError) warning = NULL;
        GError *error = NULL;

        nm_held_free(record->held);
        record->held = held_before(network);
        record->taken = true;
        if (!network_save_record(network, &error)) {
                record->taken = false;
                step_done(network, error);
                return;
        }
        if (!owed_forget(owed, network->interface, &warning))
                log_network_warning(network->name, "%s", warning->message);
        if (record->made)
                step_done(network, NULL);
        else
                nm_take(network->host->nm, network->interface, taken, network);
}

void hand_over_start(Network *network)
{
        const Record *record = network->record;
        bool is_known = record->is_up && (network->run.changes & STEP_CHANGE_UP);

        if (is_known && record->taken)
                step_done(network, NULL); /* adopted; should NetworkManager think otherwise,
                                             nm_watch() tells, and nobody waits for it */
        else if (!record->taken)
                take(network);
        else if (record->held && record->held->managed)
                nm_take(network->host->nm, network->interface, taken, network);
        else
                nm_inspect(network->host->nm, network->interface, looked_again, network);
}

/* Owes it, where NetworkManager is not there to take it back. */
static bool owe(Network *network)
{
        Host *host = network->host;
        g_autoptr(GError) error = NULL;

        if (nm_answers(host->nm))
                return false;
        log_network_notice(network->name,
                           "NetworkManager is not there; it gets the interface when it is");
        if (!owed_add(host->owed, network->interface, network->record->held, &error))
                log_network_warning(network->name, "%s", error->message);
        return true;
}

static void given_back(const GError *error, gpointer data)
{
        Network *network = data;
        Record *record = network->record;
        g_autoptr(GError) save = NULL;

        if (error && owe(network))
                error = NULL;
        g_clear_pointer(&record->held, nm_held_free);
        record->taken = false;
        if (!network_save_record(network, &save))
                log_network_warning(network->name, "%s", save->message);
        step_done(network, error ? g_error_copy(error) : NULL);
}

void hand_over_undo(Network *network)
{
        Record *record = network->record;

        if (!record->taken || !record->held || record->made) { /* what is made goes */
                g_clear_pointer(&record->held, nm_held_free);
                record->taken = false;
                step_done(network, NULL);
                return;
        }
        nm_give_back(network->host->nm, network->interface, record->held, given_back, network);
}
