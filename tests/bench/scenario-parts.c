/* SPDX-License-Identifier: GPL-2.0-or-later */

/* In the same run and in turns, so that a slow moment of the machine shows in all of them. */

#include "bench/caller.h"
#include "bench/report.h"
#include "bench/scenarios.h"

#define ROUNDS 500

void scenario_parts(Bench *bench)
{
        g_autoptr(Samples) daemon = samples_new();
        g_autoptr(Samples) service = samples_new();
        g_autoptr(Samples) polkit = samples_new();

        for (guint i = 0; i < ROUNDS; i++) {
                gint64 start = clock_now();
                call_bus_daemon(bench->root);
                samples_add_since(daemon, start);

                start = clock_now();
                call_ping_service(bench->root);
                samples_add_since(service, start);

                start = clock_now();
                (void)call_polkit(bench->root, bench->user, PLAN_FREE_NIC); /* known to be yes */
                samples_add_since(polkit, start);
        }
        report_begin_times("The parts alone, ms");
        report_times("D-Bus: a question to the bus daemon", daemon);
        report_times("D-Bus: Ping to the service", service);
        report_times("polkit: an answer", polkit);
}
