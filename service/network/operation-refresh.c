/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A network that is up and follows the host: its NIC goes or is renamed, its upstream moves,
 * somebody has changed what is ours, something that failed is tried again. */

#include "network/operations-private.h"

#include <errno.h>

#include "network/connections.h"
#include "network/public-probe.h"
#include "network/twins.h"
#include "util/log.h"

/* The first pause before something that failed is tried again, doubled each time up to the last. */
#define RETRY_FIRST_MS 100
#define RETRY_LAST_MS  30000
/* The pause before something is put back that was put back just now. */
#define REPAIR_AGAIN_MS 250

static gboolean retry(gpointer data)
{
        Network *network = data;

        network->retry_id = 0;
        if (network->state == NETWORK_FAILED) {
                operation_up_by_itself(network);
                return G_SOURCE_REMOVE;
        }
        Operation *operation = operation_new(OPERATION_REFRESH, NULL, NULL);
        operation->changes = network->retry_changes;
        operation_queue(network, operation);
        return G_SOURCE_REMOVE;
}

void operation_retry_later(Network *network)
{
        if (network->retry_id)
                return;
        network->retry_id = g_timeout_add(network->retry_ms, retry, network);
        network->retry_ms = CLAMP(network->retry_ms * 2, RETRY_FIRST_MS, RETRY_LAST_MS);
}

void operations_refresh(Network *network, unsigned changes)
{
        network->retry_changes |= changes;
        operation_retry_later(network);
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

void operation_refresh_started(Network *network, GError *error)
{
        if (error) {
                network_set_state(network, NETWORK_DEGRADED, error->message);
                operations_refresh(network, network->current->changes);
                g_clear_error(&error);
        } else {
                operation_settle(network, network->run.changes);
        }
        operation_end(network, NULL);
}

void operation_run_refresh(Network *network)
{
        if (network_is_up(network))
                steps_start(network, network->current->changes, operation_refresh_started);
        else
                operation_end(network, NULL);
}

void operations_settle(Network *network)
{
        operation_queue(network, operation_new(OPERATION_REFRESH, NULL, NULL)); /* of no steps */
}

static void lost_undone(Network *network, GError *error)
{
        g_clear_error(&error); /* undos report none */
        operation_wait_for_interface(network);
        /* Back already, and told of while it was being undone. */
        if (interface_exists(network) || interface_is_made(network))
                operation_up_by_itself(network);
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
                operation_undo(network, lost_undone);
                return;
        }
        network->current->changes = STEP_CHANGE_ALL & ~STEP_CHANGE_PROBE;
        steps_start(network, network->current->changes, operation_refresh_started);
}

void operation_run_lost(Network *network)
{
        Link link;
        int r = link_get_by_index(network->host->rtnl, network->record->index, &link);

        if (!network_is_up(network))
                operation_end(network, NULL);
        else if (r == -ENODEV)
                operation_undo(network, lost_undone);
        else if (r == 0 && !g_str_equal(link.name, network->interface))
                run_renamed(network, &link);
        else
                operation_end(network, NULL);
}

void network_links_changed(Network *network, guint index)
{
        Link link;

        network->host_changed |= !operations_are_idle(network); /* then once more */
        if (network_is_up(network)) {
                if (index != 0 && index != network->record->index)
                        return;
                int r = link_get_by_index(network->host->rtnl, network->record->index, &link);
                if (r == -ENODEV || (r == 0 && !g_str_equal(link.name, network->interface)))
                        operation_queue(network, operation_new(OPERATION_LOST, NULL, NULL));
                return;
        }
        if (network->state != NETWORK_WAITING)
                return;
        if (interface_exists(network) || interface_is_made(network))
                operation_up_by_itself(network);
        else if (operations_are_idle(network))
                operation_wait_for_interface(network); /* the reason may be another one */
}

static bool upstream_moved(Network *network, HostView *view)
{
        g_autofree char *upstream = g_strdup(network->upstream);

        if (!upstream_resolve(network, view))
                return false;
        log_network_notice(network->name, "upstream %s -> %s", upstream ? upstream : "none",
                           network->upstream ? network->upstream : "none");
        network_tell(network, NETWORK_PROPERTY_UPSTREAM);
        resolver_ask_now(network->host->resolver);
        return true;
}

/* The upstream moves on, or back, while the LAN there is still being asked: nothing has been done
 * there yet, and what is where it was has not gone. */
static bool is_probing_elsewhere(Network *network, HostView *view)
{
        Operation *operation = network->current;

        if (!operation || operation->type != OPERATION_REFRESH || !network->probe ||
            !upstream_moved(network, view))
                return false;
        g_clear_pointer(&network->probe, public_probe_free);
        operation->changes |= CONFIG_CHANGE_RULES | STEP_CHANGE_PROBE;
        steps_start(network, operation->changes, operation_refresh_started);
        return true;
}

/* The host has come to route some of the subnet by another interface, as a LAN that it is plugged
 * into later does: the network becomes a twin, so that the host reaches that. */
static bool becomes_twin(Network *network, HostView *view)
{
        g_autoptr(GError) error = NULL;

        if (!twins_should_be(network, view))
                return false;
        log_network_notice(network->name, "the host has the subnet elsewhere as well now");
        connections_leave(network); /* saved with what is forgotten */
        if (twins_forget(network, &error))
                return true;
        log_network_warning(network->name, "%s", error->message);
        return false;
}

void network_host_changed(Network *network, HostView *view)
{
        unsigned changes = 0;

        if (is_probing_elsewhere(network, view))
                return;
        network->host_changed = !operations_are_idle(network);
        if (network->host_changed || !network_is_up(network))
                return;
        if (upstream_moved(network, view))
                changes |= CONFIG_CHANGE_RULES | STEP_CHANGE_PROBE;
        if (becomes_twin(network, view))
                changes |= CONFIG_CHANGE_RULES | CONFIG_CHANGE_LINK;
        if (changes)
                retry_now(network, changes);
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
                { NETWORK_PART_GUESTS, "guests" },
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
        operation_queue(network, operation);
        return G_SOURCE_REMOVE;
}

void network_repair(Network *network, unsigned parts)
{
        gint64 again_usec = network->repaired_usec + REPAIR_AGAIN_MS * G_TIME_SPAN_MILLISECOND;
        bool is_again = network->repaired_usec != 0 && g_get_monotonic_time() < again_usec;

        if (!network_is_up(network) && operations_are_idle(network))
                return;
        network->repair_parts |= parts;
        if (!network->repair_id)
                network->repair_id =
                        g_timeout_add(is_again ? REPAIR_AGAIN_MS : 0, repair_now, network);
}
