/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* firewalld, by its D-Bus interface (org.fedoraproject.FirewallD1, firewalld.dbus(5)), asynchronously
 * with GDBus: DUT interfaces are put into the zone that data/firewalld describes, at runtime only. */

#include <glib.h>
#include <stdbool.h>

typedef struct Firewalld Firewalld;

Firewalld *firewalld_new(void);
void firewalld_free(Firewalld *firewalld);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Firewalld, firewalld_free)

/* Calls @done exactly once, later. @zone: where the interface was before (NULL: nowhere, or no
 * firewalld runs); borrowed. @error is borrowed, NULL = done. */
typedef void (*FirewalldDone)(const char *zone, const GError *error, gpointer data);

/* Moves @interface into our zone. No firewalld on the bus is success. */
void firewalld_add(Firewalld *firewalld, const char *interface, FirewalldDone done, gpointer data);
/* Moves it back to @zone, or out of every zone where @zone is NULL. */
void firewalld_remove(Firewalld *firewalld, const char *interface, const char *zone,
                      FirewalldDone done, gpointer data);
