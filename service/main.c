/* SPDX-License-Identifier: GPL-2.0-or-later */

/* dut-networkd: arguments, log, loop; and when it leaves: on SIGTERM, when the bus is gone, and
 * when there has been no network and no call for a while. Networks stay up on the host without it.
 */

#include <glib-unix.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "dbus/bus.h"
#include "host/privileges.h"
#include "network/host.h"
#include "network/manager.h"
#include "util/log.h"

#define LARGE_TEXT   (256 * 1024)
#define SERVICE_USER "dut-network"
#define RUN_DIR      "/run/jumpstarter"
#define LIB_DIR      "/var/lib/jumpstarter"
/* The unit is started again at once: without the bus, say, that must not become a storm. */
#define FAILED_START_PAUSE_USEC (100 * G_TIME_SPAN_MILLISECOND)

static const char *const config_dirs[] = {
        "/etc/jumpstarter/dut-network.d",
        "/run/jumpstarter/dut-network.d",
        "/usr/lib/jumpstarter/dut-network.d",
        NULL,
};

static gboolean arg_debug;
static gboolean arg_no_table_owner;
static gboolean arg_version;
static int arg_idle_timeout_sec = 30;

static const GOptionEntry options[] = {
        { "no-table-owner", 0, 0, G_OPTION_ARG_NONE, &arg_no_table_owner,
          "Make nftables tables without the owner and persist flags", NULL },
        { "idle-timeout", 0, 0, G_OPTION_ARG_INT, &arg_idle_timeout_sec,
          "Leave after so long without a network and a call; 0: never", "SECONDS" },
        { "debug", 0, 0, G_OPTION_ARG_NONE, &arg_debug, "Log debug lines as well", NULL },
        { "version", 0, 0, G_OPTION_ARG_NONE, &arg_version, "Print the version", NULL },
        { NULL },
};

typedef struct Service {
        GMainLoop *loop;
        Host *host;
        Bus *bus;
        Manager *manager;
        int status;
} Service;

static void bus_ready(gpointer data)
{
        (void)sd_notify(0, "READY=1"); /* nobody listens without systemd */
}

static void bus_left(gpointer data)
{
        Service *service = data;
        log_info("no network and no call for %d s: leaving", arg_idle_timeout_sec);
        g_main_loop_quit(service->loop);
}

static void bus_lost(gpointer data)
{
        Service *service = data;
        service->status = EXIT_FAILURE;
        g_main_loop_quit(service->loop);
}

static const BusEvents bus_events = {
        .ready = bus_ready,
        .left = bus_left,
        .lost = bus_lost,
};

static gboolean terminate(gpointer data)
{
        Service *service = data;
        g_main_loop_quit(service->loop);
        return G_SOURCE_CONTINUE;
}

static void reloaded(const GPtrArray *networks, const GError *error, gpointer data)
{
        if (error)
                log_warning("reload: %s", error->message);
        (void)sd_notify(0, "READY=1"); /* nobody listens without systemd */
}

static gboolean reload(gpointer data)
{
        Service *service = data;

        (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT,
                         g_get_monotonic_time());
        manager_reload(service->manager, reloaded, service);
        return G_SOURCE_CONTINUE;
}

static gboolean leave_if_idle(gpointer data)
{
        Service *service = data;
        gint64 quiet_usec = g_get_monotonic_time() - bus_last_call_usec(service->bus);

        if (manager_is_idle(service->manager) && bus_n_pending(service->bus) == 0 &&
            quiet_usec >= arg_idle_timeout_sec * G_USEC_PER_SEC)
                bus_leave(service->bus);
        return G_SOURCE_CONTINUE;
}

static gboolean feed_watchdog(gpointer data)
{
        (void)sd_notify(0, "WATCHDOG=1"); /* nobody listens without systemd */
        return G_SOURCE_CONTINUE;
}

static void add_sources(Service *service)
{
        uint64_t watchdog_usec;

        (void)signal(SIGPIPE, SIG_IGN); /* a capture's reader may go; cannot fail */
        g_unix_signal_add(SIGTERM, terminate, service);
        g_unix_signal_add(SIGINT, terminate, service);
        g_unix_signal_add(SIGHUP, reload, service);
        if (arg_idle_timeout_sec >
            0) /* looked at twice in the time, so it is late by half at most */
                g_timeout_add((guint)arg_idle_timeout_sec * 500, leave_if_idle, service);
        if (sd_watchdog_enabled(0, &watchdog_usec) > 0)
                g_timeout_add((guint)(watchdog_usec / 2000), feed_watchdog, service);
}

static bool start(Service *service, GError **error)
{
        service->host = host_new(RUN_DIR, LIB_DIR, !arg_no_table_owner, error);
        if (!service->host)
                return false;
        service->bus = bus_new(&bus_events, service, error);
        if (!service->bus)
                return false;
        service->manager =
                manager_new(service->host, config_dirs, bus_manager_events(), service->bus, error);
        if (!service->manager)
                return false;
        manager_load(service->manager);
        return bus_publish(service->bus, service->manager, service->host, error);
}

/* In the middle of an operation nothing is freed: callbacks still point everywhere. The next start
 * finds in the journal how far it had come. */
static void stop(Service *service)
{
        if (service->manager && manager_is_busy(service->manager)) {
                log_notice(
                        "leaving in the middle of an operation; the next start goes on from there");
                return;
        }
        manager_free(service->manager);
        bus_free(service->bus);
        host_free(service->host);
        g_main_loop_unref(service->loop);
}

static bool parse_arguments(int argc, char **argv, GError **error)
{
        g_autoptr(GOptionContext) context = g_option_context_new(NULL);

        g_option_context_set_summary(context, "Networks for devices under test, on the system bus");
        g_option_context_add_main_entries(context, options, NULL);
        if (!g_option_context_parse(context, &argc, &argv, error))
                return false;
        if (argc > 1)
                g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "no argument like %s",
                            argv[1]);
        else if (arg_idle_timeout_sec < 0)
                g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                            "--idle-timeout cannot be negative");
        else
                return true;
        return false;
}

int main(int argc, char **argv)
{
        static const char *const directories[] = { RUN_DIR, LIB_DIR, NULL };
        g_autoptr(GError) error = NULL;
        Service service = { .status = EXIT_SUCCESS };

        setlocale(LC_ALL, "");
        if (!parse_arguments(argc, argv, &error)) {
                fprintf(stderr, "dut-networkd: %s\n", error->message);
                return 2;
        }
        if (arg_version) {
                puts("dut-networkd " PROJECT_VERSION);
                return EXIT_SUCCESS;
        }
        log_init(arg_debug);
        /* Fixed, or malloc(3) learns to keep the large texts that a change of thousands of entries
         * makes for a moment. Refused: a little more memory. */
        (void)mallopt(M_MMAP_THRESHOLD, LARGE_TEXT);
        if (!privileges_drop(SERVICE_USER, directories, &error)) {
                log_error("%s", error->message);
                return EXIT_FAILURE;
        }

        service.loop = g_main_loop_new(NULL, FALSE);
        if (start(&service, &error)) {
                add_sources(&service);
                g_main_loop_run(service.loop);
                (void)sd_notify(0, "STOPPING=1"); /* nobody listens without systemd */
        } else {
                log_error("%s", error->message);
                g_usleep(FAILED_START_PAUSE_USEC); /* nobody is served in here */
                service.status = EXIT_FAILURE;
        }
        stop(&service);
        return service.status;
}
