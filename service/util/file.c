/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Whole-file reads and replacements, and appending. Nothing here syncs: file-sync.c does, off the
 * loop. */

#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"

bool file_fail(const char *path, const char *attempt, GError **error)
{
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: cannot %s: %s", path, attempt,
                    g_strerror(errno));
        return false;
}

static char *staged_path(const char *path)
{
        return g_strconcat(path, ".new", NULL);
}

static int write_all(int fd, const char *contents, gsize length)
{
        while (length > 0) {
                ssize_t n = write(fd, contents, length);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -1;
                contents += n;
                length -= (gsize)n;
        }
        return 0;
}

bool file_stage(const char *path, const char *contents, gssize length, mode_t mode, GError **error)
{
        g_autofree char *staged = staged_path(path);
        int fd = open(staged, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
        if (fd < 0)
                return file_fail(path, "write", error);

        int r = write_all(fd, contents, length < 0 ? strlen(contents) : (gsize)length);
        if (r == 0)
                r = fchmod(fd, mode);
        if (r < 0)
                (void)file_fail(path, "write", error);
        if (close(fd) < 0 && r == 0) {
                r = -1;
                (void)file_fail(path, "write", error);
        }
        if (r < 0)
                file_drop(path);
        return r == 0;
}

bool file_commit(const char *path, GError **error)
{
        g_autofree char *staged = staged_path(path);

        if (rename(staged, path) == 0)
                return true;
        (void)file_fail(path, "write", error);
        file_drop(path);
        return false;
}

void file_drop(const char *path)
{
        g_autofree char *staged = staged_path(path);
        (void)unlink(staged); /* there is a first error, or none was made */
}

char *file_next_path(const char *path)
{
        return g_strconcat(path, ".next", NULL);
}

bool file_replace(const char *path, const char *contents, gssize length, mode_t mode,
                  GError **error)
{
        return file_stage(path, contents, length, mode, error) && file_commit(path, error);
}

bool file_has(const char *path, const char *contents, gssize length)
{
        gsize expected = length < 0 ? strlen(contents) : (gsize)length;
        struct stat status;

        if (stat(path, &status) < 0 || !S_ISREG(status.st_mode) ||
            (gsize)status.st_size != expected)
                return false;
        gsize found;
        g_autofree char *text = file_read(path, expected, &found, NULL);
        return text && found == expected && memcmp(text, contents, expected) == 0;
}

bool file_update(const char *path, const char *contents, gssize length, mode_t mode, GError **error)
{
        return file_has(path, contents, length) ||
               file_replace(path, contents, length, mode, error);
}

bool file_append(const char *path, const char *contents, gsize length, bool may_make,
                 GError **error)
{
        int fd = open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | (may_make ? O_CREAT : 0),
                      0644);
        if (fd < 0)
                return file_fail(path, "open", error);

        off_t end = lseek(fd, 0, SEEK_END);
        ssize_t n = write(fd, contents, length);
        bool good = n == (ssize_t)length;
        if (n >= 0 && !good)
                errno = ENOSPC;
        if (!good)
                (void)file_fail(path, "write", error);
        if (!good && end >= 0)
                (void)!ftruncate(fd, end); /* half a line does not count anyway */
        if (!good && end == 0 && may_make)
                (void)unlink(path); /* empty it says as much as none */
        close(fd);
        return good;
}

char *file_read(const char *path, gsize limit, gsize *ret_length, GError **error)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0) {
                (void)file_fail(path, "read", error);
                return NULL;
        }

        g_autoptr(GString) text = g_string_new(NULL);
        for (;;) {
                char buffer[16384];
                ssize_t n = read(fd, buffer, sizeof buffer);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        (void)file_fail(path, "read", error);
                        close(fd);
                        return NULL;
                }
                if (n == 0)
                        break;
                if (text->len + (gsize)n > limit) {
                        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED,
                                    "%s: larger than %" G_GSIZE_FORMAT " bytes", path, limit);
                        close(fd);
                        return NULL;
                }
                g_string_append_len(text, buffer, n);
        }
        close(fd);
        if (ret_length)
                *ret_length = text->len;
        return g_string_free(g_steal_pointer(&text), FALSE);
}

bool file_rename(const char *from, const char *to, GError **error)
{
        return rename(from, to) == 0 || file_fail(from, "rename", error);
}

/* A read-only file system refuses before it looks whether there is such a file. */
static bool is_missing(const char *path)
{
        return errno == ENOENT ||
               (errno == EROFS && faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
                errno == ENOENT);
}

bool file_remove(const char *path, GError **error)
{
        if (unlink(path) == 0)
                return true;
        int code = errno;
        if (is_missing(path))
                return true;
        errno = code;
        return file_fail(path, "remove", error);
}

bool directory_make(const char *path, mode_t mode, GError **error)
{
        g_autofree char *parent = g_path_get_dirname(path);
        if (g_mkdir_with_parents(parent, 0755) < 0)
                return file_fail(parent, "make directory", error);
        if (mkdir(path, mode) < 0 && errno != EEXIST)
                return file_fail(path, "make directory", error);
        return true;
}
