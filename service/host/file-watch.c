/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The kernel knows a directory by one descriptor, however often it is watched through an instance:
 * who watches it is kept here. */

#include "host/file-watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "util/error.h"

#define EVENTS (IN_MODIFY | IN_CLOSE_WRITE | IN_CLOSE_NOWRITE | IN_MOVED_TO)

struct FileWatches {
        int fd;
        guint source;
        GHashTable *directories; /* descriptor -> GPtrArray of FileWatch */
        GHashTable *watches;     /* FileWatch -> itself */
};

struct FileWatch {
        FileWatches *watches;
        int descriptor;
        FileEvent event;
        gpointer data;
};

/* Each of @targets that is still there when its turn comes. */
static void tell(FileWatches *watches, gpointer *targets, guint n, const char *name, guint32 mask)
{
        for (guint i = 0; i < n; i++) {
                const FileWatch *watch = g_hash_table_lookup(watches->watches, targets[i]);
                if (watch)
                        watch->event(name, mask, watch->data);
        }
}

static void take_event(FileWatches *watches, const struct inotify_event *event)
{
        const GPtrArray *concerned =
                g_hash_table_lookup(watches->directories, GINT_TO_POINTER(event->wd));

        if (event->mask & IN_Q_OVERFLOW) {
                guint n;
                g_autofree gpointer *all = g_hash_table_get_keys_as_array(watches->watches, &n);
                tell(watches, all, n, NULL, 0);
        } else if (concerned && event->len > 0) {
                g_autofree gpointer *targets =
                        g_memdup2(concerned->pdata, concerned->len * sizeof *concerned->pdata);
                tell(watches, targets, concerned->len, event->name, event->mask);
        }
}

static gboolean on_inotify(int fd, GIOCondition condition, gpointer data)
{
        char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

        ssize_t n = read(fd, buffer, sizeof buffer);
        for (const char *at = buffer; n > 0 && at < buffer + n;) {
                const struct inotify_event *event = (const void *)at;
                take_event(data, event);
                at += sizeof *event + event->len;
        }
        return G_SOURCE_CONTINUE;
}

FileWatches *file_watches_new(GError **error)
{
        int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (fd < 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "cannot watch files: %s",
                            g_strerror(errno));
                return NULL;
        }

        FileWatches *watches = g_new0(FileWatches, 1);
        watches->fd = fd;
        watches->source = g_unix_fd_add(fd, G_IO_IN, on_inotify, watches);
        watches->directories =
                g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
        watches->watches = g_hash_table_new(NULL, NULL);
        return watches;
}

void file_watches_free(FileWatches *watches)
{
        if (!watches)
                return;
        g_source_remove(watches->source);
        (void)close(watches->fd); /* nothing to lose */
        g_hash_table_unref(watches->directories);
        g_hash_table_unref(watches->watches);
        g_free(watches);
}

FileWatch *file_watch_new(FileWatches *watches, const char *directory, FileEvent event,
                          gpointer data, GError **error)
{
        int descriptor = inotify_add_watch(watches->fd, directory, EVENTS | IN_ONLYDIR);
        if (descriptor < 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: cannot watch: %s",
                            directory, g_strerror(errno));
                return NULL;
        }

        FileWatch *watch = g_new(FileWatch, 1);
        *watch = (FileWatch){ watches, descriptor, event, data };
        g_hash_table_add(watches->watches, watch);
        gpointer key = GINT_TO_POINTER(descriptor);
        GPtrArray *others = g_hash_table_lookup(watches->directories, key);
        if (!others) {
                others = g_ptr_array_new();
                g_hash_table_insert(watches->directories, key, others);
        }
        g_ptr_array_add(others, watch);
        return watch;
}

void file_watch_free(FileWatch *watch)
{
        if (!watch)
                return;
        FileWatches *watches = watch->watches;
        gpointer key = GINT_TO_POINTER(watch->descriptor);
        GPtrArray *others = g_hash_table_lookup(watches->directories, key);

        g_hash_table_remove(watches->watches, watch);
        g_ptr_array_remove_fast(others, watch);
        if (others->len == 0) {
                g_hash_table_remove(watches->directories, key);
                (void)inotify_rm_watch(watches->fd, watch->descriptor); /* gone with it */
        }
        g_free(watch);
}
