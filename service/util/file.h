/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Files that are replaced as a whole and never edited. */

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* Sets @error to what errno says about the attempt at @path ("write"): FAILED. False. */
bool file_fail(const char *path, const char *attempt, GError **error);

/* Replaces @path by @contents (@length bytes, or -1 for a string): a temporary file beside it, then
 * rename(2), so that a reader sees the old file or the new one. Does not sync. On an error the old
 * file is untouched and no temporary file is left. */
bool file_replace(const char *path, const char *contents, gssize length, mode_t mode,
                  GError **error);
/* The same, but a file that has these contents is left alone: that works where nothing can be
 * written. */
bool file_update(const char *path, const char *contents, gssize length, mode_t mode,
                 GError **error);
/* Whether the regular file @path has these contents. */
bool file_has(const char *path, const char *contents, gssize length);

/* The halves of file_replace(), for several files that change together: the temporary file is
 * written, takes its place, or goes. After an error of the first two it is gone. */
bool file_stage(const char *path, const char *contents, gssize length, mode_t mode, GError **error);
bool file_commit(const char *path, GError **error);
void file_drop(const char *path);

/* Where the whole of the next contents of @path stand until they take their place together with
 * other files' (saving.c). The caller's. */
char *file_next_path(const char *path);

/* Appends @contents by one write(2); @may_make: to a new file where there is none. On an error the
 * file is as it was. */
bool file_append(const char *path, const char *contents, gsize length, bool may_make,
                 GError **error);

/* Reads @path, at most @limit bytes: a larger file is an error. Returns a NUL-terminated copy (the
 * caller's) and its length; a NUL byte inside counts as content. */
char *file_read(const char *path, gsize limit, gsize *ret_length, GError **error);

/* Renames @from, over @to where that is there. */
bool file_rename(const char *from, const char *to, GError **error);

/* Removes @path. Already gone is success. */
bool file_remove(const char *path, GError **error);

/* Makes @path and its parents, @mode for the last one. There already is success. */
bool directory_make(const char *path, mode_t mode, GError **error);
