/* SPDX-License-Identifier: GPL-2.0-or-later */

/* DHCP and DNS for the network: dnsmasq's files and its process, and the watch on its leases. */

#include "network/network-private.h"

#include "model/dnsmasq-conf.h"
#include "model/twin.h"
#include "network/names-table.h"
#include "util/file.h"
#include "util/log.h"

#define DNS_PORT 53
#define LEASES   "dnsmasq.leases"

/* systemd-resolved's list of the LAN's servers where it runs: /etc/resolv.conf names its own
 * address on the loopback then, and an upstream that moves would be seen a hop late. */
#define RESOLVED_FILE "/run/systemd/resolve/resolv.conf"
#define RESOLV_FILE   "/etc/resolv.conf"

static const char *resolv_file(void)
{
        return g_file_test(RESOLVED_FILE, G_FILE_TEST_EXISTS) ? RESOLVED_FILE : RESOLV_FILE;
}

static bool write_files(Network *network, GError **error)
{
        const NetworkConfig *config = network->config;
        guint twin = network->record->twin;
        g_autoptr(GArray) taken = leases_taken_addresses(network);
        DnsmasqFacts facts = {
                .interface = network->interface,
                .index = network->record->index,
                .state_dir = config->state_dir,
                .table = network->record->table,
                .dns_port = twin ? twin_dns_port(twin) : DNS_PORT,
                .is_twin = twin != 0,
                .resolv_file = resolv_file(),
        };
        g_autofree char *conf = dnsmasq_conf_text(config, &facts);
        g_autofree char *hosts = dnsmasq_hosts_text(config->entries, taken);
        g_autofree char *names = dnsmasq_dns_text(config->entries);

        return names_table_follow_entries(network, error) &&
               dnsmasq_write(network->dnsmasq, conf, hosts, names, error);
}

static void ended(Dnsmasq *dnsmasq, const char *reason, gpointer data)
{
        Network *network = data;

        if (network_is_up(network)) {
                g_autofree char *text = g_strdup_printf("dnsmasq: %s", reason);
                network_set_state(network, NETWORK_DEGRADED, text);
        }
        operations_refresh(network, CONFIG_CHANGE_DNSMASQ);
}

static void started(const GError *error, gpointer data)
{
        step_done(data, error ? g_error_copy(error) : NULL);
}

/* One that runs on with the same dnsmasq.conf has yet to read the other files. */
static void reloaded(const GError *error, gpointer data)
{
        Network *network = data;

        if (!error)
                dnsmasq_reload(network->dnsmasq);
        started(error, network);
}

static void make_dnsmasq(Network *network, const char *state_dir)
{
        g_clear_pointer(&network->dnsmasq, dnsmasq_free);
        network->dnsmasq =
                dnsmasq_new(network->name, state_dir, network->host->file_watches, ended, network);
}

/* From now on dnsmasq is in the state directory of the configuration; the journal knows that, and
 * where it was, before it is. */
static bool settle(Network *network, GError **error)
{
        Record *record = network->record;
        g_autofree char *before = record->state_dir;

        record->state_dir = g_strdup(network->config->state_dir);
        if (before) {
                g_free(record->moving_from);
                record->moving_from = g_strdup(before);
        }
        if (network_save_record(network, error))
                return true;
        g_free(record->state_dir);
        record->state_dir = g_steal_pointer(&before);
        return false;
}

static void begin(Network *network)
{
        GError *error = NULL;

        if (!network->dnsmasq)
                make_dnsmasq(network, network->config->state_dir);
        if (!network->is_moving)
                network_end_move(network); /* of an earlier life, or while the network was down */
        if (!write_files(network, &error) || !leases_watch(network, &error) ||
            !leases_watch_boards(network, &error)) {
                step_done(network, error);
                return;
        }
        leases_look(network);
        dnsmasq_set_preload(network->dnsmasq, DNSMASQ_PRELOAD, network->record->index);
        bool was_running = dnsmasq_is_running(network->dnsmasq);
        dnsmasq_start(network->dnsmasq, was_running ? reloaded : started, network);
}

/* The state directory moved: the leases are on disk in the new one before the old files go. */
static void leases_moved(const GError *error, gpointer data)
{
        Network *network = data;
        GError *result = error ? g_error_copy(error) : NULL;

        if (!result && settle(network, &result) &&
            dnsmasq_remove_files(dnsmasq_state_dir(network->dnsmasq), &result)) {
                make_dnsmasq(network, network->config->state_dir);
                begin(network);
                return;
        }
        step_done(network, result);
}

static void stopped_to_move(const GError *error, gpointer data)
{
        Network *network = data;
        g_autofree char *from = g_build_filename(dnsmasq_state_dir(network->dnsmasq), LEASES, NULL);
        g_autofree char *to = g_build_filename(network->config->state_dir, LEASES, NULL);
        g_autoptr(GError) unread = NULL;

        if (error || !g_file_test(from, G_FILE_TEST_EXISTS)) {
                leases_moved(error, network);
                return;
        }
        char *text = file_read(from, G_MAXUINT32, NULL, &unread);
        if (text)
                file_sync_replace(network->host->disk, to, text, leases_moved, network);
        else
                leases_moved(unread, network);
}

void dnsmasq_step_start(Network *network)
{
        const char *from = network->record->state_dir;
        const char *to = network->config->state_dir;
        GError *error = NULL;

        if (from && !g_str_equal(from, to)) {
                if (!network->dnsmasq || !g_str_equal(dnsmasq_state_dir(network->dnsmasq), from))
                        make_dnsmasq(network, from);
                dnsmasq_stop(network->dnsmasq, stopped_to_move, network);
        } else if (from || settle(network, &error)) {
                begin(network);
        } else {
                step_done(network, error);
        }
}

static void stopped(const GError *error, gpointer data)
{
        Network *network = data;
        GError *result = error ? g_error_copy(error) : NULL;

        leases_unwatch(network);
        step_done(network, result);
}

void dnsmasq_step_undo(Network *network)
{
        const char *state_dir = network->record->state_dir;

        if (!network->dnsmasq)
                make_dnsmasq(network, state_dir ? state_dir : network->config->state_dir);
        dnsmasq_stop(network->dnsmasq, stopped, network);
}
