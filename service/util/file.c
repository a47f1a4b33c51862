/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Whole-file reads and replacements. Nothing here syncs: what must be on disk says so itself, off
 * the loop. */

#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"

static bool fail(const char *path, const char *attempt, GError **error)
{
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: cannot %s: %s", path, attempt,
                    g_strerror(errno));
        return false;
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

bool file_replace(const char *path, const char *contents, gssize length, mode_t mode,
                  GError **error)
{
        g_autofree char *temporary = g_strdup_printf("%s.new", path);
        int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
        if (fd < 0)
                return fail(path, "write", error);

        int r = write_all(fd, contents, length < 0 ? strlen(contents) : (gsize)length);
        if (r == 0)
                r = fchmod(fd, mode);
        if (close(fd) < 0 || r < 0 || rename(temporary, path) < 0) {
                (void)fail(path, "write", error);
                (void)unlink(temporary); /* the first error is the one that counts */
                return false;
        }
        return true;
}

char *file_read(const char *path, gsize limit, gsize *ret_length, GError **error)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0) {
                (void)fail(path, "read", error);
                return NULL;
        }

        g_autoptr(GString) text = g_string_new(NULL);
        for (;;) {
                char buffer[16384];
                ssize_t n = read(fd, buffer, sizeof buffer);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        (void)fail(path, "read", error);
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

bool file_remove(const char *path, GError **error)
{
        if (unlink(path) < 0 && errno != ENOENT)
                return fail(path, "remove", error);
        return true;
}

bool directory_make(const char *path, mode_t mode, GError **error)
{
        g_autofree char *parent = g_path_get_dirname(path);
        if (g_mkdir_with_parents(parent, 0755) < 0)
                return fail(parent, "make directory", error);
        if (mkdir(path, mode) < 0 && errno != EEXIST)
                return fail(path, "make directory", error);
        return true;
}
