/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The entries of one network. Each entry is an item with a serial number that grows as items are
 * appended: the array is sorted by it, so an item that a hash table finds is found in the array by
 * bisection, and taking one out moves pointers but renumbers nothing. Forwards are few. */

#include "model/entries.h"

#include "model/address.h"
#include "util/error.h"

typedef struct Item {
        guint64 serial;
        AddressEntry *address; /* one of the two */
        DnsEntry *dns;
} Item;

struct Entries {
        guint64 last_serial;
        GPtrArray *addresses; /* Item*, owned, by serial */
        GHashTable *by_ip;    /* to Item*; the keys are in the entries */
        GHashTable *by_mac;
        GHashTable *by_ipv6;
        GHashTable *by_public_ip;
        GHashTable *by_public_name;
        GHashTable *by_guest, *by_tap;
        GPtrArray *dns; /* Item*, owned, by serial */
        GHashTable *by_hostname;
        GPtrArray *forwards; /* Forward*, owned */
};

static void item_free(gpointer pointer)
{
        Item *item = pointer;
        address_entry_free(item->address);
        dns_entry_free(item->dns);
        g_free(item);
}

static Item *item_append(GPtrArray *items, guint64 serial)
{
        Item *item = g_new0(Item, 1);
        item->serial = serial;
        g_ptr_array_add(items, item);
        return item;
}

static void item_remove(GPtrArray *items, const Item *item)
{
        guint low = 0, high = items->len;
        while (high - low > 1) {
                guint middle = low + (high - low) / 2;
                const Item *candidate = g_ptr_array_index(items, middle);
                if (candidate->serial <= item->serial)
                        low = middle;
                else
                        high = middle;
        }
        g_ptr_array_remove_index(items, low);
}

Entries *entries_new(void)
{
        Entries *entries = g_new(Entries, 1);
        *entries = (Entries){
                .addresses = g_ptr_array_new_with_free_func(item_free),
                .by_ip = g_hash_table_new(g_int_hash, g_int_equal),
                .by_mac = g_hash_table_new(g_str_hash, g_str_equal),
                .by_ipv6 = g_hash_table_new(address6_hash, address6_same),
                .by_public_ip = g_hash_table_new(g_int_hash, g_int_equal),
                .by_public_name = g_hash_table_new(g_str_hash, g_str_equal),
                .by_guest = g_hash_table_new(g_str_hash, g_str_equal),
                .by_tap = g_hash_table_new(g_str_hash, g_str_equal),
                .dns = g_ptr_array_new_with_free_func(item_free),
                .by_hostname = g_hash_table_new(g_str_hash, g_str_equal),
                .forwards = g_ptr_array_new_with_free_func((GDestroyNotify)forward_free),
        };
        return entries;
}

Entries *entries_copy(const Entries *entries)
{
        Entries *copy = entries_new();
        for (guint i = 0; i < entries_n_addresses(entries); i++)
                entries_put_address(copy, address_entry_copy(entries_address_at(entries, i)));
        for (guint i = 0; i < entries_n_dns(entries); i++)
                entries_put_dns(copy, dns_entry_copy(entries_dns_at(entries, i)));
        for (guint i = 0; i < entries->forwards->len; i++)
                g_ptr_array_add(copy->forwards, forward_copy(entries->forwards->pdata[i]));
        return copy;
}

void entries_free(Entries *entries)
{
        if (!entries)
                return;

        g_hash_table_unref(entries->by_ip);
        g_hash_table_unref(entries->by_mac);
        g_hash_table_unref(entries->by_ipv6);
        g_hash_table_unref(entries->by_public_ip);
        g_hash_table_unref(entries->by_public_name);
        g_hash_table_unref(entries->by_guest);
        g_hash_table_unref(entries->by_tap);
        g_hash_table_unref(entries->by_hostname);
        g_ptr_array_unref(entries->addresses);
        g_ptr_array_unref(entries->dns);
        g_ptr_array_unref(entries->forwards);
        g_free(entries);
}

guint entries_n_addresses(const Entries *entries)
{
        return entries->addresses->len;
}

const AddressEntry *entries_address_at(const Entries *entries, guint index)
{
        const Item *item = g_ptr_array_index(entries->addresses, index);
        return item->address;
}

static const AddressEntry *find_address(GHashTable *table, gconstpointer key)
{
        const Item *item = g_hash_table_lookup(table, key);
        return item ? item->address : NULL;
}

const AddressEntry *entries_find_ip(const Entries *entries, guint32 ip)
{
        return find_address(entries->by_ip, &ip);
}

const AddressEntry *entries_find_mac(const Entries *entries, const char *mac)
{
        return find_address(entries->by_mac, mac);
}

const AddressEntry *entries_find_ipv6(const Entries *entries, const Address6 *ipv6)
{
        return find_address(entries->by_ipv6, ipv6);
}

const AddressEntry *entries_find_public_ip(const Entries *entries, guint32 public_ip)
{
        return find_address(entries->by_public_ip, &public_ip);
}

const AddressEntry *entries_find_public_name(const Entries *entries, const char *public_name)
{
        return find_address(entries->by_public_name, public_name);
}

const AddressEntry *entries_find_guest(const Entries *entries, const char *id)
{
        return find_address(entries->by_guest, id);
}

const AddressEntry *entries_find_tap(const Entries *entries, const char *name)
{
        return find_address(entries->by_tap, name);
}

guint entries_n_guests(const Entries *entries)
{
        return g_hash_table_size(entries->by_guest);
}

guint entries_n_public(const Entries *entries)
{
        return g_hash_table_size(entries->by_public_ip);
}

guint entries_n_public_names(const Entries *entries)
{
        return g_hash_table_size(entries->by_public_name);
}

GList *entries_public_names(const Entries *entries)
{
        return g_hash_table_get_keys(entries->by_public_name);
}

guint entries_n_dns(const Entries *entries)
{
        return entries->dns->len;
}

const DnsEntry *entries_dns_at(const Entries *entries, guint index)
{
        const Item *item = g_ptr_array_index(entries->dns, index);
        return item->dns;
}

const DnsEntry *entries_find_hostname(const Entries *entries, const char *hostname)
{
        const Item *item = g_hash_table_lookup(entries->by_hostname, hostname);
        return item ? item->dns : NULL;
}

static bool clash(const char *key, const char *value, const char *holds, guint32 ip, GError **error)
{
        char buffer[ADDRESS_TEXT_SIZE];
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                    "%s: %s is already the %s of %s", key, value, holds,
                    address_format(ip, buffer));
        return false;
}

/* A guest's entry comes and goes with the guest. */
static bool check_guest(const Entries *entries, const AddressEntry *entry, GError **error)
{
        const AddressEntry *other = entries_find_ip(entries, entry->ip);
        char text[ADDRESS_TEXT_SIZE];

        if (other && other->guest &&
            !(entry->guest && g_str_equal(entry->guest->id, other->guest->id))) {
                g_autofree char *id = g_strescape(other->guest->id, NULL);
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                            "ip: %s is guest \"%s\"'s, as long as that is attached",
                            address_format(entry->ip, text), id);
                return false;
        }
        if (!entry->guest)
                return true;
        if (other && !other->guest)
                return clash("ip", address_format(entry->ip, text), "ip", other->ip, error);
        other = entries_find_guest(entries, entry->guest->id);
        if (other && other->ip != entry->ip)
                return clash("id", entry->guest->id, "guest", other->ip, error);
        const char *tap = entry->guest->tap_name;
        other = tap ? entries_find_tap(entries, tap) : NULL;
        return !other || other->ip == entry->ip ||
               clash("tap_name", tap, "tap_name", other->ip, error);
}

bool entries_check_address(const Entries *entries, const AddressEntry *entry, GError **error)
{
        char text[ADDRESS_TEXT_SIZE];

        if (!check_guest(entries, entry, error))
                return false;
        const AddressEntry *other = entry->mac ? entries_find_mac(entries, entry->mac) : NULL;
        if (other && other->ip != entry->ip)
                return clash("mac", entry->mac, "mac", other->ip, error);

        char text6[ADDRESS6_TEXT_SIZE];
        other = entries_find_ipv6(entries, &entry->ipv6); /* nobody has none */
        if (other && other->ip != entry->ip)
                return clash("ipv6", address6_format(&entry->ipv6, text6), "ipv6", other->ip,
                             error);

        other = entries_find_public_ip(entries, entry->ip);
        if (other)
                return clash("ip", address_format(entry->ip, text), "public_ip", other->ip, error);
        other = entry->public_name ? entries_find_public_name(entries, entry->public_name) : NULL;
        if (other && other->ip != entry->ip)
                return clash("public_ip", entry->public_name, "public_ip", other->ip, error);
        if (entry->public_ip == 0)
                return true;

        const char *public_ip = address_format(entry->public_ip, text);
        other = entries_find_public_ip(entries, entry->public_ip);
        if (other && other->ip != entry->ip)
                return clash("public_ip", public_ip, "public_ip", other->ip, error);
        if (entries_find_ip(entries, entry->public_ip) || entry->public_ip == entry->ip)
                return clash("public_ip", public_ip, "ip", entry->public_ip, error);
        return true;
}

static void index_address(Entries *entries, Item *item)
{
        AddressEntry *entry = item->address;
        g_hash_table_insert(entries->by_ip, &entry->ip, item);
        if (entry->mac)
                g_hash_table_insert(entries->by_mac, entry->mac, item);
        if (!address6_is_none(&entry->ipv6))
                g_hash_table_insert(entries->by_ipv6, &entry->ipv6, item);
        if (entry->public_ip != 0)
                g_hash_table_insert(entries->by_public_ip, &entry->public_ip, item);
        if (entry->public_name)
                g_hash_table_insert(entries->by_public_name, entry->public_name, item);
        if (entry->guest) {
                g_hash_table_insert(entries->by_guest, entry->guest->id, item);
                g_hash_table_insert(entries->by_tap, entry->guest->tap_name, item);
        }
}

static void unindex_address(Entries *entries, const Item *item)
{
        const AddressEntry *entry = item->address;
        g_hash_table_remove(entries->by_ip, &entry->ip);
        if (entry->mac)
                g_hash_table_remove(entries->by_mac, entry->mac);
        if (!address6_is_none(&entry->ipv6))
                g_hash_table_remove(entries->by_ipv6, &entry->ipv6);
        if (entry->public_ip != 0)
                g_hash_table_remove(entries->by_public_ip, &entry->public_ip);
        if (entry->public_name)
                g_hash_table_remove(entries->by_public_name, entry->public_name);
        if (entry->guest) {
                g_hash_table_remove(entries->by_guest, entry->guest->id);
                g_hash_table_remove(entries->by_tap, entry->guest->tap_name);
        }
}

void entries_put_address(Entries *entries, AddressEntry *entry)
{
        Item *item = g_hash_table_lookup(entries->by_ip, &entry->ip);
        if (item) {
                unindex_address(entries, item);
                address_entry_free(item->address);
        } else
                item = item_append(entries->addresses, ++entries->last_serial);

        item->address = entry;
        index_address(entries, item);
}

AddressEntry *entries_take_address(Entries *entries, guint32 ip)
{
        Item *item = g_hash_table_lookup(entries->by_ip, &ip);
        if (!item)
                return NULL;

        unindex_address(entries, item);
        AddressEntry *entry = g_steal_pointer(&item->address);
        item_remove(entries->addresses, item);
        return entry;
}

void entries_put_dns(Entries *entries, DnsEntry *entry)
{
        Item *item = g_hash_table_lookup(entries->by_hostname, entry->hostname);
        if (item) {
                g_hash_table_remove(entries->by_hostname, entry->hostname);
                dns_entry_free(item->dns);
        } else
                item = item_append(entries->dns, ++entries->last_serial);

        item->dns = entry;
        g_hash_table_insert(entries->by_hostname, entry->hostname, item);
}

DnsEntry *entries_take_dns(Entries *entries, const char *hostname)
{
        Item *item = g_hash_table_lookup(entries->by_hostname, hostname);
        if (!item)
                return NULL;

        g_hash_table_remove(entries->by_hostname, hostname);
        DnsEntry *entry = g_steal_pointer(&item->dns);
        item_remove(entries->dns, item);
        return entry;
}

void entries_choose_public(Entries *entries, guint32 ip, guint32 public_ip)
{
        Item *item = g_hash_table_lookup(entries->by_ip, &ip);

        g_assert(item && address_entry_is_chosen(item->address));
        unindex_address(entries, item);
        item->address->public_ip = public_ip;
        index_address(entries, item);
}

guint32 entries_choice_of(const Entries *entries, const AddressEntry *entry)
{
        if (entry->public_name) {
                const AddressEntry *named = entries_find_public_name(entries, entry->public_name);
                return named ? named->public_ip : 0;
        }
        const AddressEntry *was = entry->mac ? entries_find_mac(entries, entry->mac)
                                             : entries_find_ip(entries, entry->ip);
        bool is_it = was && was->public_auto && g_strcmp0(entry->mac, was->mac) == 0;
        return is_it ? was->public_ip : 0;
}

void entries_keep_choices(Entries *entries, const Entries *before)
{
        for (guint i = 0; i < entries_n_addresses(entries); i++) {
                const AddressEntry *entry = entries_address_at(entries, i);
                if (!address_entry_is_chosen(entry) || entry->public_ip != 0)
                        continue;
                guint32 choice = entries_choice_of(before, entry);
                if (choice != 0 && !entries_find_public_ip(entries, choice))
                        entries_choose_public(entries, entry->ip, choice);
        }
}

void entries_clear_guests(Entries *entries)
{
        for (guint i = entries->addresses->len; i-- > 0;) {
                const AddressEntry *entry = entries_address_at(entries, i);
                if (entry->guest)
                        address_entry_free(entries_take_address(entries, entry->ip));
        }
}

void entries_clear_addresses(Entries *entries)
{
        g_hash_table_remove_all(entries->by_guest);
        g_hash_table_remove_all(entries->by_tap);
        g_hash_table_remove_all(entries->by_ip);
        g_hash_table_remove_all(entries->by_mac);
        g_hash_table_remove_all(entries->by_ipv6);
        g_hash_table_remove_all(entries->by_public_ip);
        g_hash_table_remove_all(entries->by_public_name);
        g_ptr_array_set_size(entries->addresses, 0);
}

void entries_clear_dns(Entries *entries)
{
        g_hash_table_remove_all(entries->by_hostname);
        g_ptr_array_set_size(entries->dns, 0);
}

bool entries_equal_addresses(const Entries *a, const Entries *b)
{
        if (entries_n_addresses(a) != entries_n_addresses(b))
                return false;
        for (guint i = 0; i < entries_n_addresses(a); i++)
                if (!address_entry_equal(entries_address_at(a, i), entries_address_at(b, i)))
                        return false;
        return true;
}

bool entries_equal_dns(const Entries *a, const Entries *b)
{
        if (entries_n_dns(a) != entries_n_dns(b))
                return false;
        for (guint i = 0; i < entries_n_dns(a); i++)
                if (!dns_entry_equal(entries_dns_at(a, i), entries_dns_at(b, i)))
                        return false;
        return true;
}

const GPtrArray *entries_forwards(const Entries *entries)
{
        return entries->forwards;
}

static bool find_forward(const Entries *entries, const Forward *key, guint *ret_index)
{
        for (guint i = 0; i < entries->forwards->len; i++)
                if (forward_is_same(entries->forwards->pdata[i], key)) {
                        *ret_index = i;
                        return true;
                }
        return false;
}

const Forward *entries_find_forward(const Entries *entries, const Forward *key)
{
        guint index;

        return find_forward(entries, key, &index) ? entries->forwards->pdata[index] : NULL;
}

bool entries_check_forward(const Entries *entries, const Forward *forward, GError **error)
{
        for (guint i = 0; i < entries->forwards->len; i++) {
                const Forward *other = entries->forwards->pdata[i];
                if (forward_is_same(other, forward) || !forward_overlaps(other, forward))
                        continue;
                g_autofree char *theirs = forward_describe(other);
                g_autofree char *ours = forward_describe(forward);
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                            "port: %s overlaps another forward, of %s", ours, theirs);
                return false;
        }
        return true;
}

void entries_put_forward(Entries *entries, Forward *forward)
{
        guint index;

        if (!find_forward(entries, forward, &index)) {
                g_ptr_array_add(entries->forwards, forward);
                return;
        }
        forward_free(entries->forwards->pdata[index]);
        entries->forwards->pdata[index] = forward;
}

Forward *entries_take_forward(Entries *entries, const Forward *key)
{
        guint index;

        return find_forward(entries, key, &index)
                       ? g_ptr_array_steal_index(entries->forwards, index)
                       : NULL;
}

void entries_clear_forwards(Entries *entries)
{
        g_ptr_array_set_size(entries->forwards, 0);
}

bool entries_equal_forwards(const Entries *a, const Entries *b)
{
        if (a->forwards->len != b->forwards->len)
                return false;
        for (guint i = 0; i < a->forwards->len; i++)
                if (!forward_equal(a->forwards->pdata[i], b->forwards->pdata[i]))
                        return false;
        return true;
}
