/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Capture of org.jumpstarter.DutNetwork, and the captures that run. Each ends with its reader, at
 * its limits, or with its network; one that has not begun yet also with its caller. */

#include <errno.h>
#include <unistd.h>

#include "dbus/bus-error.h"
#include "dbus/bus-private.h"
#include "dbus/variant.h"
#include "host/capture.h"
#include "util/error.h"

/* Each is a process, some descriptors, and a buffer in the kernel while it lasts. */
#define MAX_OF_CALLER 8
#define MAX_OF_ALL    32

typedef struct Job {
        Bus *bus;
        Call *call; /* owned; NULL: answered */
        char *caller, *network;
        Capture *capture;
} Job;

static void job_free(gpointer data)
{
        Job *job = data;

        capture_free(job->capture);
        if (job->call)
                call_free(job->call);
        g_free(job->caller);
        g_free(job->network);
        g_free(job);
}

GHashTable *captures_new(void)
{
        return g_hash_table_new_full(NULL, NULL, job_free, NULL);
}

static void fail(Job *job, const GError *cause)
{
        g_autoptr(GError) error = g_error_copy(cause);

        g_prefix_error(&error, "%s: ", job->network);
        call_fail(g_steal_pointer(&job->call), error);
}

static void on_ready(int fd, const GError *error, gpointer data)
{
        Job *job = data;

        if (error) {
                fail(job, error);
                g_hash_table_remove(job->bus->captures, job);
                return;
        }
        call_reply_fd(g_steal_pointer(&job->call), fd);
        close(fd);
}

static void on_ended(gpointer data)
{
        Job *job = data;
        g_hash_table_remove(job->bus->captures, job);
}

void capture_caller_left(Bus *bus, const char *name)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, bus->captures);
        while (g_hash_table_iter_next(&iter, &value, NULL)) {
                const Job *job = value;
                if (job->call && g_strcmp0(job->caller, name) == 0)
                        g_hash_table_iter_remove(&iter);
        }
}

/* Whether packets of @network may still come in that state: a change of settings goes through
 * ACTIVATING, and leaves captures alone. */
static bool goes_on(const Network *network)
{
        switch (network_state(network)) {
        case NETWORK_ACTIVATING:
        case NETWORK_ACTIVE:
        case NETWORK_DEGRADED:
                return true;
        case NETWORK_INACTIVE:
        case NETWORK_WAITING:
        case NETWORK_DEACTIVATING:
        case NETWORK_FAILED:
        case NETWORK_STATE_MAX:
                break;
        }
        return false;
}

void capture_state_changed(Bus *bus, const Network *network)
{
        g_autoptr(GError) error = NULL;
        GHashTableIter iter;
        gpointer value;

        if (goes_on(network))
                return;
        (void)bus_check_up(network, &error); /* it is not */
        g_hash_table_iter_init(&iter, bus->captures);
        while (g_hash_table_iter_next(&iter, &value, NULL)) {
                Job *job = value;
                if (!g_str_equal(job->network, network_name(network)))
                        continue;
                if (!job->call) {
                        capture_end(job->capture);
                        continue;
                }
                fail(job, error);
                g_hash_table_iter_remove(&iter);
        }
}

static bool check_room(Bus *bus, const char *caller, GError **error)
{
        guint n_all = g_hash_table_size(bus->captures), n = 0;
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, bus->captures);
        while (g_hash_table_iter_next(&iter, &value, NULL))
                n += g_strcmp0(((const Job *)value)->caller, caller) == 0;
        if (n < MAX_OF_CALLER && n_all < MAX_OF_ALL)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED,
                    "%u captures run already%s, and not more at a time",
                    n < MAX_OF_CALLER ? n_all : n, n < MAX_OF_CALLER ? "" : " for this caller");
        return false;
}

static bool start(Bus *bus, sd_bus_message *message, const Network *network,
                  const CaptureOptions *options, GError **error)
{
        const char *caller = sd_bus_message_get_sender(message);

        if (!bus_check_up(network, error) || !check_room(bus, caller, error))
                return false;
        Job *job = g_new0(Job, 1);
        job->capture = capture_new(options, network_interface(network), CAPTURE_PRELOAD, on_ready,
                                   on_ended, job, error);
        if (!job->capture) {
                job_free(job);
                return false;
        }
        job->bus = bus;
        job->caller = g_strdup(caller);
        job->network = g_strdup(network_name(network));
        job->call = call_new(bus, message);
        g_hash_table_add(bus->captures, job);
        return true;
}

static int read_options(Bus *bus, sd_bus_message *message, Network **ret_network,
                        CaptureOptions **ret_options, sd_bus_error *error)
{
        g_autoptr(Value) map = NULL;
        g_autoptr(GError) cause = NULL;
        Network *network = bus_message_network(bus, message, error);

        if (!network)
                return -ENOENT;
        int r = variant_read_map(message, &map, &cause);
        if (r < 0)
                return cause ? bus_error_set(error, cause) : r;
        CaptureOptions *options =
                capture_options_from_value(map, &network_config(network)->subnet, &cause);
        if (!options)
                return bus_error_set(error, cause);
        *ret_network = network;
        *ret_options = options;
        return 1;
}

static int authorize(Bus *bus, sd_bus_message *message, const Network *network, sd_bus_error *error)
{
        const AuthorityObject object = {
                .root_alone = network_config(network)->enable_tcpdump
                                      ? NULL
                                      : "enable_tcpdump is false, so only root may",
        };
        return bus_authorize(bus, message, network, object, method_capture, error);
}

int method_capture(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        g_autoptr(CaptureOptions) options = NULL;
        g_autoptr(GError) cause = NULL;
        Network *network = NULL;

        int r = read_options(bus, message, &network, &options, error);
        if (r < 0)
                return r;
        r = authorize(bus, message, network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        if (start(bus, message, network, options, &cause))
                return 1;
        g_prefix_error(&cause, "%s: ", network_name(network));
        return bus_error_set(error, cause);
}
