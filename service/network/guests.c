/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What a guest's id comes to on this host, and the TAPs. A TAP's alias says whose it is: what
 * carries the network's is made and removed here, and no other. */

#include "network/guests.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/link.h"
#include "host/route.h"
#include "host/sysctl.h"
#include "model/digest.h"
#include "network/network-private.h"
#include "util/error.h"
#include "util/log.h"

/* More names than this that others have are no accident. */
#define NAMES_MAX 1000

static char *alias_of(const Network *network)
{
        return g_strdup_printf("dut-network guest of %s", network->name);
}

/* Choosing */

/* Whether a guest of any network has the TAP @name, or somebody else an interface of that name. */
static bool name_is_taken(const Network *network, const char *name)
{
        const Host *host = network->host;
        GHashTableIter iter;
        gpointer other;
        Link link;

        g_hash_table_iter_init(&iter, host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &other))
                if (entries_find_tap(((Network *)other)->config->entries, name))
                        return true;
        return link_get(host->rtnl, name, &link) == 0;
}

static char *choose_name(const Network *network, const char *id, GError **error)
{
        guint64 digest = digest_of(id);
        char name[GUEST_TAP_SIZE];

        for (guint32 nth = 0; nth < NAMES_MAX; nth++) {
                guest_tap_name(digest, nth, name);
                if (!name_is_taken(network, name))
                        return g_strdup(name);
        }
        guest_tap_name(digest, 0, name);
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED,
                    "no free name for a TAP like %s", name);
        return NULL;
}

/* Addresses that are in use by others than entries know of: live leases of other devices, and what
 * the neighbour table shows. As a set; the caller's. */
static GHashTable *taken_addresses(Network *network, const char *mac, GHashTable *leaving)
{
        GHashTable *taken = g_hash_table_new(NULL, NULL);
        gint64 now_sec = g_get_real_time() / G_USEC_PER_SEC;
        g_autoptr(GArray) seen = route_neighbours(network->host->rtnl, network->record->index);
        GHashTableIter iter;
        gpointer ip;

        for (guint i = 0; seen && i < seen->len; i++)
                g_hash_table_add(taken, GUINT_TO_POINTER(g_array_index(seen, guint32, i)));
        for (guint i = 0; i < network->leases->len; i++) {
                const Lease *lease = network->leases->pdata[i];
                if (g_str_equal(lease->mac, mac))
                        g_hash_table_remove(taken, GUINT_TO_POINTER(lease->ip));
                else if (!lease_is_expired(lease, now_sec))
                        g_hash_table_add(taken, GUINT_TO_POINTER(lease->ip));
        }
        if (leaving) {
                g_hash_table_iter_init(&iter, leaving);
                while (g_hash_table_iter_next(&iter, &ip, NULL))
                        g_hash_table_add(taken, ip);
        }
        return taken;
}

static bool is_free(const Network *network, guint32 ip, GHashTable *taken)
{
        const NetworkConfig *config = network->config;

        return ip != config->gateway_ip && !entries_find_ip(config->entries, ip) &&
               !entries_find_public_ip(config->entries, ip) &&
               !g_hash_table_contains(taken, GUINT_TO_POINTER(ip));
}

static bool choose_ip(const Network *network, AddressEntry *entry, GHashTable *taken,
                      GError **error)
{
        const Subnet *subnet = &network->config->subnet;
        guint64 digest = digest_of(entry->guest->id);
        guint32 n = guest_n_addresses(subnet);

        for (guint32 nth = 0; nth < n; nth++) {
                entry->ip = guest_address(subnet, digest, nth);
                if (is_free(network, entry->ip, taken))
                        return true;
        }
        g_autofree char *text = subnet_to_string(subnet);
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED,
                    "no address of %s is free for another guest", text);
        return false;
}

static bool check_ip(const AddressEntry *entry, GHashTable *taken, GError **error)
{
        char text[ADDRESS_TEXT_SIZE];

        if (!g_hash_table_contains(taken, GUINT_TO_POINTER(entry->ip)))
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_ADDRESS_IN_USE,
                    "ip: %s is in use: somebody has it by DHCP, or is seen with it",
                    address_format(entry->ip, text));
        return false;
}

AddressEntry *guests_choose(Network *network, const GuestWish *wish, GHashTable *leaving,
                            GError **error)
{
        g_autoptr(AddressEntry) entry = address_entry_copy(wish->entry);
        char mac[MAC_TEXT_SIZE];

        if (!entry->mac) {
                guest_mac(digest_of(entry->guest->id), mac);
                entry->mac = g_strdup(mac);
        }
        g_autoptr(GHashTable) taken = taken_addresses(network, entry->mac, leaving);
        bool found =
                entry->ip ? check_ip(entry, taken, error) : choose_ip(network, entry, taken, error);
        if (!found)
                return NULL;
        entry->guest->tap_name = choose_name(network, entry->guest->id, error);
        return entry->guest->tap_name ? g_steal_pointer(&entry) : NULL;
}

/* TAPs */

bool guests_check(Network *network, GError **error)
{
        Link link;

        if (!network_is_up(network)) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "%s: the network is not up: %s", network->name,
                            network_state_to_string(network->state));
                return false;
        }
        if (link_get(network->host->rtnl, network->interface, &link) == 0 && link.bridge)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                    "%s: interface %s is no bridge, and guests are attached to one", network->name,
                    network->interface);
        return false;
}

static bool has_own_bridge(const Network *network)
{
        return network->record->made && network->config->mtu != 0;
}

guint guests_mtu(const Network *network, const Guest *guest)
{
        Link bridge;

        if (guest->mtu || has_own_bridge(network))
                return guest->mtu ? guest->mtu : network->config->mtu;
        bool is_there = link_get(network->host->rtnl, network->interface, &bridge) == 0;
        return is_there ? bridge.mtu : network->config->mtu;
}

/* @alias is borrowed by it. */
static TapPlan plan_of(const Network *network, const Guest *guest, const Link *bridge,
                       const char *alias)
{
        guint mtu = has_own_bridge(network) ? network->config->mtu : bridge->mtu;

        return (TapPlan){
                .name = guest->tap_name,
                .alias = alias,
                .owner = guest->owner,
                .multi_queue = guest->queues > 1,
                .mtu = guest->mtu ? guest->mtu : mtu,
                .bridge = bridge->index,
                .isolated = network->config->isolate_guests,
        };
}

static bool note_guests(Network *network, bool there, GError **error)
{
        if (network->record->guests == there)
                return true;
        network->record->guests = there;
        return network_save_record(network, error);
}

/* The host has no business in IPv6 with what is behind a port. */
static void silence(const char *name)
{
        int value;

        if (sysctl_get(SYSCTL_IPV6_DISABLE, name, &value) == 0)
                (void)sysctl_set(SYSCTL_IPV6_DISABLE, name, 1, NULL); /* it speaks, then */
}

/* A bridge whose MTU nobody has set has that of its narrowest port (br_mtu_auto_adjust() in
 * net/bridge/br_if.c). One that is not ours stays as it was; once set, it does. */
static bool join(Network *network, const TapPlan *plan, GError **error)
{
        Netlink *rtnl = network->host->rtnl;
        Link before, after;

        if (has_own_bridge(network) || link_get_by_index(rtnl, plan->bridge, &before) < 0)
                return tap_join(rtnl, plan, error);
        return tap_join(rtnl, plan, error) &&
               (link_get_by_index(rtnl, plan->bridge, &after) < 0 || after.mtu == before.mtu ||
                link_set_mtu(rtnl, plan->bridge, before.mtu, error));
}

static bool make(Network *network, const TapPlan *plan, GError **error)
{
        int fd = note_guests(network, true, error) ? tap_new(plan, error) : -1;

        if (fd < 0)
                return false;
        silence(plan->name);
        bool made = join(network, plan, error) &&
                    tap_check_alone(network->host->rtnl, plan, error) && tap_keep(fd, error);
        close(fd); /* where it is not kept, it goes with that */
        return made;
}

/* A TAP that is of another kind is none of ours as it is: its owner and its queues are what it was
 * made with. */
static bool remake(Network *network, const Tap *tap, const TapPlan *plan, GError **error)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new();

        g_ptr_array_add(names, (gpointer)plan->name);
        if (tap->owner == plan->owner && tap->multi_queue == plan->multi_queue)
                return join(network, plan, error);
        return tap_delete(network->host->rtnl, names, plan->alias, error) &&
               make(network, plan, error);
}

static bool put(Network *network, const Guest *guest, const Link *bridge, GError **error)
{
        g_autofree char *alias = alias_of(network);
        const TapPlan plan = plan_of(network, guest, bridge, alias);
        Tap tap;

        if (!tap_get(network->host->rtnl, guest->tap_name, alias, &tap))
                return make(network, &plan, error);
        return tap_is_as_planned(&tap, &plan) || remake(network, &tap, &plan, error);
}

static bool get_bridge(const Network *network, Link *ret_link, GError **error)
{
        int r = link_get_by_index(network->host->rtnl, network->record->index, ret_link);

        if (r == 0 && ret_link->bridge)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "interface %s is no bridge",
                    network->interface);
        return false;
}

bool guests_make_tap(Network *network, const Guest *guest, GError **error)
{
        Link bridge;

        return get_bridge(network, &bridge, error) && put(network, guest, &bridge, error);
}

/* What guests have none for. */

/* Whether that is another reason than until now. */
static bool note_tap(Network *network, const Guest *guest, const GError *fault)
{
        const char *said = g_hash_table_lookup(network->tapless, guest->id);
        bool differs = g_strcmp0(said, fault ? fault->message : NULL) != 0;

        if (!fault)
                g_hash_table_remove(network->tapless, guest->id);
        else if (differs)
                g_hash_table_insert(network->tapless, g_strdup(guest->id),
                                    g_strdup(fault->message));
        return differs;
}

void guests_look_again(Network *network)
{
        if (network_is_up(network))
                operations_refresh(network, 0);
}

bool guests_have_tap(Network *network, const Guest *guest, GError **error)
{
        g_autoptr(GError) fault = NULL;

        (void)guests_make_tap(network, guest, &fault); /* `fault` says how it went */
        if (note_tap(network, guest, fault))
                guests_look_again(network);
        if (!fault)
                return true;
        g_propagate_error(error, g_steal_pointer(&fault));
        return false;
}

static int compare_ids(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *guests_fault(const Network *network)
{
        guint n = g_hash_table_size(network->tapless);
        g_autofree gpointer *ids = g_hash_table_get_keys_as_array(network->tapless, NULL);

        if (n == 0)
                return NULL;
        qsort(ids, n, sizeof *ids, compare_ids);
        const char *why = g_hash_table_lookup(network->tapless, ids[0]);
        g_autofree char *id = g_strescape(ids[0], NULL);
        if (n == 1)
                return g_strdup_printf("guest \"%s\" has no TAP: %s", id, why);
        return g_strdup_printf("guest \"%s\" and %u more have no TAP: %s", id, n - 1, why);
}

bool guests_miss(Network *network, const char *name)
{
        const AddressEntry *entry = entries_find_tap(network->config->entries, name);
        g_autofree char *alias = alias_of(network);
        Link bridge;
        Tap tap;

        if (!entry || !get_bridge(network, &bridge, NULL))
                return false;
        const TapPlan plan = plan_of(network, entry->guest, &bridge, alias);
        return !tap_get(network->host->rtnl, name, alias, &tap) || !tap_is_as_planned(&tap, &plan);
}

/* Whose guest they are not. */
static GPtrArray *find_strays(const Network *network, const GArray *taps)
{
        GPtrArray *strays = g_ptr_array_new();

        for (guint i = 0; i < taps->len; i++) {
                Tap *tap = &g_array_index(taps, Tap, i);
                if (!entries_find_tap(network->config->entries, tap->name))
                        g_ptr_array_add(strays, tap->name);
        }
        return strays;
}

static GHashTable *by_name(const GArray *taps)
{
        GHashTable *table = g_hash_table_new(g_str_hash, g_str_equal);

        for (guint i = 0; i < taps->len; i++) {
                Tap *tap = &g_array_index(taps, Tap, i);
                g_hash_table_insert(table, tap->name, tap);
        }
        return table;
}

static void note_and_log(Network *network, const Guest *guest, const GError *fault)
{
        if (note_tap(network, guest, fault) && fault)
                log_network_warning(network->name, "guest %s: %s", guest->id, fault->message);
}

static void put_listed(Network *network, const Guest *guest, const Link *bridge, const Tap *tap,
                       const char *alias)
{
        const TapPlan plan = plan_of(network, guest, bridge, alias);
        g_autoptr(GError) fault = NULL;

        if (!tap)
                (void)make(network, &plan, &fault); /* `fault` says how it went */
        else if (!tap_is_as_planned(tap, &plan))
                (void)remake(network, tap, &plan, &fault);
        note_and_log(network, guest, fault);
}

static gboolean is_no_guest(gpointer id, gpointer why, gpointer data)
{
        return !entries_find_guest(data, id);
}

/* One that cannot have its TAP does not take the network from all others; without a bridge that is
 * all of them. */
static void put_all(Network *network, const GArray *taps, const char *alias)
{
        Entries *entries = network->config->entries;
        g_autoptr(GHashTable) there = by_name(taps);
        g_autoptr(GError) fault = NULL;
        Link bridge;

        (void)get_bridge(network, &bridge, &fault); /* `fault` says how it went */
        g_hash_table_foreach_remove(network->tapless, is_no_guest, entries);
        for (guint i = 0; i < entries_n_addresses(entries); i++) {
                const Guest *guest = entries_address_at(entries, i)->guest;
                if (guest && fault)
                        note_and_log(network, guest, fault);
                else if (guest)
                        put_listed(network, guest, &bridge,
                                   g_hash_table_lookup(there, guest->tap_name), alias);
        }
}

bool guests_sync(Network *network, GError **error)
{
        g_autofree char *alias = alias_of(network);

        guests_forget_left(network);
        if (entries_n_guests(network->config->entries) == 0 && !network->record->guests)
                return true;
        g_autoptr(GArray) taps = tap_list(network->host->rtnl, alias, error);
        if (!taps)
                return false;
        g_autoptr(GPtrArray) strays = find_strays(network, taps);
        if (!tap_delete(network->host->rtnl, strays, alias, error))
                return false;
        put_all(network, taps, alias);
        return note_guests(network, entries_n_guests(network->config->entries) > 0, error);
}

bool guests_clear(Network *network, GError **error)
{
        g_autofree char *alias = alias_of(network);

        if (!network->record->guests)
                return true;
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        g_autoptr(GArray) taps = tap_list(network->host->rtnl, alias, error);
        if (!taps)
                return false;
        for (guint i = 0; i < taps->len; i++)
                g_ptr_array_add(names, g_array_index(taps, Tap, i).name);
        return tap_delete(network->host->rtnl, names, alias, error) &&
               note_guests(network, false, error);
}

void guests_remove_taps(Network *network, const GPtrArray *names)
{
        g_autofree char *alias = alias_of(network);
        g_autoptr(GError) error = NULL;

        if (!tap_delete(network->host->rtnl, names, alias, &error))
                log_network_warning(network->name, "%s", error->message);
}

/* Opening */

static void close_fd(gpointer data)
{
        close(*(int *)data);
}

/* The TAP as it is; it is there as it should be, and nobody has it open. A TAP has a carrier while
 * somebody has: one of several queues gives room for others than its user's. */
static bool ready(Network *network, const Guest *guest, const char *alias, Tap *ret_tap,
                  GError **error)
{
        Netlink *rtnl = network->host->rtnl;
        Link link;

        if (tap_get(rtnl, guest->tap_name, alias, ret_tap) &&
            link_get(rtnl, guest->tap_name, &link) == 0 && link.carrier) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_IN_USE,
                            "%s: somebody has the TAP open", guest->tap_name);
                return false;
        }
        if (!guests_have_tap(network, guest, error))
                return false;
        if (tap_get(rtnl, guest->tap_name, alias, ret_tap))
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                    "%s: somebody has taken the TAP away", guest->tap_name);
        return false;
}

GArray *guests_open(Network *network, const Guest *guest, bool vnet_hdr, GError **error)
{
        g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(int));
        g_autofree char *alias = alias_of(network);
        Tap tap;

        g_array_set_clear_func(fds, close_fd);
        if (!ready(network, guest, alias, &tap, error))
                return NULL;
        for (guint i = 0; i < guest->queues; i++) {
                int fd = tap_open(network->host->rtnl, &tap, alias, vnet_hdr, error);
                if (fd < 0)
                        return NULL;
                g_array_append_val(fds, fd);
        }
        return g_steal_pointer(&fds);
}
