/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Other programs' firewalls: narrow accepts in the FORWARD chain that iptables and Docker keep, and
 * our zone in firewalld. An accept in a table of ours does not overrule their drop. */

#include "network/network-private.h"

#include "util/log.h"

static bool close_foreign(Network *network, GError **error)
{
        Record *record = network->record;

        if (!record->foreign_upstream)
                return true;
        if (!foreign_firewall_close(network->host->foreign_firewall, network->interface,
                                    record->foreign_upstream, error))
                return false;
        g_clear_pointer(&record->foreign_upstream, g_free);
        return network_save_record(network, error);
}

static bool sync_foreign(Network *network, GError **error)
{
        Record *record = network->record;
        bool wanted = nat_mode_forwards(network->config->nat_mode) && network->upstream;
        g_autofree char *chain = NULL;

        if (!wanted || g_strcmp0(record->foreign_upstream, network->upstream) != 0)
                if (!close_foreign(network, error))
                        return false;
        if (!wanted)
                return true;

        g_free(record->foreign_upstream);
        record->foreign_upstream = g_strdup(network->upstream);
        if (!network_save_record(network, error) ||
            !foreign_firewall_open(network->host->foreign_firewall, network->interface,
                                   network->upstream, &chain, error))
                return false;
        if (chain)
                log_network_info(network->interface, "opened chain %s to and from %s", chain,
                                 network->upstream);
        return true;
}

static void added(const char *zone, const GError *error, gpointer data)
{
        Network *network = data;
        Record *record = network->record;
        GError *result = error ? g_error_copy(error) : NULL;

        if (!error && !record->firewalld) {
                record->firewalld = true;
                record->firewalld_zone = g_strdup(zone);
                (void)network_save_record(network, &result); /* `result` says how it went */
        }
        step_done(network, result);
}

void firewalls_start(Network *network)
{
        GError *error = NULL;

        if (!sync_foreign(network, &error)) {
                step_done(network, error);
                return;
        }
        firewalld_add(network->host->firewalld, network->interface, added, network);
}

static void removed(const char *zone, const GError *error, gpointer data)
{
        Network *network = data;
        Record *record = network->record;
        GError *result = error ? g_error_copy(error) : NULL;

        record->firewalld = false;
        g_clear_pointer(&record->firewalld_zone, g_free);
        (void)network_save_record(network, result ? NULL : &result);
        step_done(network, result);
}

void firewalls_undo(Network *network)
{
        Record *record = network->record;
        GError *error = NULL;

        (void)close_foreign(network, &error);
        if (!record->firewalld) {
                step_done(network, error);
                return;
        }
        if (error)
                log_network_warning(network->interface, "%s", error->message);
        g_clear_error(&error);
        firewalld_remove(network->host->firewalld, network->interface, record->firewalld_zone,
                         removed, network);
}
