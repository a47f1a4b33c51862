/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The files that a change of a configuration replaces: the entry log, and the file of a network
 * that was made over the bus. Both are on disk beside the old ones before the host is touched, so
 * that a full disk refuses the change; then they take their places. */

#include "network/network-private.h"
#include "network/store.h"

static void finish(Network *network)
{
        StepRunDone done = g_steal_pointer(&network->saving.done);
        done(network, g_steal_pointer(&network->saving.error));
}

static void staged(const GError *error, gpointer data)
{
        Network *network = data;
        Saving *saving = &network->saving;

        if (error && !saving->error)
                saving->error = g_error_copy(error);
        if (--saving->n_pending > 0)
                return;
        if (saving->error)
                saving_drop(network);
        finish(network);
}

void saving_stage(Network *network, bool log, StepRunDone done)
{
        Saving *saving = &network->saving;

        *saving = (Saving){ .log = log, .done = done, .n_pending = 1 };
        saving->config = g_str_equal(network_origin(network), "bus") &&
                         store_stage(network, network->host, staged, network);
        if (saving->config)
                saving->n_pending++;
        if (log) {
                saving->n_pending++;
                entry_changes_stage_reset(network, staged, network);
        }
        staged(NULL, network);
}

static void log_committed(const GError *error, gpointer data)
{
        Network *network = data;

        network->saving.error = error ? g_error_copy(error) : NULL;
        finish(network);
}

static void config_committed(const GError *error, gpointer data)
{
        Network *network = data;

        if (!error && network->saving.log) {
                entry_changes_commit_reset(network, log_committed, network);
                return;
        }
        if (network->saving.log)
                entry_changes_drop_reset(network);
        log_committed(error, network);
}

void saving_commit(Network *network, StepRunDone done)
{
        network->saving.done = done;
        if (network->saving.config)
                store_commit(network, network->host, config_committed, network);
        else
                config_committed(NULL, network);
}

void saving_drop(Network *network)
{
        if (network->saving.config)
                store_drop(network, network->host);
        if (network->saving.log)
                entry_changes_drop_reset(network);
}
