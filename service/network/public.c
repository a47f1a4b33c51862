/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Public addresses are put on as /32 with noprefixroute: a longer prefix would make them go with
 * NetworkManager's primary address. An address that is there already is used and left there; the
 * record knows which ones are ours, and our mark on them does where the record was lost. */

#include "network/public.h"

#include <linux/if_addr.h>

#include "host/arp.h"
#include "host/ip-address.h"
#include "host/link.h"
#include "host/route.h"
#include "network/network-private.h"
#include "util/log.h"

/* The loopback's index in every network namespace; local addresses are routed to it. */
#define LOOPBACK_INDEX 1
/* Nobody has taken an address within that time because its holder was away. */
#define SHORT_ABSENCE_USEC (10 * G_TIME_SPAN_SECOND)

guint public_index(const Network *network)
{
        Link link;

        if (!network->public_interface ||
            link_get(network->host->rtnl, network->public_interface, &link) < 0)
                return 0;
        return link.index;
}

bool public_is_ours(const Record *record, guint32 ip)
{
        for (guint i = 0; i < record->public_added->len; i++)
                if (g_array_index(record->public_added, guint32, i) == ip)
                        return true;
        return false;
}

bool public_is_just_back(Network *network)
{
        guint index = public_index(network);
        gint64 absent_usec = g_get_monotonic_time() - network->left_usec;

        return index != 0 && index == network->left_index && absent_usec < SHORT_ABSENCE_USEC;
}

bool public_is_on(Network *network, guint32 ip)
{
        return route_lookup(network->host->rtnl, ip) == LOOPBACK_INDEX;
}

static IpAddress host_address(guint index, guint32 ip)
{
        return (IpAddress){
                .index = index,
                .address = ip,
                .prefix = 32,
                .flags = IFA_F_NOPREFIXROUTE,
                .valid_sec = G_MAXUINT32,
                .preferred_sec = G_MAXUINT32,
                .protocol = IP_ADDRESS_OURS,
        };
}

static void forget(Record *record, guint32 ip)
{
        for (guint i = 0; i < record->public_added->len; i++)
                if (g_array_index(record->public_added, guint32, i) == ip) {
                        g_array_remove_index_fast(record->public_added, i);
                        return;
                }
}

static bool remove_one(Network *network, guint index, guint32 ip, GError **error)
{
        if (!public_is_ours(network->record, ip))
                return true;
        if (index != 0) {
                IpAddress address = host_address(index, ip);
                if (!ip_address_delete(network->host->rtnl, &address, error))
                        return false;
        }
        forget(network->record, ip);
        return true;
}

static const IpAddress *find(const GArray *addresses, guint32 ip)
{
        for (guint i = 0; i < addresses->len; i++) {
                const IpAddress *address = &g_array_index(addresses, IpAddress, i);
                if (address->address == ip)
                        return address;
        }
        return NULL;
}

/* Lists addresses only where the kernel says that @ip is the host's: most often it is not. */
static bool is_somebody_elses(Network *network, guint index, guint32 ip)
{
        Netlink *rtnl = network->host->rtnl;

        if (public_is_ours(network->record, ip) || route_lookup(rtnl, ip) != LOOPBACK_INDEX)
                return false;
        g_autoptr(GArray) there = ip_address_list(rtnl, index, NULL);
        const IpAddress *found = there ? find(there, ip) : NULL;
        return found && found->protocol != IP_ADDRESS_OURS;
}

/* Has the record say that @addresses are ours, before they are. */
static bool record_ours(Network *network, const GArray *addresses, GError **error)
{
        Record *record = network->record;
        guint n_before = record->public_added->len;

        for (guint i = 0; i < addresses->len; i++) {
                guint32 ip = g_array_index(addresses, guint32, i);
                if (!public_is_ours(record, ip))
                        g_array_append_val(record->public_added, ip);
        }
        if (record->public_added->len == n_before || network_save_record(network, error))
                return true;
        g_array_set_size(record->public_added, n_before);
        return false;
}

/* Puts @addresses on, written down once for all of them. One that somebody else has put there is
 * not ours. */
static bool put_all(Network *network, guint index, const GArray *addresses, GError **error)
{
        bool forgotten = false;

        if (!record_ours(network, addresses, error))
                return false;
        for (guint i = 0; i < addresses->len; i++) {
                IpAddress address = host_address(index, g_array_index(addresses, guint32, i));
                bool existed = false;
                if (!ip_address_add(network->host->rtnl, &address, &existed, error)) {
                        for (; i < addresses->len; i++)
                                forget(network->record, g_array_index(addresses, guint32, i));
                        return false;
                }
                if (existed)
                        forget(network->record, address.address);
                forgotten |= existed;
        }
        return !forgotten || network_save_record(network, error);
}

/* What was sent to @ips before they had their mappings. The host's own would have been on before.
 */
static bool end_old_connections(Network *network, const GArray *ips, GError **error)
{
        g_autoptr(GArray) strange = g_array_new(FALSE, FALSE, sizeof(guint32));

        for (guint i = 0; i < ips->len; i++) {
                guint32 ip = g_array_index(ips, guint32, i);
                if (!public_is_on(network, ip))
                        g_array_append_val(strange, ip);
        }
        return conntrack_end_untranslated(network->host->conntrack, strange, error);
}

static void announce(Network *network, guint index, const GArray *added)
{
        g_autoptr(GError) error = NULL;

        if (added->len > 0 && !arp_announce(network->host->arp, index, added, &error))
                log_network_warning(network->name, "%s", error->message);
}

/* All that we added and that @wanted (NULL: nothing) has no mapping for. */
static bool remove_unwanted(Network *network, guint index, const Entries *wanted, GError **error)
{
        Record *record = network->record;

        for (guint i = record->public_added->len; i-- > 0;) {
                guint32 ip = g_array_index(record->public_added, guint32, i);
                if ((!wanted || !entries_find_public_ip(wanted, ip)) &&
                    !remove_one(network, index, ip, error))
                        return false;
        }
        return true;
}

/* The interface that our addresses are on, whatever it is called now; 0 = gone. */
static guint recorded_index(const Network *network)
{
        guint index = network->record->public_index;
        Link link;

        return link_get_by_index(network->host->rtnl, index, &link) == 0 ? index : 0;
}

/* The public interface moved: what we put on the old one goes first. Renamed, it has not moved. */
static bool leave_old_interface(Network *network, guint index, GError **error)
{
        Record *record = network->record;
        guint old_index = recorded_index(network);

        if (old_index != index && record->public_added->len > 0) {
                network->left_index = old_index;
                network->left_usec = g_get_monotonic_time();
        }
        if (old_index != index && !remove_unwanted(network, old_index, NULL, error))
                return false;
        g_free(record->public_interface);
        record->public_interface = g_strdup(network->public_interface);
        record->public_index = index;
        return true;
}

static bool add_all(Network *network, guint index, const GArray *ips, GError **error)
{
        if (!end_old_connections(network, ips, error) || !put_all(network, index, ips, error))
                return false;
        announce(network, index, ips);
        return true;
}

GArray *public_missing(Network *network, GError **error)
{
        g_autoptr(GArray) missing = g_array_new(FALSE, FALSE, sizeof(guint32));
        const Entries *entries = network->config->entries;
        guint index = public_index(network);

        if (network->config->nat_mode != NAT_MODE_1TO1 || index == 0)
                return g_steal_pointer(&missing);
        g_autoptr(GArray) there = ip_address_list(network->host->rtnl, index, error);
        if (!there)
                return NULL;
        g_autoptr(GHashTable) on = g_hash_table_new(NULL, NULL);
        for (guint i = 0; i < there->len; i++)
                g_hash_table_add(on, GUINT_TO_POINTER(g_array_index(there, IpAddress, i).address));
        for (guint i = 0; i < entries_n_addresses(entries); i++) {
                guint32 ip = entries_address_at(entries, i)->public_ip;
                if (ip && !g_hash_table_contains(on, GUINT_TO_POINTER(ip)))
                        g_array_append_val(missing, ip);
        }
        return g_steal_pointer(&missing);
}

/* Another network, which gives it up, leaves it there. */
static bool leave_to(const Network *heir, guint32 ip, GError **error)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, heir->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Network *other = value;
                if (other == heir || !public_is_ours(other->record, ip))
                        continue;
                forget(other->record, ip);
                if (!network_save_record(other, error))
                        return false;
        }
        return true;
}

/* What is on already, by our mark, is ours from now on. */
static bool take_over(Network *network, const GArray *ips, GError **error)
{
        if (!record_ours(network, ips, error))
                return false;
        for (guint i = 0; i < ips->len; i++)
                if (!leave_to(network, g_array_index(ips, guint32, i), error))
                        return false;
        return true;
}

static bool add_missing(Network *network, guint index, const Entries *entries, GError **error)
{
        g_autoptr(GArray) there = ip_address_list(network->host->rtnl, index, error);
        g_autoptr(GArray) missing = g_array_new(FALSE, FALSE, sizeof(guint32));
        g_autoptr(GArray) marked = g_array_new(FALSE, FALSE, sizeof(guint32));

        if (!there)
                return false;
        for (guint i = 0; i < entries_n_addresses(entries); i++) {
                guint32 ip = entries_address_at(entries, i)->public_ip;
                const IpAddress *found = ip ? find(there, ip) : NULL;
                if (found && found->protocol == IP_ADDRESS_OURS &&
                    !public_is_ours(network->record, ip))
                        g_array_append_val(marked, ip);
                if (ip && !found && !g_hash_table_contains(network->blocked, GUINT_TO_POINTER(ip)))
                        g_array_append_val(missing, ip);
        }
        return take_over(network, marked, error) && add_all(network, index, missing, error);
}

bool public_take_lost_off(Network *network, GError **error)
{
        const NetworkConfig *config = network->config;
        const Entries *wanted = config->nat_mode == NAT_MODE_1TO1 ? config->entries : NULL;
        guint index = public_index(network);

        return leave_old_interface(network, index, error) &&
               remove_unwanted(network, index, wanted, error) &&
               network_save_record(network, error);
}

bool public_sync(Network *network, GError **error)
{
        const NetworkConfig *config = network->config;

        if (!public_take_lost_off(network, error))
                return false;
        guint index = public_index(network);
        if (config->nat_mode != NAT_MODE_1TO1 || index == 0)
                return true;
        return add_missing(network, index, config->entries, error);
}

void public_announce(Network *network)
{
        const Entries *entries = network->config->entries;
        guint index = public_index(network);

        if (!network_is_up(network) || network->config->nat_mode != NAT_MODE_1TO1 || index == 0)
                return;
        g_autoptr(GArray) mapped = g_array_new(FALSE, FALSE, sizeof(guint32));
        for (guint i = 0; i < entries_n_addresses(entries); i++) {
                guint32 ip = entries_address_at(entries, i)->public_ip;
                if (ip && !g_hash_table_contains(network->blocked, GUINT_TO_POINTER(ip)))
                        g_array_append_val(mapped, ip);
        }
        announce(network, index, mapped);
}

bool public_clear(Network *network, GError **error)
{
        Record *record = network->record;

        if (!remove_unwanted(network, recorded_index(network), NULL, error))
                return false;
        g_clear_pointer(&record->public_interface, g_free);
        record->public_index = 0;
        return network_save_record(network, error);
}

bool public_put_on(Network *network, guint32 ip, GError **error)
{
        g_autoptr(GArray) ips = g_array_new(FALSE, FALSE, sizeof(guint32));
        guint index = public_index(network);

        if (index != network->record->public_index) /* moved just now: public_sync() will do it */
                return true;
        if (!ip || index == 0 || is_somebody_elses(network, index, ip))
                return true;
        g_array_append_val(ips, ip);
        return add_all(network, index, ips, error);
}

bool public_take_off(Network *network, guint32 ip, GError **error)
{
        return !ip || (remove_one(network, recorded_index(network), ip, error) &&
                       network_save_record(network, error));
}
