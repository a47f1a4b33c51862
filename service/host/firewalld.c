/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Owns the calls to firewalld that are under way. An interface is looked up (getZoneOfInterface)
 * and then moved; both are runtime changes, so that firewalld forgets them with its restart or
 * reload and nothing of ours stays in its configuration.
 *
 * Its zone is all that a DUT's interface needs (tried with firewalld 1.3, nftables): target ACCEPT
 * lets the interface's packets be forwarded, firewalld accepts what is translated to a new
 * destination (ct status dnat) from whichever zone, and the zone's services are DHCP, DNS and time.
 *
 * Not here: noticing that firewalld has reloaded (firewalld-watch.c). Adding once more is all that
 * it takes then. */

#include "host/firewalld.h"

#include <gio/gio.h>

#include "util/error.h"

#define FIREWALLD_NAME "org.fedoraproject.FirewallD1"
#define FIREWALLD_PATH "/org/fedoraproject/FirewallD1"
#define FIREWALLD_ZONE "org.fedoraproject.FirewallD1.zone"

#define OUR_ZONE "dut-network"

#define CALL_TIMEOUT_MS 10000 /* a reload of a large configuration takes seconds */

typedef struct Request {
        Firewalld *firewalld; /* our owner */
        char *interface;
        bool add;
        char *zone; /* to move it to when it leaves ours */
        char *found_zone;
        FirewalldDone done;
        gpointer data;
        GDBusConnection *bus;
        GCancellable *cancellable;
} Request;

struct Firewalld {
        GQueue requests; /* of Request, owned */
};

static void request_free(Request *request)
{
        g_queue_remove(&request->firewalld->requests, request);
        g_cancellable_cancel(request->cancellable);
        g_object_unref(request->cancellable);
        g_clear_object(&request->bus);
        g_free(request->interface);
        g_free(request->zone);
        g_free(request->found_zone);
        g_free(request);
}

/* Ends @request with @error, which it takes. Firewalld may be gone afterwards. */
static void request_finish(Request *request, GError *error)
{
        g_autoptr(GError) owned = error;
        g_autofree char *zone = owned ? NULL : g_steal_pointer(&request->found_zone);
        FirewalldDone done = request->done;
        gpointer data = request->data;

        request_free(request);
        done(zone, owned, data);
}

static void request_fail(Request *request, const GError *cause)
{
        const char *attempt = request->add ? "into zone " OUR_ZONE : "out of zone " OUR_ZONE;
        const char *hint = request->add && g_str_has_prefix(cause->message, "INVALID_ZONE")
                                   ? " (firewalld reads new zones at 'firewall-cmd --reload')"
                                   : "";

        request_finish(request, g_error_new(SERVICE_ERROR, SERVICE_ERROR_FAILED,
                                            "%s: firewalld does not move it %s: %s%s",
                                            request->interface, attempt, cause->message, hint));
}

static bool is_cancelled(const GError *error)
{
        return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* Not running, or stopped while we waited, and its rules with it. */
static bool is_absent(const GError *error)
{
        return g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
               g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
               g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY);
}

static void request_call(Request *request, const char *method, GVariant *arguments,
                         GAsyncReadyCallback answered)
{
        g_dbus_connection_call(request->bus, FIREWALLD_NAME, FIREWALLD_PATH, FIREWALLD_ZONE, method,
                               arguments, G_VARIANT_TYPE("(s)"), G_DBUS_CALL_FLAGS_NO_AUTO_START,
                               CALL_TIMEOUT_MS, request->cancellable, answered, request);
}

/* The answer as text, the caller's; NULL with *ret_error else. */
static char *answer_read(GObject *bus, GAsyncResult *result, GError **ret_error)
{
        g_autoptr(GVariant) answer =
                g_dbus_connection_call_finish(G_DBUS_CONNECTION(bus), result, ret_error);
        char *zone = NULL;

        if (answer)
                g_variant_get(answer, "(s)", &zone);
        else if (*ret_error)
                g_dbus_error_strip_remote_error(*ret_error);
        return zone;
}

static void zone_changed(GObject *bus, GAsyncResult *result, gpointer data)
{
        g_autoptr(GError) error = NULL;

        g_free(answer_read(bus, result, &error)); /* our own zone, back again */
        if (is_cancelled(error))
                return; /* and the request is gone */
        if (!error || is_absent(error) ||
            (!((Request *)data)->add && g_str_has_prefix(error->message, "UNKNOWN_INTERFACE")))
                request_finish(data, NULL);
        else
                request_fail(data, error);
}

static void zone_found(GObject *bus, GAsyncResult *result, gpointer data)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *zone = answer_read(bus, result, &error);
        Request *request = data;

        if (is_cancelled(error))
                return;
        if (error && is_absent(error))
                return request_finish(request, NULL);
        if (error)
                return request_fail(request, error);

        bool ours = g_str_equal(zone, OUR_ZONE);
        if (request->add == ours)
                return request_finish(request, NULL); /* in already; or moved on by someone else */
        if (request->add && *zone)
                request->found_zone = g_steal_pointer(&zone);

        if (request->add)
                request_call(request, "changeZoneOfInterface",
                             g_variant_new("(ss)", OUR_ZONE, request->interface), zone_changed);
        else if (request->zone)
                request_call(request, "changeZoneOfInterface",
                             g_variant_new("(ss)", request->zone, request->interface),
                             zone_changed);
        else
                request_call(request, "removeInterface",
                             g_variant_new("(ss)", OUR_ZONE, request->interface), zone_changed);
}

static void bus_ready(GObject *source, GAsyncResult *result, gpointer data)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GDBusConnection) bus = g_bus_get_finish(result, &error);
        Request *request = data;

        if (is_cancelled(error))
                return;
        if (error)
                return request_fail(request, error);

        /* GDBus would end the process with SIGTERM, which looks like a clean stop */
        g_dbus_connection_set_exit_on_close(bus, FALSE);
        request->bus = g_steal_pointer(&bus);
        request_call(request, "getZoneOfInterface", g_variant_new("(s)", request->interface),
                     zone_found);
}

static void request_start(Firewalld *firewalld, Request *request)
{
        request->firewalld = firewalld;
        request->cancellable = g_cancellable_new();
        g_queue_push_tail(&firewalld->requests, request);
        g_bus_get(G_BUS_TYPE_SYSTEM, request->cancellable, bus_ready, request);
}

Firewalld *firewalld_new(void)
{
        Firewalld *firewalld = g_new0(Firewalld, 1);

        g_queue_init(&firewalld->requests);
        return firewalld;
}

void firewalld_free(Firewalld *firewalld)
{
        if (!firewalld)
                return;
        for (Request *request; (request = g_queue_peek_head(&firewalld->requests));) {
                g_autoptr(GError) stopping =
                        g_error_new(SERVICE_ERROR, SERVICE_ERROR_FAILED, "the service is stopping");
                request_fail(request, stopping);
        }
        g_free(firewalld);
}

void firewalld_add(Firewalld *firewalld, const char *interface, FirewalldDone done, gpointer data)
{
        Request *request = g_new0(Request, 1);

        *request = (Request){
                .interface = g_strdup(interface),
                .add = true,
                .done = done,
                .data = data,
        };
        request_start(firewalld, request);
}

void firewalld_remove(Firewalld *firewalld, const char *interface, const char *zone,
                      FirewalldDone done, gpointer data)
{
        Request *request = g_new0(Request, 1);

        *request = (Request){
                .interface = g_strdup(interface),
                .zone = g_strdup(zone),
                .done = done,
                .data = data,
        };
        request_start(firewalld, request);
}
