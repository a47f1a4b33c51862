/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A firewalld's comings and goings, on a bus of the test's own. */

#include "host/firewalld-watch.h"

#include <gio/gio.h>

#include "namespace.h"

#define NAME        "org.fedoraproject.FirewallD1"
#define PATH        "/org/fedoraproject/FirewallD1"
#define DEADLINE_MS 10000

typedef struct Told {
        guint n_ready, n_gone;
} Told;

static void on_told(FirewalldEvent event, gpointer data)
{
        Told *told = data;

        told->n_ready += event == FIREWALLD_READY;
        told->n_gone += event == FIREWALLD_GONE;
}

static gboolean on_deadline(gpointer data)
{
        g_error("nothing was told");
        return G_SOURCE_REMOVE;
}

static void expect(const Told *told, guint n_ready, guint n_gone)
{
        guint timer = g_timeout_add(DEADLINE_MS, on_deadline, NULL);

        while (told->n_ready < n_ready || told->n_gone < n_gone)
                g_main_context_iteration(NULL, TRUE);
        g_source_remove(timer);
        g_assert_cmpuint(told->n_ready, ==, n_ready);
        g_assert_cmpuint(told->n_gone, ==, n_gone);
}

static GDBusConnection *connect_to(GTestDBus *bus)
{
        g_autoptr(GError) error = NULL;
        GDBusConnection *connection = g_dbus_connection_new_for_address_sync(
                g_test_dbus_get_bus_address(bus),
                G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                        G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                NULL, NULL, &error);

        g_assert_no_error(error);
        return connection;
}

/* A method of the bus, by its name. */
static void call_bus(GDBusConnection *connection, const char *method, GVariant *arguments)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) answer G_GNUC_UNUSED = g_dbus_connection_call_sync(
                connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                method, arguments, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

        g_assert_no_error(error);
}

static void take_name(GDBusConnection *connection)
{
        call_bus(connection, "RequestName", g_variant_new("(su)", NAME, 0));
}

/* Until the watch's subscriptions are in force: it has told of a name that came after it. */
static void wait_subscribed(GDBusConnection *firewalld, Told *told)
{
        gint64 end = g_get_monotonic_time() + DEADLINE_MS * G_TIME_SPAN_MILLISECOND;

        while (told->n_ready == 0) {
                g_assert_cmpint(g_get_monotonic_time(), <, end);
                take_name(firewalld);
                run_for(20);
                if (told->n_ready == 0)
                        call_bus(firewalld, "ReleaseName", g_variant_new("(s)", NAME));
        }
        *told = (Told){ .n_ready = 1 };
}

static void test_watch(void)
{
        g_autoptr(GTestDBus) bus = g_test_dbus_new(G_TEST_DBUS_NONE);
        Told told = { 0 };

        g_test_dbus_up(bus);
        g_setenv("DBUS_SYSTEM_BUS_ADDRESS", g_test_dbus_get_bus_address(bus), TRUE);
        g_autoptr(GDBusConnection) firewalld = connect_to(bus);
        g_autoptr(GDBusConnection) other = connect_to(bus);
        FirewalldWatch *watch = firewalld_watch_new(on_told, &told);

        wait_subscribed(firewalld, &told);
        g_dbus_connection_emit_signal(firewalld, NULL, PATH, NAME, "Reloaded", NULL, NULL);
        expect(&told, 2, 0);
        /* Somebody else's word does not count: the next that is told is of the name. */
        g_dbus_connection_emit_signal(other, NULL, PATH, NAME, "Reloaded", NULL, NULL);
        g_dbus_connection_flush_sync(other, NULL, NULL);
        call_bus(other, "GetId", NULL);
        call_bus(firewalld, "ReleaseName", g_variant_new("(s)", NAME));
        expect(&told, 2, 1);
        take_name(firewalld);
        expect(&told, 3, 1);

        firewalld_watch_free(watch);
        call_bus(firewalld, "ReleaseName", g_variant_new("(s)", NAME));
        while (g_main_context_iteration(NULL, FALSE))
                ;
        g_assert_cmpuint(told.n_gone, ==, 1);
        g_clear_object(&firewalld);
        g_clear_object(&other);
        g_test_dbus_stop(bus);
}

/* Freed before the bus has answered. */
static void test_freed_at_once(void)
{
        Told told = { 0 };

        firewalld_watch_free(firewalld_watch_new(on_told, &told));
        while (g_main_context_iteration(NULL, FALSE))
                ;
        g_assert_cmpuint(told.n_ready + told.n_gone, ==, 0);
        firewalld_watch_free(NULL);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/firewalld-watch/comes-reloads-goes", test_watch);
        g_test_add_func("/firewalld-watch/freed-at-once", test_freed_at_once);
        return g_test_run();
}
