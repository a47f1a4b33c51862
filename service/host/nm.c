/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Owns the one NMClient and the questions and wishes about devices that are under way.
 *
 * Each call is a Request with an advance function that looks at NetworkManager as it is now and
 * either finishes or waits for more: the client, the device, a reply, a state, a deadline. Whatever
 * happens only wakes the request; advancing is done from an idle source, never from inside a signal
 * of libnm or the call itself, and is safe to do once too often. So the order in which replies and
 * signals come does not matter, nor that the device or NetworkManager goes in the middle.
 *
 * A device that has just appeared is the one case for waiting before there is anything to do: its
 * object comes some milliseconds after the kernel's link, and with udev NetworkManager begins to
 * manage it some time after that. "Not managed" is believed of a device that is settled only; else
 * it would be taken by NetworkManager right behind our back, and not be given back in the end.
 *
 * What NetworkManager remembers itself: Managed=false outlives its restart (not the device), and
 * "Wired connection 1" keeps its uuid while the device is away. Not here: what to do when
 * NetworkManager starts to manage a device later. */

#include "host/nm.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <NetworkManager.h>

#include "util/error.h"

#define MSEC G_GINT64_CONSTANT(1000)

#define APPEAR_USEC    (1000 * MSEC)  /* from the kernel's link to NetworkManager's object */
#define OBJECT_USEC    (25 * MSEC)    /* from its object to being managed, without udev (1 ms) */
#define SETTLE_USEC    (100 * MSEC)   /* from udev's record to being managed */
#define TAKE_USEC      (10000 * MSEC) /* deactivating runs dispatcher scripts, releases leases */
#define GIVE_BACK_USEC (5000 * MSEC)
#define RESTART_USEC   (3000 * MSEC) /* NetworkManager is just being restarted */
#define AUTO_USEC      (300 * MSEC)  /* for NetworkManager's own activation */
#define EXTERNAL_USEC  (1000 * MSEC) /* for NetworkManager to find what is on the link */

typedef struct Request Request;

struct Nm {
        NMClient *client; /* NULL while connecting, or where that failed */
        GCancellable *cancellable;
        GError *error;      /* why there is no client */
        gint64 client_usec; /* when that was known; 0 = connecting */
        GQueue requests;    /* of Request, owned */
};

struct Request {
        Nm *nm; /* our owner */
        char *interface;
        void (*advance)(Request *request);
        gint64 start_usec;
        NmHeld *held;
        NmInspected inspected; /* either this */
        NmDone done;           /* or this */
        gpointer data;

        guint idle_id;
        guint timer_id;
        NMDevice *device; /* the one that the following is about */
        gulong device_handler;
        GCancellable *call; /* a D-Bus call under way */
        GError *call_error; /* how the last one failed */
        bool managed_set;
        bool activated;
        bool autoconnect_off; /* Autoconnect was true and is false now, by us */
        gint64 returned_usec; /* when the device was seen to be NetworkManager's again */
};

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

/* Connected by somebody else: NetworkManager shows the device and leaves it alone. */
static bool held_is_external(const NmHeld *held)
{
        return held->managed && held->connection_id && !held->connection_uuid;
}

/* Requests: waking, waiting, ending */

static gboolean request_advance(gpointer data)
{
        Request *request = data;

        request->idle_id = 0;
        g_clear_handle_id(&request->timer_id, g_source_remove);
        request->advance(request);
        return G_SOURCE_REMOVE;
}

static void request_wake(Request *request)
{
        if (request->idle_id == 0)
                request->idle_id =
                        g_idle_add_full(G_PRIORITY_DEFAULT, request_advance, request, NULL);
}

static gboolean request_timer(gpointer data)
{
        Request *request = data;

        request->timer_id = 0;
        request_wake(request);
        return G_SOURCE_REMOVE;
}

/* Advances again at @usec of the monotonic clock, if nothing wakes it before. */
static void request_wait_until(Request *request, gint64 usec)
{
        gint64 left = MAX(usec - g_get_monotonic_time(), 0);

        g_clear_handle_id(&request->timer_id, g_source_remove);
        request->timer_id = g_timeout_add((guint)(left / MSEC + 1), request_timer, request);
}

static void request_call_clear(Request *request)
{
        g_cancellable_cancel(request->call); /* NULL is fine */
        g_clear_object(&request->call);
        g_clear_error(&request->call_error);
}

static void request_set_device(Request *request, NMDevice *device)
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
                        device, "notify", G_CALLBACK(request_wake), request);
}

static void request_free(Request *request)
{
        if (!request)
                return;
        g_queue_remove(&request->nm->requests, request);
        request_set_device(request, NULL);
        request_call_clear(request);
        g_clear_handle_id(&request->idle_id, g_source_remove);
        g_clear_handle_id(&request->timer_id, g_source_remove);
        nm_held_free(request->held);
        g_free(request->interface);
        g_free(request);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Request, request_free)

/* Ends @request with @error, which it takes. Nm may be gone afterwards. */
static void request_finish(Request *request, GError *error)
{
        NmDone done = request->done;
        gpointer data = request->data;
        g_autoptr(GError) owned = error;

        request_free(request);
        done(owned, data);
}

static void request_fail(Request *request, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void request_fail(Request *request, const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        g_autofree char *text = g_strdup_vprintf(format, arguments);
        va_end(arguments);

        request_finish(request, g_error_new(SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: %s",
                                            request->interface, text));
}

static void request_finish_inspect(Request *request, NmHeld *held, bool dhcp_lease)
{
        NmInspected inspected = request->inspected;
        gpointer data = request->data;

        request_free(request);
        inspected(held, dhcp_lease, data);
}

static Request *request_new(Nm *nm, const char *interface, void (*advance)(Request *),
                            gpointer data)
{
        Request *request = g_new0(Request, 1);

        request->nm = nm;
        request->interface = g_strdup(interface);
        request->advance = advance;
        request->start_usec = g_get_monotonic_time();
        request->data = data;
        g_queue_push_tail(&nm->requests, request);
        request_wake(request);
        return request;
}

/* When the request could first have been answered. */
static gint64 request_since(const Request *request)
{
        return MAX(request->start_usec, request->nm->client_usec);
}

static bool request_is_late(const Request *request, gint64 limit_usec)
{
        return g_get_monotonic_time() >= request_since(request) + limit_usec;
}

/* Devices */

static GQuark added_quark(void)
{
        return g_quark_from_static_string("dut-network-added");
}

static bool nm_is_running(const Nm *nm)
{
        return nm->client && nm_client_get_nm_running(nm->client);
}

/* Sets request->device to what NetworkManager has of the name, NULL where it has nothing. False:
 * not known yet, wait. */
static bool request_find_device(Request *request)
{
        Nm *nm = request->nm;
        NMDevice *device = NULL;

        if (nm->client_usec == 0) {
                request_wait_until(request, request->start_usec + TAKE_USEC);
                return request_is_late(request, TAKE_USEC);
        }
        if (nm_is_running(nm))
                device = nm_client_get_device_by_iface(nm->client, request->interface);
        if (device && !nm_device_is_real(device))
                device = NULL;
        request_set_device(request, device);
        if (device || !nm_is_running(nm) || if_nametoindex(request->interface) == 0)
                return true;

        request_wait_until(request, request_since(request) + APPEAR_USEC);
        return request_is_late(request, APPEAR_USEC);
}

static bool device_is_held(NMDevice *device)
{
        return nm_device_get_state(device) > NM_DEVICE_STATE_UNMANAGED;
}

/* NetworkManager leaves a link alone until udev has made its record of it. 0: it has, long ago (or
 * there is no udev); else until when to wait. */
static gint64 udev_settles_usec(const Request *request)
{
        g_autofree char *path = NULL;
        struct stat record;

        if (access("/run/udev/control", F_OK) < 0)
                return 0;
        path = g_strdup_printf("/run/udev/data/n%u", if_nametoindex(request->interface));
        if (stat(path, &record) < 0)
                return request_since(request) + APPEAR_USEC;

        gint64 age_usec = g_get_real_time() - (gint64)record.st_mtim.tv_sec * G_USEC_PER_SEC;
        bool fresh = age_usec >= 0 && age_usec < G_USEC_PER_SEC + SETTLE_USEC;
        return fresh ? request_since(request) + SETTLE_USEC : 0;
}

/* Whether a device that is not managed will stay so. False: too new to tell, wait. */
static bool request_device_is_settled(Request *request)
{
        const gint64 *added_usec = g_object_get_qdata(G_OBJECT(request->device), added_quark());
        gint64 settles_usec = udev_settles_usec(request);

        if (added_usec)
                settles_usec = MAX(settles_usec, *added_usec + OBJECT_USEC);
        if (nm_client_get_startup(request->nm->client))
                settles_usec = MAX(settles_usec, request_since(request) + SETTLE_USEC);
        if (g_get_monotonic_time() >= settles_usec)
                return true;

        request_wait_until(request, settles_usec);
        return false;
}

/* Calls */

static void request_call_ended(Request *request, GError *error)
{
        g_clear_object(&request->call);
        g_clear_error(&request->call_error);
        if (error)
                g_dbus_error_strip_remote_error(error);
        if (g_error_matches(error, NM_MANAGER_ERROR, NM_MANAGER_ERROR_PERMISSION_DENIED))
                g_prefix_error(&error, "polkit does not grant this service's user "
                                       "org.freedesktop.NetworkManager.network-control: ");
        request->call_error = error;
        request_wake(request);
}

static void property_set(GObject *client, GAsyncResult *result, gpointer data)
{
        GError *error = NULL;

        (void)nm_client_dbus_set_property_finish(NM_CLIENT(client), result, &error);
        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
                g_error_free(error); /* and the request is gone, or asks something else */
        else
                request_call_ended(data, error);
}

static void request_set_property(Request *request, const char *property, bool value)
{
        request_call_clear(request);
        request->call = g_cancellable_new();
        nm_client_dbus_set_property(
                request->nm->client, nm_object_get_path(NM_OBJECT(request->device)),
                "org.freedesktop.NetworkManager.Device", property, g_variant_new_boolean(value), -1,
                request->call, property_set, request);
}

/* Of a request that has failed: whether the device has gone meanwhile, which libnm learns a little
 * later. */
static bool request_device_is_gone(const Request *request)
{
        return g_error_matches(request->call_error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT) ||
               g_error_matches(request->call_error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD) ||
               g_error_matches(request->call_error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_INTERFACE) ||
               g_error_matches(request->call_error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) ||
               g_error_matches(request->call_error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
               g_error_matches(request->call_error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN);
}

/* Inspect */

static NmHeld *held_new(NMDevice *device)
{
        NmHeld *held = g_new0(NmHeld, 1);

        held->managed = device && device_is_held(device);
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

static void advance_inspect(Request *request)
{
        if (!request_find_device(request))
                return;
        if (request->device && !device_is_held(request->device) &&
            !request_device_is_settled(request))
                return;

        request_finish_inspect(request, held_new(request->device),
                               request->device && device_has_dhcp_lease(request->device));
}

/* Take */

static void advance_take(Request *request)
{
        if (!request_find_device(request))
                return;
        if (request->nm->error)
                return request_fail(request, "cannot ask NetworkManager for it: %s",
                                    request->nm->error->message);
        if (!request->device)
                return request_finish(request, NULL);
        if (request->call_error && !request_device_is_gone(request))
                return request_fail(request, "NetworkManager does not give it away: %s",
                                    request->call_error->message);

        if (!request->call && !device_is_held(request->device) &&
            (request->managed_set || request_device_is_settled(request)))
                return request_finish(request, NULL);
        if (request_is_late(request, TAKE_USEC))
                return request_fail(request,
                                    "NetworkManager has not let go of it within %d seconds",
                                    (int)(TAKE_USEC / G_USEC_PER_SEC));

        if (device_is_held(request->device) && !request->managed_set) {
                request->managed_set = true;
                request_set_property(request, "Managed", false);
        }
        if (request->timer_id == 0)
                request_wait_until(request, request_since(request) + TAKE_USEC);
}

/* Give back */

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
static NMRemoteConnection *request_find_connection(const Request *request)
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

static bool connection_autoconnects(NMRemoteConnection *connection)
{
        NMSettingConnection *setting =
                nm_connection_get_setting_connection(NM_CONNECTION(connection));

        return setting && nm_setting_connection_get_autoconnect(setting);
}

/* The name of another device that uses @connection now: activating it here would cut that one off.
 * NULL: none, or the profile is for several at once. */
static const char *request_find_user(const Request *request, NMRemoteConnection *connection)
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
        g_autoptr(NMActiveConnection) active =
                nm_client_activate_connection_finish(NM_CLIENT(client), result, &error);

        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
                g_error_free(error);
        else
                request_call_ended(data, error);
}

static void request_activate(Request *request, NMRemoteConnection *connection)
{
        request_call_clear(request);
        request->activated = true;
        request->call = g_cancellable_new();
        nm_client_activate_connection_async(request->nm->client, NM_CONNECTION(connection),
                                            request->device, NULL, request->call,
                                            connection_activated, request);
}

/* The device is NetworkManager's again and had a connection. */
static void advance_activate(Request *request)
{
        NMActiveConnection *active = nm_device_get_active_connection(request->device);
        const char *id = request->held->connection_id ?: request->held->connection_uuid;
        NMRemoteConnection *connection = request_find_connection(request);

        if (!connection)
                return request_fail(request,
                                    "NetworkManager has it again, but its connection '%s' is gone",
                                    id);
        if (active && nm_active_connection_get_connection(active) == connection &&
            nm_active_connection_get_state(active) <= NM_ACTIVE_CONNECTION_STATE_ACTIVATED)
                return request_finish(request, NULL);

        /* asking as well what NetworkManager is about to do anyhow would start it twice; without a
         * carrier it does so when there is one, while DHCP that is asked for then just fails */
        gint64 auto_usec = request->returned_usec + AUTO_USEC;
        if (!active && connection_autoconnects(connection) &&
            nm_device_get_autoconnect(request->device)) {
                if (g_get_monotonic_time() < auto_usec)
                        return request_wait_until(request, auto_usec);
                if (nm_device_get_state(request->device) == NM_DEVICE_STATE_UNAVAILABLE)
                        return request_finish(request, NULL);
        }

        const char *user = request_find_user(request, connection);
        if (user)
                return request_fail(
                        request,
                        "NetworkManager has it again, but its connection '%s' is in use on %s", id,
                        user);
        request_activate(request, connection);
}

/* The device is NetworkManager's again, where somebody else had configured it. Managed=true would
 * have NetworkManager activate a profile of its own; with Autoconnect off it only looks. */
static void advance_external(Request *request)
{
        NMActiveConnection *active = nm_device_get_active_connection(request->device);
        gint64 limit_usec = request->returned_usec + EXTERNAL_USEC;

        if (!active && g_get_monotonic_time() < limit_usec) {
                link_touch(request->interface);
                return request_wait_until(request, limit_usec);
        }
        if (!request->autoconnect_off)
                return request_finish(request, NULL);
        request->autoconnect_off = false;
        request_set_property(request, "Autoconnect", true);
}

static void advance_give_managed(Request *request)
{
        if (held_is_external(request->held) && nm_device_get_autoconnect(request->device) &&
            !request->autoconnect_off) {
                request->autoconnect_off = true;
                return request_set_property(request, "Autoconnect", false);
        }
        if (!request->managed_set) {
                request->managed_set = true;
                request_set_property(request, "Managed", true);
        }
}

/* With a device that NetworkManager knows, and no call under way. */
static void advance_give_device(Request *request)
{
        if (!device_is_held(request->device))
                return advance_give_managed(request);
        if (request->returned_usec == 0)
                request->returned_usec = g_get_monotonic_time();
        if (held_is_external(request->held))
                return advance_external(request);
        if (!request->held->connection_uuid || request->activated)
                return request_finish(request, NULL);
        if (nm_device_get_state(request->device) <= NM_DEVICE_STATE_ACTIVATED)
                advance_activate(request);
}

static void advance_give_back(Request *request)
{
        if (!request->held->managed)
                return request_finish(request, NULL);
        if (!request_find_device(request))
                return;

        if (!nm_is_running(request->nm) && if_nametoindex(request->interface) > 0) {
                if (!request_is_late(request, RESTART_USEC))
                        return request_wait_until(request, request_since(request) + RESTART_USEC);
                return request_fail(request, "NetworkManager does not run and cannot take it back; "
                                             "it will leave it alone until told otherwise");
        }
        if (!request->device)
                return request_finish(request, NULL);
        if (request->call_error && !request_device_is_gone(request))
                return request_fail(request, "NetworkManager does not take it back%s%s%s: %s",
                                    request->activated ? " with its connection '" : "",
                                    request->activated ? request->held->connection_id ?: "" : "",
                                    request->activated ? "'" : "", request->call_error->message);
        if (request_is_late(request, RESTART_USEC + GIVE_BACK_USEC))
                return request_fail(request, "NetworkManager has not taken it back in time");

        request_wait_until(request, request_since(request) + RESTART_USEC + GIVE_BACK_USEC);
        if (!request->call)
                advance_give_device(request);
}

/* The client */

static void nm_wake_all(Nm *nm)
{
        for (GList *item = nm->requests.head; item; item = item->next)
                request_wake(item->data);
}

static void device_added(NMClient *client, NMDevice *device, gpointer data)
{
        gint64 now_usec = g_get_monotonic_time();

        g_object_set_qdata_full(G_OBJECT(device), added_quark(),
                                g_memdup2(&now_usec, sizeof now_usec), g_free);
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
        for (Request *request; (request = g_queue_peek_head(&nm->requests));)
                if (request->inspected)
                        request_finish_inspect(request, g_new0(NmHeld, 1), false);
                else
                        request_fail(request, "the service is stopping");

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
        request_new(nm, interface, advance_inspect, data)->inspected = done;
}

void nm_take(Nm *nm, const char *interface, NmDone done, gpointer data)
{
        request_new(nm, interface, advance_take, data)->done = done;
}

void nm_give_back(Nm *nm, const char *interface, const NmHeld *held, NmDone done, gpointer data)
{
        Request *request = request_new(nm, interface, advance_give_back, data);

        request->held = held_copy(held);
        request->done = done;
}
