/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Two lists: what the rules in the kernel have, and, between the claim step and the firewall's,
 * what they are to have. A name that leads nowhere has its place in them without an address, so
 * that it takes one element more, and nothing else, when somebody has come to have it.
 *
 * That a port is free is looked at once, when its forward comes into force: who begins to listen
 * later is not heard from outside. */

#include "network/forwards.h"

#include "network/forward-connections.h"
#include "network/forward-kernel.h"
#include "network/forward-list.h"
#include "network/forward-ports.h"
#include "network/network-private.h"
#include "util/error.h"
#include "util/log.h"

/* The pause before a port that was taken is looked at again: nobody tells. */
#define LOOK_AGAIN_MS 3000

/* Where they lead to */

static void name_changed(ResolverName *name, gpointer data)
{
        forwards_follow(data);
}

static guint32 ask_lan(Network *network, const char *hostname)
{
        ResolverName *name = g_hash_table_lookup(network->names, hostname);

        if (!name) {
                name = resolver_follow(network->host->resolver, hostname, name_changed, network);
                g_hash_table_insert(network->names, g_strdup(hostname), name);
        }
        guint32 ip = resolver_name_address(name);
        return ip != 0 && network_may_be_dut(network, ip) ? ip : 0;
}

static guint32 target_of(Network *network, const Forward *forward)
{
        guint32 ip = forward->ip;

        if (!forward->hostname)
                return ip;
        if (!network_knows_name(network, forward->hostname, &ip))
                return ask_lan(network, forward->hostname);
        g_hash_table_remove(network->names, forward->hostname);
        return ip;
}

static bool is_named(const Network *network, gconstpointer hostname)
{
        const GPtrArray *forwards = entries_forwards(network->config->entries);

        for (guint i = 0; i < forwards->len; i++)
                if (g_strcmp0(((const Forward *)forwards->pdata[i])->hostname, hostname) == 0)
                        return true;
        return false;
}

static gboolean is_name_unused(gpointer hostname, gpointer name, gpointer network)
{
        return !is_named(network, hostname);
}

static void forget_unused_names(Network *network)
{
        g_hash_table_foreach_remove(network->names, is_name_unused, network);
}

/* The lists */

bool forwards_check(Network *network, const Forward *forward, GError **error)
{
        const LedForward *led = forward_list_find(network->forwards, forward);

        if (led && !led->fault)
                return true;
        return forward_ports_are_free(network, forward, true, error);
}

/* One that is in force stays; one that was refused once is not refused again for somebody who asks
 * for something else. */
static bool claim_one(Network *network, GPtrArray *list, const Forward *forward, GError **error)
{
        const LedForward *led = forward_list_find(network->forwards, forward);
        bool is_asked = !led && operations_have_caller(network);
        g_autoptr(GError) fault = NULL;

        if ((!led || led->fault) && !forward_ports_are_free(network, forward, is_asked, &fault) &&
            (is_asked || fault->code != SERVICE_ERROR_ADDRESS_IN_USE)) {
                g_propagate_error(error, g_steal_pointer(&fault));
                return false;
        }
        forward_list_add(list, forward, target_of(network, forward), fault ? fault->message : NULL);
        return true;
}

bool forwards_claim(Network *network, GError **error)
{
        const GPtrArray *forwards = entries_forwards(network->config->entries);
        g_autoptr(GPtrArray) list = forward_list_new();

        for (guint i = 0; i < forwards->len; i++)
                if (!claim_one(network, list, forwards->pdata[i], error))
                        return false;
        g_clear_pointer(&network->claimed_forwards, g_ptr_array_unref);
        network->claimed_forwards = g_steal_pointer(&list);
        forget_unused_names(network);
        return true;
}

static gboolean look_again(gpointer data)
{
        Network *network = data;
        bool is_over = true;

        for (guint i = 0; i < network->forwards->len; i++) {
                const LedForward *led = network->forwards->pdata[i];
                bool is_free =
                        led->fault && forward_ports_are_free(network, led->forward, false, NULL);
                if (is_free)
                        operations_refresh(network, CONFIG_CHANGE_FORWARDS);
                is_over &= is_free || !led->fault;
        }
        if (is_over)
                network->look_at_ports_id = 0;
        return is_over ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

const char *forwards_fault(const Network *network)
{
        return forward_list_fault(network->forwards);
}

/* Takes @list. Returns what was there. */
static GPtrArray *swap(Network *network, GPtrArray *list)
{
        GPtrArray *before = network->forwards ? network->forwards : forward_list_new();

        network->forwards = list;
        if (forwards_fault(network) && !network->look_at_ports_id)
                network->look_at_ports_id = g_timeout_add(LOOK_AGAIN_MS, look_again, network);
        return before;
}

/* Names have come to be known, or presumed, since they were claimed. */
static void look_up_again(Network *network, const GPtrArray *claimed)
{
        for (guint i = 0; i < claimed->len; i++) {
                LedForward *led = claimed->pdata[i];
                if (led->ip == 0)
                        led->ip = target_of(network, led->forward);
        }
}

GPtrArray *forwards_take_claimed(Network *network)
{
        GPtrArray *claimed = g_steal_pointer(&network->claimed_forwards);

        forwards_adopt(network);
        if (!claimed)
                return NULL;
        look_up_again(network, claimed);
        return swap(network, claimed);
}

void forwards_put(Network *network, const GPtrArray *before)
{
        forward_connections_end(network, before, network->forwards);
        if (before->len > 0 || network->forwards->len > 0)
                network_tell(network, NETWORK_PROPERTY_FORWARDS);
}

void forwards_give_back(Network *network, GPtrArray *before)
{
        if (before)
                g_ptr_array_unref(swap(network, before));
}

GArray *forwards_routes(const Network *network)
{
        return forward_list_routes(network->forwards);
}

static void stop_looking(Network *network)
{
        if (network->look_at_ports_id)
                g_source_remove(network->look_at_ports_id);
        network->look_at_ports_id = 0;
        g_clear_pointer(&network->claimed_forwards, g_ptr_array_unref);
        g_hash_table_remove_all(network->names);
}

/* Of what only the LAN knows the last answer holds until there is one, to an earlier life as well.
 */
static void presume(Network *network, const LedForward *led)
{
        if (!led->forward->hostname || led->ip == 0 || target_of(network, led->forward) != 0)
                return;
        ResolverName *name = g_hash_table_lookup(network->names, led->forward->hostname);
        if (name)
                resolver_name_presume(name, led->ip);
}

void forwards_adopt(Network *network)
{
        g_autoptr(GError) error = NULL;

        if (network->forwards || !network->record->table)
                return;
        network->forwards = forward_kernel_read(network, &error);
        if (error)
                log_network_warning(network->name, "%s", error->message);
        for (guint i = 0; network->forwards && i < network->forwards->len; i++)
                presume(network, network->forwards->pdata[i]);
}

void forwards_clear(Network *network, bool gone)
{
        g_autoptr(GPtrArray) before = g_steal_pointer(&network->forwards);

        if (!before)
                before = forward_list_new();
        stop_looking(network);
        if (gone)
                forward_connections_end(network, before, network->forwards);
        if (before->len > 0)
                network_tell(network, NETWORK_PROPERTY_FORWARDS);
}

void forwards_free(Network *network)
{
        stop_looking(network);
        g_clear_pointer(&network->forwards, g_ptr_array_unref);
        g_clear_pointer(&network->names, g_hash_table_unref);
}

/* Changed one by one */

static bool are_in_kernel(const Network *network)
{
        return network_is_up(network) && network->record->table && network->forwards;
}

/* By elements, where there were some before and are some after; else with the rules for them. */
static bool put_in_kernel(Network *network, const GPtrArray *before, GError **error)
{
        const char *table = network->record->table;
        g_autoptr(GArray) gone = forward_list_difference(before, network->forwards);
        g_autoptr(GArray) came = forward_list_difference(network->forwards, before);

        if ((before->len > 0) == (network->forwards->len > 0)) {
                g_autoptr(Ruleset) out = ruleset_new_forward_part(table, gone);
                g_autoptr(Ruleset) in = ruleset_new_forward_part(table, came);
                if ((gone->len == 0 && came->len == 0) ||
                    nft_exchange_part(network->host->nft, out, in, NULL))
                        return true;
        }
        /* Or somebody has changed the table, and we are not told of that yet. */
        return firewall_apply(network, error);
}

/* Takes @list. */
static bool replace(Network *network, GPtrArray *list, GError **error)
{
        bool had_fault = forwards_fault(network) != NULL;
        GPtrArray *before = swap(network, list);

        if (!put_in_kernel(network, before, error)) {
                forwards_give_back(network, before);
                return false;
        }
        forward_connections_end(network, before, network->forwards);
        g_ptr_array_unref(before);
        if (had_fault && !forwards_fault(network)) /* no reason to be degraded any more */
                operations_refresh(network, CONFIG_CHANGE_FORWARDS);
        return true;
}

bool forwards_exchange(Network *network, const Forward *old, const Forward *new_forward,
                       GError **error)
{
        if (!are_in_kernel(network))
                return true;

        g_autoptr(GError) fault = NULL;
        GPtrArray *list = forward_list_copy_without(network->forwards, old);
        if (new_forward) { /* back, it can be one that was not in force */
                (void)forward_ports_are_free(network, new_forward, false, &fault);
                forward_list_add(list, new_forward, target_of(network, new_forward),
                                 fault ? fault->message : NULL);
        }
        return replace(network, list, error);
}

static bool follow_names(Network *network, GError **error)
{
        g_autoptr(GPtrArray) list = forward_list_new();
        bool differs = false;

        forget_unused_names(network);
        for (guint i = 0; i < network->forwards->len; i++) {
                const LedForward *led = network->forwards->pdata[i];
                guint32 ip = target_of(network, led->forward);
                forward_list_add(list, led->forward, ip, led->fault);
                differs |= ip != led->ip;
        }
        if (!differs)
                return true;
        if (!replace(network, g_steal_pointer(&list), error))
                return false;
        network_tell(network, NETWORK_PROPERTY_FORWARDS);
        return true;
}

void forwards_follow(Network *network)
{
        g_autoptr(GError) error = NULL;

        if (operations_run_steps(network)) { /* then once more */
                network->names_changed = true;
                return;
        }
        network->names_changed = false;
        if (!are_in_kernel(network) || follow_names(network, &error))
                return;
        log_network_warning(network->name, "%s", error->message);
        operations_refresh(network, CONFIG_CHANGE_FORWARDS);
}

/* What is told of them */

Value *network_forward_status(const Network *network, const Forward *forward)
{
        const LedForward *led =
                are_in_kernel(network) ? forward_list_find(network->forwards, forward) : NULL;

        if (!led)
                return forward_status(forward, forward->ip, false, NULL);
        return forward_status(forward, led->ip, led->ip != 0 && !led->fault, led->fault);
}
