/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Files written by us and read by us: the same YAML as an administrator's, so that they can be read
 * by one, too. */

#include "network/store.h"

#include <string.h>
#include <unistd.h>

#include "model/config-yaml.h"
#include "util/file.h"
#include "util/log.h"

static char *run_path(const Host *host, const char *interface, const char *suffix)
{
        g_autofree char *name = g_strconcat(interface, suffix, NULL);
        return g_build_filename(host->run_dir, name, NULL);
}

static char *lib_path(const Host *host, const char *interface)
{
        g_autofree char *name = g_strconcat(interface, ".yaml", NULL);
        return g_build_filename(host->lib_dir, "networks", name, NULL);
}

static char *text_of(const NetworkConfig *config)
{
        g_autoptr(Value) settings = config_to_value(config, false);
        return config_yaml_print(settings);
}

/* With the entries in force: those of a file may not fit what was updated since. */
bool store_save_run(const Network *network, const Host *host, GError **error)
{
        g_autofree char *path = run_path(host, network_name(network), ".yaml");
        g_autofree char *text = text_of(network_config(network));

        return file_update(path, text, -1, 0644, error);
}

/* What is to be written to *ret_path; NULL where that is there already. */
static char *text_to_save(const Network *network, const Host *host, char **ret_path)
{
        g_autoptr(NetworkConfig) configured = network_configured(network);
        g_autofree char *text = text_of(configured);

        *ret_path = lib_path(host, network_name(network));
        return file_has(*ret_path, text, -1) ? NULL : g_steal_pointer(&text);
}

/* The directory may have gone with its file system, and come back without it. */
static void make_directory(const char *path)
{
        g_autofree char *directory = g_path_get_dirname(path);
        (void)directory_make(directory, 0755, NULL); /* the file says what is wrong */
}

void store_save(const Network *network, const Host *host, FileSyncDone done, gpointer data)
{
        g_autofree char *path = NULL;
        char *text = text_to_save(network, host, &path);

        if (!text) {
                file_sync_flush(host->disk, path, done, data);
                return;
        }
        make_directory(path);
        file_sync_replace(host->disk, path, text, done, data);
}

bool store_stage(const Network *network, const Host *host, FileSyncDone done, gpointer data)
{
        g_autofree char *path = NULL;
        char *text = text_to_save(network, host, &path);

        if (!text)
                return false;
        make_directory(path);
        file_sync_stage(host->disk, path, text, done, data);
        return true;
}

void store_commit(const Network *network, const Host *host, FileSyncDone done, gpointer data)
{
        g_autofree char *path = lib_path(host, network_name(network));
        file_sync_commit(host->disk, path, done, data);
}

void store_drop(const Network *network, const Host *host)
{
        g_autofree char *path = lib_path(host, network_name(network));
        file_drop(path);
}

static void remove_logged(const char *interface, const char *path)
{
        g_autoptr(GError) error = NULL;
        if (!file_remove(path, &error))
                log_network_warning(interface, "%s", error->message);
}

/* Whether what is at @path, if anything, can be removed from @directory. */
static bool can_remove(const char *directory, const char *path, GError **error)
{
        return access(path, F_OK) < 0 || access(directory, W_OK) == 0 ||
               file_fail(path, "remove", error);
}

bool store_can_remove(const Network *network, const Host *host, GError **error)
{
        const char *state_dir = network_config(network)->state_dir;
        g_autofree char *networks = g_build_filename(host->lib_dir, "networks", NULL);
        g_autofree char *lib = lib_path(host, network_name(network));

        return can_remove(networks, lib, error) && can_remove(state_dir, state_dir, error);
}

void store_remove(const Host *host, const char *interface, bool tombstone, FileSyncDone done,
                  gpointer data)
{
        g_autofree char *run = run_path(host, interface, ".yaml");
        g_autofree char *lib = lib_path(host, interface);
        g_autofree char *removed = run_path(host, interface, ".removed");
        g_autoptr(GError) error = NULL;

        remove_logged(interface, run);
        if (tombstone && !file_replace(removed, "", -1, 0644, &error))
                log_network_warning(interface, "%s", error->message);
        file_sync_remove(host->disk, lib, done, data);
}

bool store_has_tombstone(const Host *host, const char *interface)
{
        g_autofree char *path = run_path(host, interface, ".removed");
        return g_file_test(path, G_FILE_TEST_EXISTS);
}

void store_remove_tombstone(const Host *host, const char *interface)
{
        g_autofree char *path = run_path(host, interface, ".removed");
        remove_logged(interface, path);
}

/* The one network of a file of ours; NULL, and logged, where the file is not good. */
static NetworkConfig *load(const char *path)
{
        g_autoptr(GError) error = NULL;
        gsize length;
        g_autofree char *text = file_read(path, YAML_MAX_BYTES, &length, &error);
        NetworkConfig *config = text ? config_yaml_parse_state(text, length, path, &error) : NULL;

        if (!config)
                log_warning("passed over: %s", error->message);
        return config;
}

GPtrArray *store_load_bus(const Host *host)
{
        GPtrArray *configs = g_ptr_array_new_with_free_func((GDestroyNotify)config_free);
        g_autofree char *path = g_build_filename(host->lib_dir, "networks", NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(GDir) directory = g_dir_open(path, 0, &error);
        const char *name;

        if (!directory) {
                log_warning("%s", error->message);
                return configs;
        }
        while ((name = g_dir_read_name(directory))) {
                g_autofree char *file = g_build_filename(path, name, NULL);
                if (g_str_has_suffix(name, ".yaml.new"))
                        (void)unlink(file); /* a save that the end of a life cut short */
                if (!g_str_has_suffix(name, ".yaml"))
                        continue;
                NetworkConfig *config = load(file);
                if (config)
                        g_ptr_array_add(configs, config);
        }
        return configs;
}

NetworkConfig *store_load_run(const Host *host, const char *interface)
{
        g_autofree char *path = run_path(host, interface, ".yaml");
        return g_file_test(path, G_FILE_TEST_EXISTS) ? load(path) : NULL;
}

char **store_list_journals(const Host *host)
{
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        g_autoptr(GDir) directory = g_dir_open(host->run_dir, 0, NULL);
        const char *name;

        while (directory && (name = g_dir_read_name(directory))) {
                if (!g_str_has_suffix(name, ".journal") || g_str_equal(name, "sysctls.journal"))
                        continue;
                g_autofree char *interface = g_strndup(name, strlen(name) - strlen(".journal"));
                g_strv_builder_add(builder, interface);
        }
        return g_strv_builder_end(builder);
}
