/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A lease file, read whenever it has changed. dnsmasq truncates and rewrites it in place, so that a
 * read can meet half of it, even one that ends with a line: a read counts when the next one finds
 * the same. What the leases mean is model/lease.c's. */

#include "host/lease-file.h"

#include <errno.h>
#include <glib-unix.h>
#include <stdbool.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/lease.h"
#include "util/error.h"
#include "util/file.h"

#define FILE_LIMIT (64 * 1024 * 1024)
/* Between an event and the first read, and between one read and the next: two that are the same
 * show that nobody is in the middle of writing. */
#define SETTLE_MS 10
#define AGAIN_MS  15
/* So many reads make do without a second that is the same: leases may change all the time. */
#define READS_ENOUGH 4
/* So many show that the file stays as it is, not whole; the next event begins anew. */
#define READS_LIMIT 100

struct LeaseFile {
        char *path;
        char *name;
        LeaseFileChanged changed;
        gpointer data;
        int inotify_fd;
        guint source;
        guint timer;
        guint n_reads; /* since the last that counted */
        char *seen;    /* the text as last read */
        char *told;    /* the text as last handed on; NULL = none yet */
};

static gboolean on_timer(gpointer data);

static void schedule(LeaseFile *file, guint wait_ms)
{
        if (file->timer == 0)
                file->timer = g_timeout_add(wait_ms, on_timer, file);
}

/* The file's text, or NULL where it is not there or changed under our hands. */
static char *read_steady(const char *path, gsize *ret_length)
{
        struct stat before, after;

        if (stat(path, &before) < 0)
                return NULL;
        g_autofree char *text = file_read(path, FILE_LIMIT, ret_length, NULL);
        if (!text || stat(path, &after) < 0 || after.st_size != (off_t)*ret_length ||
            after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
            after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
                return NULL;
        return g_steal_pointer(&text);
}

/* Whether @text, just read, is what the file is meant to be. */
static bool is_settled(LeaseFile *file, const char *text)
{
        bool same = text && g_strcmp0(text, file->seen) == 0;

        g_free(file->seen);
        file->seen = g_strdup(text);
        return text && (same || file->n_reads >= READS_ENOUGH);
}

static void read_leases(LeaseFile *file)
{
        gsize length = 0;
        g_autofree char *text = read_steady(file->path, &length);

        file->n_reads++;
        g_autoptr(GPtrArray) leases =
                is_settled(file, text) ? lease_list_parse(text, length) : NULL;
        if (!leases) {
                if (file->n_reads < READS_LIMIT && g_file_test(file->path, G_FILE_TEST_EXISTS))
                        schedule(file, AGAIN_MS);
                return;
        }

        file->n_reads = 0;
        g_clear_pointer(&file->seen, g_free);
        if (g_strcmp0(text, file->told) == 0)
                return;
        g_free(file->told);
        file->told = g_steal_pointer(&text);
        file->changed(leases, file->data); /* may free @file */
}

static gboolean on_timer(gpointer data)
{
        LeaseFile *file = data;

        file->timer = 0;
        read_leases(file);
        return G_SOURCE_REMOVE;
}

static gboolean on_inotify(int fd, GIOCondition condition, gpointer data)
{
        LeaseFile *file = data;
        char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

        ssize_t n = read(fd, buffer, sizeof buffer);
        for (const char *at = buffer; n > 0 && at < buffer + n;) {
                const struct inotify_event *event = (const void *)at;
                bool ours = event->len > 0 && g_str_equal(event->name, file->name);
                if ((ours || (event->mask & IN_Q_OVERFLOW)) && file->timer == 0) {
                        file->n_reads = 0;
                        schedule(file, SETTLE_MS);
                }
                at += sizeof *event + event->len;
        }
        return G_SOURCE_CONTINUE;
}

LeaseFile *lease_file_new(const char *path, LeaseFileChanged changed, gpointer data, GError **error)
{
        g_autoptr(LeaseFile) file = g_new0(LeaseFile, 1);
        g_autofree char *directory = g_path_get_dirname(path);

        file->path = g_strdup(path);
        file->name = g_path_get_basename(path);
        file->changed = changed;
        file->data = data;
        file->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (file->inotify_fd < 0 ||
            inotify_add_watch(file->inotify_fd, directory,
                              IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: cannot watch: %s",
                            directory, g_strerror(errno));
                return NULL;
        }
        file->source = g_unix_fd_add(file->inotify_fd, G_IO_IN, on_inotify, file);
        schedule(file, 0);
        return g_steal_pointer(&file);
}

void lease_file_free(LeaseFile *file)
{
        if (!file)
                return;
        g_clear_handle_id(&file->timer, g_source_remove);
        g_clear_handle_id(&file->source, g_source_remove);
        if (file->inotify_fd >= 0)
                close(file->inotify_fd);
        g_free(file->seen);
        g_free(file->told);
        g_free(file->path);
        g_free(file->name);
        g_free(file);
}
