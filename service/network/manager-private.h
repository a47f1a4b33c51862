/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The inside of the manager, for manager.c, transaction.c and reload.c. */

#include "network/manager.h"
#include "network/watch.h"

struct Manager {
        Host *host;
        const char *const *config_dirs;
        const ManagerEvents *events;
        gpointer events_data;
        Watch *watch;
        GQueue waiting; /* Waiter*: for networks that are being removed */
        guint n_tasks;  /* under way */
        guint n_groups; /* so far: a number for each */
        guint trim_id;
};

/* Makes a network, inactive, and puts it into the table, which owns it. Takes @config. @file is
 * what its file says, where @config is that; NULL: another. Borrowed. */
Network *manager_add(Manager *manager, NetworkConfig *config, const NetworkConfig *file,
                     const char *origin, GError **error);
/* Removes one that no file names any more: the next file that does makes it again. */
void manager_remove_unnamed(Manager *manager, Network *network, ManagerDone done, gpointer data);
/* Has @gone called when @network, which is being removed, is not in the table any more. */
void manager_wait_gone(Manager *manager, const Network *network, GFunc gone, gpointer data);
/* Has it be what its file says now, @file (taken), and what the bus has changed of the entries. */
void manager_follow_file(Manager *manager, Network *network, NetworkConfig *file, ManagerDone done,
                         gpointer data);
/* manager_change(), where the entries as configured are others: @configured (taken). */
void manager_change_configured(Manager *manager, Network *network, NetworkConfig *config,
                               Entries *configured, ManagerDone done, gpointer data);
