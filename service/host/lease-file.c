/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A lease file, read whenever it has changed. dnsmasq truncates and rewrites it in place, so that a
 * read can meet half of it, even one that ends with a line. What counts is a file that stays as it
 * is for a moment, a longer one where it has lost leases. What they mean is model/lease.c's. */

#include "host/lease-file.h"

#include <stdbool.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "model/lease.h"
#include "util/file.h"

#define FILE_LIMIT (64 * 1024 * 1024)
/* Between an event and the first look, and between one look and the next: two that find the file
 * the same show that nobody is in the middle of writing. */
#define SETTLE_MS 10
#define AGAIN_MS  15
/* So many must find it the same where leases have gone: a writer can be held up in the middle, and
 * a lease that goes for nothing would cost somebody a connection. */
#define LOOKS_FOR_LESS 4
/* So many that are the same and not whole show that it stays so; the next event begins anew. */
#define LOOKS_LIMIT 100

struct LeaseFile {
        FileWatch *watch; /* its directory's */
        char *path;
        char *name;
        LeaseFileChanged changed;
        gpointer data;
        guint timer;
        struct stat seen; /* at the last look */
        guint n_same;     /* looks that have found it as at the one before */
        char *told;       /* the text as last handed on; NULL = none yet */
        guint n_told;     /* leases in it */
};

static gboolean on_timer(gpointer data);

static void schedule(LeaseFile *file, guint wait_ms)
{
        if (file->timer == 0)
                file->timer = g_timeout_add(wait_ms, on_timer, file);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
        return a->st_ino == b->st_ino && a->st_size == b->st_size &&
               a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* The leases, where the file has stayed as it is since the last look, is so after it was read, and
 * is whole. *ret_text is what they are made of. */
static GPtrArray *read_settled(LeaseFile *file, char **ret_text)
{
        g_autofree char *text = NULL;
        gsize length = 0;
        struct stat now = { 0 }, after;

        bool same = stat(file->path, &now) == 0 && is_same(&now, &file->seen);
        file->n_same = same ? file->n_same + 1 : 0;
        file->seen = now;
        if (!same)
                return NULL;

        text = file_read(file->path, FILE_LIMIT, &length, NULL);
        if (!text || stat(file->path, &after) < 0 || !is_same(&now, &after))
                return NULL;
        g_autoptr(GPtrArray) leases = lease_list_parse(text, length);
        if (leases && leases->len < file->n_told && file->n_same < LOOKS_FOR_LESS)
                return NULL;
        *ret_text = g_steal_pointer(&text);
        return g_steal_pointer(&leases);
}

static void look(LeaseFile *file)
{
        g_autofree char *text = NULL;
        g_autoptr(GPtrArray) leases = read_settled(file, &text);

        if (!leases) {
                if (file->n_same < LOOKS_LIMIT && g_file_test(file->path, G_FILE_TEST_EXISTS))
                        schedule(file, AGAIN_MS);
                return;
        }
        if (g_strcmp0(text, file->told) == 0)
                return;
        g_free(file->told);
        file->told = g_steal_pointer(&text);
        file->n_told = leases->len;
        file->changed(leases, file->data); /* may free @file */
}

static gboolean on_timer(gpointer data)
{
        LeaseFile *file = data;

        file->timer = 0;
        look(file);
        return G_SOURCE_REMOVE;
}

/* Our own reading of it is told of as well. */
static void on_event(const char *name, guint32 mask, gpointer data)
{
        LeaseFile *file = data;

        if (name && (!g_str_equal(name, file->name) ||
                     !(mask & (IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO))))
                return;
        file->n_same = 0;
        schedule(file, SETTLE_MS);
}

LeaseFile *lease_file_new(FileWatches *watches, const char *path, LeaseFileChanged changed,
                          gpointer data, GError **error)
{
        g_autoptr(LeaseFile) file = g_new0(LeaseFile, 1);
        g_autofree char *directory = g_path_get_dirname(path);

        file->path = g_strdup(path);
        file->name = g_path_get_basename(path);
        file->changed = changed;
        file->data = data;
        file->watch = file_watch_new(watches, directory, on_event, file, error);
        if (!file->watch)
                return NULL;
        schedule(file, 0);
        return g_steal_pointer(&file);
}

void lease_file_free(LeaseFile *file)
{
        if (!file)
                return;
        g_clear_handle_id(&file->timer, g_source_remove);
        file_watch_free(file->watch);
        g_free(file->told);
        g_free(file->path);
        g_free(file->name);
        g_free(file);
}
