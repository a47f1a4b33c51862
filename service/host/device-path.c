/* SPDX-License-Identifier: GPL-2.0-or-later */

/* An interface's place in the device tree. libsystemd reads sysfs and udev's database; only that
 * something has happened is taken from udev's multicast, whose messages are properties as text
 * behind a header (udev_monitor_receive_device(3)). sd_device_monitor would want an sd-event loop.
 */

#include "host/device-path.h"

#include <errno.h>
#include <glib-unix.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <systemd/sd-device.h>

#include "util/error.h"

/* The multicast group of events that udev has worked off; the kernel's own are group 1. */
#define UDEV_GROUP 2
#define QUEUE_SIZE (1024 * 1024)
/* Messages come in bunches: a USB hub brings many. */
#define SETTLE_MS 20

struct UdevWatch {
        int fd;
        guint source;
        guint timer;
        void (*changed)(gpointer data);
        gpointer data;
};

typedef sd_device Device;

static void device_unref(Device *device)
{
        (void)sd_device_unref(device); /* always NULL */
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Device, device_unref)

/* The device itself or one that it hangs on, itself a network interface's aside. */
static bool hangs_on(sd_device *device, const char *name)
{
        sd_device *at = NULL; /* borrowed from @device */
        const char *sysname;

        for (int r = sd_device_get_parent(device, &at); r >= 0; r = sd_device_get_parent(at, &at))
                if (sd_device_get_sysname(at, &sysname) >= 0 && g_str_equal(sysname, name))
                        return true;
        return false;
}

bool device_path_matches(guint index, const char *path)
{
        g_autoptr(Device) device = NULL;
        const char *id_path;

        if (sd_device_new_from_ifindex(&device, (int)index) < 0)
                return false;
        if (sd_device_get_property_value(device, "ID_PATH", &id_path) >= 0 &&
            g_str_equal(id_path, path))
                return true;
        return hangs_on(device, path);
}

static gboolean on_settled(gpointer data)
{
        UdevWatch *watch = data;

        watch->timer = 0;
        watch->changed(watch->data);
        return G_SOURCE_REMOVE;
}

/* Whatever comes only has us look: who sent it does not matter. */
static gboolean on_readable(int fd, GIOCondition condition, gpointer data)
{
        UdevWatch *watch = data;
        char buffer[8192];
        ssize_t n;

        while ((n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT)) != 0) {
                bool lost = n < 0 && errno == ENOBUFS;
                if (n < 0 && !lost && errno != EINTR)
                        break;
                bool about_net = n > 0 && memmem(buffer, (gsize)n, "SUBSYSTEM=net", 14);
                if ((lost || about_net) && watch->timer == 0)
                        watch->timer = g_timeout_add(SETTLE_MS, on_settled, watch);
        }
        return G_SOURCE_CONTINUE;
}

UdevWatch *udev_watch_new(void (*changed)(gpointer data), gpointer data, GError **error)
{
        g_autoptr(UdevWatch) watch = g_new0(UdevWatch, 1);
        const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = UDEV_GROUP };
        const int size = QUEUE_SIZE;

        watch->changed = changed;
        watch->data = data;
        watch->fd =
                socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
        if (watch->fd < 0 ||
            bind(watch->fd, (const struct sockaddr *)&address, sizeof address) < 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "cannot subscribe to udev's events: %s", g_strerror(errno));
                return NULL;
        }
        /* Refused: an overrun has us look as well. */
        (void)setsockopt(watch->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
        watch->source = g_unix_fd_add(watch->fd, G_IO_IN, on_readable, watch);
        return g_steal_pointer(&watch);
}

void udev_watch_free(UdevWatch *watch)
{
        if (!watch)
                return;
        g_clear_handle_id(&watch->timer, g_source_remove);
        g_clear_handle_id(&watch->source, g_source_remove);
        if (watch->fd >= 0)
                close(watch->fd);
        g_free(watch);
}
