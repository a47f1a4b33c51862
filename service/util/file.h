/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Files that are replaced as a whole and never edited. */

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* Replaces @path by @contents (@length bytes, or -1 for a string): a temporary file beside it, then
 * rename(2), so that a reader sees the old file or the new one. Does not sync. On an error the old
 * file is untouched and no temporary file is left. */
bool file_replace(const char *path, const char *contents, gssize length, mode_t mode,
                  GError **error);

/* Reads @path, at most @limit bytes: a larger file is an error. Returns a NUL-terminated copy (the
 * caller's) and its length; a NUL byte inside counts as content. */
char *file_read(const char *path, gsize limit, gsize *ret_length, GError **error);

/* Removes @path. Already gone is success. */
bool file_remove(const char *path, GError **error);

/* Makes @path and its parents, @mode for the last one. There already is success. */
bool directory_make(const char *path, mode_t mode, GError **error);
