/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Bringing a network up, adopting what an earlier life of the daemon had up, and what it settles
 * to. */

#include "network/operations-private.h"

#include <errno.h>

#include "network/forwards.h"
#include "network/guests.h"
#include "network/limits-table.h"
#include "network/names-table.h"
#include "network/public-names.h"
#include "network/public-probe.h"
#include "network/public.h"
#include "util/log.h"

/* The pause before another host is asked again whether it still has an address of ours. */
#define ASK_AGAIN_MS 3000

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
static char *what_nat_lacks(const Network *network)
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
        g_autofree char *blocked = what_is_blocked(network);
        g_autofree char *unnamed = blocked ? NULL : public_names_fault(network->public_names);
        const char *of_public = blocked ? blocked : unnamed, *of_ports = forwards_fault(network);
        if (!of_public || !of_ports)
                return g_strdup(of_public ? of_public : of_ports);
        return g_strdup_printf("%s; %s", of_public, of_ports);
}

static char *what_is_lacking(const Network *network)
{
        g_autofree char *of_nat = what_nat_lacks(network);
        g_autofree char *of_guests = guests_fault(network);

        if (!of_nat || !of_guests)
                return g_strdup(of_nat ? of_nat : of_guests);
        return g_strdup_printf("%s; %s", of_nat, of_guests);
}

static bool is_blocked(const Network *network)
{
        return g_hash_table_size(network->blocked) > 0;
}

/* The other hosts may have left, whoever has a TAP's name may have given it up, and nobody tells of
 * that. */
static gboolean ask_again(gpointer data)
{
        Network *network = data;
        Operation *operation = operation_new(OPERATION_REFRESH, NULL, NULL);

        network->ask_again_id = 0;
        if (is_blocked(network))
                operation->changes |= STEP_CHANGE_PROBE | NETWORK_PART_PUBLIC;
        if (g_hash_table_size(network->tapless) > 0)
                operation->changes |= NETWORK_PART_GUESTS;
        operation_queue(network, operation);
        return G_SOURCE_REMOVE;
}

/* After the steps of @changes went well: active, or degraded for want of an upstream; or as it was
 * while something else is still being retried. */
void operation_tidy_up(Network *network)
{
        g_autoptr(GError) error = NULL;

        if (!names_table_settle(network, &error) ||
            !limits_table_settle(network, &error)) /* the next time, then */
                log_network_warning(network->name, "%s", error->message);
}

/* Not before: until a change is on disk it can be taken back, and has its leases again. */
static void drop_leases_left(Network *network, unsigned changes)
{
        bool is_dropping = network->current && network->current->type == OPERATION_LEFT;

        if (changes & CONFIG_CHANGE_DNSMASQ && !is_dropping && leases_are_left(network))
                operation_queue(network, operation_new(OPERATION_LEFT, NULL, NULL));
}

void operation_settle(Network *network, unsigned changes)
{
        operation_tidy_up(network);
        drop_leases_left(network, changes);
        network->retry_changes &= ~changes;
        if (network->retry_changes != 0)
                return;
        network->retry_ms = 0;
        g_autofree char *lacking = what_is_lacking(network);
        network_set_state(network, lacking ? NETWORK_DEGRADED : NETWORK_ACTIVE, lacking);
        if ((is_blocked(network) || g_hash_table_size(network->tapless) > 0) &&
            !network->ask_again_id)
                network->ask_again_id = g_timeout_add(ASK_AGAIN_MS, ask_again, network);
}

/* Because its interface is there; not after a Down that came before its turn. */
void operation_up_by_itself(Network *network)
{
        Operation *operation = operation_new(OPERATION_UP, NULL, NULL);

        operation->by_itself = true;
        operation_queue(network, operation);
}

/* Waits for an interface; with a reason where there are too many. */
void operation_wait_for_interface(Network *network)
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

static void up_rolled_back(Network *network, GError *error)
{
        g_clear_error(&error); /* undos report none */
        g_autoptr(GError) cause = g_steal_pointer(&network->current->cause);
        Link link;

        bool exists = interface_find(network, &link, NULL) == 0;
        if (!interface_is_made(network) && (!exists || link.index != network->record->index)) {
                operation_wait_for_interface(network);
                if (exists) /* unplugged meanwhile, and back: another one, to be taken anew */
                        operation_up_by_itself(network);
                operation_end(network, NULL);
                return;
        }
        network_set_state(network, NETWORK_FAILED, cause->message);
        if (network->current->by_itself) /* nobody is there to ask for it again */
                operation_retry_later(network);
        operation_end(network, cause);
}

/* What an earlier life of the daemon had up is not taken down because something is in the way of
 * looking after it now: its DUTs have a network. */
static void stay_up(Network *network, GError *error)
{
        network_set_state(network, NETWORK_DEGRADED, error->message);
        forwards_adopt(network);
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
                operation_undo(network, up_rolled_back);
                return;
        }
        operation_settle(network, STEP_CHANGE_ALL);
        operation_end(network, NULL);
}

/* With an interface that is there, or (NULL) is made. */
static void start_up(Network *network, const Link *link)
{
        g_autoptr(GError) error = NULL;
        Record *record = network->record;

        interface_set(network, link ? link->name : network->name);
        g_free(record->interface);
        record->interface = g_strdup(network->interface);
        record->index = link ? link->index : 0;
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
        bool exists = interface_find(network, &link, NULL) == 0;
        if (exists || interface_is_made(network)) {
                start_up(network, exists ? &link : NULL);
                return;
        }
        operation_wait_for_interface(network);
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
        operation_undo(network, left_undone);
}

void operation_run_up(Network *network)
{
        g_autoptr(GError) error = NULL;
        Link link;

        bool is_wanted = network->record->wanted_up || !network->current->by_itself;
        if (network_is_up(network) || !is_wanted) {
                operation_end(network, NULL);
                return;
        }
        bool exists = interface_find(network, &link, NULL) == 0;
        if (is_left_elsewhere(network, exists ? &link : NULL)) {
                undo_left(network);
                return;
        }
        if (exists || interface_is_made(network)) {
                start_up(network, exists ? &link : NULL);
                return;
        }
        network->record->wanted_up = true;
        if (network_save_record(network, &error))
                operation_wait_for_interface(network);
        operation_end(network, error);
}
