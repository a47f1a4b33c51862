/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What a change of an entry makes of the kernel's maps, by elements; the rules stay. */

#include "network/entry-change.h"
#include "network/forwards.h"
#include "network/limits-table.h"
#include "network/public.h"
#include "util/log.h"

bool entry_maps_are_in_force(const Network *network)
{
        return network_is_up(network) && network->config->nat_mode == NAT_MODE_1TO1 &&
               network->record->table;
}

/* The kernel refuses where somebody else has changed the table and we are not told of that yet: it
 * is then made anew, of the entries as they are before this change. */
static bool change_maps(Network *network, NftMapping removed, NftMapping added, GError **error)
{
        Nft *nft = network->host->nft;
        const char *table = network->record->table;
        guint n_removed = removed.public_ip ? 1 : 0;
        guint n_added = added.public_ip ? 1 : 0;

        bool is_twin = network->record->twin != 0;

        if (nft_change_mappings(nft, table, is_twin, &removed, n_removed, &added, n_added, NULL))
                return true;
        return firewall_apply(network, error) &&
               nft_change_mappings(nft, table, is_twin, &removed, n_removed, &added, n_added,
                                   error);
}

/* Exchanges @old for @new_entry (either may be NULL) in the maps and among the public addresses. An
 * address is on only while the maps have it: else the host would answer in the board's place. */
static bool swap_mapping(Network *network, const AddressEntry *old, const AddressEntry *new_entry,
                         GError **error)
{
        guint32 ip = new_entry ? new_entry->ip : old->ip;
        NftMapping removed = { ip, old ? old->public_ip : 0 };
        NftMapping added = { ip, new_entry ? new_entry->public_ip : 0 };

        if (!entry_maps_are_in_force(network) || removed.public_ip == added.public_ip)
                return true;
        if (!public_take_off(network, removed.public_ip, error))
                return false;
        bool exchanged = change_maps(network, removed, added, error);
        if (exchanged && public_put_on(network, added.public_ip, error))
                return true;
        /* As it was; the first error counts. */
        if (exchanged)
                (void)change_maps(network, added, removed, NULL);
        (void)public_put_on(network, removed.public_ip, NULL);
        return false;
}

static bool swap_limits(Network *network, const AddressEntry *old, const AddressEntry *new_entry,
                        GError **error)
{
        const Limits none = { 0 };

        return limits_table_exchange(network, new_entry ? new_entry->ip : old->ip,
                                     old ? &old->limits : &none,
                                     new_entry ? &new_entry->limits : &none, error);
}

static bool swap_address(Network *network, const AddressEntry *old, const AddressEntry *new_entry,
                         GError **error)
{
        if (!swap_mapping(network, old, new_entry, error))
                return false;
        if (swap_limits(network, old, new_entry, error))
                return true;
        (void)swap_mapping(network, new_entry, old, NULL); /* the first error counts */
        return false;
}

bool entry_change_kernel(Network *network, const EntryChange *change, bool back, GError **error)
{
        const AddressEntry *address = change->address, *old_address = change->old_address;
        const Forward *forward = change->type == PUT_FORWARD ? change->forward : NULL;
        const Forward *old_forward = change->old_forward;

        if (entry_change_is_address(change))
                return back ? swap_address(network, address, old_address, error)
                            : swap_address(network, old_address, address, error);
        if (entry_change_is_forward(change))
                return back ? forwards_exchange(network, forward, old_forward, error)
                            : forwards_exchange(network, old_forward, forward, error);
        return true;
}

void entry_change_end_connections(Network *network, const EntryChange *change)
{
        const AddressEntry *old = change->old_address, *now = change->address;
        g_autoptr(GError) error = NULL;

        if (!entry_change_is_address(change) || !old || !old->public_ip ||
            (now && now->public_ip == old->public_ip) || !entry_maps_are_in_force(network))
                return;
        if (!conntrack_end_mapping(network->host->conntrack, old->ip, old->public_ip, NULL, &error))
                log_network_warning(network->name, "%s", error->message);
}
