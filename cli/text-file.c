/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Reads a text to its end, from pipes as well. What is in it is others' business, except that the
 * bus carries nothing but UTF-8. */

#include "cli/text-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "cli/error.h"
#include "model/config-yaml.h"

const char *text_file_name(const char *path)
{
        return g_str_equal(path, "-") ? "<stdin>" : path;
}

static bool fail(const char *path, const char *complaint, GError **error)
{
        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "%s: %s", text_file_name(path), complaint);
        return false;
}

static bool read_all(int fd, const char *path, GString *text, GError **error)
{
        for (;;) {
                char buffer[16384];
                ssize_t n = read(fd, buffer, sizeof buffer);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return fail(path, g_strerror(errno), error);
                if (n == 0)
                        return true;
                if (text->len + (gsize)n > YAML_MAX_BYTES)
                        return fail(path, "it is larger than 4 MiB", error);
                g_string_append_len(text, buffer, n);
        }
}

static bool check_encoding(const GString *text, const char *path, GError **error)
{
        const char *end;
        if (g_utf8_validate_len(text->str, text->len, &end))
                return true;

        guint line = 1, column = 1;
        for (const char *p = text->str; p < end; p++) {
                column = *p == '\n' ? 1 : column + 1;
                line += *p == '\n';
        }
        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "%s:%u:%u: it is not UTF-8 text",
                    text_file_name(path), line, column);
        return false;
}

char *text_file_read(const char *path, GError **error)
{
        bool is_stdin = g_str_equal(path, "-");
        int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0) {
                (void)fail(path, g_strerror(errno), error);
                return NULL;
        }

        g_autoptr(GString) text = g_string_new(NULL);
        bool whole = read_all(fd, path, text, error) && check_encoding(text, path, error);
        if (!is_stdin)
                close(fd);
        return whole ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}
