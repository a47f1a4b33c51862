/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Configuration files against the networks there are: at start and at Reload. Networks come up side
 * by side; one that fails does not hold up another. */

#include "network/config-dirs.h"
#include "network/filter-table.h"
#include "network/group.h"
#include "network/manager-private.h"
#include "network/names-table.h"
#include "network/record.h"
#include "network/recovery.h"
#include "network/store.h"
#include "util/error.h"
#include "util/log.h"

/* A network that goes on with what was in force, and is to be what its file says. What is on the
 * host is adopted first; what has nothing there is that at once. */
typedef struct Outdated {
        Network *network;
        NetworkConfig *file;
} Outdated;

typedef struct Reload {
        Manager *manager;
        guint n_pending;
        GPtrArray *made, *unwanted; /* Network*, whose first operation is to come */
        GPtrArray *outdated;        /* Outdated*, likewise, and the file after it */
        GString *errors;
        ServiceError code; /* of the first error */
        ManagerDone done;
        gpointer data;
} Reload;

static Outdated *outdated_new(Network *network, const NetworkConfig *file)
{
        Outdated *outdated = g_new(Outdated, 1);
        *outdated = (Outdated){ network_ref(network), config_copy(file) };
        return outdated;
}

static void outdated_free(gpointer data)
{
        Outdated *outdated = data;

        network_unref(outdated->network);
        config_free(outdated->file);
        g_free(outdated);
}

static void reload_note(Reload *reload, const GError *error)
{
        if (reload->errors->len > 0)
                g_string_append(reload->errors, "; ");
        else
                reload->code = error->domain == SERVICE_ERROR ? (ServiceError)error->code
                                                              : SERVICE_ERROR_FAILED;
        g_string_append(reload->errors, error->message);
}

/* One of the things that ran is through. */
static void reload_release(Reload *reload)
{
        g_autoptr(GPtrArray) networks = NULL;

        if (--reload->n_pending > 0)
                return;
        reload->manager->n_tasks--;
        if (reload->errors->len > 0) {
                g_autoptr(GError) error =
                        g_error_new_literal(SERVICE_ERROR, (int)reload->code, reload->errors->str);
                reload->done(NULL, error, reload->data);
        } else {
                networks = manager_list(reload->manager);
                reload->done(networks, NULL, reload->data);
        }
        g_string_free(reload->errors, TRUE);
        g_ptr_array_unref(reload->made);
        g_ptr_array_unref(reload->unwanted);
        g_ptr_array_unref(reload->outdated);
        g_free(reload);
}

static void one_done(const GPtrArray *networks, const GError *error, gpointer data)
{
        Reload *reload = data;

        if (error)
                reload_note(reload, error);
        reload_release(reload);
}

static void one_up(Network *network, const GError *error, gpointer data)
{
        one_done(NULL, error, data);
}

/* A failure is told, and ends nothing: what the next boot goes on with is another matter. */
static void saved(const GError *error, gpointer data)
{
        one_done(NULL, error, data);
}

/* A network that a file has and the host does not yet, or not any longer. Takes @config. @file is
 * what the file says, where @config is that, or nobody knows what it said before. What is on the
 * host already is looked after whatever can be written. Borrowed; NULL, and noted, where it cannot
 * be. */
static Network *make(Reload *reload, NetworkConfig *config, const NetworkConfig *file,
                     const char *path)
{
        Manager *manager = reload->manager;
        g_autoptr(GError) error = NULL;
        Network *network = manager_add(manager, config, file, path, &error);

        if (!network) {
                reload_note(reload, error);
                return NULL;
        }
        if (g_str_equal(path, "bus")) {
                reload->n_pending++;
                store_save(network, manager->host, saved, reload);
        }
        reload->n_pending++;
        g_ptr_array_add(reload->made, network_ref(network));
        return network;
}

static void make_of_file(Reload *reload, const NetworkConfig *file, const char *path)
{
        (void)make(reload, config_copy(file), file, path); /* an error is noted */
}

/* One that nobody asks for, or not any longer: what is left of it on the host is undone. Takes
 * @config. */
static void undo(Reload *reload, NetworkConfig *config, const char *origin)
{
        g_autoptr(GError) error = NULL;
        Network *network = manager_add(reload->manager, config, NULL, origin, &error);

        if (!network) {
                reload_note(reload, error);
                return;
        }
        reload->n_pending++;
        g_ptr_array_add(reload->unwanted, network_ref(network));
}

static void follow(Reload *reload, Network *network, const NetworkConfig *file)
{
        reload->n_pending++;
        manager_follow_file(reload->manager, network, config_copy(file), one_done, reload);
}

/* Those that have nothing on the host, or, with @all, the others too. */
static void follow_outdated(Reload *reload, bool all)
{
        for (guint i = 0; i < reload->outdated->len;) {
                Outdated *outdated = reload->outdated->pdata[i];
                if (!all && network_is_on_host(outdated->network)) {
                        i++;
                        continue;
                }
                follow(reload, outdated->network, outdated->file);
                g_ptr_array_remove_index(reload->outdated, i);
        }
}

/* After all of them have been read: what one does for all, the guard, must not forget another. */
static void start_all(Reload *reload)
{
        while (reload->unwanted->len > 0) {
                g_autoptr(Network) network = g_ptr_array_steal_index(reload->unwanted, 0);
                manager_remove_unnamed(reload->manager, network, one_done, reload);
        }
        follow_outdated(reload, false);
        while (reload->made->len > 0) {
                g_autoptr(Network) network = g_ptr_array_steal_index(reload->made, 0);
                if (network_is_wanted_up(network))
                        network_start(network, one_up, reload);
                else /* taken down before the daemon's restart, perhaps not to the end */
                        network_down(network, one_up, reload);
        }
        follow_outdated(reload, true);
}

/* A file's network that waits for another of its interface to be gone. */
typedef struct Successor {
        Reload *reload;
        NetworkConfig *config;
        char *path;
} Successor;

static void predecessor_gone(gpointer data, gpointer manager)
{
        Successor *successor = data;
        Reload *reload = successor->reload;

        if (!manager_find(manager, successor->config->interface))
                make_of_file(reload, successor->config, successor->path);
        start_all(reload);
        config_free(successor->config);
        g_free(successor->path);
        g_free(successor);
        reload_release(reload);
}

static void apply(Reload *reload, const NetworkConfig *config, const char *path)
{
        Network *network = manager_find(reload->manager, config->interface);

        if (network && network_is_being_removed(network)) {
                Successor *successor = g_new(Successor, 1);
                *successor = (Successor){ reload, config_copy(config), g_strdup(path) };
                reload->n_pending++;
                manager_wait_gone(reload->manager, network, predecessor_gone, successor);
                return;
        }
        if (!network) {
                make_of_file(reload, config, path);
                return;
        }
        if (network_origin(network)[0] != '/') {
                g_autoptr(GError) error = g_error_new(
                        SERVICE_ERROR, SERVICE_ERROR_NETWORK_EXISTS,
                        "%s: interface: there is a network on %s already, made over the bus", path,
                        config->interface);
                reload_note(reload, error);
                return;
        }
        network_set_origin(network, path);
        follow(reload, network, config);
}

/* The networks of files that are gone, or that do not name them any more. */
static void remove_unnamed(Reload *reload, GHashTable *named, GHashTable *bad_files)
{
        g_autoptr(GPtrArray) networks = manager_list(reload->manager);

        for (guint i = 0; i < networks->len; i++) {
                Network *network = networks->pdata[i];
                const char *origin = network_origin(network);
                g_autofree char *name = g_path_get_basename(origin);
                if (origin[0] != '/' || network_is_being_removed(network) ||
                    g_hash_table_contains(named, network_name(network)) ||
                    g_hash_table_contains(bad_files, name))
                        continue;
                reload->n_pending++;
                manager_remove_unnamed(reload->manager, network, one_done, reload);
        }
}

static Reload *reload_new(Manager *manager, ManagerDone done, gpointer data)
{
        Reload *reload = g_new0(Reload, 1);
        reload->manager = manager;
        reload->errors = g_string_new(NULL);
        reload->done = done;
        reload->data = data;
        reload->n_pending = 1; /* the reading itself */
        manager->n_tasks++;
        reload->made = g_ptr_array_new_with_free_func((GDestroyNotify)network_unref);
        reload->unwanted = g_ptr_array_new_with_free_func((GDestroyNotify)network_unref);
        reload->outdated = g_ptr_array_new_with_free_func(outdated_free);
        return reload;
}

/* @config of @path: named by an earlier file of the same reading? */
static bool is_named_twice(Reload *reload, GHashTable *named, const NetworkConfig *config,
                           const char *path)
{
        const char *other = g_hash_table_lookup(named, config->interface);

        if (!other)
                return false;
        g_autoptr(GError) error =
                g_error_new(SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                            "%s: interface: %s is a network of %s", path, config->interface, other);
        reload_note(reload, error);
        return true;
}

void manager_reload(Manager *manager, ManagerDone done, gpointer data)
{
        Reload *reload = reload_new(manager, done, data);
        g_autoptr(GPtrArray) files = config_dirs_read(manager->config_dirs);
        g_autoptr(GHashTable) named = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GHashTable) bad_files =
                g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (guint i = 0; i < files->len; i++) {
                const ConfigFile *file = files->pdata[i];
                if (file->configs)
                        continue;
                g_hash_table_add(bad_files, g_path_get_basename(file->path));
                reload_note(reload, file->error);
        }
        for (guint i = 0; i < files->len; i++) {
                const ConfigFile *file = files->pdata[i];
                for (guint j = 0; file->configs && j < file->configs->len; j++) {
                        const NetworkConfig *config = file->configs->pdata[j];
                        if (is_named_twice(reload, named, config, file->path))
                                continue;
                        g_hash_table_insert(named, config->interface, file->path);
                        store_remove_tombstone(manager->host, config->interface);
                        apply(reload, config, file->path);
                }
        }
        start_all(reload);
        remove_unnamed(reload, named, bad_files);
        reload_release(reload);
}

bool manager_files_forbid_captures(const Manager *manager, const NetworkConfig *config)
{
        g_autofree char *interface = network_config_interface(manager->host, config);
        g_autoptr(GPtrArray) files = config_dirs_read(manager->config_dirs);

        for (guint i = 0; i < files->len; i++) {
                const ConfigFile *file = files->pdata[i];
                for (guint j = 0; file->configs && j < file->configs->len; j++) {
                        const NetworkConfig *theirs = file->configs->pdata[j];
                        g_autofree char *nic = network_config_interface(manager->host, theirs);
                        if (!theirs->enable_tcpdump &&
                            (g_str_equal(nic, interface) ||
                             g_str_equal(theirs->interface, config->interface)))
                                return true;
                }
        }
        return false;
}

/* The start */

static void loaded(const GPtrArray *networks, const GError *error, gpointer data)
{
        Manager *manager = data;
        g_autoptr(GError) guard = NULL, gateways = NULL, filter = NULL, names = NULL;

        if (error)
                log_warning("not all networks came up: %s", error->message);
        if (!guard_forget_others(manager->host->guard, &guard))
                log_warning("%s", guard->message);
        if (!gateways_forget_others(manager->host->gateways, &gateways))
                log_warning("%s", gateways->message);
        if (!filter_table_forget_others(manager->host, &filter))
                log_warning("%s", filter->message);
        if (!names_table_forget_others(manager->host, &names))
                log_warning("%s", names->message);
}

static void load_bus(Reload *reload)
{
        g_autoptr(GPtrArray) configs = store_load_bus(reload->manager->host);

        for (guint i = 0; i < configs->len; i++) {
                NetworkConfig *config = config_copy(configs->pdata[i]);
                if (store_is_doomed(reload->manager->host, config->interface))
                        undo(reload, config, "bus");
                else
                        (void)make(reload, config, NULL, "bus"); /* an error is noted */
        }
}

/* What an earlier life of the daemon in this boot had in force goes on, with what the bus has
 * changed of it, as long as the file says what it said then. Where it has been edited since, it is
 * what a Reload would make of it: after what is on the host has been adopted. */
static void load_file(Reload *reload, const NetworkConfig *config, const char *path)
{
        Host *host = reload->manager->host;

        if (store_has_tombstone(host, config->interface) ||
            store_is_doomed(host, config->interface)) /* load_left() takes it away */
                return;
        g_autoptr(NetworkConfig) in_force = store_load_run(host, config->interface);
        if (!in_force) { /* after a boot; what the log holds may fit now */
                Network *network = make(reload, config_copy(config), config, path);
                if (network)
                        g_ptr_array_add(reload->outdated, outdated_new(network, config));
                return;
        }
        g_autoptr(NetworkConfig) applied = store_load_file(host, config->interface);
        Network *network = make(reload, g_steal_pointer(&in_force), applied ? NULL : config, path);
        if (network && applied && !store_says_the_same(applied, config))
                g_ptr_array_add(reload->outdated, outdated_new(network, config));
}

/* Takes note of the names of @bad_files, whose networks stay as they were. */
static void load_files(Reload *reload, GHashTable *bad_files)
{
        g_autoptr(GPtrArray) files = config_dirs_read(reload->manager->config_dirs);

        for (guint i = 0; i < files->len; i++) {
                const ConfigFile *file = files->pdata[i];
                if (!file->configs) {
                        reload_note(reload, file->error);
                        g_hash_table_add(bad_files, g_path_get_basename(file->path));
                        continue;
                }
                for (guint j = 0; j < file->configs->len; j++)
                        load_file(reload, file->configs->pdata[j], file->path);
        }
}

/* Whether a network without a readable configuration goes on with what was in force: a transient
 * one (the bus face finds out whether its caller still lives), one whose file is bad, and one made
 * over the bus whose own file is, or is gone with its file system. */
static bool goes_on(const Record *record, GHashTable *bad_files)
{
        g_autofree char *name = g_path_get_basename(record->origin);

        if (record->doomed)
                return false;
        return g_str_equal(record->origin, "bus") || g_str_equal(record->origin, "transient") ||
               g_hash_table_contains(bad_files, name);
}

/* What is left without a network: all but those that go on are undone. */
static void load_left(Reload *reload, GHashTable *bad_files)
{
        Manager *manager = reload->manager;
        g_auto(GStrv) interfaces = store_list(manager->host, false);

        for (char **interface = interfaces; *interface; interface++) {
                if (manager_find(manager, *interface))
                        continue;
                g_autoptr(GError) error = NULL;
                g_autoptr(Record) record = record_load(manager->host->run_dir, *interface, &error);
                NetworkConfig *config = store_load_run(manager->host, *interface);
                if (!error && (!record || (!config && record_is_clean(record)))) {
                        if (config) /* nothing of it was on the host yet, or any more */
                                undo(reload, config, "bus");
                        else
                                store_remove_run(manager->host, *interface);
                        continue;
                }
                if (!record || !config) {
                        log_network_warning(*interface,
                                            "a journal without its configuration: left alone");
                        config_free(config);
                        continue;
                }
                if (goes_on(record, bad_files)) {
                        config->transient = g_str_equal(record->origin, "transient");
                        (void)make(reload, config, NULL, record->origin); /* an error is noted */
                        continue;
                }
                undo(reload, config, record->origin);
        }
}

void manager_load(Manager *manager)
{
        Reload *reload = reload_new(manager, loaded, manager);
        g_autoptr(GHashTable) bad_files =
                g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        recovery_run(manager->host);
        group_recover(manager->host);
        load_bus(reload);
        load_files(reload, bad_files);
        load_left(reload, bad_files);
        start_all(reload);
        reload_release(reload);
}
