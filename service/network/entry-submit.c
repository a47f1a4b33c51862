/* SPDX-License-Identifier: GPL-2.0-or-later */

/* How changes of single entries come in: made at once where nothing is under way, queued as an
 * operation else, or where the LAN has to be asked for a public address first. */

#include "network/entry-change.h"
#include "network/network-private.h"

bool entry_change_choice_matters(const Network *network, EntryChange *change)
{
        const Entries *entries = network->config->entries;
        const AddressEntry *entry = entries_find_public_name(entries, change->public_name);
        guint32 public_ip = change->address->public_ip;

        if (!entry || entry->public_ip == public_ip)
                return false;
        address_entry_free(change->address);
        change->address = address_entry_copy(entry);
        change->address->public_ip = public_ip;
        return true;
}

AddressEntry *entry_change_address(Network *network, gpointer data)
{
        EntryChange *change = data;

        if (change->type == ATTACH_GUEST && !change->address &&
            !entries_find_guest(network->config->entries, change->wish->entry->guest->id))
                (void)entry_change_resolve(network, change, NULL, NULL); /* refused when it runs */
        return change->address;
}

bool entry_change_needs_probe(Network *network, gpointer data)
{
        EntryChange *change = data;

        if (change->public_name && !entry_change_choice_matters(network, change))
                return false;
        bool may_want = change->type != ATTACH_GUEST || change->wish->entry->public_auto ||
                        change->wish->entry->public_name || change->wish->entry->public_ip;
        const AddressEntry *entry = may_want ? entry_change_address(network, data) : NULL;

        if (!entry || !(entry->public_ip || entry->public_auto) ||
            !entry_maps_are_in_force(network) ||
            !config_check_address(network->config, entry, NULL))
                return false;
        const AddressEntry *before = entries_find_ip(network->config->entries, entry->ip);
        guint32 wanted = entry->public_ip ? entry->public_ip
                                          : entries_choice_of(network->config->entries, entry);
        return wanted == 0 || !before || before->public_ip != wanted;
}

void entry_change_cancel(Network *network, gpointer data, const GError *error)
{
        g_autoptr(EntryChange) change = data;
        entry_change_answer(network, change, error);
}

static void submit(Network *network, EntryChange *change)
{
        if (operations_are_idle(network) && !network->removed &&
            !entry_change_needs_probe(network, change))
                entry_changes_run(network, change);
        else
                operations_queue_entry_change(network, change);
}

static EntryChange *entry_change_new(EntryChangeType type, NetworkDone done, gpointer data)
{
        EntryChange *change = g_new0(EntryChange, 1);
        change->type = type;
        change->done = done;
        change->data = data;
        return change;
}

void network_put_address(Network *network, AddressEntry *entry, NetworkDone done, gpointer data)
{
        EntryChange *change = entry_change_new(PUT_ADDRESS, done, data);
        change->address = entry;
        submit(network, change);
}

void entry_changes_choose_public(Network *network, const char *public_name, guint32 public_ip,
                                 NetworkDone done, gpointer data)
{
        const Entries *entries = network->config->entries;
        const AddressEntry *entry = entries_find_public_name(entries, public_name);

        if (!entry) {
                done(network, NULL, data);
                return;
        }
        EntryChange *change = entry_change_new(PUT_ADDRESS, done, data);
        change->public_name = g_strdup(public_name);
        change->address = address_entry_copy(entry);
        change->address->public_ip = public_ip;
        submit(network, change);
}

void network_remove_address(Network *network, guint32 ip, NetworkDone done, gpointer data)
{
        EntryChange *change = entry_change_new(REMOVE_ADDRESS, done, data);
        change->ip = ip;
        submit(network, change);
}

void network_attach_guest(Network *network, GuestWish *wish, guint32 caller, NetworkAttached done,
                          gpointer data)
{
        EntryChange *change = entry_change_new(ATTACH_GUEST, NULL, data);
        change->attached = done;
        change->wish = wish;
        change->caller = caller;
        submit(network, change);
}

void network_detach_guest(Network *network, const char *id, guint32 caller, NetworkDone done,
                          gpointer data)
{
        EntryChange *change = entry_change_new(DETACH_GUEST, done, data);
        change->guest = g_strdup(id);
        change->caller = caller;
        submit(network, change);
}

void network_put_dns(Network *network, DnsEntry *entry, NetworkDone done, gpointer data)
{
        EntryChange *change = entry_change_new(PUT_DNS, done, data);
        change->dns = entry;
        submit(network, change);
}

void network_remove_dns(Network *network, const char *hostname, NetworkDone done, gpointer data)
{
        EntryChange *change = entry_change_new(REMOVE_DNS, done, data);
        change->hostname = g_strdup(hostname);
        submit(network, change);
}

void network_remove_dns_address(Network *network, DnsEntry *entry, NetworkDone done, gpointer data)
{
        EntryChange *change = entry_change_new(REMOVE_DNS, done, data);
        change->hostname = g_strdup(entry->hostname);
        change->asked_dns = entry;
        submit(network, change);
}

void network_put_forward(Network *network, Forward *forward, NetworkDone done, gpointer data)
{
        EntryChange *change = entry_change_new(PUT_FORWARD, done, data);
        change->forward = forward;
        submit(network, change);
}

void network_remove_forward(Network *network, Forward *key, NetworkDone done, gpointer data)
{
        EntryChange *change = entry_change_new(REMOVE_FORWARD, done, data);
        change->forward = key;
        submit(network, change);
}
