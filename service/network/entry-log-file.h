/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The file that keeps entry changes: appended to before each reply, written anew when it is long.
 */

#include <glib.h>
#include <stdbool.h>

#include "model/entries.h"

typedef struct EntryLogFile EntryLogFile;

/* Opens the log at @path, made where there is none, and applies it to @entries (may be NULL: the
 * log is only opened). *ret_bad counts lines that make no sense. A last line that a crash cut short
 * is cut off. */
EntryLogFile *entry_log_file_open(const char *path, Entries *entries, guint *ret_bad,
                                  GError **error);
/* Closes; what is not synced yet is synced off the loop. */
void entry_log_file_free(EntryLogFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EntryLogFile, entry_log_file_free)

/* The path, borrowed. */
const char *entry_log_file_path(const EntryLogFile *file);
guint entry_log_file_n_lines(const EntryLogFile *file);

/* Appends @line (with its newline) by one write(2); it is synced within a second, off the loop. On
 * an error the log is as it was. */
bool entry_log_file_append(EntryLogFile *file, const char *line, GError **error);

/* Replaces the log at @path (which may be another one: it is this log's from then on) by @text. */
bool entry_log_file_replace(EntryLogFile *file, const char *path, const char *text, GError **error);
