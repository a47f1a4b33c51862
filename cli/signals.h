/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The service's signals, and its coming and going. */

#include <glib.h>

#include "cli/connection.h"
#include "model/value.h"

typedef struct Signal {
        const char *member;     /* as in the contract; NameOwnerChanged: of the service's name */
        const char *interface;  /* of the network that it is about; NULL: about the service */
        const Value *arguments; /* a MAP: by name, in their order */
} Signal;

/* @signal and all of it is borrowed for the call. */
typedef void (*SignalHandler)(const Signal *signal, gpointer data);

/* The interface of the network at @path, or NULL: not a network's. The caller's. */
char *signals_interface_of(const char *path);
/* The other way round. The caller's. */
char *signals_path_of(const char *interface);

typedef struct Signals Signals;

/* From now on has @handler called, from connection_process(), with each signal. What is asked
 * afterwards is as new as the first of them: nothing is missed in between. */
Signals *signals_new(Connection *connection, SignalHandler handler, gpointer data, GError **error);
void signals_free(Signals *signals);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Signals, signals_free)
