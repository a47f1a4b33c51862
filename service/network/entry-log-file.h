/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The file that keeps entry changes: appended to before each reply, written anew when it is long.
 */

#include <glib.h>
#include <stdbool.h>

#include "model/entries.h"
#include "model/held-entries.h"
#include "util/file-sync.h"

typedef struct EntryLogFile EntryLogFile;

/* The log at @path, which the first line makes. Nothing is read. @sync is borrowed and outlives
 * it. */
EntryLogFile *entry_log_file_new(const char *path, FileSync *sync);
/* Forgets it; what is not synced yet is synced off the loop. */
void entry_log_file_free(EntryLogFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EntryLogFile, entry_log_file_free)

/* Applies what is there to @entries; what clashes is held in @held. *ret_bad counts lines that make
 * no sense. A last line that a crash cut short is cut off. On an error nothing can be appended any
 * more, since what the log says is not known. */
bool entry_log_file_load(EntryLogFile *file, Entries *entries, HeldEntries *held, guint *ret_bad,
                         GError **error);

/* The path, borrowed. */
const char *entry_log_file_path(const EntryLogFile *file);
guint entry_log_file_n_lines(const EntryLogFile *file);

/* Appends @line (with its newline) by one write(2); it is synced within a second, off the loop. On
 * an error the log is as it was. */
bool entry_log_file_append(EntryLogFile *file, const char *line, GError **error);
/* Takes the last lines back, @length bytes in all: this works on a full disk, too. */
bool entry_log_file_take_back(EntryLogFile *file, guint n_lines, gsize length, GError **error);

/* Replaces the log by @text (taken), which means the same, off the loop and while it is being
 * appended to. A failure is logged, and leaves the log as it is. Not while one is under way. */
bool entry_log_file_is_shortening(const EntryLogFile *file);
void entry_log_file_shorten(EntryLogFile *file, char *text);

/* For a change of the whole, together with other files: writes @text (taken) beside the log at
 * @path (which may be another one; the old one is then the caller's to remove), puts it in its
 * place. Nothing may be appended meanwhile. */
void entry_log_file_stage(EntryLogFile *file, const char *path, char *text, FileSyncDone done,
                          gpointer data);
void entry_log_file_commit(EntryLogFile *file, FileSyncDone done, gpointer data);
/* Instead of the commit. */
void entry_log_file_drop(EntryLogFile *file, FileSyncDone done, gpointer data);
