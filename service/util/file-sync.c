/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A pool of one thread: what the jobs for one file mean depends on their order. The thread touches
 * its job's text, path and error alone; the rest is the main loop's. */

#include "util/file-sync.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "util/file.h"

#define FILE_MODE 0644

/* What a job does, in this order. */
#define STAGE  (1u << 0)
#define COMMIT (1u << 1)
#define REMOVE (1u << 2)
#define RENAME (1u << 3)
#define FLUSH  (1u << 4)
#define NAME   (1u << 5) /* its name in the directory */

struct FileSync {
        GThreadPool *pool;
        GHashTable *jobs; /* FileSyncJob*, all whose done is to come */
};

struct FileSyncJob {
        FileSync *sync;
        unsigned work;
        char *path;
        char *from; /* RENAME */
        char *text;
        GError *error;
        GSource *finished; /* made before the thread has it, attached by the thread */
        FileSyncDone done;
        gpointer data;
};

static bool sync_file(const char *path, GError **error)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

        if (fd < 0)
                return errno == ENOENT || file_fail(path, "open", error);
        bool good = fdatasync(fd) == 0 || file_fail(path, "write", error);
        close(fd);
        return good;
}

/* File systems that cannot sync a directory say EINVAL. One that we may not open is none that we
 * have made. */
static bool sync_directory(const char *directory, GError **error)
{
        int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return errno == ENOENT || errno == EACCES || file_fail(directory, "open", error);
        bool good = fsync(fd) == 0 || errno == EINVAL || file_fail(directory, "write", error);
        close(fd);
        return good;
}

/* The directory may be as new as the file. */
static bool sync_name(const char *path, GError **error)
{
        g_autofree char *directory = g_path_get_dirname(path);
        g_autofree char *parent = g_path_get_dirname(directory);

        return sync_directory(directory, error) && sync_directory(parent, error);
}

static bool stage(const char *path, const char *text, GError **error)
{
        g_autofree char *staged = g_strconcat(path, ".new", NULL);

        if (!file_stage(path, text, -1, FILE_MODE, error))
                return false;
        if (sync_file(staged, error))
                return true;
        file_drop(path);
        return false;
}

static void work(gpointer data, gpointer user_data)
{
        FileSyncJob *job = data;
        bool good = true;

        if (job->work & STAGE)
                good = stage(job->path, job->text, &job->error);
        if (good && (job->work & COMMIT))
                good = file_commit(job->path, &job->error);
        if (good && (job->work & REMOVE))
                good = file_remove(job->path, &job->error);
        if (good && (job->work & RENAME))
                good = file_rename(job->from, job->path, &job->error);
        if (good && (job->work & FLUSH))
                good = sync_file(job->path, &job->error);
        if (good && (job->work & NAME))
                (void)sync_name(job->path, &job->error); /* `error` says how it went */
        g_source_attach(job->finished, NULL);
}

static void job_free(gpointer data)
{
        FileSyncJob *job = data;

        g_source_destroy(job->finished);
        g_source_unref(job->finished);
        g_clear_error(&job->error);
        g_free(job->path);
        g_free(job->from);
        g_free(job->text);
        g_free(job);
}

static gboolean finish(gpointer data)
{
        FileSyncJob *job = data;

        g_hash_table_steal(job->sync->jobs, job);
        if (job->done)
                job->done(job->error, job->data); /* may free what it likes, `sync` too */
        job_free(job);
        return G_SOURCE_REMOVE;
}

FileSync *file_sync_new(void)
{
        FileSync *sync = g_new0(FileSync, 1);

        sync->pool = g_thread_pool_new(work, NULL, 1, FALSE, NULL);
        sync->jobs = g_hash_table_new_full(NULL, NULL, job_free, NULL);
        return sync;
}

void file_sync_free(FileSync *sync)
{
        if (!sync)
                return;
        g_thread_pool_free(sync->pool, FALSE, TRUE);
        g_hash_table_unref(sync->jobs);
        g_free(sync);
}

static FileSyncJob *job_new(FileSync *sync, unsigned what, const char *path, FileSyncDone done,
                            gpointer data)
{
        FileSyncJob *job = g_new0(FileSyncJob, 1);

        job->sync = sync;
        job->work = what;
        job->path = g_strdup(path);
        job->done = done;
        job->data = data;
        job->finished = g_idle_source_new();
        g_source_set_priority(job->finished, G_PRIORITY_DEFAULT);
        g_source_set_callback(job->finished, finish, job, NULL);
        return job;
}

static FileSyncJob *push(FileSyncJob *job)
{
        FileSync *sync = job->sync;

        g_hash_table_add(sync->jobs, job);
        (void)g_thread_pool_push(sync->pool, job, NULL); /* no thread now: one takes it later */
        return job;
}

static FileSyncJob *push_text(FileSync *sync, unsigned what, const char *path, char *text,
                              FileSyncDone done, gpointer data)
{
        FileSyncJob *job = job_new(sync, what, path, done, data);
        job->text = text;
        return push(job);
}

FileSyncJob *file_sync_replace(FileSync *sync, const char *path, char *text, FileSyncDone done,
                               gpointer data)
{
        return push_text(sync, STAGE | COMMIT | NAME, path, text, done, data);
}

FileSyncJob *file_sync_stage(FileSync *sync, const char *path, char *text, FileSyncDone done,
                             gpointer data)
{
        return push_text(sync, STAGE, path, text, done, data);
}

FileSyncJob *file_sync_rename(FileSync *sync, const char *from, const char *path, FileSyncDone done,
                              gpointer data)
{
        FileSyncJob *job = job_new(sync, RENAME | NAME, path, done, data);
        job->from = g_strdup(from);
        return push(job);
}

FileSyncJob *file_sync_remove(FileSync *sync, const char *path, FileSyncDone done, gpointer data)
{
        return push(job_new(sync, REMOVE | NAME, path, done, data));
}

FileSyncJob *file_sync_flush(FileSync *sync, const char *path, FileSyncDone done, gpointer data)
{
        return push(job_new(sync, FLUSH | NAME, path, done, data));
}

void file_sync_forget(FileSyncJob *job)
{
        if (job)
                job->done = NULL;
}
