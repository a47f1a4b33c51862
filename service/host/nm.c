/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Owns the one NMClient, and the asking and taking of devices (the giving back is nm-give-back.c's,
 * the watching nm-watch.c's, what they share nm-request.c's; nothing else knows libnm).
 *
 * What NetworkManager remembers itself: Managed=false outlives its restart (not the device), and
 * "Wired connection 1" keeps its uuid while the device is away. While it is not there, what it left
 * active is in a file of its own for its next start. */

#include "host/nm.h"

#include <net/if.h>

#include "host/nm-request.h"

/* Where the client could not be made, or NetworkManager was there and hung: libnm asks only once.
 */
#define RETRY_SEC 2

#define DEVICE_STATE_DIR "/run/NetworkManager/devices"

void nm_held_free(NmHeld *held)
{
        if (!held)
                return;
        g_free(held->connection_uuid);
        g_free(held->connection_id);
        g_free(held);
}

NmHeld *nm_held_copy(const NmHeld *held)
{
        NmHeld *copy = g_new0(NmHeld, 1);

        *copy = (NmHeld){
                .managed = held->managed,
                .connection_uuid = g_strdup(held->connection_uuid),
                .connection_id = g_strdup(held->connection_id),
        };
        return copy;
}

/* Without NetworkManager: what it left active, if it ran before. */
static NmHeld *held_new_left(const char *interface)
{
        NmHeld *held = g_new0(NmHeld, 1);
        g_autoptr(GKeyFile) file = g_key_file_new();
        g_autofree char *path = g_strdup_printf(DEVICE_STATE_DIR "/%u", if_nametoindex(interface));

        if (g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL)) /* else it left nothing */
                held->connection_uuid =
                        g_key_file_get_string(file, "device", "connection-uuid", NULL);
        return held;
}

static NmHeld *held_new(NMDevice *device)
{
        NmHeld *held = g_new0(NmHeld, 1);

        held->managed = device && nm_holds_device(device);
        if (!held->managed)
                return held;

        NMActiveConnection *active = nm_device_get_active_connection(device);
        if (!active ||
            nm_active_connection_get_state(active) > NM_ACTIVE_CONNECTION_STATE_ACTIVATED)
                return held;
        held->connection_id = g_strdup(nm_active_connection_get_id(active));
        if (!(nm_active_connection_get_state_flags(active) & NM_ACTIVATION_STATE_FLAG_EXTERNAL))
                held->connection_uuid = g_strdup(nm_active_connection_get_uuid(active));
        return held;
}

static bool device_has_dhcp_lease(NMDevice *device)
{
        NMDhcpConfig *dhcp = nm_device_get_dhcp4_config(device);

        return dhcp && nm_dhcp_config_get_one_option(dhcp, "ip_address");
}

static void advance_inspect(NmRequest *request)
{
        if (!nm_request_find_device(request))
                return;
        if (request->device && !nm_holds_device(request->device) &&
            !nm_request_device_is_settled(request))
                return;

        NmHeld *held = nm_answers(request->nm) ? held_new(request->device)
                                               : held_new_left(request->interface);
        nm_request_finish_inspect(request, held,
                                  request->device && device_has_dhcp_lease(request->device));
}

static void advance_take(NmRequest *request)
{
        if (!nm_request_find_device(request))
                return;
        if (request->nm->error)
                return nm_request_fail(request, "cannot ask NetworkManager for it: %s",
                                       request->nm->error->message);
        if (request->nm->client_usec == 0)
                return nm_request_fail(request, "NetworkManager does not answer");
        if (!request->device)
                return nm_request_finish(request, NULL);
        if (request->call_error && !nm_request_device_is_gone(request))
                return nm_request_fail(request, "NetworkManager does not give it away: %s",
                                       request->call_error->message);

        if (!request->call && !nm_holds_device(request->device) &&
            (request->managed_set || nm_request_device_is_settled(request)))
                return nm_request_finish(request, NULL);
        if (nm_request_is_late(request, NM_TAKE_USEC))
                return nm_request_fail(request,
                                       "NetworkManager has not let go of it within %d seconds",
                                       (int)(NM_TAKE_USEC / G_USEC_PER_SEC));

        if (nm_holds_device(request->device) && !request->managed_set) {
                request->managed_set = true;
                nm_request_set_property(request, "Managed", false);
        }
        if (request->timer_id == 0)
                nm_request_wait_until(request, nm_request_since(request) + NM_TAKE_USEC);
}

/* The client */

static void nm_wake_all(Nm *nm)
{
        for (GList *item = nm->requests.head; item; item = item->next)
                nm_request_wake(item->data);
}

static void device_added(NMClient *client, NMDevice *device, gpointer data)
{
        Nm *nm = data;

        nm_note_added(device);
        nm_watch_device(nm, device);
        nm_wake_all(nm);
}

static void device_removed(NMClient *client, NMDevice *device, gpointer data)
{
        Nm *nm = data;

        nm_unwatch_device(nm, device);
        nm_wake_all(nm);
}

static void client_drop(Nm *nm)
{
        if (!nm->client)
                return;
        nm_unwatch_devices(nm);
        g_signal_handlers_disconnect_by_data(nm->client, nm);
        g_clear_object(&nm->client);
}

static void client_adopt(Nm *nm, NMClient *client)
{
        client_drop(nm);
        nm->client = client;
        /* GDBus would end the process with SIGTERM, which looks like a clean stop */
        g_dbus_connection_set_exit_on_close(nm_client_get_dbus_connection(client), FALSE);
        g_signal_connect(client, "device-added", G_CALLBACK(device_added), nm);
        g_signal_connect(client, "device-removed", G_CALLBACK(device_removed), nm);
        g_signal_connect_swapped(client, "notify::" NM_CLIENT_VERSION, G_CALLBACK(nm_wake_all), nm);
        g_signal_connect_swapped(client, "notify::" NM_CLIENT_NM_RUNNING, G_CALLBACK(nm_wake_all),
                                 nm);
        nm_watch_devices(nm);
}

static gboolean client_connect(gpointer data);

static void client_ready(GObject *source, GAsyncResult *result, gpointer data)
{
        GError *error = NULL;
        GObject *client = g_async_initable_new_finish(G_ASYNC_INITABLE(source), result, &error);
        Nm *nm = data;

        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
                g_error_free(error); /* nm is gone */
                return;
        }
        g_clear_error(&nm->error);
        nm->error = error;
        nm->client_usec = g_get_monotonic_time();
        if (client)
                client_adopt(nm, NM_CLIENT(client));
        if (!client || (nm_client_get_nm_running(nm->client) && !nm_answers(nm)))
                nm->retry_id = g_timeout_add_seconds(RETRY_SEC, client_connect, nm);
        nm_wake_all(nm);
}

static gboolean client_connect(gpointer data)
{
        Nm *nm = data;

        nm->retry_id = 0;
        if (nm_answers(nm)) /* it has started again meanwhile */
                return G_SOURCE_REMOVE;
        g_async_initable_new_async(NM_TYPE_CLIENT, G_PRIORITY_DEFAULT, nm->cancellable,
                                   client_ready, nm, NM_CLIENT_INSTANCE_FLAGS,
                                   (guint)NM_CLIENT_INSTANCE_FLAGS_NO_AUTO_FETCH_PERMISSIONS, NULL);
        return G_SOURCE_REMOVE;
}

Nm *nm_new(void)
{
        Nm *nm = g_new0(Nm, 1);

        nm->cancellable = g_cancellable_new();
        g_queue_init(&nm->requests);
        (void)client_connect(nm); /* not called again by that */
        return nm;
}

void nm_free(Nm *nm)
{
        if (!nm)
                return;
        client_drop(nm); /* first: what is answered now is not answered by NetworkManager */
        for (NmRequest *request; (request = g_queue_peek_head(&nm->requests));)
                if (request->inspected)
                        nm_request_finish_inspect(request, g_new0(NmHeld, 1), false);
                else
                        nm_request_fail(request, "the service is stopping");

        g_clear_handle_id(&nm->retry_id, g_source_remove);
        g_cancellable_cancel(nm->cancellable);
        g_object_unref(nm->cancellable);
        g_clear_error(&nm->error);
        g_free(nm);
}

void nm_inspect(Nm *nm, const char *interface, NmInspected done, gpointer data)
{
        nm_request_new(nm, interface, advance_inspect, data)->inspected = done;
}

void nm_take(Nm *nm, const char *interface, NmDone done, gpointer data)
{
        nm_request_new(nm, interface, advance_take, data)->done = done;
}

void nm_give_back(Nm *nm, const char *interface, const NmHeld *held, NmDone done, gpointer data)
{
        NmRequest *request = nm_request_new(nm, interface, nm_advance_give_back, data);

        request->held = nm_held_copy(held);
        request->done = done;
}
