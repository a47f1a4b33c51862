/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Files written by us and read by us: the same YAML as an administrator's, so that they can be read
 * by one, too. */

#include "network/store.h"

#include <string.h>

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

static bool save(const NetworkConfig *config, const char *path, GError **error)
{
        g_autoptr(Value) settings = config_to_value(config, false);
        g_autofree char *text = config_yaml_print(settings);

        return file_replace(path, text, -1, 0644, error);
}

/* With the entries in force: those of a file may not fit what was updated since. */
bool store_save_run(const Network *network, const Host *host, GError **error)
{
        g_autofree char *path = run_path(host, network_name(network), ".yaml");
        return save(network_config(network), path, error);
}

bool store_save(const Network *network, const Host *host, GError **error)
{
        g_autofree char *path = lib_path(host, network_name(network));
        g_autoptr(NetworkConfig) configured = network_configured(network);

        if (!store_save_run(network, host, error))
                return false;
        return !g_str_equal(network_origin(network), "bus") || save(configured, path, error);
}

bool store_has_bus(const Host *host, const char *interface)
{
        g_autofree char *path = lib_path(host, interface);
        return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void remove_logged(const char *interface, const char *path)
{
        g_autoptr(GError) error = NULL;
        if (!file_remove(path, &error))
                log_network_warning(interface, "%s", error->message);
}

void store_remove(const Host *host, const char *interface, bool tombstone)
{
        g_autofree char *run = run_path(host, interface, ".yaml");
        g_autofree char *lib = lib_path(host, interface);
        g_autofree char *removed = run_path(host, interface, ".removed");
        g_autoptr(GError) error = NULL;

        remove_logged(interface, lib);
        remove_logged(interface, run);
        if (tombstone && !file_replace(removed, "", -1, 0644, &error))
                log_network_warning(interface, "%s", error->message);
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
                if (!g_str_has_suffix(name, ".yaml"))
                        continue;
                g_autofree char *file = g_build_filename(path, name, NULL);
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
