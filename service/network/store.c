/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Files written by us and read by us: the same YAML as an administrator's, so that they can be read
 * by one, too. */

#include "network/store.h"

#include <string.h>
#include <unistd.h>

#include "model/config-yaml.h"
#include "model/entry-log.h"
#include "network/record.h"
#include "util/file.h"
#include "util/log.h"

static char *run_path(const Host *host, const char *name, const char *suffix)
{
        g_autofree char *file = g_strconcat(name, suffix, NULL);
        return g_build_filename(host->run_dir, file, NULL);
}

char *store_path(const Host *host, const char *name, StoreFile file)
{
        g_autofree char *yaml = g_strconcat(name, ".yaml", NULL);

        switch (file) {
        case STORE_LIB:
                return g_build_filename(host->lib_dir, "networks", yaml, NULL);
        case STORE_RUN:
                return g_build_filename(host->run_dir, yaml, NULL);
        case STORE_CONFIGURED:
                return run_path(host, name, ".configured");
        case STORE_FILE:
                return run_path(host, name, ".file");
        }
        g_assert_not_reached();
}

char *store_config_text(const NetworkConfig *config)
{
        g_autoptr(Value) settings = config_to_value(config, false);
        return config_yaml_print(settings);
}

/* As a log that makes them from nothing: unlike those of a whole configuration they need not fit
 * what was updated since. */
char *store_entries_text(const Entries *entries)
{
        g_autoptr(Entries) none = entries_new();
        return entry_log_compact(none, entries);
}

char *store_text(const Network *network, StoreFile file)
{
        g_autoptr(NetworkConfig) configured = network_configured(network);

        switch (file) {
        case STORE_LIB:
                return store_config_text(configured);
        case STORE_RUN:
                return store_config_text(network_config(network));
        case STORE_CONFIGURED:
                return store_entries_text(configured->entries);
        case STORE_FILE:
                break;
        }
        g_assert_not_reached();
}

/* Not known is not written. */
static bool save_file(const Host *host, const NetworkConfig *file, GError **error)
{
        g_autofree char *path = file ? store_path(host, file->interface, STORE_FILE) : NULL;
        g_autofree char *text = file ? store_config_text(file) : NULL;

        return !file || file_update(path, text, -1, 0644, error);
}

bool store_save_run(const Host *host, const NetworkConfig *config, const NetworkConfig *file,
                    GError **error)
{
        g_autofree char *configured_path = store_path(host, config->interface, STORE_CONFIGURED);
        g_autofree char *path = store_path(host, config->interface, STORE_RUN);
        g_autofree char *entries = store_entries_text(config->entries);
        g_autofree char *text = store_config_text(config);

        return save_file(host, file, error) &&
               file_update(configured_path, entries, -1, 0644, error) &&
               file_update(path, text, -1, 0644, error);
}

/* The directory may have gone with its file system, and come back without it. */
static void make_directory(const char *path)
{
        g_autofree char *directory = g_path_get_dirname(path);
        (void)directory_make(directory, 0755, NULL); /* the file says what is wrong */
}

void store_save(const Network *network, const Host *host, FileSyncDone done, gpointer data)
{
        g_autofree char *path = store_path(host, network_name(network), STORE_LIB);
        g_autofree char *text = store_text(network, STORE_LIB);

        if (file_has(path, text, -1)) {
                file_sync_flush(host->disk, path, done, data);
                return;
        }
        make_directory(path);
        file_sync_replace(host->disk, path, g_steal_pointer(&text), done, data);
}

void store_stage(const Network *network, const Host *host, StoreFile file, char *text,
                 FileSyncDone done, gpointer data)
{
        g_autofree char *path = store_path(host, network_name(network), file);
        g_autofree char *next = file_next_path(path);

        make_directory(path);
        file_sync_replace(host->disk, next, text, done, data);
}

void store_commit(const Network *network, const Host *host, StoreFile file, FileSyncDone done,
                  gpointer data)
{
        g_autofree char *path = store_path(host, network_name(network), file);
        g_autofree char *next = file_next_path(path);

        file_sync_rename(host->disk, next, path, done, data);
}

void store_drop(const Network *network, const Host *host, StoreFile file, FileSyncDone done,
                gpointer data)
{
        g_autofree char *path = store_path(host, network_name(network), file);
        g_autofree char *next = file_next_path(path);

        file_sync_remove(host->disk, next, done, data);
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
        g_autofree char *lib = store_path(host, network_name(network), STORE_LIB);

        return can_remove(networks, lib, error) && can_remove(state_dir, state_dir, error);
}

void store_remove(const Host *host, const char *name, FileSyncDone done, gpointer data)
{
        g_autofree char *lib = store_path(host, name, STORE_LIB);
        file_sync_remove(host->disk, lib, done, data);
}

/* The journal goes first: what is left without it describes nothing on the host. */
void store_remove_run(const Host *host, const char *name)
{
        static const char *const suffixes[] = { ".journal",   ".file.next", ".configured.next",
                                                ".yaml.next", ".file",      ".configured",
                                                ".yaml" };

        for (guint i = 0; i < G_N_ELEMENTS(suffixes); i++) {
                g_autofree char *path = run_path(host, name, suffixes[i]);
                remove_logged(name, path);
        }
}

void store_put_tombstone(const Host *host, const char *name)
{
        g_autofree char *path = run_path(host, name, ".removed");
        g_autoptr(GError) error = NULL;

        if (!file_replace(path, "", -1, 0644, &error))
                log_network_warning(name, "%s", error->message);
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

NetworkConfig *store_load(const char *path)
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
                if (!g_str_has_suffix(name, ".yaml"))
                        continue;
                NetworkConfig *config = store_load(file);
                if (config)
                        g_ptr_array_add(configs, config);
        }
        return configs;
}

/* NULL where there is no such file. The caller's. */
Entries *store_load_entries(const char *path)
{
        gsize length;
        g_autofree char *text = file_read(path, YAML_MAX_BYTES, &length, NULL);
        Entries *entries = text ? entries_new() : NULL;
        guint n_bad;

        if (entries)
                (void)entry_log_replay(text, length, entries, &n_bad); /* written by us */
        return entries;
}

NetworkConfig *store_load_run(const Host *host, const char *name)
{
        g_autofree char *path = store_path(host, name, STORE_RUN);
        g_autofree char *configured_path = store_path(host, name, STORE_CONFIGURED);
        NetworkConfig *config = g_file_test(path, G_FILE_TEST_EXISTS) ? store_load(path) : NULL;
        g_autoptr(Entries) configured = store_load_entries(configured_path);

        if (config && configured)
                (void)config_adopt_entries(config, configured); /* those that fit */
        return config;
}

NetworkConfig *store_load_file(const Host *host, const char *name)
{
        g_autofree char *path = store_path(host, name, STORE_FILE);
        return g_file_test(path, G_FILE_TEST_EXISTS) ? store_load(path) : NULL;
}

bool store_says_the_same(const NetworkConfig *a, const NetworkConfig *b)
{
        g_autofree char *text_of_a = store_config_text(a);
        g_autofree char *text_of_b = store_config_text(b);
        return g_str_equal(text_of_a, text_of_b);
}

bool store_has_journal(const Host *host, const char *name)
{
        g_autofree char *path = record_path(host->run_dir, name);
        return g_file_test(path, G_FILE_TEST_EXISTS);
}

bool store_is_doomed(const Host *host, const char *name)
{
        g_autoptr(Record) record = record_load(host->run_dir, name, NULL);
        return record && record->doomed;
}

static void add_name(GHashTable *names, const char *text, gsize length)
{
        g_autofree char *name = g_strndup(text, length);

        if (!g_hash_table_contains(names, name))
                g_hash_table_add(names, g_steal_pointer(&name));
}

/* Puts the names of the files in @path that end in one of @suffixes, without that, into @names. */
static void list_names(const char *path, const char *const *suffixes, GHashTable *names)
{
        g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
        const char *name;

        while (directory && (name = g_dir_read_name(directory)))
                for (const char *const *suffix = suffixes; *suffix; suffix++)
                        if (g_str_has_suffix(name, *suffix))
                                add_name(names, name, strlen(name) - strlen(*suffix));
}

char **store_list(const Host *host, bool lib)
{
        static const char *const suffixes[] = { ".journal",    ".yaml", ".yaml.next",
                                                ".configured", ".file", NULL };
        g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
        g_autofree char *networks = g_build_filename(host->lib_dir, "networks", NULL);

        list_names(host->run_dir, suffixes, names);
        if (lib)
                list_names(networks, suffixes, names);
        return (char **)g_hash_table_get_keys_as_array(names, NULL);
}
