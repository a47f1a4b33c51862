/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Whether a change may be made, as the network is when its turn comes. */

#include "network/entry-change.h"
#include "network/forwards.h"
#include "network/guests.h"
#include "network/public.h"
#include "util/error.h"

/* The pool's choice for an entry that wants one and has none that it can keep, or what its name was
 * until now. */
static bool choose_public_ip(Network *network, const EntryChange *change, GError **error)
{
        AddressEntry *entry = change->address;
        const NetworkConfig *config = network->config;

        if (entry->public_name && entry->public_ip == 0 && !change->public_name)
                entry->public_ip = entries_choice_of(config->entries, entry);
        if (!entry->public_auto)
                return true;
        g_autoptr(PublicCheck) check = public_check_new(network, error);
        if (!check)
                return false;
        if (entry->public_ip == 0)
                entry->public_ip = entries_choice_of(config->entries, entry);
        if (entry->public_ip == 0 || !public_check(check, entry->public_ip, NULL))
                entry->public_ip = public_choose(check, config, entry, NULL, error);
        return entry->public_ip != 0;
}

static bool check_public_ip(Network *network, const EntryChange *change, GError **error)
{
        guint32 before = change->old_address ? change->old_address->public_ip : 0;

        if (!change->address->public_ip || change->address->public_ip == before)
                return true;
        g_autoptr(PublicCheck) check = public_check_new(network, error);
        return check && public_check(check, change->address->public_ip, error);
}

static bool check_new_address(Network *network, EntryChange *change, GError **error)
{
        const AddressEntry *old = entries_find_ip(network->config->entries, change->address->ip);

        address_entry_free(change->old_address); /* of a check before it waited */
        change->old_address = old ? address_entry_copy(old) : NULL;
        return config_check_address(network->config, change->address, error) &&
               choose_public_ip(network, change, error) && check_public_ip(network, change, error);
}

/* It is not the guest's any more when that has gone. */
static bool check_remove_address(Network *network, EntryChange *change, GError **error)
{
        const AddressEntry *entry = entries_find_ip(network->config->entries, change->ip);
        char text[ADDRESS_TEXT_SIZE];

        if (!entry) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_NO_SUCH_ADDRESS,
                            "%s: no entry of %s", network->name, address_format(change->ip, text));
                return false;
        }
        if (entry->guest) {
                g_autofree char *id = g_strescape(entry->guest->id, NULL);
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                            "ip: %s is guest \"%s\"'s; it goes when that is detached",
                            address_format(change->ip, text), id);
                return false;
        }
        change->old_address = address_entry_copy(entry);
        return true;
}

/* Guests */

const AddressEntry *network_find_guest(const Network *network, const char *id, guint32 caller,
                                       GError **error)
{
        const AddressEntry *entry = entries_find_guest(network->config->entries, id);
        g_autofree char *shown = g_strescape(id, NULL);

        if (!entry) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_NO_SUCH_GUEST,
                            "%s: no guest \"%s\" is attached", network->name, shown);
                return NULL;
        }
        if (caller == 0 || caller == entry->guest->owner)
                return entry;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_ACCESS_DENIED,
                    "%s: guest \"%s\" is user %u's", network->name, shown, entry->guest->owner);
        return NULL;
}

bool entry_change_resolve(Network *network, EntryChange *change, GHashTable *leaving,
                          GError **error)
{
        AddressEntry *entry = guests_choose(network, change->wish, leaving, error);

        if (!entry)
                return false;
        if (change->address && (entry->public_auto || entry->public_name))
                entry->public_ip = change->address->public_ip;
        address_entry_free(change->address);
        change->address = entry;
        return true;
}

static bool check_attach(Network *network, EntryChange *change, GHashTable *leaving, GError **error)
{
        const char *id = change->wish->entry->guest->id;

        if (!guests_check(network, error))
                return false;
        if (entries_find_guest(network->config->entries, id)) {
                const AddressEntry *entry = network_find_guest(network, id, change->caller, error);
                if (!entry || !guest_wish_check(change->wish, entry, error))
                        return false;
                address_entry_free(change->address);
                change->address = address_entry_copy(entry);
                change->is_done = !guest_wish_lay_limits(change->wish, change->address);
                return change->is_done || check_new_address(network, change, error);
        }
        return entry_change_resolve(network, change, leaving, error) &&
               check_new_address(network, change, error);
}

static bool check_detach(Network *network, EntryChange *change, GError **error)
{
        change->is_done = !entries_find_guest(network->config->entries, change->guest);
        if (change->is_done)
                return true;
        const AddressEntry *entry =
                network_find_guest(network, change->guest, change->caller, error);
        if (!entry)
                return false;
        change->ip = entry->ip;
        change->old_address = address_entry_copy(entry);
        return true;
}

/* Of one address, what is left is the new entry. */
static bool check_remove_dns(const Network *network, EntryChange *change, GError **error)
{
        const DnsEntry *dns = entries_find_hostname(network->config->entries, change->hostname);
        const DnsEntry *asked = change->asked_dns;
        char text[ADDRESS6_TEXT_SIZE];

        if (!dns || (asked && !dns_entry_equal_of(dns, asked, asked->has_ip6))) {
                const char *ip = asked ? dns_entry_address(asked, asked->has_ip6, text) : NULL;
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_NO_SUCH_ENTRY,
                            "%s: no DNS entry of %s%s%s", network->name, change->hostname,
                            ip ? " with " : "", ip ? ip : "");
                return false;
        }
        change->old_dns = dns_entry_copy(dns);
        if (!asked)
                return true;
        change->dns = dns_entry_copy(dns);
        dns_entry_drop(change->dns, asked->has_ip6);
        if (dns_entry_is_empty(change->dns))
                g_clear_pointer(&change->dns, dns_entry_free);
        return true;
}

bool entry_change_check(Network *network, EntryChange *change, GHashTable *leaving, GError **error)
{
        const Entries *entries = network->config->entries;
        const DnsEntry *dns = NULL;
        const Forward *forward = NULL;

        switch (change->type) {
        case PUT_ADDRESS:
                return check_new_address(network, change, error);
        case REMOVE_ADDRESS:
                return check_remove_address(network, change, error);
        case ATTACH_GUEST:
                return check_attach(network, change, leaving, error);
        case DETACH_GUEST:
                return check_detach(network, change, error);
        case PUT_FORWARD:
                forward = entries_find_forward(entries, change->forward);
                change->old_forward = forward ? forward_copy(forward) : NULL;
                return config_check_forward(network->config, change->forward, error) &&
                       forwards_check(network, change->forward, error);
        case REMOVE_FORWARD:
                forward = entries_find_forward(entries, change->forward);
                change->old_forward = forward ? forward_copy(forward) : NULL;
                if (!forward) {
                        g_autofree char *what = forward_describe(change->forward);
                        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_NO_SUCH_ENTRY,
                                    "%s: no forward of %s", network->name, what);
                }
                return forward != NULL;
        case PUT_DNS:
                dns = entries_find_hostname(entries, change->dns->hostname);
                change->old_dns = dns ? dns_entry_copy(dns) : NULL;
                change->asked_dns = dns_entry_copy(change->dns);
                if (dns)
                        dns_entry_complete(change->dns, dns);
                return config_check_dns(network->config, change->dns, error);
        case REMOVE_DNS:
                return check_remove_dns(network, change, error);
        }
        g_assert_not_reached();
}
