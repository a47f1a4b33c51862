/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Word of firewalld's comings and goings. */

#include <glib.h>

typedef enum FirewalldEvent {
        FIREWALLD_READY, /* started, or has reloaded: what it knew at runtime it may have forgotten
                          */
        FIREWALLD_GONE,
        FIREWALLD_EVENT_MAX,
} FirewalldEvent;

typedef struct FirewalldWatch FirewalldWatch;

/* Calls @told, from the loop, at each change from now on; a firewalld that runs already is none.
 * Never starts firewalld. Without a system bus nothing is ever told. */
FirewalldWatch *firewalld_watch_new(void (*told)(FirewalldEvent event, gpointer data),
                                    gpointer data);
void firewalld_watch_free(FirewalldWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FirewalldWatch, firewalld_watch_free)
