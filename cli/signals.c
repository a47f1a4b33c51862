/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Subscribes, and reads signals into values with names. The bus handles messages in their order, so
 * the subscription needs no waiting: it is in force for all that is sent after it. Does not start
 * the service. */

#include "cli/signals.h"

#include <stdlib.h>

#include "cli/error.h"
#include "cli/map.h"
#include "cli/message.h"

#define MATCH_SERVICE "type='signal',sender='" SERVICE_NAME "',path_namespace='" MANAGER_PATH "'"
#define MATCH_OWNER                                                                                \
        "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"            \
        "member='NameOwnerChanged',arg0='" SERVICE_NAME "'"

struct Signals {
        sd_bus_slot *service, *owner;
        SignalHandler handler;
        gpointer data;
};

/* The names of a signal's arguments; those of our own signals are the contract's. */
typedef struct Shape {
        const char *member;
        const char *arguments[4];
} Shape;

static const Shape shapes[] = {
        { "LeaseAdded", { "lease" } },
        { "LeaseChanged", { "lease" } },
        { "LeaseRemoved", { "lease" } },
        { "AddressAdded", { "address" } },
        { "AddressChanged", { "address" } },
        { "AddressRemoved", { "address" } },
        { "DnsEntryAdded", { "hostname", "ip" } },
        { "DnsEntryRemoved", { "hostname", "ip" } },
        { "ForwardAdded", { "forward" } },
        { "ForwardRemoved", { "forward" } },
        { "InterfacesAdded", { "path", "interfaces" } },
        { "InterfacesRemoved", { "path", "interfaces" } },
        { "PropertiesChanged", { "interface_name", "properties", "invalidated" } },
        { "NameOwnerChanged", { "name", "old_owner", "new_owner" } },
};

static const Shape *find_shape(const char *member)
{
        for (guint i = 0; i < G_N_ELEMENTS(shapes); i++)
                if (g_str_equal(shapes[i].member, member))
                        return &shapes[i];
        return NULL;
}

/* The arguments of @message by name, or NULL where it cannot be read. */
static Value *read_arguments(sd_bus_message *message, const Shape *shape)
{
        g_autoptr(Value) arguments = value_new_map();
        for (guint i = 0; i < G_N_ELEMENTS(shape->arguments) && shape->arguments[i]; i++) {
                Value *argument = message_read_value(message, NULL);
                if (!argument)
                        return NULL;
                value_set(arguments, shape->arguments[i], argument);
        }
        return g_steal_pointer(&arguments);
}

char *signals_interface_of(const char *path)
{
        char *interface = NULL;
        if (sd_bus_path_decode(path, MANAGER_PATH, &interface) <= 0)
                return NULL;

        char *copy = g_strdup(interface);
        free(interface);
        return copy;
}

char *signals_path_of(const char *interface)
{
        char *path;
        int r = sd_bus_path_encode(MANAGER_PATH, interface, &path);
        if (r < 0)
                g_error("no path of %s: %s", interface, g_strerror(-r));

        char *copy = g_strdup(path);
        free(path);
        return copy;
}

static int on_signal(sd_bus_message *message, void *data, sd_bus_error *bus_error)
{
        const Signals *signals = data;
        const Shape *shape = find_shape(sd_bus_message_get_member(message));
        g_autoptr(Value) arguments = shape ? read_arguments(message, shape) : NULL;
        if (!arguments)
                return 0; /* a newer service's, or not as the contract has it */

        /* Of the manager's own signals these two are about a network. */
        const char *path = map_get_text(arguments, "path");
        g_autofree char *interface =
                signals_interface_of(*path ? path : sd_bus_message_get_path(message));
        const Signal signal = { shape->member, interface, arguments };
        signals->handler(&signal, signals->data);
        return 0;
}

Signals *signals_new(Connection *connection, SignalHandler handler, gpointer data, GError **error)
{
        g_autoptr(Signals) signals = g_new0(Signals, 1);
        signals->handler = handler;
        signals->data = data;

        sd_bus *bus = connection_bus(connection);
        int r = sd_bus_add_match_async(bus, &signals->service, MATCH_SERVICE, on_signal, NULL,
                                       signals);
        if (r >= 0)
                r = sd_bus_add_match_async(bus, &signals->owner, MATCH_OWNER, on_signal, NULL,
                                           signals);
        if (r >= 0)
                return g_steal_pointer(&signals);

        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "cannot subscribe to signals: %s",
                    g_strerror(-r));
        return NULL;
}

void signals_free(Signals *signals)
{
        if (!signals)
                return;

        sd_bus_slot_unref(signals->service);
        sd_bus_slot_unref(signals->owner);
        g_free(signals);
}
