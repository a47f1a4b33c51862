/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Connect of org.jumpstarter.DutNetwork, and the connections that are being made for it. Each ends
 * by itself, with its caller, or with its network; what the caller has got is its own. */

#include <errno.h>
#include <unistd.h>

#include "dbus/bus-error.h"
#include "dbus/bus-private.h"
#include "host/tcp-connect.h"
#include "util/error.h"

/* A board that boots is asked for again by its caller; one that is up answers in milliseconds. */
#define LIMIT_MS 10000
/* Each is a descriptor of ours while it lasts. */
#define MAX_OF_CALLER 64
#define MAX_OF_ALL    512

typedef struct Attempt {
        Call *call; /* owned; NULL: answered */
        char *network;
        TcpConnect *tcp;
} Attempt;

/* What a message asks for. */
typedef struct Target {
        Network *network;
        guint32 address;
        guint16 port;
} Target;

static void attempt_free(gpointer data)
{
        Attempt *attempt = data;

        tcp_connect_free(attempt->tcp);
        if (attempt->call)
                call_free(attempt->call);
        g_free(attempt->network);
        g_free(attempt);
}

GHashTable *connect_attempts_new(void)
{
        return g_hash_table_new_full(NULL, NULL, attempt_free, NULL);
}

static void fail(Attempt *attempt, const GError *cause)
{
        g_autoptr(GError) error = g_error_copy(cause);

        g_prefix_error(&error, "%s: ", attempt->network);
        call_fail(g_steal_pointer(&attempt->call), error);
}

static void on_done(int fd, const GError *error, gpointer data)
{
        Attempt *attempt = data;
        Bus *bus = attempt->call->bus;

        if (error) {
                fail(attempt, error);
        } else {
                call_reply_fd(g_steal_pointer(&attempt->call), fd);
                close(fd);
        }
        g_hash_table_remove(bus->connecting, attempt);
}

static const char *caller_of(const Attempt *attempt)
{
        return sd_bus_message_get_sender(attempt->call->message);
}

void connect_caller_left(Bus *bus, const char *name)
{
        GHashTableIter iter;
        gpointer attempt;

        g_hash_table_iter_init(&iter, bus->connecting);
        while (g_hash_table_iter_next(&iter, &attempt, NULL))
                if (g_strcmp0(caller_of(attempt), name) == 0)
                        g_hash_table_iter_remove(&iter);
}

void connect_state_changed(Bus *bus, const Network *network)
{
        g_autoptr(GError) error = NULL;
        GHashTableIter iter;
        gpointer value;

        if (bus_check_up(network, &error))
                return;
        g_hash_table_iter_init(&iter, bus->connecting);
        while (g_hash_table_iter_next(&iter, &value, NULL)) {
                Attempt *attempt = value;
                if (!g_str_equal(attempt->network, network_name(network)))
                        continue;
                fail(attempt, error);
                g_hash_table_iter_remove(&iter);
        }
}

static bool check_room(Bus *bus, sd_bus_message *message, GError **error)
{
        guint n_all = g_hash_table_size(bus->connecting), n = 0;
        const char *caller = sd_bus_message_get_sender(message);
        GHashTableIter iter;
        gpointer attempt;

        g_hash_table_iter_init(&iter, bus->connecting);
        while (g_hash_table_iter_next(&iter, &attempt, NULL))
                n += g_strcmp0(caller_of(attempt), caller) == 0;
        if (n < MAX_OF_CALLER && n_all < MAX_OF_ALL)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED,
                    "%u connections are being made already%s, and not more at a time",
                    n < MAX_OF_CALLER ? n_all : n, n < MAX_OF_CALLER ? "" : " for this caller");
        return false;
}

static bool start(Bus *bus, sd_bus_message *message, const Target *target, GError **error)
{
        const TcpRoute route = {
                .interface = network_interface(target->network),
                .source = network_config(target->network)->gateway_ip,
                .address = target->address,
                .port = target->port,
        };

        if (!bus_check_up(target->network, error) || !check_room(bus, message, error))
                return false;
        Attempt *attempt = g_new0(Attempt, 1);
        attempt->tcp = tcp_connect_new(&route, LIMIT_MS, on_done, attempt, error);
        if (!attempt->tcp) {
                attempt_free(attempt);
                return false;
        }
        attempt->network = g_strdup(network_name(target->network));
        attempt->call = call_new(bus, message);
        g_hash_table_add(bus->connecting, attempt);
        return true;
}

static int read_target(Bus *bus, sd_bus_message *message, Target *ret_target, sd_bus_error *error)
{
        g_autoptr(GError) cause = NULL;
        const char *address;
        Target target = { 0 };

        int r = sd_bus_message_read(message, "sq", &address, &target.port);
        if (r < 0)
                return r;
        if (target.port == 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                        "port: 0 is not a port that can be connected to");
        target.network = bus_message_network(bus, message, error);
        if (!target.network)
                return -ENOENT;
        if (!network_find_address(target.network, address, &target.address, &cause))
                return bus_error_set(error, cause);
        *ret_target = target;
        return 1;
}

static int authorize(Bus *bus, sd_bus_message *message, const Target *target, sd_bus_error *error)
{
        g_autofree char *address = address_to_string(target->address);
        g_autofree char *port = g_strdup_printf("%u", target->port);

        return bus_authorize(bus, message, target->network,
                             (AuthorityObject){ .address = address, .port = port }, method_connect,
                             error);
}

int method_connect(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        g_autoptr(GError) cause = NULL;
        Target target = { 0 };

        int r = read_target(bus, message, &target, error);
        if (r < 0)
                return r;
        r = authorize(bus, message, &target, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        if (start(bus, message, &target, &cause))
                return 1;
        g_prefix_error(&cause, "%s: ", network_name(target.network));
        return bus_error_set(error, cause);
}
