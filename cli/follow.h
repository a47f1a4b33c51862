/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One network as the service tells of it, kept up to date. */

#include <glib.h>
#include <stdbool.h>

#include "cli/command.h"

typedef struct Follow Follow;

/* Something is new; @lease (borrowed): and a lease has come or changed, else NULL. */
typedef void (*FollowChanged)(const Value *lease, gpointer data);

/* Follows the network of @command's interface, whether it is there or not yet; without one the only
 * network there is, or the first that comes. Starts the service where it does not run, and goes on
 * when it restarts. @command is borrowed and connected here. */
Follow *follow_new(Command *command, FollowChanged changed, gpointer data, GError **error);
void follow_free(Follow *follow);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Follow, follow_free)

/* As connection_process(); @changed is called from here. False also when there is nothing more to
 * follow: the network has been removed, there are several to choose from, the service refuses. */
bool follow_process(Follow *follow, int fd, gint64 deadline_usec, GError **error);

/* The network's interface; NULL while it is not known. Borrowed, as all that follows. */
const char *follow_interface(const Follow *follow);
/* What its NIC is called now; "" while there is none. */
const char *follow_nic(const Follow *follow);
/* NULL while there is no network, or nothing is known of it. */
const char *follow_state(const Follow *follow);
const char *follow_error(const Follow *follow);
/* Whether the service has answered since it came last. */
bool follow_is_answered(const Follow *follow);
/* Its live leases: address -> lease, a MAP as in GetLeases. */
GHashTable *follow_leases(const Follow *follow);
/* The addresses of its entries, as a set. */
GHashTable *follow_addresses(const Follow *follow);
