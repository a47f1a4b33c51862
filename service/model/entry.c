/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Entries as values: copied, compared, freed. What goes beside what is entries.c's. */

#include "model/entry.h"

#include "model/address.h"

AddressEntry *address_entry_copy(const AddressEntry *entry)
{
        AddressEntry *copy = g_new(AddressEntry, 1);
        *copy = (AddressEntry){
                .ip = entry->ip,
                .mac = g_strdup(entry->mac),
                .hostname = g_strdup(entry->hostname),
                .ipv6 = entry->ipv6,
                .public_ip = entry->public_ip,
                .public_auto = entry->public_auto,
                .public_name = g_strdup(entry->public_name),
                .guest = entry->guest ? guest_copy(entry->guest) : NULL,
                .limits = entry->limits,
        };
        return copy;
}

bool address_entry_equal(const AddressEntry *a, const AddressEntry *b)
{
        return a->ip == b->ip && address6_equal(&a->ipv6, &b->ipv6) &&
               a->public_ip == b->public_ip && a->public_auto == b->public_auto &&
               g_strcmp0(a->mac, b->mac) == 0 && g_strcmp0(a->hostname, b->hostname) == 0 &&
               g_strcmp0(a->public_name, b->public_name) == 0 && guest_equal(a->guest, b->guest) &&
               limits_equal(&a->limits, &b->limits);
}

void address_entry_free(AddressEntry *entry)
{
        if (!entry)
                return;

        g_free(entry->mac);
        g_free(entry->hostname);
        g_free(entry->public_name);
        guest_free(entry->guest);
        g_free(entry);
}

bool address_entry_is_chosen(const AddressEntry *entry)
{
        return entry->public_auto || entry->public_name;
}

DnsEntry *dns_entry_copy(const DnsEntry *entry)
{
        DnsEntry *copy = g_new(DnsEntry, 1);
        *copy = (DnsEntry){
                .hostname = g_strdup(entry->hostname),
                .has_ip = entry->has_ip,
                .has_ip6 = entry->has_ip6,
                .ip = entry->ip,
                .ip6 = entry->ip6,
        };
        return copy;
}

void dns_entry_complete(DnsEntry *entry, const DnsEntry *other)
{
        if (!entry->has_ip)
                entry->ip = other->ip;
        if (!entry->has_ip6)
                entry->ip6 = other->ip6;
        entry->has_ip |= other->has_ip;
        entry->has_ip6 |= other->has_ip6;
}

void dns_entry_drop(DnsEntry *entry, guint family)
{
        if (family == 0) {
                entry->has_ip = false;
                entry->ip = 0;
        } else {
                entry->has_ip6 = false;
                entry->ip6 = (Address6){ 0 };
        }
}

bool dns_entry_equal_of(const DnsEntry *a, const DnsEntry *b, guint family)
{
        if (family == 0)
                return a->has_ip == b->has_ip && a->ip == b->ip;
        return a->has_ip6 == b->has_ip6 && address6_equal(&a->ip6, &b->ip6);
}

bool dns_entry_is_empty(const DnsEntry *entry)
{
        return !entry->has_ip && !entry->has_ip6;
}

DnsEntry *dns_entry_copy_like(const DnsEntry *entry, const DnsEntry *other)
{
        DnsEntry *copy = dns_entry_copy(entry);

        if (!other->has_ip)
                dns_entry_drop(copy, 0);
        if (!other->has_ip6)
                dns_entry_drop(copy, 1);
        return copy;
}

const char *dns_entry_address(const DnsEntry *entry, guint family,
                              char buffer[static ADDRESS6_TEXT_SIZE])
{
        if (family == 0)
                return entry->has_ip ? address_format(entry->ip, buffer) : NULL;
        return entry->has_ip6 ? address6_format(&entry->ip6, buffer) : NULL;
}

bool dns_entry_equal(const DnsEntry *a, const DnsEntry *b)
{
        return dns_entry_equal_of(a, b, 0) && dns_entry_equal_of(a, b, 1) &&
               g_str_equal(a->hostname, b->hostname);
}

void dns_entry_free(DnsEntry *entry)
{
        if (!entry)
                return;

        g_free(entry->hostname);
        g_free(entry);
}
