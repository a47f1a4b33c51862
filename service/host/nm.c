/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Owns the one NMClient, and the asking and taking of devices (the giving back is nm-give-back.c's,
 * what they share nm-request.c's; nothing else knows libnm).
 *
 * What NetworkManager remembers itself: Managed=false outlives its restart (not the device), and
 * "Wired connection 1" keeps its uuid while the device is away. Not here: what to do when
 * NetworkManager starts to manage a device later. */

#include "host/nm.h"

#include "host/nm-request.h"

void nm_held_free(NmHeld *held)
{
        if (!held)
                return;
        g_free(held->connection_uuid);
        g_free(held->connection_id);
        g_free(held);
}

static NmHeld *held_copy(const NmHeld *held)
{
        NmHeld *copy = g_new0(NmHeld, 1);

        *copy = (NmHeld){
                .managed = held->managed,
                .connection_uuid = g_strdup(held->connection_uuid),
                .connection_id = g_strdup(held->connection_id),
        };
        return copy;
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

        nm_request_finish_inspect(request, held_new(request->device),
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
        nm_note_added(device);
        nm_wake_all(data);
}

static void client_ready(GObject *source, GAsyncResult *result, gpointer data)
{
        GError *error = NULL;
        g_autoptr(GObject) client =
                g_async_initable_new_finish(G_ASYNC_INITABLE(source), result, &error);
        Nm *nm = data;

        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
                g_error_free(error); /* nm is gone */
                return;
        }
        nm->error = error;
        nm->client_usec = g_get_monotonic_time();
        if (client) {
                nm->client = NM_CLIENT(g_steal_pointer(&client));
                /* GDBus would end the process with SIGTERM, which looks like a clean stop */
                g_dbus_connection_set_exit_on_close(nm_client_get_dbus_connection(nm->client),
                                                    FALSE);
                g_signal_connect(nm->client, "device-added", G_CALLBACK(device_added), nm);
                g_signal_connect_swapped(nm->client, "device-removed", G_CALLBACK(nm_wake_all), nm);
                g_signal_connect_swapped(nm->client, "notify::nm-running", G_CALLBACK(nm_wake_all),
                                         nm);
        }
        nm_wake_all(nm);
}

Nm *nm_new(void)
{
        Nm *nm = g_new0(Nm, 1);

        nm->cancellable = g_cancellable_new();
        g_queue_init(&nm->requests);
        g_async_initable_new_async(NM_TYPE_CLIENT, G_PRIORITY_DEFAULT, nm->cancellable,
                                   client_ready, nm, NM_CLIENT_INSTANCE_FLAGS,
                                   (guint)NM_CLIENT_INSTANCE_FLAGS_NO_AUTO_FETCH_PERMISSIONS, NULL);
        return nm;
}

void nm_free(Nm *nm)
{
        if (!nm)
                return;
        for (NmRequest *request; (request = g_queue_peek_head(&nm->requests));)
                if (request->inspected)
                        nm_request_finish_inspect(request, g_new0(NmHeld, 1), false);
                else
                        nm_request_fail(request, "the service is stopping");

        g_cancellable_cancel(nm->cancellable);
        g_object_unref(nm->cancellable);
        if (nm->client)
                g_signal_handlers_disconnect_by_data(nm->client, nm);
        g_clear_object(&nm->client);
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

        request->held = held_copy(held);
        request->done = done;
}
