/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A network's operations, one at a time and in the order in which they came. Each runs steps and
 * ends in one state; entry changes, which run no steps, go through the same queue while something
 * else runs. */

#include "network/network-private.h"

#include <errno.h>

#include "network/public-probe.h"
#include "network/public.h"
#include "util/error.h"
#include "util/file.h"
#include "util/log.h"

typedef enum OperationType {
        OPERATION_UP,
        OPERATION_DOWN,
        OPERATION_REMOVE,
        OPERATION_CHANGE,
        OPERATION_REFRESH,
        OPERATION_LOST,      /* its interface went away, or goes by another name */
        OPERATION_NEW_BOARD, /* another board wants the range's one address */
        OPERATION_ENTRY,
} OperationType;

struct Operation {
        OperationType type;
        Value *settings;       /* CHANGE: only the keys to change; NULL where config is given */
        NetworkConfig *config; /* CHANGE: the new one; after the swap the old one */
        Entries *configured;   /* CHANGE: what `configured` becomes or was */
        unsigned changes;      /* CHANGE, REFRESH */
        bool by_itself;        /* UP: nobody has asked for it */
        bool log;              /* CHANGE: the entry log changes */
        bool committing;       /* CHANGE: its files may have been replaced */
        gpointer entry_change; /* ENTRY */
        GPtrArray *burst;      /* ENTRY: those that run with it, and it first; borrowed */
        GError *cause;         /* UP, CHANGE: why it is being rolled back */
        NetworkDone done;
        gpointer data;
};

/* The first pause before something that failed is tried again, doubled each time up to the last. */
#define RETRY_FIRST_MS 100
#define RETRY_LAST_MS  30000
/* The pause before another host is asked again whether it still has an address of ours. */
#define ASK_AGAIN_MS 3000
/* The pause before something is put back that was put back just now. */
#define REPAIR_AGAIN_MS 250

#define ENTRY_CHANGES (CONFIG_CHANGE_ADDRESSES | CONFIG_CHANGE_DNS_ENTRIES)

static void run_queue(Network *network);
static void retry_later(Network *network);

static void operation_free(Operation *operation)
{
        value_free(operation->settings);
        config_free(operation->config);
        entries_free(operation->configured);
        g_clear_error(&operation->cause);
        g_clear_pointer(&operation->burst, g_ptr_array_unref);
        g_free(operation);
}

static void queue(Network *network, Operation *operation)
{
        g_queue_push_tail(&network->operations, operation);
        run_queue(network);
}

static Operation *operation_new(OperationType type, NetworkDone done, gpointer data)
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
static void operation_end(Network *network, const GError *error)
{
        Operation *operation = g_steal_pointer(&network->current);

        keep_choices(network);
        if (operation->done)
                operation->done(network, error, operation->data);
        operation_free(operation);
        run_queue(network);
        if (network->host_changed) {
                network_links_changed(network);
                network_host_changed(network);
        }
        network_unref(network); /* of run_queue() */
}

/* Because its interface is there; not after a Down that came before its turn. */
static void up_by_itself(Network *network)
{
        Operation *operation = operation_new(OPERATION_UP, NULL, NULL);

        operation->by_itself = true;
        queue(network, operation);
}

static bool is_up(const Network *network)
{
        return network->state == NETWORK_ACTIVE || network->state == NETWORK_DEGRADED;
}

static bool interface_exists(const Network *network)
{
        Link link;
        return interface_find(network, &link, NULL) == 0;
}

/* Waits for an interface; with a reason where there are too many. */
static void wait_for_interface(Network *network)
{
        g_autofree char *which = NULL;
        g_autofree char *reason = NULL;
        Link link;

        if (interface_find(network, &link, &which) == -ENOTUNIQ)
                reason = g_strdup_printf("match: fits more than one interface: %s", which);
        if (!link_match_is_empty(&network->config->match))
                interface_set(network, "");
        network_set_state(network, NETWORK_WAITING, reason);
}

/* The public addresses that other hosts have; NULL for none. The caller's. */
static char *what_is_blocked(const Network *network)
{
        g_autoptr(GString) text = g_string_new(NULL);
        GHashTableIter iter;
        gpointer ip, mac;

        g_hash_table_iter_init(&iter, network->blocked);
        while (g_hash_table_iter_next(&iter, &ip, &mac)) {
                char buffer[ADDRESS_TEXT_SIZE];
                g_string_append_printf(text, "%spublic_ip: %s is in use on %s: %s has it",
                                       text->len ? "; " : "",
                                       address_format(GPOINTER_TO_UINT(ip), buffer),
                                       network->public_interface, (const char *)mac);
        }
        return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

/* What a network that is up cannot do for want of an interface; NULL for nothing. The caller's. */
static char *what_is_lacking(const Network *network)
{
        const NetworkConfig *config = network->config;

        if (!nat_mode_forwards(config->nat_mode))
                return NULL;
        if (!network->upstream && config->upstream_interface)
                return g_strdup_printf("no upstream: there is no interface %s",
                                       config->upstream_interface);
        if (!network->upstream)
                return g_strdup("no upstream: the host has no default route");
        if (config->nat_mode == NAT_MODE_1TO1 && !network->public_interface)
                return g_strdup_printf("no public addresses: there is no interface %s",
                                       config->public_interface);
        return what_is_blocked(network);
}

/* The other hosts may have left, and nobody tells of that. */
static gboolean ask_again(gpointer data)
{
        Network *network = data;
        Operation *operation = operation_new(OPERATION_REFRESH, NULL, NULL);

        network->ask_again_id = 0;
        operation->changes = STEP_CHANGE_PROBE | NETWORK_PART_PUBLIC;
        queue(network, operation);
        return G_SOURCE_REMOVE;
}

/* After the steps of @changes went well: active, or degraded for want of an upstream; or as it was
 * while something else is still being retried. */
static void settle_up(Network *network, unsigned changes)
{
        network->retry_changes &= ~changes;
        if (network->retry_changes != 0)
                return;
        network->retry_ms = 0;
        g_autofree char *lacking = what_is_lacking(network);
        network_set_state(network, lacking ? NETWORK_DEGRADED : NETWORK_ACTIVE, lacking);
        if (g_hash_table_size(network->blocked) > 0 && !network->ask_again_id)
                network->ask_again_id = g_timeout_add(ASK_AGAIN_MS, ask_again, network);
}

/* UP */

static void up_rolled_back(Network *network, GError *error)
{
        g_clear_error(&error); /* undos report none */
        g_autoptr(GError) cause = g_steal_pointer(&network->current->cause);
        Link link;

        bool exists = interface_find(network, &link, NULL) == 0;
        if (!exists || link.index != network->record->index) {
                wait_for_interface(network);
                if (exists) /* unplugged meanwhile, and back: another one, to be taken anew */
                        up_by_itself(network);
                operation_end(network, NULL);
                return;
        }
        network_set_state(network, NETWORK_FAILED, cause->message);
        if (network->current->by_itself) /* nobody is there to ask for it again */
                retry_later(network);
        operation_end(network, cause);
}

static void undo(Network *network, StepRunDone done)
{
        network->record->is_up = false; /* saved with what the first undo takes back */
        steps_undo(network, done);
}

/* What an earlier life of the daemon had up is not taken down because something is in the way of
 * looking after it now: its DUTs have a network. */
static void stay_up(Network *network, GError *error)
{
        network_set_state(network, NETWORK_DEGRADED, error->message);
        operations_refresh(network, STEP_CHANGE_ALL & ~STEP_CHANGE_PROBE);
        g_clear_error(&error);
        operation_end(network, NULL);
}

static void up_started(Network *network, GError *error)
{
        if (error && network->record->is_up && interface_exists(network)) {
                stay_up(network, error);
                return;
        }
        if (!error) {
                network->record->is_up = true;
                (void)network_save_record(network, &error); /* `error` says how it went */
        }
        if (error) {
                network->current->cause = error;
                undo(network, up_rolled_back);
                return;
        }
        settle_up(network, STEP_CHANGE_ALL);
        operation_end(network, NULL);
}

/* With an interface that is there. */
static void start_up(Network *network, const Link *link)
{
        g_autoptr(GError) error = NULL;
        Record *record = network->record;

        interface_set(network, link->name);
        g_free(record->interface);
        record->interface = g_strdup(link->name);
        record->index = link->index;
        record->wanted_up = true;
        if (!network_save_record(network, &error)) {
                operation_end(network, error);
                return;
        }
        network_set_state(network, NETWORK_ACTIVATING, NULL);
        /* Adopted, its addresses are on. */
        unsigned all = record->is_up ? STEP_CHANGE_ALL & ~STEP_CHANGE_PROBE : STEP_CHANGE_ALL;
        steps_start(network, all, up_started);
}

/* What an earlier life left on an interface that is another one now, or gone, is undone. */
static void left_undone(Network *network, GError *error)
{
        Link link;

        g_clear_error(&error); /* undos report none */
        if (interface_find(network, &link, NULL) == 0) {
                start_up(network, &link);
                return;
        }
        wait_for_interface(network);
        operation_end(network, NULL);
}

/* Whether the record is about another interface than @link (NULL: none is there). */
static bool is_left_elsewhere(const Network *network, const Link *link)
{
        const Record *record = network->record;

        return record->index != 0 && (!link || record->index != link->index) &&
               !record_is_clean(record);
}

/* Undoes what an earlier life left on the interface of the record, by the name that it has now. */
static void undo_left(Network *network)
{
        Link link;

        if (link_get_by_index(network->host->rtnl, network->record->index, &link) == 0)
                interface_set(network, link.name);
        network_set_state(network, NETWORK_ACTIVATING, NULL);
        undo(network, left_undone);
}

static void run_up(Network *network)
{
        g_autoptr(GError) error = NULL;
        Link link;

        bool is_wanted = network->record->wanted_up || !network->current->by_itself;
        if (is_up(network) || !is_wanted) {
                operation_end(network, NULL);
                return;
        }
        bool exists = interface_find(network, &link, NULL) == 0;
        if (is_left_elsewhere(network, exists ? &link : NULL)) {
                undo_left(network);
                return;
        }
        if (exists) {
                start_up(network, &link);
                return;
        }
        network->record->wanted_up = true;
        if (network_save_record(network, &error))
                wait_for_interface(network);
        operation_end(network, error);
}

/* DOWN and REMOVE */

/* Ends the connections of mappings that @old has and @now (NULL: nothing) has not. */
static void end_lost_mappings(Network *network, const Entries *old, const Entries *now)
{
        g_autoptr(GHashTable) public_of = g_hash_table_new(NULL, NULL);
        g_autoptr(GError) error = NULL;

        for (guint i = 0; i < entries_n_addresses(old); i++) {
                const AddressEntry *entry = entries_address_at(old, i);
                const AddressEntry *left = now ? entries_find_ip(now, entry->ip) : NULL;
                if (entry->public_ip && !(left && left->public_ip == entry->public_ip))
                        g_hash_table_insert(public_of, GUINT_TO_POINTER(entry->ip),
                                            GUINT_TO_POINTER(entry->public_ip));
        }
        if (!conntrack_end_mappings(network->host->conntrack, public_of, &error))
                log_network_warning(network->name, "%s", error->message);
}

static void down_undone(Network *network, GError *error)
{
        g_clear_error(&error); /* undos report none */
        end_lost_mappings(network, network->config->entries, NULL);
        network_set_state(network, NETWORK_INACTIVE, NULL);
        operation_end(network, NULL);
}

static void remove_undone(Network *network, GError *error)
{
        const Record *record = network->record;
        const char *const directories[] = { network->config->state_dir, record->state_dir,
                                            record->moving_from, record->moving_to };

        g_clear_error(&error); /* undos report none */
        end_lost_mappings(network, network->config->entries, NULL);
        leases_unwatch(network);
        entry_changes_delete(network);
        for (guint i = 0; i < G_N_ELEMENTS(directories); i++)
                if (directories[i])
                        network_clear_state_dir(network, directories[i], false);
        network->removed = true;
        network_set_state(network, NETWORK_INACTIVE, NULL);
        operation_end(network, NULL);
}

/* A removal goes on where its first note cannot be made, since it takes the notes away. */
static void run_down(Network *network, StepRunDone done)
{
        bool was_wanted_up = network->record->wanted_up;
        g_autoptr(GError) error = NULL;

        network->record->wanted_up = false;
        network->record->doomed |= done == remove_undone;
        if (!network_save_record(network, &error) && done == down_undone) {
                network->record->wanted_up = was_wanted_up;
                operation_end(network, error);
                return;
        }
        if (error)
                log_network_warning(network->name, "%s", error->message);
        if (network->state == NETWORK_INACTIVE && done == down_undone &&
            record_is_clean(network->record)) {
                operation_end(network, NULL);
                return;
        }
        network_set_state(network, NETWORK_DEACTIVATING, NULL);
        undo(network, done);
}

/* CHANGE */

static void swap_config(Network *network, Operation *operation)
{
        NetworkConfig *config = network->config;
        Entries *configured = network->configured;

        network->config = operation->config;
        network->configured = operation->configured;
        operation->config = config;
        operation->configured = configured;
}

/* What clients see of the difference between two configurations. */
static NetworkProperty properties_changed(const NetworkConfig *old, const NetworkConfig *config,
                                          unsigned changes)
{
        NetworkProperty properties = 0;

        if (old->subnet.network != config->subnet.network ||
            old->subnet.prefix != config->subnet.prefix)
                properties |= NETWORK_PROPERTY_SUBNET;
        if (old->gateway_ip != config->gateway_ip)
                properties |= NETWORK_PROPERTY_GATEWAY_IP;
        if (old->nat_mode != config->nat_mode)
                properties |= NETWORK_PROPERTY_NAT_MODE;
        if (!g_str_equal(old->state_dir, config->state_dir))
                properties |= NETWORK_PROPERTY_STATE_DIR;
        if (old->dhcp_enabled != config->dhcp_enabled)
                properties |= NETWORK_PROPERTY_DHCP_ENABLED;
        if (changes & CONFIG_CHANGE_ADDRESSES)
                properties |= NETWORK_PROPERTY_ADDRESSES;
        if (changes & CONFIG_CHANGE_DNS_ENTRIES)
                properties |= NETWORK_PROPERTY_DNS_ENTRIES;
        return properties;
}

static void change_done(Network *network)
{
        Operation *operation = network->current;
        NetworkProperty properties =
                properties_changed(operation->config, network->config, operation->changes);

        network_end_move(network);
        end_lost_mappings(network, operation->config->entries, network->config->entries);
        if (properties)
                network_tell(network, properties);
        operation_end(network, NULL);
}

static void change_unsaved(Network *network, GError *error)
{
        g_autoptr(GError) cause = g_steal_pointer(&network->current->cause);

        if (error)
                log_network_error(network->name, "cannot save the old configuration: %s",
                                  error->message);
        g_clear_error(&error);
        network_end_move(network);
        operation_end(network, cause);
}

static void change_staged_back(Network *network, GError *error)
{
        if (error)
                change_unsaved(network, error);
        else
                saving_commit(network, change_unsaved);
}

static void change_rolled_back(Network *network, GError *error)
{
        if (error) {
                network_set_state(network, NETWORK_DEGRADED, error->message);
                operations_refresh(network, network->current->changes);
                g_clear_error(&error);
        }
        if (network->current->committing)
                saving_stage(network, network->current->log, change_staged_back);
        else
                change_unsaved(network, NULL);
}

static void roll_back_change(Network *network, GError *error)
{
        if (error)
                network->current->cause = error;
        swap_config(network, network->current);
        if (!is_up(network)) {
                change_rolled_back(network, NULL);
                return;
        }
        if (upstream_resolve(network)) /* back to what it was */
                network->run.changes |= CONFIG_CHANGE_RULES;
        steps_start(network, network->run.changes & ~STEP_CHANGE_PROBE, change_rolled_back);
}

static void change_committed(Network *network, GError *error)
{
        if (error) {
                roll_back_change(network, error);
                return;
        }
        if (is_up(network))
                settle_up(network, network->run.changes);
        change_done(network);
}

static void commit_change(Network *network)
{
        network->current->committing = true;
        saving_commit(network, change_committed);
}

static void change_started(Network *network, GError *error)
{
        if (error) {
                network->current->cause = error;
                saving_drop(network, roll_back_change);
                return;
        }
        commit_change(network);
}

static void change_staged(Network *network, GError *error)
{
        const unsigned claiming =
                CONFIG_CHANGE_RULES | CONFIG_CHANGE_LINK | CONFIG_CHANGE_ADDRESSES;
        unsigned probes = network->current->changes & claiming ? STEP_CHANGE_PROBE : 0;

        if (error) {
                network->current->cause = error;
                swap_config(network, network->current);
                change_unsaved(network, NULL);
        } else if (is_up(network)) {
                steps_start(network, network->current->changes | probes, change_started);
        } else {
                commit_change(network);
        }
}

/* What counts as configured after a change over the bus. A file goes on saying what it says; what
 * was made over the bus is what its last change says. */
static const Entries *configured_after(const Network *network, const Operation *operation)
{
        const unsigned touching = ENTRY_CHANGES | CONFIG_CHANGE_LINK | CONFIG_CHANGE_RULES;

        if (network->record->origin[0] == '/' || !(operation->changes & touching))
                return network->configured;
        return operation->config->entries;
}

/* Whether the log, which leads from the configured entries to those in force, is another one. */
static bool log_differs(const Network *network, const Operation *operation)
{
        return (operation->changes & (ENTRY_CHANGES | CONFIG_CHANGE_STATE_DIR)) ||
               !entries_equal_addresses(network->configured, operation->configured) ||
               !entries_equal_dns(network->configured, operation->configured);
}

static void run_change(Network *network)
{
        Operation *operation = network->current;
        g_autoptr(GError) error = NULL;

        if (operation->settings) /* over what is in force now, after the operations before */
                operation->config =
                        config_with_changes(network->config, operation->settings, &error);
        if (!operation->config) {
                operation_end(network, error);
                return;
        }
        config_keep_choices(operation->config, network->config->entries);
        if (!public_choose_all(network, operation->config, &error)) {
                g_array_set_size(network->chosen, 0);
                operation_end(network, error);
                return;
        }
        g_array_set_size(network->chosen, 0); /* saved with the rest */
        operation->changes = config_diff(network->config, operation->config);
        if (!operation->configured)
                operation->configured = entries_copy(configured_after(network, operation));
        if (!network_begin_move(network, operation->config->state_dir, &error)) {
                network_end_move(network);
                operation_end(network, error);
                return;
        }
        operation->log = log_differs(network, operation);
        swap_config(network, operation);
        saving_stage(network, operation->log, change_staged);
}

/* REFRESH and LOST */

static gboolean retry(gpointer data)
{
        Network *network = data;

        network->retry_id = 0;
        if (network->state == NETWORK_FAILED) {
                up_by_itself(network);
                return G_SOURCE_REMOVE;
        }
        Operation *operation = operation_new(OPERATION_REFRESH, NULL, NULL);
        operation->changes = network->retry_changes;
        queue(network, operation);
        return G_SOURCE_REMOVE;
}

static void retry_later(Network *network)
{
        if (network->retry_id)
                return;
        network->retry_id = g_timeout_add(network->retry_ms, retry, network);
        network->retry_ms = CLAMP(network->retry_ms * 2, RETRY_FIRST_MS, RETRY_LAST_MS);
}

void operations_refresh(Network *network, unsigned changes)
{
        network->retry_changes |= changes;
        retry_later(network);
}

/* Something happened on the host: no back-off now. */
static void retry_now(Network *network, unsigned changes)
{
        if (network->retry_id)
                g_source_remove(network->retry_id);
        network->retry_id = 0;
        network->retry_ms = 0;
        operations_refresh(network, changes);
}

static void refresh_started(Network *network, GError *error)
{
        if (error) {
                network_set_state(network, NETWORK_DEGRADED, error->message);
                operations_refresh(network, network->current->changes);
                g_clear_error(&error);
        } else {
                settle_up(network, network->run.changes);
        }
        operation_end(network, NULL);
}

static void run_refresh(Network *network)
{
        if (is_up(network))
                steps_start(network, network->current->changes, refresh_started);
        else
                operation_end(network, NULL);
}

static void lost_undone(Network *network, GError *error)
{
        g_clear_error(&error); /* undos report none */
        wait_for_interface(network);
        if (interface_exists(network)) /* back already, and told of while it was being undone */
                up_by_itself(network);
        operation_end(network, NULL);
}

/* Its name is another one. With a `match` it is the network's all the same. */
static void run_renamed(Network *network, const Link *link)
{
        Record *record = network->record;
        g_autoptr(GError) error = NULL;

        log_network_notice(network->name, "interface %s -> %s", network->interface, link->name);
        interface_set(network, link->name);
        g_free(record->interface);
        record->interface = g_strdup(link->name);
        if (!network_save_record(network, &error))
                log_network_warning(network->name, "%s", error->message);
        if (link_match_is_empty(&network->config->match)) {
                undo(network, lost_undone);
                return;
        }
        network->current->changes = STEP_CHANGE_ALL & ~STEP_CHANGE_PROBE;
        steps_start(network, network->current->changes, refresh_started);
}

static void run_lost(Network *network)
{
        Link link;
        int r = link_get_by_index(network->host->rtnl, network->record->index, &link);

        if (!is_up(network))
                operation_end(network, NULL);
        else if (r == -ENODEV)
                undo(network, lost_undone);
        else if (r == 0 && !g_str_equal(link.name, network->interface))
                run_renamed(network, &link);
        else
                operation_end(network, NULL);
}

/* NEW_BOARD: dnsmasq keeps its leases in memory, so it starts again without the file. */

static void stopped_for_new_board(Dnsmasq *dnsmasq, const GError *error, gpointer data)
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
        network->current->changes = CONFIG_CHANGE_DNSMASQ;
        steps_start(network, CONFIG_CHANGE_DNSMASQ, refresh_started);
}

static void run_new_board(Network *network)
{
        if (is_up(network) && network->leases->len > 0)
                dnsmasq_stop(network->dnsmasq, stopped_for_new_board, network);
        else
                operation_end(network, NULL);
}

/* ENTRY: one alone, or, where an address has to be asked for, with those that follow */

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

/* The queue */

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
                run_up(network);
                return;
        case OPERATION_DOWN:
                run_down(network, down_undone);
                return;
        case OPERATION_REMOVE:
                run_down(network, remove_undone);
                return;
        case OPERATION_CHANGE:
                run_change(network);
                return;
        case OPERATION_REFRESH:
                run_refresh(network);
                return;
        case OPERATION_LOST:
                run_lost(network);
                return;
        case OPERATION_NEW_BOARD:
                run_new_board(network);
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

void operations_new_board(Network *network)
{
        if (operations_are_idle(network)) /* else it asks again soon */
                queue(network, operation_new(OPERATION_NEW_BOARD, NULL, NULL));
}

void operations_queue_entry_change(Network *network, gpointer change)
{
        Operation *operation = operation_new(OPERATION_ENTRY, NULL, NULL);
        operation->entry_change = change;
        queue(network, operation);
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
        queue(network, operation_new(OPERATION_UP, done, data));
}

void network_down(Network *network, NetworkDone done, gpointer data)
{
        queue(network, operation_new(OPERATION_DOWN, done, data));
}

void network_remove(Network *network, NetworkDone done, gpointer data)
{
        queue(network, operation_new(OPERATION_REMOVE, done, data));
}

void network_update(Network *network, Value *settings, NetworkDone done, gpointer data)
{
        Operation *operation = operation_new(OPERATION_CHANGE, done, data);
        operation->settings = settings;
        queue(network, operation);
}

void network_change(Network *network, NetworkConfig *config, Entries *configured, NetworkDone done,
                    gpointer data)
{
        Operation *operation = operation_new(OPERATION_CHANGE, done, data);
        operation->config = config;
        operation->configured = configured;
        queue(network, operation);
}

void network_links_changed(Network *network)
{
        Link link;

        network->host_changed |= !operations_are_idle(network); /* then once more */
        if (is_up(network)) {
                int r = link_get_by_index(network->host->rtnl, network->record->index, &link);
                if (r == -ENODEV || (r == 0 && !g_str_equal(link.name, network->interface)))
                        queue(network, operation_new(OPERATION_LOST, NULL, NULL));
                return;
        }
        if (network->state != NETWORK_WAITING)
                return;
        if (interface_exists(network))
                up_by_itself(network);
        else if (operations_are_idle(network))
                wait_for_interface(network); /* the reason may be another one */
}

static bool upstream_moved(Network *network)
{
        g_autofree char *upstream = g_strdup(network->upstream);

        if (!upstream_resolve(network))
                return false;
        log_network_notice(network->name, "upstream %s -> %s", upstream ? upstream : "none",
                           network->upstream ? network->upstream : "none");
        network_tell(network, NETWORK_PROPERTY_UPSTREAM);
        return true;
}

/* The upstream moves on, or back, while the LAN there is still being asked: nothing has been done
 * there yet, and what is where it was has not gone. */
static bool is_probing_elsewhere(Network *network)
{
        Operation *operation = network->current;

        if (!operation || operation->type != OPERATION_REFRESH || !network->probe ||
            !upstream_moved(network))
                return false;
        g_clear_pointer(&network->probe, public_probe_free);
        operation->changes |= CONFIG_CHANGE_RULES | STEP_CHANGE_PROBE;
        steps_start(network, operation->changes, refresh_started);
        return true;
}

void network_host_changed(Network *network)
{
        if (is_probing_elsewhere(network))
                return;
        network->host_changed = !operations_are_idle(network);
        if (network->host_changed || !is_up(network) || !upstream_moved(network))
                return;
        retry_now(network, CONFIG_CHANGE_RULES | STEP_CHANGE_PROBE);
}

static void log_repair(const Network *network)
{
        static const struct {
                NetworkPart part;
                const char *name;
        } names[] = {
                { NETWORK_PART_HAND_OVER, "hand-over" },
                { NETWORK_PART_FIREWALL, "firewall" },
                { NETWORK_PART_LINK, "link" },
                { NETWORK_PART_FORWARDING, "forwarding" },
                { NETWORK_PART_PUBLIC, "public addresses" },
                { NETWORK_PART_OTHER_FIREWALLS, "other firewalls" },
                { NETWORK_PART_DNSMASQ, "dnsmasq" },
                { NETWORK_PART_ROUTES, "routes" },
                { NETWORK_PART_GATEWAYS, "gateways" },
        };
        g_autoptr(GString) list = g_string_new(NULL);

        for (guint i = 0; i < G_N_ELEMENTS(names); i++)
                if (network->repair_parts & names[i].part)
                        g_string_append_printf(list, "%s%s", list->len ? ", " : "", names[i].name);
        log_network_notice(network->name, "changed by somebody else, put back: %s", list->str);
}

static gboolean repair_now(gpointer data)
{
        Network *network = data;
        Operation *operation = operation_new(OPERATION_REFRESH, NULL, NULL);

        network->repair_id = 0;
        network->repaired_usec = g_get_monotonic_time();
        operation->changes = network->repair_parts;
        log_repair(network);
        network->repair_parts = 0;
        queue(network, operation);
        return G_SOURCE_REMOVE;
}

void network_repair(Network *network, unsigned parts)
{
        gint64 again_usec = network->repaired_usec + REPAIR_AGAIN_MS * G_TIME_SPAN_MILLISECOND;
        bool is_again = network->repaired_usec != 0 && g_get_monotonic_time() < again_usec;

        if (!is_up(network) && operations_are_idle(network))
                return;
        network->repair_parts |= parts;
        if (!network->repair_id)
                network->repair_id =
                        g_timeout_add(is_again ? REPAIR_AGAIN_MS : 0, repair_now, network);
}
