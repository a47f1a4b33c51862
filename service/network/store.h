/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Networks' configurations as files of ours: /var/lib/jumpstarter/networks/INTERFACE.yaml for those
 * made over the bus, which outlive a boot, and /run/jumpstarter/INTERFACE.yaml for every network,
 * the journal's companion. */

#include <glib.h>
#include <stdbool.h>

#include "network/network.h"
#include "util/file-sync.h"

/* Writes what @network has in force: what the next daemon of this boot goes on with. */
bool store_save_run(const Network *network, const Host *host, GError **error);

/* Writes what the next boot makes of @network, which was made over the bus. */
void store_save(const Network *network, const Host *host, FileSyncDone done, gpointer data);
/* The same in two halves: beside the old file, and in its place; or dropped instead. False, and
 * nothing to be done: the file says so already. */
bool store_stage(const Network *network, const Host *host, FileSyncDone done, gpointer data);
void store_commit(const Network *network, const Host *host, FileSyncDone done, gpointer data);
void store_drop(const Network *network, const Host *host);

/* Whether the files of @network can be removed: not from a read-only file system. */
bool store_can_remove(const Network *network, const Host *host, GError **error);
/* Removes what the others wrote. With @tombstone, remembers until the next boot that a network of
 * a file was removed. @done hears of the file that the next boot would read; what else fails is
 * logged. */
void store_remove(const Host *host, const char *interface, bool tombstone, FileSyncDone done,
                  gpointer data);

bool store_has_tombstone(const Host *host, const char *interface);
void store_remove_tombstone(const Host *host, const char *interface);

/* The configurations of networks made over the bus; unreadable ones are logged and left alone.
 * Array of NetworkConfig*, the caller's, it frees them. */
GPtrArray *store_load_bus(const Host *host);
/* The configuration in force of the network of @interface when the daemon last lived; NULL where
 * there is none. */
NetworkConfig *store_load_run(const Host *host, const char *interface);
/* The interfaces that have a journal. The caller's. */
char **store_list_journals(const Host *host);
