/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Whose a port of the host is: another network's, by its configuration or by what it has put; or a
 * program's that waits there now. */

#include "network/forward-ports.h"

#include <netinet/in.h>

#include "network/forward-list.h"
#include "network/joint.h"
#include "network/network-private.h"
#include "util/error.h"

static bool refuse(const Forward *forward, GError **error, const char *format, ...)
        G_GNUC_PRINTF(3, 4);

static bool refuse(const Forward *forward, GError **error, const char *format, ...)
{
        g_autofree char *what = forward_describe(forward);
        va_list arguments;

        va_start(arguments, format);
        g_autofree char *why = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_ADDRESS_IN_USE,
                    "forwards: %s cannot be had: %s", what, why);
        return false;
}

static bool check_config_of(const Network *other, const NetworkConfig *config,
                            const Forward *forward, GError **error)
{
        const GPtrArray *forwards = entries_forwards(config->entries);

        for (guint i = 0; i < forwards->len; i++) {
                if (!forward_overlaps(forwards->pdata[i], forward))
                        continue;
                g_autofree char *theirs = forward_describe(forwards->pdata[i]);
                return refuse(forward, error, "network %s forwards %s", other->name, theirs);
        }
        return true;
}

static bool check_configs_of(const Network *network, const Network *other, const Forward *forward,
                             GError **error)
{
        const NetworkConfig *config;

        for (guint i = 0; (config = joint_rival(network, other, i)); i++)
                if (!check_config_of(other, config, forward, error))
                        return false;
        return true;
}

static bool check_list_of(const Network *other, const GPtrArray *list, const Forward *forward,
                          GError **error)
{
        for (guint i = 0; list && i < list->len; i++) {
                const LedForward *led = list->pdata[i];
                if (led->fault || !forward_overlaps(led->forward, forward))
                        continue;
                g_autofree char *theirs = forward_describe(led->forward);
                return refuse(forward, error, "network %s forwards %s", other->name, theirs);
        }
        return true;
}

/* What is in force, and what is about to be. */
static bool check_in_force_of(const Network *other, const Forward *forward, GError **error)
{
        return check_list_of(other, other->forwards, forward, error) &&
               check_list_of(other, other->claimed_forwards, forward, error);
}

/* Whoever asks for a port is told of every other network that wants it; of those that come up by
 * themselves the first one has it. */
static bool check_networks(Network *network, const Forward *forward, bool is_asked, GError **error)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, network->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Network *other = value;
                if (other == network)
                        continue;
                if (!(is_asked ? check_configs_of(network, other, forward, error)
                               : check_in_force_of(other, forward, error)))
                        return false;
        }
        return true;
}

bool forward_is_dut_side(const Network *network, guint32 address, guint index)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, network->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Network *other = value;
                if ((index != 0 && other->record->index == index) ||
                    (address != 0 && other->config->gateway_ip == address))
                        return true;
        }
        return false;
}

/* Only what could have come to the forward's own addresses is in its way: not what is the
 * loopback's, and not our own servers on gateway addresses. */
static bool check_listeners(Network *network, const Forward *forward, GError **error)
{
        g_autoptr(GArray) found =
                listeners_find(network->host->listeners, forward->protocol, &forward->ports, error);

        for (guint i = 0; found && i < found->len; i++) {
                const Listener *listener = &g_array_index(found, Listener, i);
                if (listener->address >> 24 == IN_LOOPBACKNET ||
                    forward_is_dut_side(network, listener->address, listener->index))
                        continue;
                return refuse(forward, error, "a program of this host listens on port %u",
                              listener->port);
        }
        return found != NULL;
}

bool forward_ports_are_free(Network *network, const Forward *forward, bool is_asked, GError **error)
{
        return check_networks(network, forward, is_asked, error) &&
               check_listeners(network, forward, error);
}
