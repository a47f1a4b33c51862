/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The table of networks, and making, changing and removing one. Groups of them are in
 * transaction.c, files in reload.c. */

#include "network/manager-private.h"

#include <malloc.h>

#include "network/store.h"
#include "util/error.h"
#include "util/log.h"

/* After the replies, and once for several changes. */
#define TRIM_DELAY_MS 100

/* One network that is being made, changed or removed. */
typedef struct Task {
        Manager *manager;
        Network *network;
        NetworkConfig *old; /* CHANGE: as it was */
        Entries *old_configured;
        bool for_good; /* REMOVE: somebody asked for it */
        GError *error;
        ManagerDone done;
        gpointer data;
} Task;

static Task *task_new(Manager *manager, Network *network, ManagerDone done, gpointer data)
{
        Task *task = g_new0(Task, 1);
        task->manager = manager;
        task->network = network_ref(network);
        task->done = done;
        task->data = data;
        manager->n_tasks++;
        return task;
}

/* Reading a configuration of thousands of entries leaves the heap full of holes that malloc(3) does
 * not give back by itself. */
static gboolean trim(gpointer data)
{
        Manager *manager = data;

        manager->trim_id = 0;
        (void)malloc_trim(0); /* nothing to give back is fine */
        return G_SOURCE_REMOVE;
}

void manager_trim(Manager *manager)
{
        if (!manager->trim_id)
                manager->trim_id = g_timeout_add(TRIM_DELAY_MS, trim, manager);
}

static void task_end(Task *task, const GError *error)
{
        g_autoptr(GPtrArray) networks = g_ptr_array_new();

        manager_trim(task->manager);
        task->manager->n_tasks--;
        g_ptr_array_add(networks, task->network);
        task->done(error ? NULL : networks, error, task->data);
        network_unref(task->network);
        config_free(task->old);
        entries_free(task->old_configured);
        g_clear_error(&task->error);
        g_free(task);
}

/* The table */

Network *manager_find(const Manager *manager, const char *name)
{
        return g_hash_table_lookup(manager->host->networks, name);
}

Network *manager_look_up(const Manager *manager, const char *name)
{
        Network *network = manager_find(manager, name);

        return network ? network : network_of_interface(manager->host, name);
}

static int compare_interfaces(gconstpointer a, gconstpointer b)
{
        return g_strcmp0(network_name(*(Network *const *)a), network_name(*(Network *const *)b));
}

GPtrArray *manager_list(const Manager *manager)
{
        GPtrArray *networks = g_ptr_array_new();
        GHashTableIter iter;
        gpointer network;

        g_hash_table_iter_init(&iter, manager->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &network))
                g_ptr_array_add(networks, network);
        g_ptr_array_sort(networks, compare_interfaces);
        return networks;
}

bool manager_is_idle(const Manager *manager)
{
        return g_hash_table_size(manager->host->networks) == 0 && manager->n_tasks == 0 &&
               owed_is_empty(manager->host->owed);
}

bool manager_is_busy(const Manager *manager)
{
        g_autoptr(GPtrArray) networks = manager_list(manager);

        for (guint i = 0; i < networks->len; i++)
                if (network_is_busy(networks->pdata[i]))
                        return true;
        return manager->n_tasks > 0;
}

/* Takes the table's reference away. */
static void forget(Manager *manager, Network *network)
{
        g_hash_table_remove(manager->host->networks, network_name(network));
        manager->events->removed(network, manager->events_data);
        network_unref(network);
}

/* Whether one is the other, or inside it. */
static bool directories_meet(const char *a, const char *b)
{
        g_autofree char *below_a = g_strconcat(a, "/", NULL);
        g_autofree char *below_b = g_strconcat(b, "/", NULL);

        return g_str_has_prefix(below_a, below_b) || g_str_has_prefix(below_b, below_a);
}

static bool check_new(Manager *manager, const NetworkConfig *config, const Network *self,
                      GError **error)
{
        g_autoptr(GPtrArray) networks = manager_list(manager);

        if (!self && manager_find(manager, config->interface)) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_NETWORK_EXISTS,
                            "interface: there is a network on %s already", config->interface);
                return false;
        }
        for (guint i = 0; i < networks->len; i++) {
                const Network *other = networks->pdata[i];
                if (other == self ||
                    !directories_meet(network_config(other)->state_dir, config->state_dir))
                        continue;
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                            "state_dir: %s is network %s's", config->state_dir,
                            network_name(other));
                return false;
        }
        return true;
}

Network *manager_add(Manager *manager, NetworkConfig *config, const char *origin, GError **error)
{
        g_autoptr(NetworkConfig) own = config;

        if (!check_new(manager, config, NULL, error))
                return NULL;
        Network *network = network_new(manager->host, g_steal_pointer(&own), origin,
                                       &manager->events->network, manager->events_data, error);
        if (!network)
                return NULL;
        g_hash_table_insert(manager->host->networks, g_strdup(network_name(network)), network);
        manager->events->added(network, manager->events_data);
        return network;
}

/* Removing */

static void removed(Network *network, const GError *error, gpointer data)
{
        Task *task = data;
        Manager *manager = task->manager;
        bool tombstone = task->for_good && network_origin(network)[0] == '/';

        if (manager_find(manager, network_name(network)) == network) {
                store_remove(manager->host, network_name(network), tombstone);
                forget(manager, network);
        }
        task_end(task, task->error ? task->error : error);
}

void manager_remove(Manager *manager, Network *network, ManagerDone done, gpointer data)
{
        Task *task = task_new(manager, network, done, data);

        task->for_good = true;
        network_remove(network, removed, task);
}

void manager_remove_unnamed(Manager *manager, Network *network, ManagerDone done, gpointer data)
{
        network_remove(network, removed, task_new(manager, network, done, data));
}

/* Making */

static void created(Network *network, const GError *error, gpointer data)
{
        Task *task = data;

        if (!error)
                (void)store_save(network, task->manager->host, &task->error);
        else
                task->error = g_error_copy(error);
        if (task->error)
                network_remove(network, removed, task);
        else
                task_end(task, NULL);
}

void manager_create(Manager *manager, NetworkConfig *config, const char *caller, ManagerDone done,
                    gpointer data)
{
        g_autoptr(GError) error = NULL;
        bool is_transient = config->transient;
        Network *network = manager_add(manager, config, is_transient ? "transient" : "bus", &error);

        if (!network) {
                done(NULL, error, data);
                return;
        }
        if (!store_save_run(network, manager->host,
                            &error)) { /* else a crash could not be undone */
                Task *task = task_new(manager, network, done, data);
                task->error = g_steal_pointer(&error);
                network_remove(network, removed, task);
                return;
        }
        store_remove_tombstone(manager->host, network_name(network));
        if (is_transient)
                network_set_caller(network, caller);
        network_up(network, created, task_new(manager, network, done, data));
}

/* Changing */

static void changed_back(Network *network, const GError *error, gpointer data)
{
        Task *task = data;

        if (error)
                log_network_error(network_name(network),
                                  "cannot go back to the old configuration: %s", error->message);
        task_end(task, task->error);
}

/* What had failed has another configuration now. */
static void up_again(Network *network, const GError *error, gpointer data)
{
        task_end(data, error);
}

static void changed(Network *network, const GError *error, gpointer data)
{
        Task *task = data;

        if (error) {
                task_end(task, error);
                return;
        }
        if (store_save(network, task->manager->host, &task->error)) {
                if (network_state(network) == NETWORK_FAILED && network_is_wanted_up(network))
                        network_up(network, up_again, task);
                else
                        task_end(task, NULL);
                return;
        }
        network_change(network, g_steal_pointer(&task->old), g_steal_pointer(&task->old_configured),
                       changed_back, task);
}

static Task *change_new(Manager *manager, Network *network, ManagerDone done, gpointer data)
{
        Task *task = task_new(manager, network, done, data);
        g_autoptr(NetworkConfig) before = network_configured(network);

        task->old = config_copy(network_config(network));
        task->old_configured = entries_copy(before->entries);
        return task;
}

void manager_change_configured(Manager *manager, Network *network, NetworkConfig *config,
                               Entries *configured, ManagerDone done, gpointer data)
{
        g_autoptr(NetworkConfig) own = config;
        g_autoptr(Entries) own_configured = configured;
        g_autoptr(GError) error = NULL;

        if (!check_new(manager, config, network, &error)) {
                done(NULL, error, data);
                return;
        }
        network_change(network, g_steal_pointer(&own), g_steal_pointer(&own_configured), changed,
                       change_new(manager, network, done, data));
}

void manager_update(Manager *manager, Network *network, const NetworkConfig *expected,
                    Value *settings, ManagerDone done, gpointer data)
{
        g_autoptr(Value) own = settings;
        g_autoptr(GError) error = NULL;

        if (!check_new(manager, expected, network, &error)) {
                done(NULL, error, data);
                return;
        }
        network_update(network, g_steal_pointer(&own), changed,
                       change_new(manager, network, done, data));
}

void manager_change(Manager *manager, Network *network, NetworkConfig *config, ManagerDone done,
                    gpointer data)
{
        manager_change_configured(manager, network, config, NULL, done, data);
}

Manager *manager_new(Host *host, const char *const *config_dirs, const ManagerEvents *events,
                     gpointer data, GError **error)
{
        g_autoptr(Manager) manager = g_new0(Manager, 1);

        manager->host = host;
        manager->config_dirs = config_dirs;
        manager->events = events;
        manager->events_data = data;
        manager->watch = watch_new(host, error);
        if (!manager->watch)
                return NULL;
        return g_steal_pointer(&manager);
}

void manager_free(Manager *manager)
{
        if (!manager)
                return;
        if (manager->trim_id)
                g_source_remove(manager->trim_id);
        watch_free(manager->watch);
        g_autoptr(GPtrArray) networks = manager_list(manager);
        for (guint i = 0; i < networks->len; i++)
                network_unref(networks->pdata[i]);
        g_hash_table_remove_all(manager->host->networks);
        g_free(manager);
}
