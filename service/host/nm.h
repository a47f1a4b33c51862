/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* NetworkManager, through libnm, asynchronously: devices taken out of its hands and given back. */

#include <glib.h>
#include <stdbool.h>

typedef struct Nm Nm;

/* Connects in the background; calls made before that wait for it. Without NetworkManager on the bus
 * every call succeeds and changes nothing. */
Nm *nm_new(void);
void nm_free(Nm *nm);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Nm, nm_free)

/* What a device was before it was taken. */
typedef struct NmHeld {
        bool managed;          /* NetworkManager held it */
        char *connection_uuid; /* its active connection, NULL = none */
        char *connection_id;   /* its name, for messages and for a default connection that gets a
                                  new uuid */
} NmHeld;

void nm_held_free(NmHeld *held);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NmHeld, nm_held_free)

/* What NetworkManager knows of @interface now. @held is never NULL and the callee's. @dhcp_lease:
 * its address is from a DHCP server. */
typedef void (*NmInspected)(NmHeld *held, bool dhcp_lease, gpointer data);
void nm_inspect(Nm *nm, const char *interface, NmInspected done, gpointer data);

/* Calls @done exactly once, later. @error is borrowed; NULL = done. */
typedef void (*NmDone)(const GError *error, gpointer data);

/* Sets Managed to false; done when the device's State is UNMANAGED, or 10 s later with an error. A
 * device that NetworkManager does not have or does not hold is success. */
void nm_take(Nm *nm, const char *interface, NmDone done, gpointer data);

/* Gives it back as @held says: Managed true and, once the device can take it, its connection
 * activated again unless NetworkManager has activated it itself; done when the activation has begun
 * (its result is NetworkManager's). Where @held was not managed: nothing. Errors say what could not
 * be given back. The device gone is success. */
void nm_give_back(Nm *nm, const char *interface, const NmHeld *held, NmDone done, gpointer data);
