/* SPDX-License-Identifier: GPL-2.0-or-later */

/* firewalld's name on the bus and its signal Reloaded. It has the name seconds before it answers,
 * so a call in between would hold up whoever makes it: READY is told when it has answered a ping.
 */

#include "host/firewalld-watch.h"

#include <gio/gio.h>

#define FIREWALLD_NAME      "org.fedoraproject.FirewallD1"
#define FIREWALLD_PATH      "/org/fedoraproject/FirewallD1"
#define FIREWALLD_INTERFACE "org.fedoraproject.FirewallD1"

/* It loads all of its rules before. */
#define START_TIMEOUT_MS 120000

struct FirewalldWatch {
        void (*told)(FirewalldEvent event, gpointer data);
        gpointer data;
        GCancellable *cancellable; /* of the connection's coming */
        GCancellable *ping;        /* NULL: none under way */
        GDBusConnection *bus;
        guint owner_id, reloaded_id;
};

static void stop_ping(FirewalldWatch *watch)
{
        if (watch->ping)
                g_cancellable_cancel(watch->ping);
        g_clear_object(&watch->ping);
}

static void answered(GObject *bus, GAsyncResult *result, gpointer data)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) answer =
                g_dbus_connection_call_finish(G_DBUS_CONNECTION(bus), result, &error);
        FirewalldWatch *watch = data;

        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
                return; /* and the watch may be gone */
        g_clear_object(&watch->ping);
        if (answer) /* else it went again, which is told by its name */
                watch->told(FIREWALLD_READY, watch->data);
}

static void owner_changed(GDBusConnection *bus, const char *sender, const char *path,
                          const char *interface, const char *signal, GVariant *arguments,
                          gpointer data)
{
        FirewalldWatch *watch = data;
        const char *new_owner;

        g_variant_get(arguments, "(&s&s&s)", NULL, NULL, &new_owner);
        stop_ping(watch);
        if (new_owner[0] == '\0') {
                watch->told(FIREWALLD_GONE, watch->data);
                return;
        }
        watch->ping = g_cancellable_new();
        g_dbus_connection_call(bus, new_owner, FIREWALLD_PATH, "org.freedesktop.DBus.Peer", "Ping",
                               NULL, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, START_TIMEOUT_MS,
                               watch->ping, answered, watch);
}

static void reloaded(GDBusConnection *bus, const char *sender, const char *path,
                     const char *interface, const char *signal, GVariant *arguments, gpointer data)
{
        FirewalldWatch *watch = data;

        watch->told(FIREWALLD_READY, watch->data);
}

static void bus_ready(GObject *source, GAsyncResult *result, gpointer data)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GDBusConnection) bus = g_bus_get_finish(result, &error);
        FirewalldWatch *watch = data;

        if (!bus)
                return; /* the watch may be gone; without a bus there is no firewalld to talk to */

        /* GDBus would end the process with SIGTERM, which looks like a clean stop */
        g_dbus_connection_set_exit_on_close(bus, FALSE);
        watch->owner_id = g_dbus_connection_signal_subscribe(
                bus, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged",
                "/org/freedesktop/DBus", FIREWALLD_NAME, G_DBUS_SIGNAL_FLAGS_NONE, owner_changed,
                watch, NULL);
        watch->reloaded_id = g_dbus_connection_signal_subscribe(
                bus, FIREWALLD_NAME, FIREWALLD_INTERFACE, "Reloaded", FIREWALLD_PATH, NULL,
                G_DBUS_SIGNAL_FLAGS_NONE, reloaded, watch, NULL);
        watch->bus = g_steal_pointer(&bus);
}

FirewalldWatch *firewalld_watch_new(void (*told)(FirewalldEvent event, gpointer data),
                                    gpointer data)
{
        FirewalldWatch *watch = g_new0(FirewalldWatch, 1);

        watch->told = told;
        watch->data = data;
        watch->cancellable = g_cancellable_new();
        g_bus_get(G_BUS_TYPE_SYSTEM, watch->cancellable, bus_ready, watch);
        return watch;
}

void firewalld_watch_free(FirewalldWatch *watch)
{
        if (!watch)
                return;
        g_cancellable_cancel(watch->cancellable);
        g_object_unref(watch->cancellable);
        stop_ping(watch);
        if (watch->bus) {
                g_dbus_connection_signal_unsubscribe(watch->bus, watch->owner_id);
                g_dbus_connection_signal_unsubscribe(watch->bus, watch->reloaded_id);
                g_object_unref(watch->bus);
        }
        g_free(watch);
}
