/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One open descriptor for appending. A change is in the page cache before its reply, so it outlives
 * the daemon; fdatasync(2) follows in a thread, so that it soon outlives the host's power too. */

#include "network/entry-log-file.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

#include "model/entry-log.h"
#include "util/error.h"
#include "util/file.h"
#include "util/log.h"

/* How long a change may be in the page cache alone. */
#define SYNC_DELAY_MS 500
#define MAX_BYTES     (64 * 1024 * 1024)

struct EntryLogFile {
        char *path;
        int fd;
        guint n_lines;
        guint sync_id;
};

static void sync_in_thread(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
        int fd = GPOINTER_TO_INT(data);
        if (fdatasync(fd) < 0)
                log_warning("cannot sync an entry log: %s", g_strerror(errno));
        close(fd);
}

static gboolean sync_now(gpointer data)
{
        EntryLogFile *file = data;
        int fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 3);

        file->sync_id = 0;
        if (fd < 0)
                return G_SOURCE_REMOVE; /* the next change tries again */
        g_autoptr(GTask) task = g_task_new(NULL, NULL, NULL, NULL);
        g_task_set_task_data(task, GINT_TO_POINTER(fd), NULL);
        g_task_run_in_thread(task, sync_in_thread);
        return G_SOURCE_REMOVE;
}

static void sync_soon(EntryLogFile *file)
{
        if (!file->sync_id)
                file->sync_id = g_timeout_add(SYNC_DELAY_MS, sync_now, file);
}

static bool fail(const char *path, const char *attempt, int code, GError **error)
{
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: cannot %s: %s", path, attempt,
                    g_strerror(code));
        return false;
}

static bool reopen(EntryLogFile *file, const char *path, GError **error)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);

        if (fd < 0)
                return fail(path, "open", errno, error);
        if (file->fd >= 0)
                close(file->fd);
        file->fd = fd;
        return true;
}

static guint count_lines(const char *text)
{
        guint n = 0;
        for (const char *end = text; (end = strchr(end, '\n')); end++)
                n++;
        return n;
}

/* Reads what is there into @entries. */
static bool load(EntryLogFile *file, Entries *entries, guint *ret_bad, GError **error)
{
        gsize length;
        g_autofree char *text = file_read(file->path, MAX_BYTES, &length, error);

        if (!text)
                return false;
        file->n_lines = entry_log_replay(text, length, entries, ret_bad);
        if (length == 0 || text[length - 1] == '\n')
                return true;
        const char *end = memrchr(text, '\n', length);
        off_t whole = end ? end + 1 - text : 0;
        return ftruncate(file->fd, whole) == 0 || fail(file->path, "cut", errno, error);
}

EntryLogFile *entry_log_file_open(const char *path, Entries *entries, guint *ret_bad,
                                  GError **error)
{
        g_autoptr(EntryLogFile) file = g_new0(EntryLogFile, 1);

        file->path = g_strdup(path);
        file->fd = -1;
        *ret_bad = 0;
        if (!reopen(file, path, error) || (entries && !load(file, entries, ret_bad, error)))
                return NULL;
        return g_steal_pointer(&file);
}

void entry_log_file_free(EntryLogFile *file)
{
        if (!file)
                return;
        if (file->sync_id) {
                g_source_remove(file->sync_id);
                (void)sync_now(file); /* in its thread */
        }
        if (file->fd >= 0)
                close(file->fd);
        g_free(file->path);
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

bool entry_log_file_append(EntryLogFile *file, const char *line, GError **error)
{
        gsize length = strlen(line);
        off_t end = lseek(file->fd, 0, SEEK_END);
        ssize_t n = write(file->fd, line, length);

        if (n != (ssize_t)length) {
                int code = n < 0 ? errno : ENOSPC;
                if (n > 0 && end >= 0)
                        (void)!ftruncate(file->fd, end); /* half a line does not count anyway */
                return fail(file->path, "write", code, error);
        }
        file->n_lines++;
        sync_soon(file);
        return true;
}

bool entry_log_file_replace(EntryLogFile *file, const char *path, const char *text, GError **error)
{
        if (!file_replace(path, text, -1, 0644, error) || !reopen(file, path, error))
                return false;
        char *old = file->path;
        file->path = g_strdup(path);
        g_free(old);
        file->n_lines = count_lines(text);
        sync_soon(file);
        return true;
}
