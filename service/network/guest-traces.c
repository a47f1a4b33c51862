/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What a guest leaves besides its entry: TAP, connections, what the host has learned of it. It goes
 * when the guest is detached, many of them as one, which is after their lines are in the log. Until
 * then a file of this boot's names them, as the log's lines would, so that a life that is killed in
 * between leaves it to the next. */

#include "network/guests.h"

#include <string.h>
#include <unistd.h>

#include "host/dhcp-release.h"
#include "host/dhcp6-release.h"
#include "host/route.h"
#include "model/entry-log.h"
#include "model/twin.h"
#include "network/network-private.h"
#include "util/file.h"
#include "util/log.h"

#define LEAVING_MAX_BYTES (16 * 1024 * 1024)

typedef struct Leaving {
        GHashTable *by_ip;     /* AddressEntry* */
        GHashTable *addresses; /* of IPv6, as a set of Address6 */
} Leaving;

/* Whether one of them has it. */
static bool is_of_one(const Lease *lease, gpointer data)
{
        const Leaving *leaving = data;

        if (lease->ip == 0)
                return leaving->addresses && g_hash_table_contains(leaving->addresses, &lease->ip6);
        const AddressEntry *entry =
                g_hash_table_lookup(leaving->by_ip, GUINT_TO_POINTER(lease->ip));
        return entry && g_strcmp0(lease->mac, entry->mac) == 0;
}

static bool release_one(Network *network, const Lease *lease, const char *server, GError **error)
{
        if (lease->ip != 0)
                return dhcp_release(network->interface, network->config->gateway_ip, lease->ip,
                                    lease->mac, error);
        return !server || dhcp6_release(network->record->index, server, lease, error);
}

static void release(Network *network, Leaving *leaving)
{
        bool has_any = g_hash_table_size(leaving->addresses) > 0;
        g_autofree char *server = has_any ? leases_server(network) : NULL;

        for (guint i = 0; i < network->leases->len; i++) {
                const Lease *lease = network->leases->pdata[i];
                g_autoptr(GError) error = NULL;
                if (is_of_one(lease, leaving) && !release_one(network, lease, server, &error))
                        log_network_warning(network->name, "%s", error->message);
        }
}

/* Else their addresses would be kept for them as long as the leases are good, and from all others.
 */
static void end_leases(Network *network, Leaving *leaving)
{
        g_autoptr(GError) error = NULL;

        if (network->dnsmasq && dnsmasq_is_running(network->dnsmasq)) {
                release(network, leaving);
                leases_pass_over(network, is_of_one, leaving);
        } else if (!leases_drop(network, is_of_one, leaving, &error))
                log_network_warning(network->name, "%s", error->message);
}

static void end_connections(Network *network, GHashTable *by_ip)
{
        g_autoptr(GError) error = NULL;

        if (!conntrack_end_addresses(network->host->conntrack, by_ip,
                                     twin_mark(network->record->twin), TWIN_MARK_MASK, &error))
                log_network_warning(network->name, "%s", error->message);
}

static void forget_taps(Network *network, const GPtrArray *entries)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        bool was_lacking = false;

        for (guint i = 0; i < entries->len; i++) {
                const Guest *guest = ((const AddressEntry *)entries->pdata[i])->guest;
                g_ptr_array_add(names, guest->tap_name);
                was_lacking |= g_hash_table_remove(network->tapless, guest->id);
        }
        guests_remove_taps(network, names);
        if (was_lacking) /* no reason to be degraded any more */
                guests_look_again(network);
}

/* The leases first: ending them makes connections of its own. */
void guests_forget(Network *network, const GPtrArray *entries)
{
        g_autoptr(GHashTable) by_ip = g_hash_table_new(NULL, NULL);

        if (entries->len == 0)
                return;
        for (guint i = 0; i < entries->len; i++) {
                AddressEntry *entry = entries->pdata[i];
                g_hash_table_insert(by_ip, GUINT_TO_POINTER(entry->ip), entry);
        }
        forget_taps(network, entries);
        g_autoptr(GHashTable) addresses = guests_find_ipv6(network, entries);
        Leaving leaving = { by_ip, addresses };
        end_leases(network, &leaving);
        end_connections(network, by_ip);
        for (guint i = 0; i < entries->len; i++)
                route_forget_neighbour(network->host->rtnl, network->record->index,
                                       ((const AddressEntry *)entries->pdata[i])->ip);
        guests_forget_ipv6(network, addresses);
}

/* Over a crash */

static char *leaving_path(const Network *network)
{
        g_autofree char *name = g_strdup_printf("%s.leaving", network->name);
        return g_build_filename(network->host->run_dir, name, NULL);
}

bool guests_note_leaving(Network *network, const AddressEntry *entry, GError **error)
{
        g_autofree char *path = leaving_path(network);
        g_autofree char *line = entry_log_line_put_address(entry);

        return file_append(path, line, strlen(line), true, error);
}

static void remove_notes(Network *network)
{
        g_autofree char *path = leaving_path(network);
        g_autoptr(GError) error = NULL;

        if (!file_remove(path, &error))
                log_network_warning(network->name, "%s", error->message);
}

void guests_have_left(Network *network)
{
        if (!network->others_left)
                remove_notes(network);
}

void guests_find_left(Network *network)
{
        g_autofree char *path = leaving_path(network);

        network->others_left = access(path, F_OK) == 0;
}

/* Those whose line came into the log: the others are attached. */
static void forget_gone(Network *network, const Entries *left)
{
        g_autoptr(GPtrArray) gone = g_ptr_array_new();

        for (guint i = 0; i < entries_n_addresses(left); i++) {
                const AddressEntry *entry = entries_address_at(left, i);
                if (entry->guest && !entries_find_guest(network->config->entries, entry->guest->id))
                        g_ptr_array_add(gone, (gpointer)entry);
        }
        guests_forget(network, gone);
}

void guests_forget_left(Network *network)
{
        g_autofree char *path = leaving_path(network);
        g_autoptr(Entries) left = entries_new();
        gsize length = 0;
        guint n_bad;

        if (!network->others_left)
                return;
        g_autofree char *text = file_read(path, LEAVING_MAX_BYTES, &length, NULL);
        if (text)
                (void)entry_log_replay(text, length, left, &n_bad); /* as far as it is legible */
        forget_gone(network, left);
        network->others_left = false;
        remove_notes(network);
}

void guests_forget_notes(Network *network)
{
        network->others_left = false;
        remove_notes(network);
}
