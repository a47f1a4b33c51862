/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Two lists: what the rules in the kernel have, and, between the claim step and the firewall's,
 * what they are to have. A name that leads nowhere has its place in them without an address, so
 * that it takes one element more, and nothing else, when somebody has come to have it.
 *
 * That a port is free is looked at once, when its forward comes into force: who begins to listen
 * later is not heard from outside. */

#include "network/forwards.h"

#include <netinet/in.h>

#include "host/ip-address.h"
#include "host/link.h"
#include "model/twin.h"
#include "network/network-private.h"
#include "util/error.h"
#include "util/log.h"

/* The pause before a port that was taken is looked at again: nobody tells. */
#define LOOK_AGAIN_MS 3000

typedef struct Led {
        Forward *forward;
        guint32 ip;  /* where it leads to; 0: nowhere */
        char *fault; /* why it does not all the same; NULL: nothing */
} Led;

static void led_free(gpointer data)
{
        Led *led = data;

        forward_free(led->forward);
        g_free(led->fault);
        g_free(led);
}

static GPtrArray *list_new(void)
{
        return g_ptr_array_new_with_free_func(led_free);
}

static void list_add(GPtrArray *list, const Forward *forward, guint32 ip, const char *fault)
{
        Led *led = g_new(Led, 1);

        *led = (Led){ forward_copy(forward), ip, g_strdup(fault) };
        g_ptr_array_add(list, led);
}

static const Led *list_find(const GPtrArray *list, const Forward *forward)
{
        for (guint i = 0; list && i < list->len; i++)
                if (forward_is_same(((const Led *)list->pdata[i])->forward, forward))
                        return list->pdata[i];
        return NULL;
}

static ForwardRoute route_of(const Led *led)
{
        return (ForwardRoute){ led->forward, led->fault ? 0 : led->ip };
}

static GArray *routes_of(const GPtrArray *list)
{
        GArray *routes = g_array_new(FALSE, FALSE, sizeof(ForwardRoute));

        for (guint i = 0; list && i < list->len; i++) {
                ForwardRoute route = route_of(list->pdata[i]);
                g_array_append_val(routes, route);
        }
        return routes;
}

static bool has_same_route(const GPtrArray *list, const Led *led)
{
        const Led *other = list_find(list, led->forward);

        return other && other->forward->to_port == led->forward->to_port &&
               route_of(other).ip == route_of(led).ip;
}

/* What of @list leads somewhere and is not in @other. */
static GArray *difference(const GPtrArray *list, const GPtrArray *other)
{
        GArray *routes = g_array_new(FALSE, FALSE, sizeof(ForwardRoute));

        for (guint i = 0; list && i < list->len; i++) {
                ForwardRoute route = route_of(list->pdata[i]);
                if (route.ip != 0 && !has_same_route(other, list->pdata[i]))
                        g_array_append_val(routes, route);
        }
        return routes;
}

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

/* Whether they are free */

static bool refuse(const Forward *forward, GError **error, const char *format, ...)
        G_GNUC_PRINTF(3, 4);

static bool refuse(const Forward *forward, GError **error, const char *format, ...)
{
        g_autofree char *what = forward_describe(forward);
        va_list arguments;

        va_start(arguments, format);
        g_autofree char *why = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_ADDRESS_IN_USE,
                    "forwards: %s cannot be had: %s", what, why);
        return false;
}

static bool check_forwards_of(const Network *other, const Forward *forward, GError **error)
{
        const GPtrArray *forwards = entries_forwards(other->config->entries);

        for (guint i = 0; i < forwards->len; i++) {
                if (!forward_overlaps(forwards->pdata[i], forward))
                        continue;
                g_autofree char *theirs = forward_describe(forwards->pdata[i]);
                return refuse(forward, error, "network %s forwards %s", other->name, theirs);
        }
        return true;
}

static bool check_in_force_of(const Network *other, const Forward *forward, GError **error)
{
        for (guint i = 0; other->forwards && i < other->forwards->len; i++) {
                const Led *led = other->forwards->pdata[i];
                if (led->fault || !forward_overlaps(led->forward, forward))
                        continue;
                g_autofree char *theirs = forward_describe(led->forward);
                return refuse(forward, error, "network %s forwards %s", other->name, theirs);
        }
        return true;
}

/* Whoever asks for a port is told of every other network that wants it; of those that come up by
 * themselves the first one has it. */
static bool check_networks(Network *network, const Forward *forward, bool is_asked, GError **error)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, network->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Network *other = value;
                if (other == network)
                        continue;
                if (!(is_asked ? check_forwards_of(other, forward, error)
                               : check_in_force_of(other, forward, error)))
                        return false;
        }
        return true;
}

static bool is_dut_side(const Network *network, guint32 address, guint index)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, network->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Network *other = value;
                if ((index != 0 && other->record->index == index) ||
                    (address != 0 && other->config->gateway_ip == address))
                        return true;
        }
        return false;
}

/* Only what could have come to the forward's own addresses is in its way: not what is the
 * loopback's, and not our own servers on gateway addresses. */
static bool check_listeners(Network *network, const Forward *forward, GError **error)
{
        g_autoptr(GArray) found =
                listeners_find(network->host->listeners, forward->protocol, &forward->ports, error);

        for (guint i = 0; found && i < found->len; i++) {
                const Listener *listener = &g_array_index(found, Listener, i);
                if (listener->address >> 24 == IN_LOOPBACKNET ||
                    is_dut_side(network, listener->address, listener->index))
                        continue;
                return refuse(forward, error, "a program of this host listens on port %u",
                              listener->port);
        }
        return found != NULL;
}

bool forwards_check(Network *network, const Forward *forward, GError **error)
{
        const Led *led = list_find(network->forwards, forward);

        if (led && !led->fault)
                return true;
        return check_networks(network, forward, true, error) &&
               check_listeners(network, forward, error);
}

/* The lists */

/* One that is in force stays; one that was refused once is not refused again for somebody who asks
 * for something else. */
static bool claim_one(Network *network, GPtrArray *list, const Forward *forward, GError **error)
{
        const Led *led = list_find(network->forwards, forward);
        bool is_asked = !led && operations_have_caller(network);
        g_autoptr(GError) fault = NULL;

        if ((!led || led->fault) && (!check_networks(network, forward, is_asked, &fault) ||
                                     !check_listeners(network, forward, &fault))) {
                if (is_asked || fault->code != SERVICE_ERROR_ADDRESS_IN_USE) {
                        g_propagate_error(error, g_steal_pointer(&fault));
                        return false;
                }
        }
        list_add(list, forward, target_of(network, forward), fault ? fault->message : NULL);
        return true;
}

bool forwards_claim(Network *network, GError **error)
{
        const GPtrArray *forwards = entries_forwards(network->config->entries);
        g_autoptr(GPtrArray) list = list_new();

        for (guint i = 0; i < forwards->len; i++)
                if (!claim_one(network, list, forwards->pdata[i], error))
                        return false;
        g_clear_pointer(&network->claimed_forwards, g_ptr_array_unref);
        network->claimed_forwards = g_steal_pointer(&list);
        return true;
}

static gboolean look_again(gpointer data)
{
        Network *network = data;
        bool is_over = true;

        for (guint i = 0; i < network->forwards->len; i++) {
                const Led *led = network->forwards->pdata[i];
                bool is_free = led->fault && check_networks(network, led->forward, false, NULL) &&
                               check_listeners(network, led->forward, NULL);
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
        for (guint i = 0; network->forwards && i < network->forwards->len; i++) {
                const Led *led = network->forwards->pdata[i];
                if (led->fault)
                        return led->fault;
        }
        return NULL;
}

/* Takes @list. Returns what was there. */
static GPtrArray *swap(Network *network, GPtrArray *list)
{
        GPtrArray *before = network->forwards ? network->forwards : list_new();

        network->forwards = list;
        if (forwards_fault(network) && !network->look_at_ports_id)
                network->look_at_ports_id = g_timeout_add(LOOK_AGAIN_MS, look_again, network);
        return before;
}

GPtrArray *forwards_take_claimed(Network *network)
{
        GPtrArray *claimed = g_steal_pointer(&network->claimed_forwards);

        return claimed ? swap(network, claimed) : NULL;
}

void forwards_give_back(Network *network, GPtrArray *before)
{
        if (before)
                g_ptr_array_unref(swap(network, before));
}

GArray *forwards_routes(const Network *network)
{
        return routes_of(network->forwards);
}

/* Their connections */

typedef struct Judged {
        const Network *network;
        const GArray *lost, *present;
        GHashTable
                *own; /* addresses that are led: the host's, but for the loopback's and gateways */
} Judged;

static bool explains(const GArray *routes, const ConntrackFlow *flow)
{
        const ForwardFlow led = { flow->source, flow->protocol, flow->asked_port, flow->destination,
                                  flow->port };

        for (guint i = 0; i < routes->len; i++)
                if (forward_route_explains(&g_array_index(routes, ForwardRoute, i), &led))
                        return true;
        return false;
}

/* A public address leads to the same board by itself. */
static bool is_lost(const ConntrackFlow *flow, gpointer data)
{
        const Judged *judged = data;

        return explains(judged->lost, flow) && !explains(judged->present, flow) &&
               !entries_find_public_ip(judged->network->config->entries, flow->asked);
}

static void end_lost(Network *network, const GArray *lost, const GArray *present)
{
        const ConntrackScope scope = { network->config->subnet, twin_mark(network->record->twin),
                                       TWIN_MARK_MASK };
        Judged judged = { .network = network, .lost = lost, .present = present };
        g_autoptr(GError) error = NULL;

        if (lost->len > 0 &&
            !conntrack_end_led(network->host->conntrack, &scope, is_lost, &judged, &error))
                log_network_warning(network->name, "%s", error->message);
}

/* An answered one of TCP is somebody's who listens no more, and is left to end as it will. */
static bool would_go_past(const ConntrackFlow *flow, gpointer data)
{
        const Judged *judged = data;

        if (!g_hash_table_contains(judged->own, GUINT_TO_POINTER(flow->asked)) ||
            (flow->protocol == IPPROTO_TCP && flow->is_answered))
                return false;
        for (guint i = 0; i < judged->present->len; i++) {
                const Forward *forward = g_array_index(judged->present, ForwardRoute, i).forward;
                if (forward->protocol == flow->protocol &&
                    port_range_contains(&forward->ports, flow->asked_port) &&
                    subnet_contains(&forward->from, flow->source))
                        return true;
        }
        return false;
}

/* Connection tracking decides by the first packet: a sender that goes on would go on past. */
static void end_past(Network *network, const GArray *gained)
{
        g_autoptr(GHashTable) own = g_hash_table_new(NULL, NULL);
        Judged judged = { .network = network, .present = gained, .own = own };
        g_autoptr(GError) error = NULL;

        if (gained->len == 0)
                return;
        g_autoptr(GArray) addresses = ip_address_list(network->host->rtnl, 0, &error);
        for (guint i = 0; addresses && i < addresses->len; i++) {
                const IpAddress *address = &g_array_index(addresses, IpAddress, i);
                if (address->address >> 24 != IN_LOOPBACKNET &&
                    !is_dut_side(network, address->address, 0))
                        g_hash_table_add(own, GUINT_TO_POINTER(address->address));
        }
        if (!addresses ||
            !conntrack_end_unled(network->host->conntrack, would_go_past, &judged, &error))
                log_network_warning(network->name, "%s", error->message);
}

void forwards_end_connections(Network *network, const GPtrArray *before)
{
        g_autoptr(GArray) lost = difference(before, network->forwards);
        g_autoptr(GArray) gained = difference(network->forwards, before);
        g_autoptr(GArray) present = routes_of(network->forwards);

        end_lost(network, lost, present);
        end_past(network, gained);
}

static void stop_looking(Network *network)
{
        if (network->look_at_ports_id)
                g_source_remove(network->look_at_ports_id);
        network->look_at_ports_id = 0;
        g_clear_pointer(&network->claimed_forwards, g_ptr_array_unref);
        g_hash_table_remove_all(network->names);
}

/* What an earlier life has put. */
static GPtrArray *configured(Network *network)
{
        const GPtrArray *forwards = entries_forwards(network->config->entries);
        GPtrArray *list = list_new();

        for (guint i = 0; i < forwards->len; i++)
                list_add(list, forwards->pdata[i], target_of(network, forwards->pdata[i]), NULL);
        return list;
}

void forwards_clear(Network *network, bool gone)
{
        g_autoptr(GPtrArray) before = g_steal_pointer(&network->forwards);

        if (!before)
                before = configured(network);
        stop_looking(network);
        if (gone)
                forwards_end_connections(network, before);
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
        g_autoptr(GArray) gone = difference(before, network->forwards);
        g_autoptr(GArray) came = difference(network->forwards, before);

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
        forwards_end_connections(network, before);
        g_ptr_array_unref(before);
        if (had_fault && !forwards_fault(network)) /* no reason to be degraded any more */
                operations_refresh(network, CONFIG_CHANGE_FORWARDS);
        return true;
}

static GPtrArray *copy_without(const GPtrArray *list, const Forward *forward)
{
        GPtrArray *copy = list_new();

        for (guint i = 0; i < list->len; i++) {
                const Led *led = list->pdata[i];
                if (!forward || !forward_is_same(led->forward, forward))
                        list_add(copy, led->forward, led->ip, led->fault);
        }
        return copy;
}

bool forwards_exchange(Network *network, const Forward *old, const Forward *new_forward,
                       GError **error)
{
        if (!are_in_kernel(network))
                return true;

        GPtrArray *list = copy_without(network->forwards, old);
        if (new_forward)
                list_add(list, new_forward, target_of(network, new_forward), NULL);
        return replace(network, list, error);
}

static bool follow_names(Network *network, GError **error)
{
        g_autoptr(GPtrArray) list = list_new();
        bool differs = false;

        g_hash_table_foreach_remove(network->names, is_name_unused, network);
        for (guint i = 0; i < network->forwards->len; i++) {
                const Led *led = network->forwards->pdata[i];
                guint32 ip = target_of(network, led->forward);
                list_add(list, led->forward, ip, led->fault);
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
        const Led *led = are_in_kernel(network) ? list_find(network->forwards, forward) : NULL;

        if (!led)
                return forward_status(forward, forward->ip, false, NULL);
        return forward_status(forward, led->ip, led->ip != 0 && !led->fault, led->fault);
}
