/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Time for the network: its chronyd, which serves the host's clock, and the look at whether that is
 * right. The undo finds what an earlier life has started by its note, and so needs nothing of the
 * journal. */

#include "network/network-private.h"

#include "host/clock.h"
#include "model/chrony-conf.h"

/* How often the clock is looked at, since nobody tells when it is not kept right any more. The
 * kernel itself takes hours to notice; a clock that has just been set is to be served soon. */
#define LOOK_SEC 16

static bool vouches(const Network *network)
{
        return network->config->local_ntp.unsynchronised || clock_is_synchronised();
}

static void done(const GError *error, gpointer data)
{
        step_done(data, error ? g_error_copy(error) : NULL);
}

static void ended(const char *reason, gpointer data)
{
        Network *network = data;

        if (network_is_up(network)) {
                g_autofree char *text = g_strdup_printf("time: %s", reason);
                network_set_state(network, NETWORK_DEGRADED, text);
        }
        operations_refresh(network, CONFIG_CHANGE_TIME);
}

static gboolean look(gpointer data)
{
        Network *network = data;

        if (vouches(network) != network->vouches)
                operations_refresh(network, CONFIG_CHANGE_TIME);
        return G_SOURCE_CONTINUE;
}

static void make_chrony(Network *network)
{
        if (!network->chrony)
                network->chrony = chrony_new(network->name, network->host->run_dir, ended, network);
}

static void start_chrony(Network *network)
{
        const NetworkConfig *config = network->config;

        network->vouches = vouches(network);
        const ChronyFacts facts = {
                .interface = network->interface,
                .pid_file = chrony_pid_file(network->chrony),
                .vouches = network->vouches,
        };
        chrony_start(network->chrony, chrony_conf_text(config, &facts), config->gateway_ip,
                     CHRONY_PORT, done, network);
}

void time_start(Network *network)
{
        const LocalNtp *ntp = &network->config->local_ntp;

        if (!ntp->enabled) {
                time_undo(network);
                return;
        }
        make_chrony(network);
        time_forget_clock(network);
        if (!ntp->unsynchronised)
                network->look_id = g_timeout_add_seconds(LOOK_SEC, look, network);
        start_chrony(network);
}

void time_undo(Network *network)
{
        make_chrony(network);
        time_forget_clock(network);
        chrony_stop(network->chrony, done, network);
}

void time_forget_clock(Network *network)
{
        g_clear_handle_id(&network->look_id, g_source_remove);
}

void network_get_ntp(const Network *network, NetworkNtp *ret_ntp)
{
        bool is_running = network->chrony && chrony_is_running(network->chrony);

        *ret_ntp = (NetworkNtp){
                .enabled = network->config->local_ntp.enabled,
                .running = is_running,
                .stratum = is_running && network->vouches ? CHRONY_STRATUM : 0,
                .synchronised = clock_is_synchronised(),
        };
}
