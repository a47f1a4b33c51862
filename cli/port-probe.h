/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which of some addresses behind an interface takes a TCP connection. */

#include <glib.h>
#include <stdbool.h>

typedef struct PortProbe PortProbe;

/* Connects to @port of addresses behind @interface, and to nothing that is elsewhere. */
PortProbe *port_probe_new(const char *interface, guint16 port, GError **error);
/* The interface has another name now. Tries that have begun go on. */
void port_probe_set_interface(PortProbe *probe, const char *interface);
void port_probe_free(PortProbe *probe);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PortProbe, port_probe_free)

/* From now on tries each of @addresses (a set of dotted decimals; others are passed over) again and
 * again, new ones at once, and no others. */
void port_probe_set_addresses(PortProbe *probe, GHashTable *addresses);
/* Tries @address, if it is one of them, at once: something has happened there. */
void port_probe_hurry(PortProbe *probe, const char *address);

/* Can be read whenever port_probe_dispatch() has something to do. Borrowed. */
int port_probe_fd(const PortProbe *probe);
/* Does it. The address that has taken a connection, which is closed again; else NULL. The
 * caller's. */
char *port_probe_dispatch(PortProbe *probe);
