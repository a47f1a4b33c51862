/* SPDX-License-Identifier: GPL-2.0-or-later */

/* org.jumpstarter.DutNetwork.Manager: each method reads, validates, looks up, authorizes, and hands
 * on to the manager. Handlers run again from their first line when polkit has answered. */

#include <errno.h>
#include <string.h>

#include "dbus/bus-error.h"
#include "dbus/bus-private.h"
#include "dbus/variant.h"
#include "model/config-yaml.h"
#include "util/error.h"

/* What polkit's rules see of @config; it lives as long as @texts, which takes what is written for
 * it. */
static AuthorityObject object_of(Bus *bus, const NetworkConfig *config, GPtrArray *texts)
{
        char *interface = network_config_interface(bus->host, config);
        char *subnet = subnet_to_string(&config->subnet);

        g_ptr_array_add(texts, interface);
        g_ptr_array_add(texts, subnet);
        return (AuthorityObject){
                .interface = interface,
                .subnet = subnet,
                .owner = config->owner,
        };
}

static bool is_same(const AuthorityObject *a, const AuthorityObject *b)
{
        return g_str_equal(a->interface, b->interface) && g_str_equal(a->subnet, b->subnet) &&
               g_strcmp0(a->owner, b->owner) == 0;
}

static int authorize_config(Bus *bus, sd_bus_message *message, const NetworkConfig *config,
                            sd_bus_message_handler_t again, sd_bus_error *error)
{
        g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
        AuthorityObject object = object_of(bus, config, texts);
        return authority_check(bus->authority, message, &object, 1, again, bus, error);
}

/* For each of @configs, and for the network that it changes, as that one is: it may be somebody
 * else's. */
static int authorize_configs(Bus *bus, sd_bus_message *message, const GPtrArray *configs,
                             sd_bus_message_handler_t again, sd_bus_error *error)
{
        g_autofree AuthorityObject *objects = g_new0(AuthorityObject, 2 * configs->len);
        g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
        guint n = 0;

        for (guint i = 0; i < configs->len; i++) {
                const NetworkConfig *config = configs->pdata[i];
                const Network *network = manager_find(bus->manager, config->interface);
                objects[n++] = object_of(bus, config, texts);
                if (!network)
                        continue;
                objects[n] = object_of(bus, network_config(network), texts);
                if (!is_same(&objects[n], &objects[n - 1])) /* nobody is asked twice */
                        n++;
        }
        return authority_check(bus->authority, message, objects, n, again, bus, error);
}

/* @name: a network's, or an interface's; "" where a method is about none. */
static int authorize_general(Bus *bus, sd_bus_message *message, const char *name,
                             sd_bus_message_handler_t again, sd_bus_error *error)
{
        Network *network = manager_look_up(bus->manager, name);
        g_autofree char *interface = network ? bus_network_interface(bus, network) : g_strdup(name);
        g_autofree char *subnet =
                network ? subnet_to_string(&network_config(network)->subnet) : NULL;
        AuthorityObject object = {
                .interface = interface,
                .subnet = subnet ? subnet : "",
                .owner = network ? network_config(network)->owner : NULL,
        };
        return authority_check(bus->authority, message, &object, 1, again, bus, error);
}

static Network *look_up(Bus *bus, const char *name, sd_bus_error *error)
{
        Network *network = manager_look_up(bus->manager, name);

        if (!network) {
                g_autofree char *shown = g_strescape(name, NULL);
                (void)sd_bus_error_setf(error, bus_error_name(SERVICE_ERROR_NO_SUCH_NETWORK),
                                        "%s: no such network", shown);
        }
        return network;
}

static void created(const GPtrArray *networks, const GError *error, gpointer data)
{
        Call *call = data;

        if (error) {
                call_fail(call, error);
                return;
        }
        Network *network = networks->pdata[0];
        g_autofree char *path = bus_network_path(network_name(network));
        (void)sd_bus_reply_method_return(call->message, "o", path); /* the caller may be gone */
        bus_check_caller(call->bus, network);
        call_free(call);
}

/* The settings of a new network, whose TAP is called as its owner's first one that is not there. */
static NetworkConfig *config_of_new(Bus *bus, Value *settings, GError **error)
{
        g_autoptr(NetworkConfig) config = config_new(settings, CONFIG_SOURCE_BUS, error);

        if (!config || !config_is_named_after_owner(config))
                return g_steal_pointer(&config);
        g_autofree char *name = manager_choose_tap(bus->manager, config->owner);
        value_set(settings, "interface", value_new_text(name));
        return config_new(settings, CONFIG_SOURCE_BUS, error);
}

static int method_create_network(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        g_autoptr(Value) settings = NULL;
        g_autoptr(GError) cause = NULL;

        int r = variant_read_map(message, &settings, &cause);
        if (r < 0)
                return cause ? bus_error_set(error, cause) : r;
        g_autoptr(NetworkConfig) config = config_of_new(bus, settings, &cause);
        if (!config)
                return bus_error_set(error, cause);
        r = authorize_config(bus, message, config, method_create_network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        if (!bus_check_made(bus, message, config, &cause))
                return bus_error_set(error, cause);
        uid_t uid;
        if (config->transient &&
            !callers_get(bus->callers, sd_bus_message_get_sender(message), &uid))
                return 1; /* it has left the bus since it was authorized: nobody waits */
        g_autofree char *caller = bus_message_caller(bus, message);
        manager_create(bus->manager, g_steal_pointer(&config), caller, created,
                       call_new(bus, message));
        return 1;
}

static int append_paths(sd_bus_message *reply, const GPtrArray *networks)
{
        int r = sd_bus_message_open_container(reply, 'a', "o");

        for (guint i = 0; r >= 0 && i < networks->len; i++) {
                g_autofree char *path = bus_network_path(network_name(networks->pdata[i]));
                r = sd_bus_message_append(reply, "o", path);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static void loaded(const GPtrArray *networks, const GError *error, gpointer data)
{
        Call *call = data;
        sd_bus_message *reply = NULL;

        if (error) {
                call_fail(call, error);
                return;
        }
        int r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = append_paths(reply, networks);
        if (r >= 0)
                (void)sd_bus_send(call->bus->bus, reply, NULL); /* the caller may be gone */
        else
                (void)sd_bus_reply_method_errno(call->message, r, NULL); /* likewise */
        sd_bus_message_unref(reply);
        call_free(call);
}

static int method_load_config(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        g_autoptr(GError) cause = NULL;
        const char *text;

        int r = sd_bus_message_read(message, "s", &text);
        if (r < 0)
                return r;
        g_autoptr(GPtrArray) configs = config_yaml_parse(text, strlen(text), NULL, &cause);
        if (!configs)
                return bus_error_set(error, cause);
        r = authorize_configs(bus, message, configs, method_load_config, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        for (guint i = 0; i < configs->len; i++)
                if (!bus_check_made(bus, message, configs->pdata[i], &cause))
                        return bus_error_set(error, cause);
        manager_create_all(bus->manager, g_steal_pointer(&configs), loaded, call_new(bus, message));
        return 1;
}

static int method_get_network(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        const char *interface;

        int r = sd_bus_message_read(message, "s", &interface);
        if (r < 0)
                return r;
        Network *network = look_up(bus, interface, error);
        if (!network)
                return -ENOENT;
        r = authorize_general(bus, message, interface, method_get_network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        g_autofree char *path = bus_network_path(network_name(network));
        return sd_bus_reply_method_return(message, "o", path);
}

static int append_networks(sd_bus_message *reply, const GPtrArray *networks)
{
        int r = sd_bus_message_open_container(reply, 'a', "(sso)");

        for (guint i = 0; r >= 0 && i < networks->len; i++) {
                const Network *network = networks->pdata[i];
                g_autofree char *path = bus_network_path(network_name(network));
                r = sd_bus_message_append(reply, "(sso)", network_name(network),
                                          network_state_to_string(network_state(network)), path);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int method_list_networks(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        sd_bus_message *reply = NULL;

        int r = authorize_general(bus, message, "", method_list_networks, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        g_autoptr(GPtrArray) networks = manager_list(bus->manager);
        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = append_networks(reply, networks);
        if (r >= 0)
                r = sd_bus_send(bus->bus, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

static void through(const GPtrArray *networks, const GError *error, gpointer data)
{
        call_network_done(NULL, error, data);
}

static int method_remove_network(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        const char *interface;

        int r = sd_bus_message_read(message, "s", &interface);
        if (r < 0)
                return r;
        Network *network = look_up(bus, interface, error);
        if (!network)
                return -ENOENT;
        r = authorize_general(bus, message, interface, method_remove_network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        manager_remove(bus->manager, network, through, call_new(bus, message));
        return 1;
}

static int method_reload(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;

        int r = authorize_general(bus, message, "", method_reload, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        manager_reload(bus->manager, through, call_new(bus, message));
        return 1;
}

static int get_version(sd_bus *connection, const char *path, const char *interface,
                       const char *property, sd_bus_message *reply, void *userdata,
                       sd_bus_error *error)
{
        return sd_bus_message_append(reply, "s", PROJECT_VERSION);
}

#define METHOD SD_BUS_VTABLE_UNPRIVILEGED

const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("CreateNetwork", SD_BUS_ARGS("a{sv}", settings),
                                SD_BUS_RESULT("o", path), method_create_network, METHOD),
        SD_BUS_METHOD_WITH_ARGS("LoadConfig", SD_BUS_ARGS("s", text), SD_BUS_RESULT("ao", paths),
                                method_load_config, METHOD),
        SD_BUS_METHOD_WITH_ARGS("GetNetwork", SD_BUS_ARGS("s", interface), SD_BUS_RESULT("o", path),
                                method_get_network, METHOD),
        SD_BUS_METHOD_WITH_ARGS("ListNetworks", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sso)", networks),
                                method_list_networks, METHOD),
        SD_BUS_METHOD_WITH_ARGS("RemoveNetwork", SD_BUS_ARGS("s", interface), SD_BUS_NO_RESULT,
                                method_remove_network, METHOD),
        SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_reload, METHOD),
        SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_VTABLE_END,
};
