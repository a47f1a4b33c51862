/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The service on the bus: its connection, its name, and the objects that it publishes. */

#include <glib.h>
#include <stdbool.h>

#include "network/host.h"
#include "network/manager.h"

typedef struct Bus Bus;

typedef struct BusEvents {
        void (*ready)(gpointer data); /* the name is ours */
        void (*left)(gpointer data);  /* the name is given up, no call is lost */
        void (*lost)(gpointer data);  /* connection or name are gone: the service ends */
} BusEvents;

/* Connects to the system bus and, when bus_publish() is called, asks for the name. @events is
 * borrowed. FAILED where there is no bus. */
Bus *bus_new(const BusEvents *events, gpointer data, GError **error);
void bus_free(Bus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bus, bus_free)

/* What the bus wants to hear from the manager; its data is the Bus. */
const ManagerEvents *bus_manager_events(void);

/* Publishes the networks of @manager (borrowed) and asks for the name. */
bool bus_publish(Bus *bus, Manager *manager, Host *host, GError **error);

/* Monotonic time, in microseconds, of the last method call. */
gint64 bus_last_call_usec(const Bus *bus);
/* Calls that are not answered yet. */
guint bus_n_pending(const Bus *bus);

/* Gives the name up, after what has come in until then is handled: `left` follows, or, where that
 * was a method call, the name is asked for again and the service stays. */
void bus_leave(Bus *bus);
