/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Stands in for libFuzzer where the compiler has none: runs the target once on every file in the
 * directories that are its arguments, and on each of their beginnings, so that a reader that trusts
 * the end of its input is found. */

#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* Larger inputs are run whole alone. */
#define MAX_CUT_BYTES 2048

/* From memory of exactly that size, so that a sanitizer sees a read beyond it. */
static void run(const char *contents, gsize length)
{
        uint8_t *data = malloc(length > 0 ? length : 1);
        g_assert_nonnull(data);
        memcpy(data, contents, length);
        (void)LLVMFuzzerTestOneInput(data, length); /* always 0 */
        free(data);
}

static bool replay_file(const char *path)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *contents = NULL;
        gsize length;
        if (!g_file_get_contents(path, &contents, &length, &error)) {
                g_printerr("%s\n", error->message);
                return false;
        }

        for (gsize cut = 0; cut < length && length <= MAX_CUT_BYTES; cut++)
                run(contents, cut);
        run(contents, length);
        g_print("%s: %zu bytes\n", path, length);
        return true;
}

static bool replay_directory(const char *path)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GDir) directory = g_dir_open(path, 0, &error);
        if (!directory) {
                g_printerr("%s\n", error->message);
                return false;
        }

        bool is_good = true;
        guint n_files = 0;
        for (const char *name; (name = g_dir_read_name(directory)); n_files++) {
                g_autofree char *file = g_build_filename(path, name, NULL);
                is_good = replay_file(file) && is_good;
        }
        if (n_files == 0)
                g_printerr("%s: no seeds\n", path);
        return is_good && n_files > 0;
}

int main(int argc, char **argv)
{
        bool is_good = argc > 1;
        for (int i = 1; i < argc; i++)
                is_good = replay_directory(argv[i]) && is_good;
        return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
