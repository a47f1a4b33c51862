/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A dnsmasq lease file that is read whenever it changes. */

#include <glib.h>

#include "host/file-watch.h"

typedef struct LeaseFile LeaseFile;

/* @leases (array of Lease*, borrowed for the call) as now in the file, whenever that changed. */
typedef void (*LeaseFileChanged)(const GPtrArray *leases, gpointer data);

/* Watches @path, which need not exist yet; its directory must. @watches is borrowed. @changed is
 * called within 100 ms of a change, never with a file that dnsmasq had half written, and once soon
 * after this call if the file exists. */
LeaseFile *lease_file_new(FileWatches *watches, const char *path, LeaseFileChanged changed,
                          gpointer data, GError **error);
void lease_file_free(LeaseFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LeaseFile, lease_file_free)
