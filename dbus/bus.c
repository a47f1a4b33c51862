/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The connection to the system bus, the name, and which objects there are. One vtable for the
 * manager and one fallback vtable for all networks: which networks there are is asked of the
 * manager each time, so the bus never shows one that is gone. */

#include "dbus/bus.h"

#include <errno.h>
#include <string.h>

#include "dbus/bus-error.h"
#include "dbus/bus-private.h"
#include "dbus/bus-source.h"
#include "dbus/variant.h"
#include "util/error.h"
#include "util/log.h"

/* RequestName's answers that make the name ours (D-Bus specification). */
#define NAME_PRIMARY_OWNER 1
#define NAME_ALREADY_OWNER 4

static bool fail(GError **error, const char *attempt, int r)
{
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "cannot %s: %s", attempt,
                    g_strerror(-r));
        return false;
}

/* Objects */

char *bus_network_path(const char *interface)
{
        char *path;
        int r = sd_bus_path_encode(BUS_PATH, interface, &path);
        if (r < 0)
                g_error("cannot encode %s: %s", interface, g_strerror(-r));
        return path;
}

char *bus_network_interface(const Bus *bus, const Network *network)
{
        const char *interface = network_interface(network);

        return *interface ? g_strdup(interface)
                          : network_config_interface(bus->host, network_config(network));
}

static Network *find_by_path(Bus *bus, const char *path)
{
        g_autofree char *name = NULL;

        if (sd_bus_path_decode(path, BUS_PATH, &name) <= 0)
                return NULL;
        return manager_find(bus->manager, name);
}

Network *bus_message_network(Bus *bus, sd_bus_message *message, sd_bus_error *error)
{
        const char *path = sd_bus_message_get_path(message);
        Network *network = find_by_path(bus, path);

        if (!network)
                (void)sd_bus_error_setf(error, bus_error_name(SERVICE_ERROR_NO_SUCH_NETWORK),
                                        "%s: no such network", path);
        return network;
}

int bus_authorize(Bus *bus, sd_bus_message *message, const Network *network, AuthorityObject object,
                  sd_bus_message_handler_t again, sd_bus_error *error)
{
        g_autofree char *interface = bus_network_interface(bus, network);
        g_autofree char *subnet = subnet_to_string(&network_config(network)->subnet);

        object.interface = interface;
        object.subnet = subnet;
        object.owner = network_config(network)->owner;
        return authority_check(bus->authority, message, &object, 1, again, bus, error);
}

bool bus_check_up(const Network *network, GError **error)
{
        NetworkState state = network_state(network);

        if (state == NETWORK_ACTIVE || state == NETWORK_DEGRADED)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_UNREACHABLE, "the network is not up: %s",
                    network_state_to_string(state));
        return false;
}

static int find_network(sd_bus *connection, const char *path, const char *interface, void *userdata,
                        void **ret_found, sd_bus_error *error)
{
        Bus *bus = userdata;

        if (!find_by_path(bus, path))
                return 0;
        *ret_found = bus;
        return 1;
}

/* sd-bus takes no plain vtable where there is a fallback one. */
static int find_manager(sd_bus *connection, const char *path, const char *interface, void *userdata,
                        void **ret_found, sd_bus_error *error)
{
        if (!g_str_equal(path, BUS_PATH))
                return 0;
        *ret_found = userdata;
        return 1;
}

static int list_networks(sd_bus *connection, const char *prefix, void *userdata, char ***ret_nodes,
                         sd_bus_error *error)
{
        Bus *bus = userdata;
        g_autoptr(GPtrArray) networks = manager_list(bus->manager);
        char **nodes = g_new0(char *, networks->len + 1);

        for (guint i = 0; i < networks->len; i++)
                nodes[i] = bus_network_path(network_name(networks->pdata[i]));
        *ret_nodes = nodes;
        return 0;
}

/* Calls */

Call *call_new(Bus *bus, sd_bus_message *message)
{
        Call *call = g_new0(Call, 1);
        call->bus = bus;
        call->message = sd_bus_message_ref(message);
        bus->n_pending++;
        return call;
}

void call_free(Call *call)
{
        call->bus->n_pending--;
        sd_bus_message_unref(call->message);
        g_free(call);
}

void call_fail(Call *call, const GError *error)
{
        bus_error_reply(call->message, error);
        call_free(call);
}

void call_reply_empty(Call *call)
{
        (void)sd_bus_reply_method_return(call->message, NULL); /* the caller may be gone */
        call_free(call);
}

void call_network_done(Network *network, const GError *error, gpointer data)
{
        if (error)
                call_fail(data, error);
        else
                call_reply_empty(data);
}

void call_reply_map(Call *call, const Value *map)
{
        sd_bus_message *reply = NULL;

        int r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = variant_append_map(reply, map);
        if (r >= 0)
                r = sd_bus_send(call->bus->bus, reply, NULL);
        sd_bus_message_unref(reply);
        if (r < 0)
                (void)sd_bus_reply_method_errno(call->message, r,
                                                NULL); /* the same happens to it */
        call_free(call);
}

void call_reply_fd(Call *call, int fd)
{
        int r = sd_bus_reply_method_return(call->message, "h", fd);
        if (r < 0)
                (void)sd_bus_reply_method_errno(call->message, r,
                                                NULL); /* the same happens to it */
        call_free(call);
}

/* What the manager tells */

static void network_added(Network *network, gpointer data)
{
        Bus *bus = data;
        g_autofree char *path = bus_network_path(network_name(network));

        (void)sd_bus_emit_object_added(bus->bus, path); /* nobody to tell on a lost connection */
}

/* The network is out of the table already, where sd-bus would look for its interfaces. */
static void network_removed(Network *network, gpointer data)
{
        Bus *bus = data;
        g_autofree char *path = bus_network_path(network_name(network));
        sd_bus_message *signal = NULL;

        int r = sd_bus_message_new_signal(bus->bus, &signal, BUS_PATH,
                                          "org.freedesktop.DBus.ObjectManager",
                                          "InterfacesRemoved");
        if (r >= 0)
                r = sd_bus_message_append(
                        signal, "oas", path, 4, BUS_NETWORK, "org.freedesktop.DBus.Properties",
                        "org.freedesktop.DBus.Introspectable", "org.freedesktop.DBus.Peer");
        if (r >= 0)
                r = sd_bus_send(bus->bus, signal, NULL);
        sd_bus_message_unref(signal);
        if (r < 0)
                log_network_warning(network_name(network), "cannot tell the bus of its removal: %s",
                                    g_strerror(-r));
}

const ManagerEvents *bus_manager_events(void)
{
        static ManagerEvents events;

        events.network = network_object_events;
        events.added = network_added;
        events.removed = network_removed;
        return &events;
}

/* Callers that leave take their transient networks along. */

static void removed_for_caller(const GPtrArray *networks, const GError *error, gpointer data)
{
        if (error)
                log_warning("a transient network could not be removed: %s", error->message);
}

char *bus_message_caller(const Bus *bus, sd_bus_message *message)
{
        return g_strdup_printf("%s %s", bus->id, sd_bus_message_get_sender(message));
}

/* The unique name in what bus_message_caller() made; NULL where that was on another bus, or on this
 * one before it restarted. */
static const char *caller_name(const Bus *bus, const char *caller)
{
        gsize length = strlen(bus->id);

        if (!g_str_has_prefix(caller, bus->id) || caller[length] != ' ')
                return NULL;
        return caller + length + 1;
}

/* Those of the caller @name; NULL: those of callers that were on another bus. */
static void remove_transient_of(Bus *bus, const char *name)
{
        g_autoptr(GPtrArray) networks = manager_list(bus->manager);

        for (guint i = 0; i < networks->len; i++) {
                Network *network = networks->pdata[i];
                const char *caller = network_caller(network);
                if (caller && g_strcmp0(caller_name(bus, caller), name) == 0 &&
                    !network_is_being_removed(network))
                        manager_remove(bus->manager, network, removed_for_caller, NULL);
        }
}

void bus_check_caller(Bus *bus, Network *network)
{
        const char *caller = network_caller(network);
        const char *name = caller ? caller_name(bus, caller) : NULL;
        uid_t uid;

        if (caller && (!name || !callers_get(bus->callers, name, &uid)) &&
            !network_is_being_removed(network))
                manager_remove(bus->manager, network, removed_for_caller, NULL);
}

static void caller_left(const char *name, gpointer data)
{
        Bus *bus = data;

        authority_caller_left(bus->authority, name);
        connect_caller_left(bus, name);
        capture_caller_left(bus, name);
        if (bus->manager)
                remove_transient_of(bus, name);
}

static void transient_caller_known(const char *name, bool known, gpointer data)
{
        if (!known)
                remove_transient_of(data, name);
}

/* The callers of transient networks that an earlier life of the daemon left. */
static void check_transient(Bus *bus)
{
        g_autoptr(GPtrArray) networks = NULL;

        remove_transient_of(bus, NULL);
        networks = manager_list(bus->manager);
        for (guint i = 0; i < networks->len; i++) {
                const char *caller = network_caller(networks->pdata[i]);
                const char *name = caller ? caller_name(bus, caller) : NULL;
                if (name)
                        callers_ask(bus->callers, name, transient_caller_known, bus);
        }
}

/* The connection */

static void connection_lost(int error, gpointer data)
{
        Bus *bus = data;

        log_error("the bus connection is gone: %s", g_strerror(-error));
        bus->events->lost(bus->events_data);
}

/* Sees every message first: calls keep the service from leaving. */
static int note_call(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;

        if (sd_bus_message_is_method_call(message, NULL, NULL))
                bus->last_call_usec = g_get_monotonic_time();
        return 0;
}

static int name_acquired(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;

        uint32_t answer = 0;

        if (sd_bus_message_is_method_error(message, NULL) ||
            sd_bus_message_read(message, "u", &answer) < 0 ||
            (answer != NAME_PRIMARY_OWNER && answer != NAME_ALREADY_OWNER)) {
                const sd_bus_error *cause = sd_bus_message_get_error(message);
                log_error("cannot get the name " BUS_NAME ": %s",
                          cause ? cause->message : "another has it");
                bus->events->lost(bus->events_data);
                return 0;
        }
        bus->events->ready(bus->events_data);
        return 0;
}

static int request_name(Bus *bus)
{
        return sd_bus_request_name_async(bus->bus, NULL, BUS_NAME, 0, name_acquired, bus);
}

Bus *bus_new(const BusEvents *events, gpointer data, GError **error)
{
        g_autoptr(Bus) bus = g_new0(Bus, 1);
        sd_id128_t id;
        int r = sd_bus_open_system(&bus->bus);

        if (r >= 0) /* of the handshake; the only wait for the bus, and before the loop */
                r = sd_bus_get_bus_id(bus->bus, &id);
        if (r < 0) {
                (void)fail(error, "connect to the system bus", r);
                return NULL;
        }
        (void)sd_id128_to_string(id, bus->id);
        bus->events = events;
        bus->events_data = data;
        bus->last_call_usec = g_get_monotonic_time();
        bus->source = bus_source_new(bus->bus, connection_lost, bus);
        bus->connecting = connect_attempts_new();
        bus->captures = captures_new();
        bus->callers = callers_new(bus->bus, caller_left, bus);
        bus->authority = authority_new(bus->bus, bus->callers);
        return g_steal_pointer(&bus);
}

void bus_free(Bus *bus)
{
        if (!bus)
                return;
        if (bus->connecting)
                g_hash_table_unref(bus->connecting);
        if (bus->captures)
                g_hash_table_unref(bus->captures);
        authority_free(bus->authority);
        callers_free(bus->callers);
        if (bus->source) {
                g_source_destroy(bus->source);
                g_source_unref(bus->source);
        }
        sd_bus_flush_close_unref(bus->bus);
        g_free(bus);
}

static int add_objects(Bus *bus)
{
        int r = sd_bus_add_filter(bus->bus, NULL, note_call, bus);

        if (r >= 0)
                r = sd_bus_add_fallback_vtable(bus->bus, NULL, BUS_PATH, BUS_MANAGER,
                                               manager_vtable, find_manager, bus);
        if (r >= 0)
                r = sd_bus_add_fallback_vtable(bus->bus, NULL, BUS_PATH, BUS_NETWORK,
                                               network_vtable, find_network, bus);
        if (r >= 0)
                r = sd_bus_add_node_enumerator(bus->bus, NULL, BUS_PATH, list_networks, bus);
        if (r >= 0)
                r = sd_bus_add_object_manager(bus->bus, NULL, BUS_PATH);
        return r;
}

bool bus_publish(Bus *bus, Manager *manager, Host *host, GError **error)
{
        bus->manager = manager;
        bus->host = host;
        int r = add_objects(bus);
        if (r < 0)
                return fail(error, "publish on the bus", r);
        r = request_name(bus);
        if (r < 0)
                return fail(error, "ask for the name", r);
        check_transient(bus);
        return true;
}

gint64 bus_last_call_usec(const Bus *bus)
{
        return bus->last_call_usec;
}

guint bus_n_pending(const Bus *bus)
{
        return bus->n_pending + authority_n_pending(bus->authority);
}

/* The bus handles messages in order: every call that was sent to the name came before this. */
static int name_released(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;

        bus->leaving = false;
        if (bus->last_call_usec < bus->leave_usec && bus_n_pending(bus) == 0) {
                bus->events->left(bus->events_data);
                return 0;
        }
        int r = request_name(bus);
        if (r < 0) {
                log_error("cannot ask for the name again: %s", g_strerror(-r));
                bus->events->lost(bus->events_data);
        }
        return 0;
}

void bus_leave(Bus *bus)
{
        if (bus->leaving)
                return;
        bus->leave_usec = g_get_monotonic_time();
        int r = sd_bus_release_name_async(bus->bus, NULL, BUS_NAME, name_released, bus);
        if (r < 0)
                log_warning("cannot release the name: %s", g_strerror(-r));
        bus->leaving = r >= 0;
}
