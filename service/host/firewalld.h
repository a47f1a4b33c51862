/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* firewalld, by its D-Bus interface (org.fedoraproject.FirewallD1, firewalld.dbus(5)),
 * asynchronously with GDBus: DUT interfaces are put into the zone that data/firewalld describes, at
 * runtime only. */

#include <glib.h>
#include <stdbool.h>

typedef struct Firewalld Firewalld;

Firewalld *firewalld_new(void);
void firewalld_free(Firewalld *firewalld);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Firewalld, firewalld_free)

/* Calls @done exactly once, later (at firewalld_free() at the latest, with an error). @zone: where
 * the interface was before it was moved (NULL: nowhere, in our zone already, or no firewalld runs);
 * borrowed. @error is borrowed, NULL = done. */
typedef void (*FirewalldDone)(const char *zone, const GError *error, gpointer data);

/* Moves @interface into our zone; in it already is success. No firewalld on the bus (it is not
 * activated) is success. Fails where firewalld does not know our zone yet, and says so. */
void firewalld_add(Firewalld *firewalld, const char *interface, FirewalldDone done, gpointer data);
/* Moves it back to @zone, or out of ours where @zone is NULL. In another zone by now, or gone, is
 * success. */
void firewalld_remove(Firewalld *firewalld, const char *interface, const char *zone,
                      FirewalldDone done, gpointer data);
