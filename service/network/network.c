/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The network object: what it holds, what may be read of it, and the one setter of its state. What
 * it does is in operations.c and the steps. */

#include "network/network-private.h"

#include <string.h>

#include "model/entry-log.h"
#include "network/forwards.h"
#include "network/guests.h"
#include "network/public-names.h"
#include "network/public-probe.h"
#include "util/error.h"
#include "util/file.h"
#include "util/log.h"

const char *network_state_to_string(NetworkState state)
{
        switch (state) {
        case NETWORK_INACTIVE:
                return "inactive";
        case NETWORK_WAITING:
                return "waiting";
        case NETWORK_ACTIVATING:
                return "activating";
        case NETWORK_ACTIVE:
                return "active";
        case NETWORK_DEGRADED:
                return "degraded";
        case NETWORK_DEACTIVATING:
                return "deactivating";
        case NETWORK_FAILED:
                return "failed";
        case NETWORK_STATE_MAX:
                break;
        }
        g_assert_not_reached();
}

/* Which states may follow which. */
static bool state_may_follow(NetworkState old, NetworkState new_state)
{
        switch (old) {
        case NETWORK_INACTIVE:
        case NETWORK_WAITING:
        case NETWORK_FAILED:
                return new_state == NETWORK_ACTIVATING || new_state == NETWORK_WAITING ||
                       new_state == NETWORK_DEACTIVATING || new_state == NETWORK_FAILED;
        case NETWORK_ACTIVATING:
                return new_state != NETWORK_INACTIVE;
        case NETWORK_ACTIVE:
        case NETWORK_DEGRADED:
                return new_state == NETWORK_ACTIVE || new_state == NETWORK_DEGRADED ||
                       new_state == NETWORK_DEACTIVATING || new_state == NETWORK_WAITING;
        case NETWORK_DEACTIVATING:
                return new_state == NETWORK_INACTIVE || new_state == NETWORK_WAITING;
        case NETWORK_STATE_MAX:
                break;
        }
        return false;
}

static void log_state(const Network *network, NetworkState old)
{
        const char *from = network_state_to_string(old);
        const char *to = network_state_to_string(network->state);

        if (network->error)
                log_network_warning(network->name, "%s -> %s: %s", from, to, network->error);
        else
                log_network_notice(network->name, "%s -> %s", from, to);
}

void network_set_state(Network *network, NetworkState state, const char *error)
{
        NetworkState old = network->state;
        NetworkProperty changed = 0;

        if (state != old) {
                g_assert(state_may_follow(old, state));
                changed |= NETWORK_PROPERTY_STATE;
        }
        if (g_strcmp0(error, network->error) != 0)
                changed |= NETWORK_PROPERTY_ERROR;
        if (!changed)
                return;

        network->state = state;
        if (changed & NETWORK_PROPERTY_ERROR) {
                g_free(network->error);
                network->error = g_strdup(error);
        }
        log_state(network, old);
        network_tell(network, changed);
}

void network_tell(Network *network, NetworkProperty properties)
{
        public_names_follow(network->public_names);
        network->events->changed(network, properties, network->events_data);
}

bool network_save_record(Network *network, GError **error)
{
        return record_save(network->record, network->host->run_dir, network->name, error);
}

/* What may be of ours in a state directory. */
void network_clear_state_dir(Network *network, const char *state_dir, bool keep_dnsmasq)
{
        static const char *const logs[] = { "entries.log", "entries.log.new", "entries.log.next",
                                            "entries.log.next.new" };
        g_autoptr(GError) error = NULL;

        for (guint i = 0; i < G_N_ELEMENTS(logs); i++) {
                g_autofree char *path = g_build_filename(state_dir, logs[i], NULL);
                if (!file_remove(path, &error))
                        log_network_warning(network->name, "%s", error->message);
                g_clear_error(&error);
        }
        if (!keep_dnsmasq && !dnsmasq_remove_files(state_dir, &error))
                log_network_warning(network->name, "%s", error->message);
}

bool network_begin_move(Network *network, const char *state_dir, GError **error)
{
        Record *record = network->record;
        const char *now = network->config->state_dir;

        network->is_moving = true;
        if (!g_str_equal(state_dir, now)) {
                g_free(record->moving_from);
                g_free(record->moving_to);
                record->moving_from = g_strdup(now);
                record->moving_to = g_strdup(state_dir);
                if (!network_save_record(network, error))
                        return false;
        }
        return directory_make(state_dir, 0755, error);
}

/* While dnsmasq is still in the other one, its step has to get it out first. */
void network_end_move(Network *network)
{
        Record *record = network->record;
        const char *now = network->config->state_dir;
        const char *const directories[] = { record->moving_from, record->moving_to };
        g_autoptr(GError) error = NULL;

        network->is_moving = false;
        if (!record->moving_from && !record->moving_to)
                return;
        for (guint i = 0; i < G_N_ELEMENTS(directories); i++)
                if (directories[i] && !g_str_equal(directories[i], now))
                        network_clear_state_dir(network, directories[i],
                                                g_strcmp0(directories[i], record->state_dir) == 0);
        if (record->state_dir && !g_str_equal(record->state_dir, now))
                return;
        g_clear_pointer(&record->moving_from, g_free);
        g_clear_pointer(&record->moving_to, g_free);
        if (!network_save_record(network, &error))
                log_network_warning(network->name, "%s", error->message);
}

/* What an earlier life has put on the host stands there until it is adopted or undone. */
static void expect(Network *network)
{
        const NetworkConfig *config = network->config;
        const Record *record = network->record;
        GuardedNetwork guarded = { record->interface, config->subnet, config->ipv6_subnet,
                                   config->ipv6_gateway };
        GatewayPlace place = { record->interface, record->gateway_ip, record->twin };

        g_free(network->interface);
        network->interface = g_strdup(record->interface);
        if (record->gateway_ip != 0)
                gateways_expect(network->host->gateways, network->name, &place);
        if (record->is_up && !nat_mode_forwards(config->nat_mode))
                guard_expect(network->host->guard, network->name, &guarded);
}

/* The record that an earlier life left, or a new one. */
static void load_record(Network *network, const char *origin)
{
        g_autoptr(GError) bad = NULL;

        network->record = record_load(network->host->run_dir, network->name, &bad);
        if (bad)
                log_network_warning(network->name, "journal not readable, starting afresh: %s",
                                    bad->message);
        if (!network->record)
                network->record = record_new();
        g_free(network->record->origin);
        network->record->origin = g_strdup(origin);
        if (network->record->table)
                g_hash_table_replace(network->host->tables, g_strdup(network->record->table),
                                     g_strdup(network->name));
        if (network->record->interface)
                expect(network);
}

static bool load_state(Network *network, GError **error)
{
        return directory_make(network->config->state_dir, 0755, error) &&
               entry_changes_load(network->changes, error);
}

Network *network_new(Host *host, NetworkConfig *config, const char *origin,
                     const NetworkEvents *events, gpointer data, GError **error)
{
        g_autoptr(Network) network = g_new0(Network, 1);
        g_autoptr(GError) bad = NULL;

        network->n_ref = 1;
        network->host = host;
        network->events = events;
        network->events_data = data;
        network->name = g_strdup(config->interface);
        network->interface = g_strdup(link_match_is_empty(&config->match) ? network->name : "");
        network->config = config;
        network->configured = entries_copy(config->entries);
        network->held = held_entries_new();
        network->leases = g_ptr_array_new_with_free_func((GDestroyNotify)lease_free);
        network->answers = filter_answers_new();
        network->own = filter_answers_new();
        g_queue_init(&network->operations);
        network->reserved = g_hash_table_new(NULL, NULL);
        network->blocked = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        network->tapless = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        network->chosen = g_array_new(FALSE, FALSE, sizeof(guint32));
        network->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                               (GDestroyNotify)resolver_name_free);

        network->public_names = public_names_new(network);
        load_record(network, origin);
        network->changes = entry_changes_new(network);
        if (!load_state(network, &bad)) {
                if (!network_is_on_host(network)) {
                        g_propagate_error(error, g_steal_pointer(&bad));
                        return NULL;
                }
                log_network_warning(network->name, "%s", bad->message);
        }
        network_end_move(network);
        leases_load(network);
        guests_find_left(network);
        return g_steal_pointer(&network);
}

Network *network_ref(Network *network)
{
        network->n_ref++;
        return network;
}

static void network_free(Network *network)
{
        if (network->retry_id)
                g_source_remove(network->retry_id);
        if (network->repair_id)
                g_source_remove(network->repair_id);
        if (network->ask_again_id)
                g_source_remove(network->ask_again_id);
        if (network->gather_id)
                g_source_remove(network->gather_id);
        forwards_free(network);
        g_clear_pointer(&network->public_names, public_names_free);
        public_probe_free(network->probe);
        entry_changes_free(network->changes);
        lease_file_free(network->lease_file);
        dhcp_watch_free(network->boards);
        filter_answers_free(network->answers);
        filter_answers_free(network->own);
        dnsmasq_free(network->dnsmasq);
        time_forget_clock(network);
        chrony_free(network->chrony);
        nm_held_free(network->inspected);
        record_free(network->record);
        entries_free(network->configured);
        held_entries_free(network->held);
        config_free(network->config);
        g_clear_pointer(&network->leases, g_ptr_array_unref);
        g_clear_pointer(&network->reserved, g_hash_table_unref);
        g_clear_pointer(&network->blocked, g_hash_table_unref);
        g_clear_pointer(&network->tapless, g_hash_table_unref);
        g_clear_pointer(&network->chosen, g_array_unref);
        g_free(network->upstream);
        g_free(network->public_interface);
        g_free(network->interface);
        g_free(network->name);
        g_free(network->error);
        g_free(network);
}

void network_unref(Network *network)
{
        if (network && --network->n_ref == 0)
                network_free(network);
}

const char *network_name(const Network *network)
{
        return network->name;
}

const char *network_interface(const Network *network)
{
        return network->interface;
}

const NetworkConfig *network_config(const Network *network)
{
        return network->config;
}

bool network_is_up(const Network *network)
{
        return network->state == NETWORK_ACTIVE || network->state == NETWORK_DEGRADED;
}

NetworkState network_state(const Network *network)
{
        return network->state;
}

const char *network_error(const Network *network)
{
        return network->error ? network->error : "";
}

const char *network_origin(const Network *network)
{
        return network->record->origin;
}

const char *network_upstream(const Network *network)
{
        return network->upstream ? network->upstream : "";
}

const char *network_public_interface(const Network *network)
{
        return network->public_interface ? network->public_interface : "";
}

const char *network_table(const Network *network)
{
        return network->record->table;
}

guint network_twin(const Network *network)
{
        return network->record->twin;
}

const char *network_twin_of(const Network *network)
{
        return network->record->twin_of ? network->record->twin_of : "";
}

const GPtrArray *network_leases(const Network *network)
{
        return network->leases;
}

bool network_is_wanted_up(const Network *network)
{
        return network->record->wanted_up;
}

const char *network_caller(const Network *network)
{
        return network->record->caller;
}

void network_set_caller(Network *network, const char *caller)
{
        g_free(network->record->caller);
        network->record->caller = g_strdup(caller);
}

bool network_set_doomed(Network *network, bool doomed, GError **error)
{
        network->record->doomed = doomed;
        return network_save_record(network, error);
}

bool network_is_on_host(const Network *network)
{
        return !record_is_clean(network->record);
}

void network_set_origin(Network *network, const char *origin)
{
        g_autoptr(GError) error = NULL;

        if (g_strcmp0(network->record->origin, origin) == 0)
                return;
        g_free(network->record->origin);
        network->record->origin = g_strdup(origin);
        if (!network_save_record(network, &error))
                log_network_warning(network->name, "%s", error->message);
        network_tell(network, NETWORK_PROPERTY_ORIGIN);
}

NetworkConfig *network_configured(const Network *network)
{
        NetworkConfig *config = config_copy(network->config);

        entries_free(config->entries);
        config->entries = entries_copy(network->configured);
        return config;
}

bool network_find_dut(const Network *network, const char *mac, guint32 *ret_ip, GError **error)
{
        gint64 now_sec = g_get_real_time() / G_USEC_PER_SEC;

        for (guint i = 0; i < network->leases->len; i++) {
                const Lease *lease = network->leases->pdata[i];
                if (lease->ip != 0 && g_str_equal(lease->mac, mac) &&
                    !lease_is_expired(lease, now_sec)) {
                        *ret_ip = lease->ip;
                        return true;
                }
        }
        const AddressEntry *entry = entries_find_mac(network->config->entries, mac);
        if (entry) {
                *ret_ip = entry->ip;
                return true;
        }
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_NO_SUCH_LEASE,
                    "%s: no lease or entry of %s", network->name, mac);
        return false;
}
