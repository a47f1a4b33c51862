/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The guests' TAPs. Those who have one open do not lose it because the bridge went: it becomes the
 * next one's port. */

#include "network/guests.h"
#include "network/operations-private.h"
#include "util/error.h"

/* What was a bridge and is none any more takes the network from guests alone; but nobody makes it
 * so by a change of settings. */
static bool check_change(const Network *network, GError **error)
{
        const NetworkConfig *config = network->config;

        if (network->current->type != OPERATION_CHANGE || config->create != CREATE_TAP ||
            entries_n_guests(config->entries) == 0)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                    "create: guests are attached, and a TAP is no bridge");
        return false;
}

void guests_start(Network *network)
{
        GError *error = NULL;

        if (check_change(network, &error))
                (void)guests_sync(network, &error); /* `error` says how it went */
        step_done(network, error);
}

/* Whether the bridge that they were ports of has gone, or goes by another name, and another one
 * takes its place. */
static bool wait_for_another(const Network *network)
{
        const Record *record = network->record;
        Link link;

        return record->wanted_up && (link_get(network->host->rtnl, network->name, &link) < 0 ||
                                     link.index != record->index);
}

void guests_undo(Network *network)
{
        GError *error = NULL;

        if (!wait_for_another(network))
                (void)guests_clear(network, &error); /* `error` says how it went */
        step_done(network, error);
}
