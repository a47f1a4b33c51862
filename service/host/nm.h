/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* NetworkManager, through libnm, asynchronously: devices taken out of its hands and given back. */

#include <glib.h>
#include <stdbool.h>

typedef struct Nm Nm;

/* Connects in the background; calls made before that wait for it. Without NetworkManager on the bus
 * (it is not activated) nm_inspect() and nm_take() succeed and change nothing. Callbacks are called
 * exactly once, never from inside the call that took them, and may free what they like.
 *
 * Where nothing has to be asked of NetworkManager, the answer comes with the next iteration of the
 * loop. Of an interface that has just appeared NetworkManager may know nothing yet, or only be
 * about to manage it: then nm_inspect() and nm_take() wait for it, at most a second. */
Nm *nm_new(void);
/* Calls that are pending are answered at once, with an error (nm_inspect(): as not managed). */
void nm_free(Nm *nm);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Nm, nm_free)

/* Whether NetworkManager is on the bus and has said what devices it has. */
bool nm_answers(const Nm *nm);

/* Tells of each device when NetworkManager comes to have it, and when it begins or ceases to hold
 * it (State above UNMANAGED). For all that it has, too, when it starts, or this service does. To be
 * called before the loop runs; @seen NULL ends it. */
typedef void (*NmSeen)(const char *interface, bool held, gpointer data);
void nm_watch(Nm *nm, NmSeen seen, gpointer data);

/* What a device was before it was taken. */
typedef struct NmHeld {
        bool managed;          /* NetworkManager held it */
        char *connection_uuid; /* its active connection, NULL = none that can be activated */
        char *connection_id;   /* its name, for messages and for a default connection that gets a
                                  new uuid; without a uuid: "connected (externally)", that is
                                  shown by NetworkManager and configured by somebody else. A uuid
                                  without it: what NetworkManager left active when it ended */
} NmHeld;

void nm_held_free(NmHeld *held);
NmHeld *nm_held_copy(const NmHeld *held);
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
 * (its result is NetworkManager's), or is left to NetworkManager for when there is a carrier. A
 * connection that another device uses by now is not taken from it: an error. One that was external
 * comes back as external where the link has addresses again. Where @held was not managed: nothing.
 * Errors say what could not be given back: without NetworkManager on the bus that is the device, at
 * once, to be given back when it is there, as it remembers Managed=false over its restart. The
 * device gone is success. */
void nm_give_back(Nm *nm, const char *interface, const NmHeld *held, NmDone done, gpointer data);
