/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Networks' configurations as files of ours: /var/lib/jumpstarter/networks/NAME.yaml for those made
 * over the bus, which outlive a boot, and, for every network, the journal's companions, what is in
 * force as /run/jumpstarter/NAME.yaml, the entries as configured, as lines of the entry log,
 * NAME.configured, and, for one of a file of the administrator's, what that said when it was last
 * applied, NAME.file. */

#include <glib.h>
#include <stdbool.h>

#include "network/network.h"
#include "util/file-sync.h"

typedef enum StoreFile {
        STORE_LIB,
        STORE_RUN,
        STORE_CONFIGURED,
        STORE_FILE,
} StoreFile;

/* The caller's. */
char *store_path(const Host *host, const char *name, StoreFile file);

/* What is to be in @network's @file, which is not STORE_FILE. The caller's. */
char *store_text(const Network *network, StoreFile file);
/* @config, @entries as text; each the caller's. */
char *store_config_text(const NetworkConfig *config);
char *store_entries_text(const Entries *entries);

/* Writes @config, with its entries as configured, as what is in force: before anything else of a
 * network that is being made, so that the next daemon of this boot can undo it or go on with it.
 * @file is what its file says, as applied; NULL: it has none, or what is known of it stays. */
bool store_save_run(const Host *host, const NetworkConfig *config, const NetworkConfig *file,
                    GError **error);

/* Writes what the next boot makes of @network, which was made over the bus. */
void store_save(const Network *network, const Host *host, FileSyncDone done, gpointer data);

/* A file of @network in two halves: the next one, with @text (taken), on disk beside the old one,
 * and in its place; or dropped instead. */
void store_stage(const Network *network, const Host *host, StoreFile file, char *text,
                 FileSyncDone done, gpointer data);
void store_commit(const Network *network, const Host *host, StoreFile file, FileSyncDone done,
                  gpointer data);
void store_drop(const Network *network, const Host *host, StoreFile file, FileSyncDone done,
                gpointer data);

/* Whether the files of @network can be removed: not from a read-only file system. */
bool store_can_remove(const Network *network, const Host *host, GError **error);
/* Removes the file that the next boot would read. */
void store_remove(const Host *host, const char *name, FileSyncDone done, gpointer data);
/* Removes the journal and its companions, last of all: until then the next daemon knows what to do.
 * Failures are logged. */
void store_remove_run(const Host *host, const char *name);

/* Remembers until the next boot that a network of a file was removed. Failures are logged. */
void store_put_tombstone(const Host *host, const char *name);
bool store_has_tombstone(const Host *host, const char *name);
void store_remove_tombstone(const Host *host, const char *name);

/* The configurations of networks made over the bus; unreadable ones are logged and left alone.
 * Array of NetworkConfig*, the caller's, it frees them. */
GPtrArray *store_load_bus(const Host *host);
/* The one network of a file of ours; NULL, and logged, where the file is not good. */
NetworkConfig *store_load(const char *path);
/* Those of a file that store_entries_text() made; NULL where there is none. The caller's. */
Entries *store_load_entries(const char *path);
/* The configuration in force of the network @name when the daemon last lived, with its entries as
 * configured: the log leads from them to those in force. NULL where there is none. */
NetworkConfig *store_load_run(const Host *host, const char *name);
/* What the network's file said when it was last applied; NULL where that is not known. */
NetworkConfig *store_load_file(const Host *host, const char *name);
/* Whether both would be written alike. */
bool store_says_the_same(const NetworkConfig *a, const NetworkConfig *b);
/* The networks of which an earlier life has left something in this boot; with @lib, also those of
 * an earlier boot. The caller's. */
char **store_list(const Host *host, bool lib);
/* Whether there is a journal of @name; whether that says that nobody wants the network. */
bool store_has_journal(const Host *host, const char *name);
bool store_is_doomed(const Host *host, const char *name);
