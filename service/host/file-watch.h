/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Directories watched for what happens to their files, with inotify(7): one instance for all of
 * them, since a user may have a hundred or so. */

#include <glib.h>

typedef struct FileWatches FileWatches;
typedef struct FileWatch FileWatch;

/* FAILED where the kernel has no instance left for us. */
FileWatches *file_watches_new(GError **error);
/* After the last of its watches. */
void file_watches_free(FileWatches *watches);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FileWatches, file_watches_free)

/* Something happened to the file @name: @mask is one or more of IN_MODIFY, IN_CLOSE_WRITE,
 * IN_CLOSE_NOWRITE and IN_MOVED_TO. NULL: word was lost, anything may have happened to any. May
 * free any watch. */
typedef void (*FileEvent)(const char *name, guint32 mask, gpointer data);

/* Watches @directory, which must be there; others may watch it as well. @watches is borrowed.
 * FAILED. */
FileWatch *file_watch_new(FileWatches *watches, const char *directory, FileEvent event,
                          gpointer data, GError **error);
void file_watch_free(FileWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FileWatch, file_watch_free)
