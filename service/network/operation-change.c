/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Another configuration for a network: its files staged, its steps run, its files in their places;
 * or all of that taken back. */

#include "network/operations-private.h"

#include <string.h>

#include "network/connections.h"
#include "network/public.h"
#include "network/store.h"
#include "util/log.h"

#define ENTRY_CHANGES (CONFIG_CHANGE_ADDRESSES | CONFIG_CHANGE_DNS_ENTRIES | CONFIG_CHANGE_FORWARDS)

static void swap_config(Network *network, Operation *operation)
{
        NetworkConfig *config = network->config;
        Entries *configured = network->configured;
        HeldEntries *held = network->held;

        network->config = operation->config;
        network->configured = operation->configured;
        network->held = operation->held;
        operation->config = config;
        operation->configured = configured;
        operation->held = held;
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
        if (!subnet6_equal(&old->ipv6_subnet, &config->ipv6_subnet) ||
            !address6_equal(&old->ipv6_gateway, &config->ipv6_gateway))
                properties |= NETWORK_PROPERTY_IPV6;
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
        if (changes & CONFIG_CHANGE_FORWARDS)
                properties |= NETWORK_PROPERTY_FORWARDS;
        return properties;
}

static bool loses_ipv6(const NetworkConfig *old, const NetworkConfig *config)
{
        return config_has_ipv6(old) &&
               !(config_has_ipv6(config) && subnet6_equal(&old->ipv6_subnet, &config->ipv6_subnet));
}

/* Those of the subnets that it had, if it has others now. */
static void end_connections(Network *network, const Operation *operation, bool loses_subnet)
{
        const NetworkConfig *old = operation->config;

        if (network_is_up(network) && loses_subnet)
                connections_end(network, &old->subnet, operation->twin);
        else if (loses_subnet)
                connections_end_left(network);
        if (!loses_ipv6(old, network->config))
                return;
        if (network_is_up(network))
                connections_end_ipv6(network, &old->ipv6_subnet);
        else
                connections_end_left_ipv6(network);
}

static void change_done(Network *network)
{
        Operation *operation = network->current;
        NetworkProperty properties =
                properties_changed(operation->config, network->config, operation->changes);

        network_end_move(network);
        entry_overlay_tell(network, network->held, operation->held);
        if (operation->taken_back)
                log_network_notice(network->name, "changed over the bus, and the file's again: %s",
                                   operation->taken_back);
        network->names_changed |= operation->changes & ENTRY_CHANGES; /* for operation_end() */
        end_connections(network, operation, properties & NETWORK_PROPERTY_SUBNET);
        operation_end_lost_mappings(network, operation->config->entries, network->config->entries);
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
        } else if (network_is_up(network)) {
                operation_tidy_up(network);
        }
        if (network->current->committing)
                saving_stage(network, NULL, network->current->log, change_staged_back);
        else
                change_unsaved(network, NULL);
}

static void roll_back_change(Network *network, GError *error)
{
        if (error)
                network->current->cause = error;
        swap_config(network, network->current);
        if (!network_is_up(network)) {
                change_rolled_back(network, NULL);
                return;
        }
        g_autoptr(HostView) view = host_view_new(network->host->rtnl);
        if (upstream_resolve(network, view)) /* back to what it was */
                network->run.changes |= CONFIG_CHANGE_RULES;
        steps_start(network, network->run.changes & ~STEP_CHANGE_PROBE, change_rolled_back);
}

static void change_committed(Network *network, GError *error)
{
        if (error) {
                roll_back_change(network, error);
                return;
        }
        if (network_is_up(network))
                operation_settle(network, network->run.changes);
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
        } else if (network_is_up(network)) {
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

/* What is still held after a change over the bus: a list that is set as a whole is all there is. */
static HeldEntries *held_after(const Network *network, const Value *settings)
{
        static const struct {
                const char *key, *line;
        } lists[] = { { "addresses", "0a" }, { "dns_entries", "0d" }, { "forwards", "0f" } };
        HeldEntries *held = held_entries_copy(network->held);

        for (guint i = 0; settings && i < G_N_ELEMENTS(lists); i++)
                if (value_get(settings, lists[i].key))
                        held_entries_note(held, lists[i].line, strlen(lists[i].line));
        return held;
}

/* Whether the log, which leads from the configured entries to those in force, is another one. */
static bool log_differs(const Network *network, const Operation *operation)
{
        return (operation->changes & (ENTRY_CHANGES | CONFIG_CHANGE_STATE_DIR)) ||
               held_entries_n(network->held) + held_entries_n(operation->held) > 0 ||
               !entries_equal_addresses(network->configured, operation->configured) ||
               !entries_equal_dns(network->configured, operation->configured) ||
               !entries_equal_forwards(network->configured, operation->configured);
}

/* Lays what the bus has made of the entries over what the file says. False where nothing comes of
 * it that is not so already. */
static bool read_file(const Network *network, Operation *operation)
{
        g_autoptr(NetworkConfig) applied = store_load_file(network->host, network->name);

        operation->config = config_copy(operation->file);
        operation->configured = entries_copy(operation->file->entries);
        operation->held = entry_overlay(network, operation->config);
        if (applied)
                operation->taken_back =
                        config_changes_lost(applied, network->config, operation->config);
        return !config_equal(operation->config, network->config) || !applied ||
               !store_says_the_same(applied, operation->file);
}

void operation_run_change(Network *network)
{
        Operation *operation = network->current;
        g_autoptr(GError) error = NULL;

        if (operation->file && !read_file(network, operation)) {
                operation_end(network, NULL);
                return;
        }
        if (operation->settings) /* over what is in force now, after the operations before */
                operation->config =
                        config_with_changes(network->config, operation->settings, &error);
        if (!operation->config) {
                operation_end(network, error);
                return;
        }
        if (!config_keep_guests(operation->config, network->config->entries, &error)) {
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
        operation->twin = network->record->twin;
        if (!operation->configured)
                operation->configured = entries_copy(configured_after(network, operation));
        if (!operation->held)
                operation->held = held_after(network, operation->settings);
        entries_clear_guests(operation->configured); /* which are the log's alone */
        if (!network_begin_move(network, operation->config->state_dir, &error)) {
                network_end_move(network);
                operation_end(network, error);
                return;
        }
        operation->log = log_differs(network, operation);
        swap_config(network, operation);
        saving_stage(network, operation->file, operation->log, change_staged);
}
