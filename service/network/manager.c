/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The table of networks, and making, changing and removing one. Groups of them are in
 * transaction.c, files in reload.c. */

#include "network/manager-private.h"

#include <malloc.h>

#include "host/link.h"
#include "model/tap-owner.h"
#include "network/store.h"
#include "util/error.h"
#include "util/log.h"

/* After the replies, and once for several changes. */
#define TRIM_DELAY_MS 100

/* One network that is being made, changed or removed. */
typedef struct Task {
        Manager *manager;
        Network *network;
        guint n_pending; /* CREATE: what is yet to come */
        GError *error;
        ManagerDone done;
        gpointer data;
} Task;

/* One that waits for a network to be gone. */
typedef struct Waiter {
        const Network *network; /* compared alone */
        GFunc gone;             /* called with the data and the manager */
        gpointer data;
} Waiter;

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

char *manager_choose_tap(const Manager *manager, const char *owner)
{
        Link link;

        for (guint nth = 0;; nth++) {
                g_autofree char *name = tap_owner_interface(owner, nth);
                if (!manager_find(manager, name) && link_get(manager->host->rtnl, name, &link) < 0)
                        return g_steal_pointer(&name);
        }
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

Network *manager_add(Manager *manager, NetworkConfig *config, const NetworkConfig *file,
                     const char *origin, GError **error)
{
        g_autoptr(NetworkConfig) own = config;

        if (!check_new(manager, config, NULL, error))
                return NULL;
        g_autofree char *name = g_strdup(config->interface);
        g_autoptr(GError) unsaved = NULL;
        bool is_new = !store_has_journal(manager->host, name);
        if (!store_save_run(manager->host, config, file, &unsaved) && is_new) {
                store_remove_run(manager->host, name); /* some of its files, perhaps */
                g_propagate_error(error, g_steal_pointer(&unsaved));
                return NULL;
        }
        Network *network = network_new(manager->host, g_steal_pointer(&own), origin,
                                       &manager->events->network, manager->events_data, error);
        if (!network) {
                if (is_new) /* nothing on the host is described by it yet */
                        store_remove_run(manager->host, name);
                return NULL;
        }
        if (unsaved) /* one that is there is looked after whatever can be written */
                log_network_warning(name, "%s", unsaved->message);
        g_hash_table_insert(manager->host->networks, g_strdup(network_name(network)), network);
        manager->events->added(network, manager->events_data);
        return network;
}

/* Removing */

void manager_wait_gone(Manager *manager, const Network *network, GFunc gone, gpointer data)
{
        Waiter *waiter = g_new(Waiter, 1);

        *waiter = (Waiter){ network, gone, data };
        manager->n_tasks++;
        g_queue_push_tail(&manager->waiting, waiter);
}

/* In the order in which they came. */
static void wake_waiting(Manager *manager, const Network *network)
{
        guint n = g_queue_get_length(&manager->waiting);

        for (guint i = 0; i < n; i++) {
                Waiter *waiter = g_queue_pop_head(&manager->waiting);
                if (waiter->network != network) {
                        g_queue_push_tail(&manager->waiting, waiter);
                        continue;
                }
                manager->n_tasks--;
                waiter->gone(waiter->data, manager);
                g_free(waiter);
        }
}

static void files_removed(const GError *error, gpointer data)
{
        Task *task = data;
        Manager *manager = task->manager;

        store_remove_run(manager->host, network_name(task->network));
        forget(manager, task->network);
        wake_waiting(manager, task->network); /* which the task still holds */
        task_end(task, task->error ? task->error : error);
}

/* Only the first of several removals finds it there. */
static void removed(Network *network, const GError *error, gpointer data)
{
        Task *task = data;
        Manager *manager = task->manager;

        if (error)
                task_end(task, task->error ? task->error : error);
        else
                store_remove(manager->host, network_name(network), files_removed, task);
}

void manager_remove(Manager *manager, Network *network, ManagerDone done, gpointer data)
{
        g_autoptr(GError) error = NULL;

        /* Nobody is there to take a transient one down later, and the next boot knows nothing of
         * it. */
        if (!g_str_equal(network_origin(network), "transient") &&
            !store_can_remove(network, manager->host, &error)) {
                done(NULL, error, data);
                return;
        }
        if (network_origin(network)[0] == '/')
                store_put_tombstone(manager->host, network_name(network));
        network_remove(network, removed, task_new(manager, network, done, data));
}

void manager_remove_unnamed(Manager *manager, Network *network, ManagerDone done, gpointer data)
{
        network_remove(network, removed, task_new(manager, network, done, data));
}

/* Making */

/* Answered from now on: a crash does not take it away any more. */
static void settle(Task *task)
{
        Network *network = task->network;

        if (manager_find(task->manager, network_name(network)) == network &&
            !network_is_being_removed(network))
                (void)network_set_doomed(network, false, &task->error); /* tested next */
}

/* Up, or saved. */
static void partly_created(const GError *error, gpointer data)
{
        Task *task = data;

        if (error && !task->error)
                task->error = g_error_copy(error);
        if (--task->n_pending > 0)
                return;
        if (!task->error)
                settle(task);
        if (task->error)
                network_remove(task->network, removed, task);
        else
                task_end(task, NULL);
}

static void created(Network *network, const GError *error, gpointer data)
{
        partly_created(error, data);
}

/* One that waits for another of its interface to be gone. */
typedef struct Successor {
        NetworkConfig *config;
        char *caller;
        ManagerDone done;
        gpointer data;
} Successor;

static void predecessor_gone(gpointer data, gpointer manager)
{
        Successor *successor = data;

        manager_create(manager, successor->config, successor->caller, successor->done,
                       successor->data);
        g_free(successor->caller);
        g_free(successor);
}

void manager_create(Manager *manager, NetworkConfig *config, const char *caller, ManagerDone done,
                    gpointer data)
{
        g_autoptr(GError) error = NULL;
        bool is_transient = config->transient;
        const Network *predecessor = manager_find(manager, config->interface);

        if (predecessor && network_is_being_removed(predecessor)) {
                Successor *successor = g_new(Successor, 1);
                *successor = (Successor){ config, g_strdup(caller), done, data };
                manager_wait_gone(manager, predecessor, predecessor_gone, successor);
                return;
        }
        Network *network =
                manager_add(manager, config, NULL, is_transient ? "transient" : "bus", &error);

        if (!network) {
                done(NULL, error, data);
                return;
        }
        Task *task = task_new(manager, network, done, data);
        if (is_transient)
                network_set_caller(network, caller);
        if (!network_set_doomed(network, true, &task->error)) {
                network_remove(network, removed, task); /* a crash could not be undone */
                return;
        }
        store_remove_tombstone(manager->host, network_name(network));
        task->n_pending = is_transient ? 1 : 2;
        if (!is_transient) /* the disk takes its time while the network comes up */
                store_save(network, manager->host, partly_created, task);
        network_up(network, created, task);
}

/* Changing */

/* What had failed has another configuration now. */
static void up_again(Network *network, const GError *error, gpointer data)
{
        task_end(data, error);
}

static void changed(Network *network, const GError *error, gpointer data)
{
        Task *task = data;

        if (!error && network_state(network) == NETWORK_FAILED && network_is_wanted_up(network))
                network_up(network, up_again, task);
        else
                task_end(task, error);
}

/* Nobody is there to try again what fails. */
static void followed(Network *network, const GError *error, gpointer data)
{
        Task *task = data;

        if (!error && network_state(network) == NETWORK_FAILED && network_is_wanted_up(network))
                network_start(network, up_again, task);
        else
                task_end(task, error);
}

void manager_follow_file(Manager *manager, Network *network, NetworkConfig *file, ManagerDone done,
                         gpointer data)
{
        g_autoptr(NetworkConfig) own = file;
        g_autoptr(GError) error = NULL;

        if (!check_new(manager, file, network, &error)) {
                done(NULL, error, data);
                return;
        }
        network_follow_file(network, g_steal_pointer(&own), followed,
                            task_new(manager, network, done, data));
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
                       task_new(manager, network, done, data));
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
                       task_new(manager, network, done, data));
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
        g_queue_clear_full(&manager->waiting, g_free);
        g_free(manager);
}
