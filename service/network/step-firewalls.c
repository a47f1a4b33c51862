/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Other programs' firewalls: narrow accepts in the FORWARD chain that iptables and Docker keep, and
 * our zone in firewalld. An accept in a table of ours does not overrule their drop. */

#include "network/network-private.h"

#include <linux/netfilter.h>

#include "util/log.h"

/* What the NIC was called when it was opened for; its name now where nothing has been. */
static const char *opened_for(const Network *network)
{
        const char *interface = network->record->foreign_interface;
        return interface ? interface : network->interface;
}

static bool close_one(Network *network, const char *place, GError **error)
{
        ForeignFirewall *firewall = network->host->foreign_firewall;

        return foreign_firewall_close(firewall, NFPROTO_IPV4, opened_for(network), place, error) &&
               foreign_firewall_close(firewall, NFPROTO_IPV6, opened_for(network), place, error);
}

/* By IPv6 as well where that is forwarded; what was opened while it was is closed. */
static bool open_one(Network *network, const char *place, GError **error)
{
        ForeignFirewall *firewall = network->host->foreign_firewall;
        bool has_ipv6 = config_forwards_ipv6(network->config);
        g_autofree char *chain = NULL, *chain6 = NULL;

        if (!foreign_firewall_open(firewall, NFPROTO_IPV4, network->interface, place, &chain,
                                   error))
                return false;
        if (has_ipv6 ? !foreign_firewall_open(firewall, NFPROTO_IPV6, network->interface, place,
                                              &chain6, error)
                     : !foreign_firewall_close(firewall, NFPROTO_IPV6, network->interface, place,
                                               error))
                return false;
        if (chain || chain6)
                log_network_info(network->name, "opened chain %s to and from %s",
                                 chain ? chain : chain6, place);
        return true;
}

/* Makes what is open between the network and an interface that leads to the LAN *@place (of the
 * record): @wanted, NULL for nothing. */
static bool sync_one(Network *network, char **place, const char *wanted, GError **error)
{
        if (*place && g_strcmp0(*place, wanted) != 0) {
                if (!close_one(network, *place, error))
                        return false;
                g_clear_pointer(place, g_free);
        }
        if (!wanted)
                return network_save_record(network, error);

        if (!*place)
                *place = g_strdup(wanted);
        return network_save_record(network, error) && open_one(network, wanted, error);
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

        if (!error && zone && !record->firewalld_zone) {
                record->firewalld_zone = g_strdup(zone);
                (void)network_save_record(network, &result); /* `result` says how it went */
        }
        step_done(network, result);
}

/* Which zone it was in is known with the answer; that it has to leave ours, before. */
static bool note_firewalld(Network *network, GError **error)
{
        if (network->record->firewalld)
                return true;
        network->record->firewalld = true;
        return network_save_record(network, error);
}

static void begin(Network *network)
{
        Record *record = network->record;
        GError *error = NULL;

        g_free(record->foreign_interface);
        record->foreign_interface = g_strdup(network->interface);
        if (!sync_foreign(network, &error) || !note_firewalld(network, &error)) {
                step_done(network, error);
                return;
        }
        firewalld_add(network->host->firewalld, network->interface, added, network);
}

void firewalls_forget(Network *network)
{
        Record *record = network->record;
        g_autoptr(GError) error = NULL;

        if (!record->firewalld)
                return;
        record->firewalld = false;
        g_clear_pointer(&record->firewalld_zone, g_free);
        if (!network_save_record(network, &error))
                log_network_warning(network->name, "%s", error->message);
}

/* Closes all that is open; @removed is called with the rest of it, or at once where firewalld has
 * nothing of ours. */
static void close_all(Network *network, FirewalldDone removed)
{
        Record *record = network->record;
        GError *error = NULL;

        if (!close_foreign(network, &error) && record->firewalld) {
                log_network_warning(network->name, "%s", error->message);
                g_clear_error(&error);
        }
        if (record->firewalld)
                firewalld_remove(network->host->firewalld, opened_for(network),
                                 record->firewalld_zone, removed, network);
        else
                removed(NULL, error, network);
        g_clear_error(&error);
}

static bool forget(Network *network, GError **error)
{
        Record *record = network->record;

        record->firewalld = false;
        g_clear_pointer(&record->firewalld_zone, g_free);
        g_clear_pointer(&record->foreign_interface, g_free);
        return network_save_record(network, error);
}

/* What another name's was could not be closed: it opens nothing for anybody any more. */
static void removed_to_rename(const char *zone, const GError *error, gpointer data)
{
        Network *network = data;
        GError *save = NULL;

        if (error)
                log_network_warning(network->name, "%s", error->message);
        if (forget(network, &save))
                begin(network);
        else
                step_done(network, save);
}

void firewalls_start(Network *network)
{
        if (g_str_equal(opened_for(network), network->interface))
                begin(network);
        else
                close_all(network, removed_to_rename);
}

static void removed(const char *zone, const GError *error, gpointer data)
{
        Network *network = data;
        GError *result = error ? g_error_copy(error) : NULL;

        (void)forget(network, result ? NULL : &result); /* the first error counts */
        step_done(network, result);
}

void firewalls_undo(Network *network)
{
        close_all(network, removed);
}
