/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Where an interface's device is plugged in, by sysfs and by udev's database (sd-device(3)), and
 * word that udev has looked at one. */

#include <glib.h>
#include <stdbool.h>

/* Whether the device of interface @index is at @path: udev's ID_PATH of it, where udev has made
 * one, or the kernel's name of the device or of one that it hangs on ("1-2" of USB, "0000:03:00.0"
 * of PCI). One without a device (veth, bridge) is nowhere. */
bool device_path_matches(guint index, const char *path);

/* Tells that udev has worked off an event of a network device (its ID_PATH may be known now), by
 * the messages that systemd-udevd multicasts. One call may stand for several. */
typedef struct UdevWatch UdevWatch;
UdevWatch *udev_watch_new(void (*changed)(gpointer data), gpointer data, GError **error);
void udev_watch_free(UdevWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UdevWatch, udev_watch_free)
