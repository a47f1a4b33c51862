/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Networks' configurations as files of ours: /var/lib/jumpstarter/networks/INTERFACE.yaml for those
 * made over the bus, which outlive a boot, and /run/jumpstarter/INTERFACE.yaml for every network,
 * the journal's companion. */

#include <glib.h>
#include <stdbool.h>

#include "network/network.h"

/* Writes what @network has in force: what the next daemon of this boot goes on with. */
bool store_save_run(const Network *network, const Host *host, GError **error);
/* Writes that and, for a network made over the bus, what the next boot makes of it. */
bool store_save(const Network *network, const Host *host, GError **error);
/* Removes what store_save() wrote. With @tombstone, remembers until the next boot that a network of
 * a file was removed. Failures are logged. */
void store_remove(const Host *host, const char *interface, bool tombstone);

bool store_has_tombstone(const Host *host, const char *interface);
void store_remove_tombstone(const Host *host, const char *interface);

/* The configurations of networks made over the bus; unreadable ones are logged and left alone.
 * Array of NetworkConfig*, the caller's, it frees them. */
GPtrArray *store_load_bus(const Host *host);
/* The configuration in force of the network of @interface when the daemon last lived; NULL where
 * there is none. */
NetworkConfig *store_load_run(const Host *host, const char *interface);
/* Whether there is a file for a network made over the bus on @interface, readable or not. */
bool store_has_bus(const Host *host, const char *interface);
/* The interfaces that have a journal. The caller's. */
char **store_list_journals(const Host *host);
