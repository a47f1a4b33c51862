/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* dnsmasq lease files, watched with inotify(7): one instance for all of them, since a user may have
 * a hundred or so. */

#include <glib.h>

typedef struct LeaseFiles LeaseFiles;
typedef struct LeaseFile LeaseFile;

/* FAILED where the kernel has no instance left for us. */
LeaseFiles *lease_files_new(GError **error);
/* After the last of its files. */
void lease_files_free(LeaseFiles *files);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LeaseFiles, lease_files_free)

/* @leases (array of Lease*, borrowed for the call) as now in the file, whenever that changed. */
typedef void (*LeaseFileChanged)(const GPtrArray *leases, gpointer data);

/* Watches @path, which need not exist yet; its directory must. @files is borrowed. @changed is
 * called within 100 ms of a change, never with a file that dnsmasq had half written, and once soon
 * after this call if the file exists. */
LeaseFile *lease_file_new(LeaseFiles *files, const char *path, LeaseFileChanged changed,
                          gpointer data, GError **error);
void lease_file_free(LeaseFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LeaseFile, lease_file_free)
