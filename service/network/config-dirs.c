/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Reads configuration directories as systemd.unit(5) and others do: /etc over /run over /usr/lib,
 * by file name. An empty file, or a link to /dev/null, masks the one of the same name below it. */

#include "network/config-dirs.h"

#include "model/config-yaml.h"
#include "util/file.h"

static void config_file_free(gpointer data)
{
        ConfigFile *file = data;
        g_free(file->path);
        g_clear_pointer(&file->configs, g_ptr_array_unref);
        g_clear_error(&file->error);
        g_free(file);
}

static ConfigFile *config_file_read(const char *path)
{
        ConfigFile *file = g_new0(ConfigFile, 1);
        gsize length = 0;

        file->path = g_strdup(path);
        g_autofree char *text = file_read(path, YAML_MAX_BYTES, &length, &file->error);
        if (text && length == 0)
                file->configs = g_ptr_array_new();
        else if (text)
                file->configs = config_yaml_parse(text, length, path, &file->error);
        return file;
}

static void collect(GTree *paths, const char *directory)
{
        g_autoptr(GDir) entries = g_dir_open(directory, 0, NULL);
        const char *name;

        while (entries && (name = g_dir_read_name(entries)))
                if (g_str_has_suffix(name, ".yaml") && name[0] != '.' &&
                    !g_tree_lookup(paths, (gpointer)name))
                        g_tree_insert(paths, g_strdup(name),
                                      g_build_filename(directory, name, NULL));
}

static int compare_names(gconstpointer a, gconstpointer b, gpointer data)
{
        return g_strcmp0(a, b);
}

static gboolean read_one(gpointer name, gpointer path, gpointer data)
{
        g_ptr_array_add(data, config_file_read(path));
        return FALSE;
}

GPtrArray *config_dirs_read(const char *const *directories)
{
        GPtrArray *files = g_ptr_array_new_with_free_func(config_file_free);
        g_autoptr(GTree) paths = g_tree_new_full(compare_names, NULL, g_free, g_free);

        for (const char *const *directory = directories; *directory; directory++)
                collect(paths, *directory);
        g_tree_foreach(paths, read_one, files);
        return files;
}
