/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A network's operations, one at a time and in the order in which they came. Each runs steps and
 * ends in one state; what each does is in operation-*.c. Entry changes, which run no steps, go
 * through the same queue while something else runs. */

#include "network/operations-private.h"

#include "network/forwards.h"
#include "util/error.h"
#include "util/file.h"
#include "util/log.h"

static void run_queue(Network *network);

static void operation_free(Operation *operation)
{
        value_free(operation->settings);
        config_free(operation->config);
        entries_free(operation->configured);
        held_entries_free(operation->held);
        config_free(operation->file);
        g_free(operation->taken_back);
        g_clear_error(&operation->cause);
        g_clear_pointer(&operation->burst, g_ptr_array_unref);
        g_free(operation);
}

void operation_queue(Network *network, Operation *operation)
{
        g_queue_push_tail(&network->operations, operation);
        run_queue(network);
}

Operation *operation_new(OperationType type, NetworkDone done, gpointer data)
{
        Operation *operation = g_new0(Operation, 1);
        operation->type = type;
        operation->done = done;
        operation->data = data;
        return operation;
}

/* What the pool chose in the meantime is kept, and told of. */
static void keep_choices(Network *network)
{
        if (network->chosen->len == 0 || network->removed)
                return;
        entry_changes_log_choices(network);
        network_tell(network, NETWORK_PROPERTY_ADDRESSES);
}

/* Ends the current operation; @error is borrowed. */
void operation_end(Network *network, const GError *error)
{
        Operation *operation = g_steal_pointer(&network->current);

        keep_choices(network);
        if (operation->done)
                operation->done(network, error, operation->data);
        operation_free(operation);
        run_queue(network);
        if (network->host_changed) {
                g_autoptr(HostView) view = host_view_new(network->host->rtnl);
                network_links_changed(network, 0);
                network_host_changed(network, view);
        }
        if (network->names_changed && !network->removed)
                forwards_follow(network);
        network_unref(network); /* of run_queue() */
}

/* dnsmasq starts again with what leases there are now. */
static void serve_again(Network *network)
{
        network->current->changes = CONFIG_CHANGE_DNSMASQ;
        steps_start(network, CONFIG_CHANGE_DNSMASQ, operation_refresh_started);
}

static void stopped_for_new_board(const GError *error, gpointer data)
{
        Network *network = data;
        g_autoptr(GError) files = NULL;
        g_autofree char *leases =
                g_build_filename(network->config->state_dir, "dnsmasq.leases", NULL);

        if (error)
                log_network_warning(network->name, "%s", error->message);
        if (!file_remove(leases, &files))
                log_network_warning(network->name, "%s", files->message);
        leases_forget(network);
        serve_again(network);
}

static void run_new_board(Network *network)
{
        if (network_is_up(network) && network->leases->len > 0)
                dnsmasq_stop(network->dnsmasq, stopped_for_new_board, network);
        else
                operation_end(network, NULL);
}

/* It answers with the names of leases that it cannot renew, until they run out. */
static void stopped_to_drop(const GError *error, gpointer data)
{
        Network *network = data;
        g_autoptr(GError) undropped = NULL;

        if (error)
                log_network_warning(network->name, "%s", error->message);
        else if (!leases_drop_left(network, &undropped))
                log_network_warning(network->name, "%s", undropped->message);
        serve_again(network);
}

static void run_left(Network *network)
{
        if (network_is_up(network) && leases_are_left(network))
                dnsmasq_stop(network->dnsmasq, stopped_to_drop, network);
        else
                operation_end(network, NULL);
}

static void burst_done(Network *network)
{
        operation_end(network, NULL);
}

static gboolean gather(gpointer data)
{
        Network *network = data;
        GPtrArray *burst = network->current->burst;
        Operation *next;

        network->gather_id = 0;
        while ((next = g_queue_peek_head(&network->operations)) && next->type == OPERATION_ENTRY) {
                g_ptr_array_add(burst, next->entry_change);
                operation_free(g_queue_pop_head(&network->operations));
        }
        entry_burst_run(network, burst, burst_done);
        return G_SOURCE_REMOVE;
}

static void run_entry(Network *network)
{
        Operation *operation = network->current;

        if (!entry_change_needs_probe(network, operation->entry_change)) {
                entry_changes_run(network, operation->entry_change);
                operation_end(network, NULL);
                return;
        }
        operation->burst = g_ptr_array_new();
        g_ptr_array_add(operation->burst, operation->entry_change);
        /* After what else is on the bus now, which may be of the same burst. */
        network->gather_id = g_idle_add_full(G_PRIORITY_HIGH + 1, gather, network, NULL);
}

static void run_operation(Network *network)
{
        if (network->removed) {
                g_autoptr(GError) error = g_error_new(SERVICE_ERROR, SERVICE_ERROR_NO_SUCH_NETWORK,
                                                      "%s: the network is gone", network->name);
                if (network->current->type == OPERATION_ENTRY)
                        entry_change_cancel(network, network->current->entry_change, error);
                operation_end(network, error);
                return;
        }
        switch (network->current->type) {
        case OPERATION_UP:
                operation_run_up(network);
                return;
        case OPERATION_DOWN:
                operation_run_down(network, operation_down_undone);
                return;
        case OPERATION_REMOVE:
                operation_run_down(network, operation_remove_undone);
                return;
        case OPERATION_CHANGE:
                operation_run_change(network);
                return;
        case OPERATION_REFRESH:
                operation_run_refresh(network);
                return;
        case OPERATION_LOST:
                operation_run_lost(network);
                return;
        case OPERATION_NEW_BOARD:
                run_new_board(network);
                return;
        case OPERATION_LEFT:
                run_left(network);
                return;
        case OPERATION_ENTRY:
                run_entry(network);
                return;
        }
        g_assert_not_reached();
}

static void run_queue(Network *network)
{
        if (network->current || g_queue_is_empty(&network->operations))
                return;
        network->current = g_queue_pop_head(&network->operations);
        network_ref(network); /* what runs may call back until operation_end() */
        if (network->current->type != OPERATION_ENTRY)
                entry_changes_flush(network);
        run_operation(network);
}

bool operations_have_caller(const Network *network)
{
        return network->current && network->current->done;
}

bool operations_are_idle(const Network *network)
{
        return !network->current && g_queue_is_empty((GQueue *)&network->operations);
}

bool operations_run_steps(const Network *network)
{
        return network->current && network->current->type != OPERATION_ENTRY;
}

bool operations_go_forward(const Network *network)
{
        const Operation *operation = network->current;

        return operation && !operation->cause &&
               (operation->type == OPERATION_UP || operation->type == OPERATION_CHANGE);
}

void operations_new_board(Network *network)
{
        if (operations_are_idle(network)) /* else it asks again soon */
                operation_queue(network, operation_new(OPERATION_NEW_BOARD, NULL, NULL));
}

void operations_queue_entry_change(Network *network, gpointer change)
{
        Operation *operation = operation_new(OPERATION_ENTRY, NULL, NULL);
        operation->entry_change = change;
        operation_queue(network, operation);
}

bool network_is_being_removed(const Network *network)
{
        if (network->removed || (network->current && network->current->type == OPERATION_REMOVE))
                return true;
        for (const GList *item = network->operations.head; item; item = item->next)
                if (((const Operation *)item->data)->type == OPERATION_REMOVE)
                        return true;
        return false;
}

bool network_is_busy(const Network *network)
{
        return !operations_are_idle(network);
}

void network_up(Network *network, NetworkDone done, gpointer data)
{
        operation_queue(network, operation_new(OPERATION_UP, done, data));
}

void network_start(Network *network, NetworkDone done, gpointer data)
{
        Operation *operation = operation_new(OPERATION_UP, done, data);

        operation->by_itself = true;
        operation_queue(network, operation);
}

void network_down(Network *network, NetworkDone done, gpointer data)
{
        operation_queue(network, operation_new(OPERATION_DOWN, done, data));
}

void network_remove(Network *network, NetworkDone done, gpointer data)
{
        operation_queue(network, operation_new(OPERATION_REMOVE, done, data));
}

void network_update(Network *network, Value *settings, NetworkDone done, gpointer data)
{
        Operation *operation = operation_new(OPERATION_CHANGE, done, data);
        operation->settings = settings;
        operation_queue(network, operation);
}

void network_follow_file(Network *network, NetworkConfig *file, NetworkDone done, gpointer data)
{
        Operation *operation = operation_new(OPERATION_CHANGE, done, data);
        operation->file = file;
        operation_queue(network, operation);
}

void network_change(Network *network, NetworkConfig *config, Entries *configured, NetworkDone done,
                    gpointer data)
{
        Operation *operation = operation_new(OPERATION_CHANGE, done, data);
        operation->config = config;
        operation->configured = configured;
        operation_queue(network, operation);
}
