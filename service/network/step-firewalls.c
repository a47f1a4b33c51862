/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Other programs' firewalls: narrow accepts in the FORWARD chain that iptables and Docker keep, and
 * our zone in firewalld. An accept in a table of ours does not overrule their drop. */

#include "network/network-private.h"

#include "util/log.h"

/* Makes what is open between the network and an interface that leads to the LAN *@place (of the
 * record): @wanted, NULL for nothing. */
static bool sync_one(Network *network, char **place, const char *wanted, GError **error)
{
        ForeignFirewall *firewall = network->host->foreign_firewall;
        g_autofree char *chain = NULL;

        if (*place && g_strcmp0(*place, wanted) != 0) {
                if (!foreign_firewall_close(firewall, network->interface, *place, error))
                        return false;
                g_clear_pointer(place, g_free);
        }
        if (!wanted)
                return network_save_record(network, error);

        if (!*place)
                *place = g_strdup(wanted);
        if (!network_save_record(network, error) ||
            !foreign_firewall_open(firewall, network->interface, wanted, &chain, error))
                return false;
        if (chain)
                log_network_info(network->interface, "opened chain %s to and from %s", chain,
                                 wanted);
        return true;
}

static bool close_foreign(Network *network, GError **error)
{
        return sync_one(network, &network->record->foreign_upstream, NULL, error) &&
               sync_one(network, &network->record->foreign_public, NULL, error);
}

static bool sync_foreign(Network *network, GError **error)
{
        const char *upstream = network->upstream;
        const char *public_interface = network->public_interface;

        if (!nat_mode_forwards(network->config->nat_mode))
                return close_foreign(network, error);
        if (g_strcmp0(upstream, public_interface) == 0)
                public_interface = NULL;
        return sync_one(network, &network->record->foreign_upstream, upstream, error) &&
               sync_one(network, &network->record->foreign_public, public_interface, error);
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
