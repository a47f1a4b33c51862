/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Files that must survive the loss of power: written, synced, renamed, and their directory synced
 * (and the one above, where that may be new), by one thread that works the jobs off in the order in
 * which they came. The main loop never waits for a disk. */

#include <glib.h>
#include <sys/types.h>

typedef struct FileSync FileSync;
typedef struct FileSyncJob FileSyncJob;

/* Called exactly once from the main loop, never from inside the call that took it, when the disk
 * has it. @error is borrowed, NULL = done; FAILED names file and cause. */
typedef void (*FileSyncDone)(const GError *error, gpointer data);

FileSync *file_sync_new(void);
/* Waits until the disk has what was asked for: not for a loop that runs. No done is called any
 * more. */
void file_sync_free(FileSync *sync);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FileSync, file_sync_free)

/* What file_replace() does. @text is taken, a string. The jobs are borrowed until their done. */
FileSyncJob *file_sync_replace(FileSync *sync, const char *path, char *text, FileSyncDone done,
                               gpointer data);
/* The first half of it: the temporary file is on disk (@text is taken). */
FileSyncJob *file_sync_stage(FileSync *sync, const char *path, char *text, FileSyncDone done,
                             gpointer data);
/* Renames @from, in the same directory, to @path, over what is there. */
FileSyncJob *file_sync_rename(FileSync *sync, const char *from, const char *path, FileSyncDone done,
                              gpointer data);
/* Removes it; already gone is success. */
FileSyncJob *file_sync_remove(FileSync *sync, const char *path, FileSyncDone done, gpointer data);
/* What was written to it so far, and its name. A file that is gone by then is success. */
FileSyncJob *file_sync_flush(FileSync *sync, const char *path, FileSyncDone done, gpointer data);

/* The job is done all the same, its done not called. NULL: nothing. */
void file_sync_forget(FileSyncJob *job);
