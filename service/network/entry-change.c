/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A change as a value: its line in the log, what it makes of the entries, and what takes it back.
 */

#include "network/entry-change.h"

#include "model/entry-log.h"

void entry_change_free(EntryChange *change)
{
        if (!change)
                return;
        address_entry_free(change->address);
        address_entry_free(change->old_address);
        dns_entry_free(change->dns);
        dns_entry_free(change->asked_dns);
        dns_entry_free(change->old_dns);
        forward_free(change->forward);
        forward_free(change->old_forward);
        guest_wish_free(change->wish);
        g_free(change->guest);
        g_free(change->hostname);
        g_free(change->public_name);
        g_free(change);
}

bool entry_change_is_address(const EntryChange *change)
{
        return change->type == PUT_ADDRESS || change->type == REMOVE_ADDRESS ||
               change->type == ATTACH_GUEST || change->type == DETACH_GUEST;
}

bool entry_change_is_forward(const EntryChange *change)
{
        return change->type == PUT_FORWARD || change->type == REMOVE_FORWARD;
}

char *entry_change_line(const EntryChange *change)
{
        switch (change->type) {
        case PUT_ADDRESS:
        case ATTACH_GUEST:
                return change->public_name ? entry_log_line_choose_public(change->address)
                                           : entry_log_line_put_address(change->address);
        case REMOVE_ADDRESS:
        case DETACH_GUEST:
                return entry_log_line_remove_address(change->ip);
        case PUT_DNS:
                return entry_log_line_put_dns(change->asked_dns);
        case REMOVE_DNS:
                return change->asked_dns ? entry_log_line_drop_dns(change->hostname,
                                                                   change->asked_dns->has_ip6)
                                         : entry_log_line_remove_dns(change->hostname);
        case PUT_FORWARD:
                return entry_log_line_put_forward(change->forward);
        case REMOVE_FORWARD:
                return entry_log_line_remove_forward(change->forward);
        }
        g_assert_not_reached();
}

/* Makes the entries what they are after the change. */
void entry_change_remember(Network *network, const EntryChange *change)
{
        Entries *entries = network->config->entries;

        switch (change->type) {
        case PUT_ADDRESS:
        case ATTACH_GUEST:
                entries_put_address(entries, address_entry_copy(change->address));
                return;
        case REMOVE_ADDRESS:
        case DETACH_GUEST:
                address_entry_free(entries_take_address(entries, change->ip));
                return;
        case PUT_DNS:
                entries_put_dns(entries, dns_entry_copy(change->dns));
                return;
        case REMOVE_DNS:
                if (change->dns)
                        entries_put_dns(entries, dns_entry_copy(change->dns));
                else
                        dns_entry_free(entries_take_dns(entries, change->hostname));
                return;
        case PUT_FORWARD:
                entries_put_forward(entries, forward_copy(change->forward));
                return;
        case REMOVE_FORWARD:
                forward_free(entries_take_forward(entries, change->forward));
                return;
        }
        g_assert_not_reached();
}

/* The change that takes @change back; NULL where it changed nothing that there is a name for. */
EntryChange *entry_change_inverse(const EntryChange *change)
{
        EntryChange *back = g_new0(EntryChange, 1);

        if (entry_change_is_address(change)) {
                back->type = change->old_address ? PUT_ADDRESS : REMOVE_ADDRESS;
                back->ip = change->address ? change->address->ip : change->ip;
                if (change->old_address)
                        back->address = address_entry_copy(change->old_address);
                if (change->address)
                        back->old_address = address_entry_copy(change->address);
                return back;
        }
        if (entry_change_is_forward(change)) {
                const Forward *to = change->old_forward ? change->old_forward : change->forward;
                back->type = change->old_forward ? PUT_FORWARD : REMOVE_FORWARD;
                back->forward = forward_copy(to);
                if (change->type == PUT_FORWARD)
                        back->old_forward = forward_copy(change->forward);
                return back;
        }
        back->type = change->old_dns ? PUT_DNS : REMOVE_DNS;
        back->hostname = g_strdup(change->dns ? change->dns->hostname : change->hostname);
        if (change->old_dns)
                back->dns = dns_entry_copy(change->old_dns);
        return back;
}

void entry_change_answer(Network *network, const EntryChange *change, const GError *error)
{
        if (change->type == ATTACH_GUEST)
                change->attached(network, error ? NULL : change->address, error, change->data);
        else
                change->done(network, error, change->data);
}

/* The address of the family that was not asked for is where it was. */
static void tell_of_dns(Network *network, const EntryChange *change)
{
        const NetworkEvents *events = network->events;
        const DnsEntry *old = change->old_dns;

        if (old) {
                g_autoptr(DnsEntry) gone =
                        dns_entry_copy_like(old, change->asked_dns ? change->asked_dns : old);
                events->dns(network, ENTRY_REMOVED, gone, network->events_data);
        }
        if (change->type == PUT_DNS)
                events->dns(network, ENTRY_ADDED, change->asked_dns, network->events_data);
}

void entry_change_tell(Network *network, const EntryChange *change)
{
        const NetworkEvents *events = network->events;
        gpointer data = network->events_data;

        switch (change->type) {
        case ATTACH_GUEST:
                if (change->old_address) { /* with other limits */
                        events->address(network, ENTRY_CHANGED, change->address, data);
                        return;
                }
                events->address(network, ENTRY_ADDED, change->address, data);
                events->guest(network, ENTRY_ADDED, change->address, data);
                return;
        case DETACH_GUEST:
                events->guest(network, ENTRY_REMOVED, change->old_address, data);
                events->address(network, ENTRY_REMOVED, change->old_address, data);
                return;
        case PUT_ADDRESS:
                events->address(network, change->old_address ? ENTRY_CHANGED : ENTRY_ADDED,
                                change->address, data);
                return;
        case REMOVE_ADDRESS:
                events->address(network, ENTRY_REMOVED, change->old_address, data);
                return;
        case PUT_DNS:
        case REMOVE_DNS:
                tell_of_dns(network, change);
                return;
        case PUT_FORWARD:
                if (change->old_forward)
                        events->forward(network, ENTRY_REMOVED, change->old_forward, data);
                events->forward(network, ENTRY_ADDED, change->forward, data);
                return;
        case REMOVE_FORWARD:
                events->forward(network, ENTRY_REMOVED, change->old_forward, data);
                return;
        }
        g_assert_not_reached();
}

/* An entry without a MAC stands in dhcp-hosts as well: its address is kept out of the pool. */
bool entry_change_of_hosts(const EntryChange *change)
{
        return change->address || change->old_address;
}

bool entry_change_of_names(const EntryChange *change)
{
        return change->dns || change->old_dns || (change->address && change->address->hostname) ||
               (change->old_address && change->old_address->hostname);
}
