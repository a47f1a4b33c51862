/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The set of all networks: which there are, where they come from, and what happens when they are
 * made, changed as a group and removed. */

#include <glib.h>
#include <stdbool.h>

#include "network/network.h"

typedef struct Manager Manager;

typedef struct ManagerEvents {
        NetworkEvents network;
        void (*added)(Network *network, gpointer data);
        void (*removed)(Network *network, gpointer data);
} ManagerEvents;

/* @host, @events, @data and @config_dirs (NULL-terminated) are borrowed and outlive it. Watches the
 * host (watch.h). */
Manager *manager_new(Host *host, const char *const *config_dirs, const ManagerEvents *events,
                     gpointer data, GError **error);
/* The networks stay up on the host. Nothing may be under way. */
void manager_free(Manager *manager);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Manager, manager_free)

/* Makes the networks that files, the bus and an earlier life of the daemon ask for, undoes what
 * nobody asks for any more. They come up in the background. */
void manager_load(Manager *manager);

/* The network called @name. Borrowed; NULL where there is none. */
Network *manager_find(const Manager *manager, const char *name);
/* The same or, where none is called so, the one that has the interface @name. */
Network *manager_look_up(const Manager *manager, const char *name);
/* All, by interface name. Array of Network*, borrowed; the array is the caller's. */
GPtrArray *manager_list(const Manager *manager);

/* What @owner's next TAP is called: the first name after the owner that neither a network nor an
 * interface has. The caller's. */
char *manager_choose_tap(const Manager *manager, const char *owner);

/* Called exactly once, perhaps from inside the call that took it. @error NULL (borrowed): done.
 * @networks (array of Network*, borrowed): what came of it, NULL on an error. */
typedef void (*ManagerDone)(const GPtrArray *networks, const GError *error, gpointer data);

/* Makes a network of @config (taken), for @caller (the unique bus name that a transient one lives
 * with) and brings it up, after the end of one that is being removed. NETWORK_EXISTS, and all that
 * network_up() fails with: nothing is left then. */
void manager_create(Manager *manager, NetworkConfig *config, const char *caller, ManagerDone done,
                    gpointer data);
/* Makes the networks of @configs (array of NetworkConfig*, taken), or changes them to it, all or
 * none. */
void manager_create_all(Manager *manager, GPtrArray *configs, ManagerDone done, gpointer data);
/* Changes the keys of @settings (a MAP, taken) of @network and stores that. @expected is what comes
 * of it unless an operation before it changes @network, too. */
void manager_update(Manager *manager, Network *network, const NetworkConfig *expected,
                    Value *settings, ManagerDone done, gpointer data);
/* Changes @network to @config (taken) and stores that. */
void manager_change(Manager *manager, Network *network, NetworkConfig *config, ManagerDone done,
                    gpointer data);
/* Takes it down and forgets it. */
void manager_remove(Manager *manager, Network *network, ManagerDone done, gpointer data);
/* Reads the configuration directories again. Files that are bad are named in the error
 * (INVALID_ARGS) and their networks stay as they were; the others are loaded all the same. */
void manager_reload(Manager *manager, ManagerDone done, gpointer data);

/* Whether a file has a network of @config's name or interface, whose packets root alone may have
 * captured: it may have been removed for now. */
bool manager_files_forbid_captures(const Manager *manager, const NetworkConfig *config);

/* Gives memory back to the host soon: after a message of thousands of entries. */
void manager_trim(Manager *manager);

/* Something is under way: the service must not free what it uses. */
bool manager_is_busy(const Manager *manager);
/* No networks, nothing under way and nothing owed to NetworkManager. */
bool manager_is_idle(const Manager *manager);
