/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A change is in the page cache before its reply, so it outlives the daemon; a sync follows in the
 * thread of file-sync.c, so that it soon outlives the host's power too. The file is opened for each
 * line: what is not held open can be mounted read-only, and written again, without us.
 *
 * A shorter log is written and synced beside the long one while lines go on to that one; they are
 * remembered and follow into the new one before it takes the old one's place. */

#include "network/entry-log-file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/entry-log.h"
#include "util/error.h"
#include "util/file.h"
#include "util/log.h"

/* How long a change may be in the page cache alone. */
#define SYNC_DELAY_MS 500
#define MAX_BYTES     (64 * 1024 * 1024)

struct EntryLogFile {
        FileSync *sync;
        char *path;
        GError *unreadable; /* NULL: what is there is known */
        bool made;          /* there is one, so that a missing one is a fault */
        guint n_lines;
        guint sync_id;
        FileSyncJob *shortening; /* NULL: none under way */
        guint n_short;           /* lines of what is being written */
        GString *tail;           /* what was appended since */
        char *staged_path;       /* NULL: none */
        guint n_staged;
        FileSyncDone done; /* of the commit */
        gpointer done_data;
};

EntryLogFile *entry_log_file_new(const char *path, FileSync *sync)
{
        EntryLogFile *file = g_new0(EntryLogFile, 1);
        file->path = g_strdup(path);
        file->sync = sync;
        file->tail = g_string_new(NULL);
        return file;
}

static void synced(const GError *error, gpointer data)
{
        if (error)
                log_warning("%s", error->message);
}

static void sync_now(EntryLogFile *file)
{
        g_clear_handle_id(&file->sync_id, g_source_remove);
        file_sync_flush(file->sync, file->path, synced, NULL);
}

static gboolean on_sync_due(gpointer data)
{
        EntryLogFile *file = data;
        file->sync_id = 0;
        sync_now(file);
        return G_SOURCE_REMOVE;
}

static void sync_soon(EntryLogFile *file)
{
        if (!file->sync_id)
                file->sync_id = g_timeout_add(SYNC_DELAY_MS, on_sync_due, file);
}

void entry_log_file_free(EntryLogFile *file)
{
        if (!file)
                return;
        if (file->sync_id)
                sync_now(file);
        file_sync_forget(file->shortening);
        g_clear_error(&file->unreadable);
        g_string_free(file->tail, TRUE);
        g_free(file->path);
        g_free(file->staged_path);
        g_free(file);
}

const char *entry_log_file_path(const EntryLogFile *file)
{
        return file->path;
}

guint entry_log_file_n_lines(const EntryLogFile *file)
{
        return file->n_lines;
}

static guint count_lines(const char *text)
{
        guint n = 0;
        for (const char *end = text; (end = strchr(end, '\n')); end++)
                n++;
        return n;
}

/* Cuts off what is left of a line that was never answered. */
static bool cut(const char *path, const char *text, gsize length, GError **error)
{
        if (length == 0 || text[length - 1] == '\n')
                return true;
        const char *end = memrchr(text, '\n', length);
        return truncate(path, end ? end + 1 - text : 0) == 0 || file_fail(path, "cut", error);
}

bool entry_log_file_load(EntryLogFile *file, Entries *entries, HeldEntries *held, guint *ret_bad,
                         GError **error)
{
        gsize length;

        g_autofree char *next = file_next_path(file->path);

        *ret_bad = 0;
        (void)file_remove(next,
                          NULL); /* a change that an earlier life has not come to the end of */
        file_drop(next);
        if (!file->shortening)
                file_drop(file->path); /* likewise */
        if (access(file->path, F_OK) < 0 && errno == ENOENT)
                return true;
        g_autofree char *text = file_read(file->path, MAX_BYTES, &length, &file->unreadable);
        if (text) {
                file->made = true;
                file->n_lines = entry_log_replay_holding(text, length, entries, held, ret_bad);
                (void)cut(file->path, text, length, &file->unreadable); /* tested next */
        }
        if (!file->unreadable)
                return true;
        g_propagate_error(error, g_error_copy(file->unreadable));
        return false;
}

bool entry_log_file_append(EntryLogFile *file, const char *line, GError **error)
{
        if (file->unreadable) {
                g_propagate_error(error, g_error_copy(file->unreadable));
                return false;
        }
        if (!file_append(file->path, line, strlen(line), !file->made, error))
                return false;
        file->made = true;
        file->n_lines++;
        if (file->shortening)
                g_string_append(file->tail, line);
        sync_soon(file);
        return true;
}

bool entry_log_file_take_back(EntryLogFile *file, guint n_lines, gsize length, GError **error)
{
        struct stat status;

        if (stat(file->path, &status) < 0 ||
            truncate(file->path, MAX(status.st_size - (off_t)length, 0)) < 0)
                return file_fail(file->path, "cut", error);
        file->n_lines -= MIN(n_lines, file->n_lines);
        if (file->shortening)
                g_string_truncate(file->tail, file->tail->len - MIN(length, file->tail->len));
        sync_soon(file);
        return true;
}

/* The tail goes into the new log; what was appended to the old one until now was synced there. */
static bool replace(EntryLogFile *file, GError **error)
{
        g_autofree char *staged = g_strconcat(file->path, ".new", NULL);

        if (file_append(staged, file->tail->str, file->tail->len, false, error))
                return file_commit(file->path, error);
        file_drop(file->path);
        return false;
}

static void shortened(const GError *cause, gpointer data)
{
        EntryLogFile *file = data;
        g_autoptr(GError) error = cause ? g_error_copy(cause) : NULL;

        file->shortening = NULL;
        if (!error && replace(file, &error)) {
                file->n_lines = file->n_short + count_lines(file->tail->str);
                sync_now(file);
        }
        if (error)
                log_warning("%s", error->message);
        g_string_truncate(file->tail, 0);
}

bool entry_log_file_is_shortening(const EntryLogFile *file)
{
        return file->shortening != NULL;
}

void entry_log_file_shorten(EntryLogFile *file, char *text)
{
        g_assert(!file->shortening);
        file->n_short = count_lines(text);
        file->shortening = file_sync_stage(file->sync, file->path, text, shortened, file);
}

void entry_log_file_stage(EntryLogFile *file, const char *path, char *text, FileSyncDone done,
                          gpointer data)
{
        if (file->shortening) { /* this one is as short */
                g_autofree char *shorter = g_strconcat(file->path, ".new", NULL);
                file_sync_forget(g_steal_pointer(&file->shortening));
                file_sync_remove(file->sync, shorter, NULL, NULL);
        }
        g_string_truncate(file->tail, 0);
        g_free(file->staged_path);
        file->staged_path = g_strdup(path);
        file->n_staged = count_lines(text);
        g_autofree char *next = file_next_path(path);
        file_sync_replace(file->sync, next, text, done, data);
}

static void committed(const GError *error, gpointer data)
{
        EntryLogFile *file = data;
        g_autofree char *path = g_steal_pointer(&file->staged_path);
        FileSyncDone done = g_steal_pointer(&file->done);

        if (!error) {
                g_free(file->path);
                file->path = g_steal_pointer(&path);
                file->n_lines = file->n_staged;
                file->made = true;
                g_clear_error(&file->unreadable);
        }
        done(error, file->done_data);
}

void entry_log_file_commit(EntryLogFile *file, FileSyncDone done, gpointer data)
{
        file->done = done;
        file->done_data = data;
        g_autofree char *next = file_next_path(file->staged_path);
        file_sync_rename(file->sync, next, file->staged_path, committed, file);
}

void entry_log_file_drop(EntryLogFile *file, FileSyncDone done, gpointer data)
{
        g_autofree char *path = g_steal_pointer(&file->staged_path);
        g_autofree char *next = file_next_path(path);

        file_sync_remove(file->sync, next, done, data);
}
