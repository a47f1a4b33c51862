/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Owns how a request lives: waking, waiting, ending, its D-Bus calls, and finding its device.
 *
 * Each call of nm.h is a request with an advance function that looks at NetworkManager as it is now
 * and either finishes or waits for more: the client, the device, a reply, a state, a deadline.
 * Whatever happens only wakes the request; advancing is done from an idle source, never from inside
 * a signal of libnm or the call itself, and is safe to do once too often. So the order in which
 * replies and signals come does not matter, nor that the device or NetworkManager goes in the
 * middle.
 *
 * A device that has just appeared is the one case for waiting before there is anything to do: its
 * object comes some milliseconds after the kernel's link, and with udev NetworkManager begins to
 * manage it some time after that. "Not managed" is believed of a device that is settled only; else
 * it would be taken by NetworkManager right behind our back, and not be given back in the end. */

#include "host/nm-request.h"

#include <net/if.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"

#define APPEAR_USEC (1000 * NM_MSEC) /* from the kernel's link to NetworkManager's object */
#define OBJECT_USEC (25 * NM_MSEC)   /* from its object to being managed, without udev (1 ms) */
#define SETTLE_USEC (100 * NM_MSEC)  /* from udev's record to being managed */

static gboolean request_advance(gpointer data)
{
        NmRequest *request = data;

        request->idle_id = 0;
        g_clear_handle_id(&request->timer_id, g_source_remove);
        request->advance(request);
        return G_SOURCE_REMOVE;
}

void nm_request_wake(NmRequest *request)
{
        if (request->idle_id == 0)
                request->idle_id =
                        g_idle_add_full(G_PRIORITY_DEFAULT, request_advance, request, NULL);
}

static gboolean request_timer(gpointer data)
{
        NmRequest *request = data;

        request->timer_id = 0;
        nm_request_wake(request);
        return G_SOURCE_REMOVE;
}

void nm_request_wait_until(NmRequest *request, gint64 usec)
{
        gint64 left = MAX(usec - g_get_monotonic_time(), 0);

        g_clear_handle_id(&request->timer_id, g_source_remove);
        request->timer_id = g_timeout_add((guint)(left / NM_MSEC + 1), request_timer, request);
}

static void request_call_clear(NmRequest *request)
{
        g_cancellable_cancel(request->call); /* NULL is fine */
        g_clear_object(&request->call);
        g_clear_error(&request->call_error);
}

static void request_set_device(NmRequest *request, NMDevice *device)
{
        if (request->device == device)
                return;

        /* what was asked of the former device says nothing about this one */
        request_call_clear(request);
        request->managed_set = request->activated = request->autoconnect_off = false;
        request->returned_usec = 0;

        g_clear_signal_handler(&request->device_handler, request->device);
        g_set_object(&request->device, device);
        if (device)
                request->device_handler = g_signal_connect_swapped(
                        device, "notify", G_CALLBACK(nm_request_wake), request);
}

static void request_free(NmRequest *request)
{
        g_queue_remove(&request->nm->requests, request);
        request_set_device(request, NULL);
        request_call_clear(request);
        g_clear_handle_id(&request->idle_id, g_source_remove);
        g_clear_handle_id(&request->timer_id, g_source_remove);
        nm_held_free(request->held);
        g_free(request->interface);
        g_free(request);
}

void nm_request_finish(NmRequest *request, GError *error)
{
        NmDone done = request->done;
        gpointer data = request->data;
        g_autoptr(GError) owned = error;

        request_free(request);
        done(owned, data);
}

void nm_request_fail(NmRequest *request, const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        g_autofree char *text = g_strdup_vprintf(format, arguments);
        va_end(arguments);

        nm_request_finish(request, g_error_new(SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: %s",
                                               request->interface, text));
}

void nm_request_finish_inspect(NmRequest *request, NmHeld *held, bool dhcp_lease)
{
        NmInspected inspected = request->inspected;
        gpointer data = request->data;

        request_free(request);
        inspected(held, dhcp_lease, data);
}

NmRequest *nm_request_new(Nm *nm, const char *interface, void (*advance)(NmRequest *),
                          gpointer data)
{
        NmRequest *request = g_new0(NmRequest, 1);

        request->nm = nm;
        request->interface = g_strdup(interface);
        request->advance = advance;
        request->start_usec = g_get_monotonic_time();
        request->data = data;
        g_queue_push_tail(&nm->requests, request);
        nm_request_wake(request);
        return request;
}

gint64 nm_request_since(const NmRequest *request)
{
        return MAX(request->start_usec, request->nm->client_usec);
}

bool nm_request_is_late(const NmRequest *request, gint64 limit_usec)
{
        return g_get_monotonic_time() >= nm_request_since(request) + limit_usec;
}

/* Devices */

static GQuark added_quark(void)
{
        return g_quark_from_static_string("dut-network-added");
}

void nm_note_added(NMDevice *device)
{
        gint64 now_usec = g_get_monotonic_time();

        g_object_set_qdata_full(G_OBJECT(device), added_quark(),
                                g_memdup2(&now_usec, sizeof now_usec), g_free);
}

bool nm_answers(const Nm *nm)
{
        /* for libnm it "runs" as soon as somebody has its name; then it may not have answered */
        return nm->client && nm_client_get_nm_running(nm->client) &&
               nm_client_get_version(nm->client);
}

bool nm_request_find_device(NmRequest *request)
{
        Nm *nm = request->nm;
        NMDevice *device = NULL;

        if (nm->client_usec == 0) {
                nm_request_wait_until(request, request->start_usec + NM_TAKE_USEC);
                return nm_request_is_late(request, NM_TAKE_USEC);
        }
        if (nm_answers(nm))
                device = nm_client_get_device_by_iface(nm->client, request->interface);
        if (device && !nm_device_is_real(device))
                device = NULL;
        request_set_device(request, device);
        if (device || !nm_answers(nm) || if_nametoindex(request->interface) == 0)
                return true;

        nm_request_wait_until(request, nm_request_since(request) + APPEAR_USEC);
        return nm_request_is_late(request, APPEAR_USEC);
}

bool nm_holds_device(NMDevice *device)
{
        return nm_device_get_state(device) > NM_DEVICE_STATE_UNMANAGED;
}

/* NetworkManager leaves a link alone until udev has made its record of it. 0: it has, long ago (or
 * there is no udev); else until when to wait. */
static gint64 udev_settles_usec(const NmRequest *request)
{
        g_autofree char *path = NULL;
        struct stat record;

        if (access("/run/udev/control", F_OK) < 0)
                return 0;
        path = g_strdup_printf("/run/udev/data/n%u", if_nametoindex(request->interface));
        if (stat(path, &record) < 0)
                return nm_request_since(request) + APPEAR_USEC;

        gint64 made_usec =
                (gint64)record.st_mtim.tv_sec * G_USEC_PER_SEC + record.st_mtim.tv_nsec / 1000;
        gint64 age_usec = g_get_real_time() - made_usec;
        bool fresh = age_usec >= 0 && age_usec < SETTLE_USEC;
        return fresh ? nm_request_since(request) + SETTLE_USEC : 0;
}

bool nm_request_device_is_settled(NmRequest *request)
{
        const gint64 *added_usec = g_object_get_qdata(G_OBJECT(request->device), added_quark());
        gint64 settles_usec = udev_settles_usec(request);

        if (added_usec)
                settles_usec = MAX(settles_usec, *added_usec + OBJECT_USEC);
        if (nm_client_get_startup(request->nm->client))
                settles_usec = MAX(settles_usec, nm_request_since(request) + SETTLE_USEC);
        if (g_get_monotonic_time() >= settles_usec)
                return true;

        nm_request_wait_until(request, settles_usec);
        return false;
}

/* Calls */

GCancellable *nm_request_call_begin(NmRequest *request)
{
        request_call_clear(request);
        request->call = g_cancellable_new();
        return request->call;
}

void nm_request_call_ended(NmRequest *request, GError *error)
{
        g_clear_object(&request->call);
        g_clear_error(&request->call_error);
        if (error)
                g_dbus_error_strip_remote_error(error);
        if (g_error_matches(error, NM_MANAGER_ERROR, NM_MANAGER_ERROR_PERMISSION_DENIED))
                g_prefix_error(&error, "polkit does not grant this service's user "
                                       "org.freedesktop.NetworkManager.network-control: ");
        request->call_error = error;
        nm_request_wake(request);
}

static void property_set(GObject *client, GAsyncResult *result, gpointer data)
{
        GError *error = NULL;

        (void)nm_client_dbus_set_property_finish(NM_CLIENT(client), result, &error);
        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
                g_error_free(error); /* and the request is gone, or asks something else */
        else
                nm_request_call_ended(data, error);
}

void nm_request_set_property(NmRequest *request, const char *property, bool value)
{
        GCancellable *call = nm_request_call_begin(request);

        nm_client_dbus_set_property(request->nm->client,
                                    nm_object_get_path(NM_OBJECT(request->device)),
                                    "org.freedesktop.NetworkManager.Device", property,
                                    g_variant_new_boolean(value), -1, call, property_set, request);
}

bool nm_request_device_is_gone(const NmRequest *request)
{
        return g_error_matches(request->call_error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT) ||
               g_error_matches(request->call_error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD) ||
               g_error_matches(request->call_error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_INTERFACE) ||
               g_error_matches(request->call_error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) ||
               g_error_matches(request->call_error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
               g_error_matches(request->call_error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN);
}
