/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What guest-traces.c takes away, of IPv6, where a guest has as many addresses as it likes: the one
 * that follows from its MAC, its entry's, those of its leases, and what the host has seen with its
 * MAC. */

#include "network/guests.h"

#include "host/neighbour6.h"
#include "network/network-private.h"
#include "util/log.h"

typedef struct Search {
        const Network *network;
        GHashTable *macs;      /* the guests', as a set */
        GHashTable *addresses; /* Address6, as a set: theirs */
} Search;

static GHashTable *macs_of(const GPtrArray *entries)
{
        GHashTable *macs = g_hash_table_new(g_str_hash, g_str_equal);

        for (guint i = 0; i < entries->len; i++)
                g_hash_table_add(macs, ((const AddressEntry *)entries->pdata[i])->mac);
        return macs;
}

static void add(Search *search, const Address6 *address)
{
        if (!address6_is_none(address))
                g_hash_table_add(search->addresses, g_memdup2(address, sizeof *address));
}

static void add_configured(Search *search, const AddressEntry *entry)
{
        const Subnet6 *subnet = &search->network->config->ipv6_subnet;

        add(search, &entry->ipv6);
        if (subnet->prefix == 64) {
                Address6 address = subnet6_eui64(subnet, entry->mac);
                add(search, &address);
        }
}

static void add_leased(Search *search)
{
        const GPtrArray *leases = search->network->leases;

        for (guint i = 0; i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];
                if (lease->ip == 0 && g_hash_table_contains(search->macs, lease->mac))
                        add(search, &lease->ip6);
        }
}

/* Whoever is in a guest says what address the host has seen its MAC with. */
static bool is_anothers(const Search *search, const Address6 *address)
{
        const NetworkConfig *config = search->network->config;
        const GPtrArray *leases = search->network->leases;

        for (guint i = 0; i < entries_n_addresses(config->entries); i++) {
                const AddressEntry *entry = entries_address_at(config->entries, i);
                if (!entry->mac || g_hash_table_contains(search->macs, entry->mac))
                        continue;
                const Address6 made = subnet6_eui64(&config->ipv6_subnet, entry->mac);
                if (address6_equal(&entry->ipv6, address) || address6_equal(&made, address))
                        return true;
        }
        for (guint i = 0; i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];
                if (lease->ip == 0 && *lease->mac && address6_equal(&lease->ip6, address) &&
                    !g_hash_table_contains(search->macs, lease->mac))
                        return true;
        }
        return false;
}

static void add_seen(Search *search)
{
        const Network *network = search->network;
        g_autoptr(GArray) neighbours = neighbour6_list(network->host->rtnl, network->record->index);

        for (guint i = 0; i < neighbours->len; i++) {
                const Neighbour6 *neighbour = &g_array_index(neighbours, Neighbour6, i);
                if (g_hash_table_contains(search->macs, neighbour->mac) &&
                    subnet6_contains(&network->config->ipv6_subnet, &neighbour->address) &&
                    !is_anothers(search, &neighbour->address))
                        add(search, &neighbour->address);
        }
}

GHashTable *guests_find_ipv6(const Network *network, const GPtrArray *entries)
{
        GHashTable *addresses = g_hash_table_new_full(address6_hash, address6_same, g_free, NULL);
        g_autoptr(GHashTable) macs = macs_of(entries);
        Search search = { network, macs, addresses };

        if (!config_has_ipv6(network->config))
                return addresses;
        for (guint i = 0; i < entries->len; i++)
                add_configured(&search, entries->pdata[i]);
        add_leased(&search);
        add_seen(&search);
        return addresses;
}

void guests_forget_ipv6(Network *network, GHashTable *addresses)
{
        g_autoptr(GError) error = NULL;
        GHashTableIter iter;
        gpointer address;

        if (!conntrack_end_addresses6(network->host->conntrack, addresses, &error))
                log_network_warning(network->name, "%s", error->message);
        g_hash_table_iter_init(&iter, addresses);
        while (g_hash_table_iter_next(&iter, &address, NULL))
                neighbour6_forget(network->host->rtnl, network->record->index, address);
}
