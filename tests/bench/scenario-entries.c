/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Calls are made one after the other: none shares its write of dnsmasq's files with another. The
 * entry is a new one each time, and is taken away again, so a network keeps its size. */

#include <string.h>

#include "bench/bench.h"
#include "bench/caller.h"
#include "bench/program.h"
#include "bench/report.h"
#include "bench/scenarios.h"

#define ROUNDS         400
#define N_MAPPINGS     1000
#define SETTLE_SEC     1
#define DNSMASQ_PID    "/var/lib/jumpstarter/dut-network-" PLAN_FREE_NIC "/dnsmasq.pid"
#define BYTES_PER_MB   1e6
#define WANTED_ADD_MS  0.7
#define WANTED_ADD_AT  1000
#define WANTED_PSS_MB  12
#define WANTED_STARTED 0

typedef struct EntryTimes {
        Samples *add_address, *remove_address, *add_dns, *remove_dns;
} EntryTimes;

static EntryTimes entry_times_new(void)
{
        return (EntryTimes){ samples_new(), samples_new(), samples_new(), samples_new() };
}

static void entry_times_clear(EntryTimes *times)
{
        samples_free(times->add_address);
        samples_free(times->remove_address);
        samples_free(times->add_dns);
        samples_free(times->remove_dns);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(EntryTimes, entry_times_clear)

static void measure_round(sd_bus *caller, const char *path, const PlanEntry *entry, bool one_to_one,
                          EntryTimes *times)
{
        gint64 start = clock_now();
        call_add_address(caller, path, entry, one_to_one);
        samples_add_since(times->add_address, start);

        start = clock_now();
        call_add_dns_entry(caller, path, entry);
        samples_add_since(times->add_dns, start);

        start = clock_now();
        call_remove_address(caller, path, entry);
        samples_add_since(times->remove_address, start);

        start = clock_now();
        call_remove_dns_entry(caller, path, entry);
        samples_add_since(times->remove_dns, start);
}

static void measure(sd_bus *caller, const NetworkSpec *spec, EntryTimes *times)
{
        g_autofree char *path = network_path(spec->interface);

        for (guint i = 0; i < ROUNDS; i++) {
                PlanEntry entry = plan_entry(spec->n_entries + i);
                measure_round(caller, path, &entry, spec->one_to_one, times);
        }
}

/* As root: with what is wanted of AddAddress, where anything is. */
static void report_entries(const char *who, const EntryTimes *times, double wanted_ms)
{
        g_autofree char *add = g_strdup_printf("AddAddress, %s", who);
        g_autofree char *remove = g_strdup_printf("RemoveAddress, %s", who);
        g_autofree char *add_dns = g_strdup_printf("AddDnsEntry, %s", who);
        g_autofree char *remove_dns = g_strdup_printf("RemoveDnsEntry, %s", who);

        if (wanted_ms > 0)
                report_times_wanted(add, times->add_address, wanted_ms);
        else
                report_times(add, times->add_address);
        report_times(remove, times->remove_address);
        report_times(add_dns, times->add_dns);
        report_times(remove_dns, times->remove_dns);
}

/* What the calls have started, per call. */
static double measure_started(Bench *bench, const NetworkSpec *spec, EntryTimes *times)
{
        g_autoptr(Offspring) before = offspring_of(call_pid_of(bench->root, SERVICE_NAME));

        measure(bench->root, spec, times);
        return (double)offspring_since(before) / (4 * ROUNDS);
}

static void report_memory(Bench *bench, const char *when)
{
        g_autofree char *daemon = g_strdup_printf("dut-networkd, %s", when);
        g_autofree char *dnsmasq = g_strdup_printf("dnsmasq, %s", when);
        pid_t service = call_pid_of(bench->root, SERVICE_NAME);

        report_value_wanted(daemon, (double)process_pss(service) / BYTES_PER_MB, "MB PSS",
                            WANTED_PSS_MB);
        report_value(dnsmasq, (double)process_pss(process_of_pidfile(DNSMASQ_PID)) / BYTES_PER_MB,
                     "MB PSS");
}

static void measure_size(Bench *bench, guint n_entries)
{
        const NetworkSpec spec = { .interface = PLAN_FREE_NIC, .n_entries = n_entries };
        g_autofree char *title = g_strdup_printf("With %u entries, ms", n_entries);
        g_autofree char *size = g_strdup_printf("a network with %u entries", n_entries);
        g_auto(EntryTimes) root = entry_times_new();
        g_auto(EntryTimes) user = entry_times_new();
        g_autoptr(Samples) creation = samples_new();

        gint64 start = clock_now();
        call_create_network(bench->root, &spec);
        samples_add_since(creation, start);
        g_usleep(SETTLE_SEC * G_USEC_PER_SEC);
        double started = measure_started(bench, &spec, &root);
        measure(bench->user, &spec, &user);

        report_begin_times(title);
        report_entries("root", &root, n_entries == WANTED_ADD_AT ? WANTED_ADD_MS : 0);
        report_entries("a user by polkit", &user, 0);
        report_times("CreateNetwork with them all", creation);
        report_begin_values("Processes and memory");
        report_value_wanted("processes started per call", started, "", WANTED_STARTED);
        report_memory(bench, size);
        call_remove_network(bench->root, spec.interface);
}

void scenario_entries(Bench *bench)
{
        static const guint sizes[] = { 10, 1000, 10000 };

        for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
                measure_size(bench, sizes[i]);
}

void scenario_mappings(Bench *bench)
{
        const NetworkSpec spec = { .interface = PLAN_FREE_NIC,
                                   .n_entries = N_MAPPINGS,
                                   .one_to_one = true };
        g_auto(EntryTimes) times = entry_times_new();

        call_create_network(bench->root, &spec);
        g_usleep(SETTLE_SEC * G_USEC_PER_SEC);
        measure(bench->root, &spec, &times);
        report_begin_times("1to1 with 1000 mappings, ms");
        report_times("AddAddress with public_ip, root", times.add_address);
        report_times("RemoveAddress, root", times.remove_address);
        call_remove_network(bench->root, spec.interface);
}
