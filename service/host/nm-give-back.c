/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Gives a device back to NetworkManager: Managed, then what was connected on it.
 *
 * Two cases are not straightforward. NetworkManager mostly activates the profile by itself, so it
 * gets a moment to begin. And a device that somebody else had configured ("connected (externally)")
 * would get a profile of NetworkManager's own with Managed=true: with Autoconnect off meanwhile it
 * goes to disconnected, touches no address, and becomes external again when the link changes. */

#include "host/nm-request.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define GIVE_BACK_USEC (8000 * NM_MSEC)
#define PROFILES_USEC  (1000 * NM_MSEC)
#define AUTO_USEC      (300 * NM_MSEC)  /* for NetworkManager's own activation */
#define EXTERNAL_USEC  (1000 * NM_MSEC) /* for NetworkManager to find what is on the link */

/* Has NetworkManager look at the link again: it finds out that somebody else has configured it when
 * something of the link changes. This flag means nothing to any driver. */
static void link_touch(const char *interface)
{
        struct ifreq request = { 0 };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return;
        g_strlcpy(request.ifr_name, interface, sizeof request.ifr_name);
        if (ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
                request.ifr_flags ^= (short)IFF_DYNAMIC;
                (void)ioctl(fd, SIOCSIFFLAGS, &request); /* gone, or not ours: nothing to show */
                request.ifr_flags ^= (short)IFF_DYNAMIC;
                (void)ioctl(fd, SIOCSIFFLAGS, &request);
        }
        (void)close(fd);
}

/* The profile that was active: by uuid, else by name, as a generated one may come back with another
 * uuid. NULL: gone. */
static NMRemoteConnection *request_find_connection(const NmRequest *request)
{
        NMClient *client = request->nm->client;
        NMRemoteConnection *connection =
                nm_client_get_connection_by_uuid(client, request->held->connection_uuid);

        if (connection || !request->held->connection_id)
                return connection;
        connection = nm_client_get_connection_by_id(client, request->held->connection_id);
        if (connection &&
            nm_device_connection_compatible(request->device, NM_CONNECTION(connection), NULL))
                return connection;
        return NULL;
}

/* One that NetworkManager made up to show what others had configured. */
static bool connection_is_made_up(NMRemoteConnection *connection)
{
        const NMSettingsConnectionFlags made_up =
                NM_SETTINGS_CONNECTION_FLAG_NM_GENERATED | NM_SETTINGS_CONNECTION_FLAG_EXTERNAL;

        return nm_remote_connection_get_flags(connection) & made_up;
}

/* Connected by somebody else: NetworkManager shows the device and leaves it alone. What it has left
 * active itself may have been such a one too. */
static bool request_is_external(const NmRequest *request)
{
        const NmHeld *held = request->held;

        if (held->connection_id || !held->connection_uuid)
                return held->connection_id && !held->connection_uuid;
        NMRemoteConnection *left = request_find_connection(request);
        return !left || connection_is_made_up(left);
}

/* libnm gets to know the profiles of a NetworkManager that has just started one by one. */
static bool request_awaits_connection(NmRequest *request)
{
        if (!request->held->connection_uuid || request_find_connection(request) ||
            nm_request_is_late(request, PROFILES_USEC))
                return false;
        nm_request_wait_until(request, nm_request_since(request) + PROFILES_USEC);
        return true;
}

static bool connection_autoconnects(NMRemoteConnection *connection)
{
        NMSettingConnection *setting =
                nm_connection_get_setting_connection(NM_CONNECTION(connection));

        return setting && nm_setting_connection_get_autoconnect(setting);
}

/* The name of another device that uses @connection now: activating it here would cut that one off.
 * NULL: none, or the profile is for several at once. */
static const char *request_find_user(const NmRequest *request, NMRemoteConnection *connection)
{
        NMSettingConnection *setting =
                nm_connection_get_setting_connection(NM_CONNECTION(connection));
        const GPtrArray *all = nm_client_get_active_connections(request->nm->client);

        if (setting &&
            nm_setting_connection_get_multi_connect(setting) > NM_CONNECTION_MULTI_CONNECT_SINGLE)
                return NULL;
        for (guint i = 0; i < all->len; i++) {
                NMActiveConnection *active = all->pdata[i];
                const GPtrArray *devices = nm_active_connection_get_devices(active);

                if (nm_active_connection_get_connection(active) != connection ||
                    nm_active_connection_get_state(active) > NM_ACTIVE_CONNECTION_STATE_ACTIVATED)
                        continue;
                if (devices->len > 0 && devices->pdata[0] != request->device)
                        return nm_device_get_iface(devices->pdata[0]);
        }
        return NULL;
}

static void connection_activated(GObject *client, GAsyncResult *result, gpointer data)
{
        GError *error = NULL;
        NMActiveConnection *active =
                nm_client_activate_connection_finish(NM_CLIENT(client), result, &error);

        g_clear_object(&active);
        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
                g_error_free(error);
        else
                nm_request_call_ended(data, error);
}

static void request_activate(NmRequest *request, NMRemoteConnection *connection)
{
        GCancellable *call = nm_request_call_begin(request);

        request->activated = true;
        nm_client_activate_connection_async(request->nm->client, NM_CONNECTION(connection),
                                            request->device, NULL, call, connection_activated,
                                            request);
}

/* The device is NetworkManager's again and had a connection. */
static void advance_activate(NmRequest *request)
{
        NMActiveConnection *active = nm_device_get_active_connection(request->device);
        const char *id = request->held->connection_id ?: request->held->connection_uuid;
        NMRemoteConnection *connection = request_find_connection(request);

        if (!connection)
                return nm_request_fail(
                        request, "NetworkManager has it again, but its connection '%s' is gone",
                        id);
        if (active && nm_active_connection_get_connection(active) == connection &&
            nm_active_connection_get_state(active) <= NM_ACTIVE_CONNECTION_STATE_ACTIVATED)
                return nm_request_finish(request, NULL);

        /* asking as well what NetworkManager is about to do anyhow would start it twice; without a
         * carrier it does so when there is one, while DHCP that is asked for then just fails */
        gint64 auto_usec = request->returned_usec + AUTO_USEC;
        if (!active && connection_autoconnects(connection) &&
            nm_device_get_autoconnect(request->device)) {
                if (g_get_monotonic_time() < auto_usec)
                        return nm_request_wait_until(request, auto_usec);
                if (nm_device_get_state(request->device) == NM_DEVICE_STATE_UNAVAILABLE)
                        return nm_request_finish(request, NULL);
        }

        const char *user = request_find_user(request, connection);
        if (user)
                return nm_request_fail(
                        request,
                        "NetworkManager has it again, but its connection '%s' is in use on %s", id,
                        user);
        request_activate(request, connection);
}

/* The device is NetworkManager's again, where somebody else had configured it. Managed=true would
 * have NetworkManager activate a profile of its own; with Autoconnect off it only looks. */
static void advance_external(NmRequest *request)
{
        NMActiveConnection *active = nm_device_get_active_connection(request->device);
        gint64 limit_usec = request->returned_usec + EXTERNAL_USEC;

        if (!active && g_get_monotonic_time() < limit_usec) {
                link_touch(request->interface);
                return nm_request_wait_until(request, limit_usec);
        }
        if (!request->autoconnect_off)
                return nm_request_finish(request, NULL);
        request->autoconnect_off = false;
        nm_request_set_property(request, "Autoconnect", true);
}

static void advance_give_managed(NmRequest *request)
{
        if (request_is_external(request) && nm_device_get_autoconnect(request->device) &&
            !request->autoconnect_off) {
                request->autoconnect_off = true;
                return nm_request_set_property(request, "Autoconnect", false);
        }
        if (!request->managed_set) {
                request->managed_set = true;
                nm_request_set_property(request, "Managed", true);
        }
}

/* With a device that NetworkManager knows, and no call under way. */
static void advance_give_device(NmRequest *request)
{
        if (!nm_holds_device(request->device))
                return advance_give_managed(request);
        if (request->returned_usec == 0)
                request->returned_usec = g_get_monotonic_time();
        if (request_is_external(request))
                return advance_external(request);
        if (!request->held->connection_uuid || request->activated)
                return nm_request_finish(request, NULL);
        if (nm_device_get_state(request->device) <= NM_DEVICE_STATE_ACTIVATED)
                advance_activate(request);
}

void nm_advance_give_back(NmRequest *request)
{
        if (!request->held->managed)
                return nm_request_finish(request, NULL);
        if (!nm_request_find_device(request))
                return;

        if (!nm_answers(request->nm) && if_nametoindex(request->interface) > 0)
                return nm_request_fail(request,
                                       "NetworkManager does not answer and cannot take it back");
        if (!request->device)
                return nm_request_finish(request, NULL);
        if (request->call_error && !nm_request_device_is_gone(request))
                return nm_request_fail(request, "NetworkManager does not take it back%s%s%s: %s",
                                       request->activated ? " with its connection '" : "",
                                       request->activated ? request->held->connection_id ?: "" : "",
                                       request->activated ? "'" : "", request->call_error->message);
        if (nm_request_is_late(request, GIVE_BACK_USEC))
                return nm_request_fail(request, "NetworkManager has not taken it back in time");

        if (request_awaits_connection(request))
                return;
        nm_request_wait_until(request, nm_request_since(request) + GIVE_BACK_USEC);
        if (!request->call)
                advance_give_device(request);
}
