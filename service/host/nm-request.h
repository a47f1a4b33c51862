/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What nm.c, nm-give-back.c and nm-watch.c share: the client, and one question or wish that is
 * under way. */

#include <NetworkManager.h>

#include "host/nm.h"

#define NM_MSEC G_GINT64_CONSTANT(1000)

#define NM_TAKE_USEC (10000 * NM_MSEC) /* deactivating runs dispatcher scripts, releases leases */

typedef struct NmRequest NmRequest;

struct Nm {
        NMClient *client; /* NULL while connecting, or where that failed */
        GCancellable *cancellable;
        GError *error;      /* why there is no client */
        gint64 client_usec; /* when that was known; 0 = connecting */
        guint retry_id;     /* connecting again, where it failed */
        NmSeen seen;        /* NULL: nobody watches */
        gpointer seen_data;
        GQueue requests; /* of NmRequest, owned */
};

struct NmRequest {
        Nm *nm; /* our owner */
        char *interface;
        void (*advance)(NmRequest *request);
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

/* A request that is advanced for the first time in the next iteration of the loop. */
NmRequest *nm_request_new(Nm *nm, const char *interface, void (*advance)(NmRequest *),
                          gpointer data);
/* Advances it soon. */
void nm_request_wake(NmRequest *request);
/* Advances it at @usec of the monotonic clock, if nothing wakes it before. */
void nm_request_wait_until(NmRequest *request, gint64 usec);
/* When the request could first have been answered. */
gint64 nm_request_since(const NmRequest *request);
bool nm_request_is_late(const NmRequest *request, gint64 limit_usec);

/* These end and free the request and call its callback; Nm may be gone afterwards. Of @error they
 * take ownership, of @held the callback does. */
void nm_request_finish(NmRequest *request, GError *error);
void nm_request_finish_inspect(NmRequest *request, NmHeld *held, bool dhcp_lease);
void nm_request_fail(NmRequest *request, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Calls. At their end the request is woken, with how it failed in call_error. */
GCancellable *nm_request_call_begin(NmRequest *request);
void nm_request_call_ended(NmRequest *request, GError *error);
void nm_request_set_property(NmRequest *request, const char *property, bool value);
/* Whether the last call has failed because the device or NetworkManager has gone meanwhile, which
 * libnm learns a little later. */
bool nm_request_device_is_gone(const NmRequest *request);

/* Devices */
void nm_note_added(NMDevice *device);
bool nm_holds_device(NMDevice *device);
/* Sets request->device to what NetworkManager has of the name, NULL where it has nothing. False:
 * not known yet, wait. */
bool nm_request_find_device(NmRequest *request);
/* Whether a device that is not managed will stay so. False: too new to tell, wait. */
bool nm_request_device_is_settled(NmRequest *request);

/* Begins and ends telling of a device, of all that the client has. */
void nm_watch_device(Nm *nm, NMDevice *device);
void nm_unwatch_device(Nm *nm, NMDevice *device);
void nm_watch_devices(Nm *nm);
void nm_unwatch_devices(Nm *nm);

/* The advance function of nm_give_back(). */
void nm_advance_give_back(NmRequest *request);
