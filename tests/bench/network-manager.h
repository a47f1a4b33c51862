/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* NetworkManager as a peer of the service: what it holds, and how long it takes to let go. */

#include <glib.h>
#include <systemd/sd-bus.h>

typedef struct HeldDevice HeldDevice;

/* Watches NetworkManager's device of @interface by a connection of its own, as the service's user:
 * what polkit costs NetworkManager, it costs the service too. */
HeldDevice *held_device_new(const char *interface);
void held_device_free(HeldDevice *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HeldDevice, held_device_free)

/* Waits until NetworkManager is connecting or has connected the device. */
void held_device_wait_held(HeldDevice *device);
/* Makes it unmanaged; returns when its state says so. */
void held_device_release(HeldDevice *device);
/* Has it managed again. */
void held_device_give_back(HeldDevice *device);
