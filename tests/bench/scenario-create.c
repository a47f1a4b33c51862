/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The time to a network, each time from nothing: on a NIC that is free, the service not running,
 * and on a NIC that NetworkManager holds. */

#include "bench/coming.h"
#include "bench/network-manager.h"
#include "bench/program.h"
#include "bench/report.h"
#include "bench/scenarios.h"

#define ROUNDS            30
#define HAND_OVER_ROUNDS  20
#define ACTIVATION_ROUNDS 10

/* NetworkManager goes on working after it has told a state. */
#define SETTLE_MS 300

#define WANTED_REPLY_MS 15
#define WANTED_OFFER_MS 20

/* Without a DHCP client: its thread would be counted. */
static void report_started(Bench *bench)
{
        const NetworkSpec spec = { .interface = PLAN_FREE_NIC };
        g_autoptr(Offspring) before = offspring_of(call_pid_of(bench->root, SERVICE_NAME));

        call_create_network(bench->root, &spec);
        guint64 started = offspring_since(before);
        call_remove_network(bench->root, spec.interface);
        report_begin_values("Processes");
        report_value("started by CreateNetwork (dnsmasq is one)", (double)started, "");
}

void scenario_create(Bench *bench)
{
        g_autoptr(DhcpClient) client = dhcp_client_new(bench->board);
        g_auto(Comings) comings = comings_new();

        call_ping_service(bench->root); /* it runs */
        for (guint i = 0; i < ROUNDS; i++) {
                Coming coming = coming_measure(bench->root, PLAN_FREE_NIC, client);
                comings_add(&comings, &coming, 0);
        }
        report_begin_times("A NIC that NetworkManager does not hold, ms");
        report_times_wanted("CreateNetwork to its reply", comings.reply, WANTED_REPLY_MS);
        report_times_wanted("CreateNetwork to first DHCP offer", comings.offer, WANTED_OFFER_MS);
        report_times("RemoveNetwork", comings.removal);
        report_started(bench);
}

void scenario_activation(Bench *bench)
{
        g_autoptr(DhcpClient) client = dhcp_client_new(bench->board);
        g_auto(Comings) comings = comings_new();

        for (guint i = 0; i < ACTIVATION_ROUNDS; i++) {
                program_run("systemctl stop dut-networkd.service");
                Coming coming = coming_measure(bench->root, PLAN_FREE_NIC, client);
                comings_add(&comings, &coming, 0);
        }
        report_begin_times("The same, and the call starts the service, ms");
        report_times("CreateNetwork to its reply", comings.reply);
        report_times("CreateNetwork to first DHCP offer", comings.offer);
}

/* NetworkManager's part is measured in each round, right before, on a NIC that is the other's
 * equal. */
void scenario_hand_over(Bench *bench)
{
        Board *board = board_new(PLAN_HELD_NIC), *equal_board = board_new(PLAN_EQUAL_NIC);
        g_autoptr(HeldDevice) held = held_device_new(PLAN_HELD_NIC);
        g_autoptr(HeldDevice) equal = held_device_new(PLAN_EQUAL_NIC);
        g_autoptr(DhcpClient) client = dhcp_client_new(board);
        g_autoptr(Samples) alone = samples_new();
        g_auto(Comings) whole = comings_new();
        g_auto(Comings) own = comings_new();

        for (guint i = 0; i < HAND_OVER_ROUNDS; i++) {
                held_device_wait_held(held);
                held_device_wait_held(equal);
                g_usleep(SETTLE_MS * 1000);
                gint64 start = clock_now();
                held_device_release(equal);
                gint64 alone_ns = clock_now() - start;
                samples_add(alone, alone_ns);

                Coming coming = coming_measure(bench->root, PLAN_HELD_NIC, client);
                comings_add(&whole, &coming, 0);
                comings_add(&own, &coming, alone_ns);
                held_device_give_back(equal);
        }
        report_begin_times("A NIC that NetworkManager holds, ms");
        report_times("CreateNetwork to its reply", whole.reply);
        report_times("CreateNetwork to first DHCP offer", whole.offer);
        report_times("NetworkManager alone: Managed=false until unmanaged", alone);
        report_times_wanted("our own time to the reply: the difference", own.reply,
                            WANTED_REPLY_MS);
        report_times_wanted("our own time to the offer: the difference", own.offer,
                            WANTED_OFFER_MS);
        report_times("RemoveNetwork, with all given back", whole.removal);
        board_free(board);
        board_free(equal_board);
}
