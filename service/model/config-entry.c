/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Entries from values and back. An entry is checked alone here and, in a list, beside those before
 * it; whether it suits the network is config-check.c's. */

#include "model/config-entry.h"

#include "model/name.h"
#include "util/error.h"

static const char *const address_keys[] = {
        "ip",          "mac",  "hostname",       "public_ip",          "public_auto",
        "public_name", "ipv6", "nat_port_range", "connection_timeout", "max_connections"
};
static const char *const dns_keys[] = { "hostname", "ip" };

/* The helpers below report without a position and say in @ret_where which value is at fault: the
 * caller puts position and context in front. */

static bool refuse(const char *key, const Value *value, const char *complaint, GError **error)
{
        g_autofree char *got = value_describe(value);
        value_set_error(error, NULL, "%s: %s %s", key, got, complaint);
        return false;
}

static bool is_text(const char *key, const Value *value, GError **error)
{
        return (value->type == VALUE_TEXT && !value_is_null(value)) ||
               refuse(key, value, "is not text", error);
}

static bool parse_address(const char *key, const Value *value, guint32 *ret_address, GError **error)
{
        return is_text(key, value, error) && (address_parse(value->text, ret_address) ||
                                              refuse(key, value, "is not an IPv4 address", error));
}

static bool parse_ipv6(const char *key, const Value *value, Address6 *ret_address, GError **error)
{
        return is_text(key, value, error) &&
               ((address6_parse(value->text, ret_address) && !address6_is_none(ret_address)) ||
                refuse(key, value, "is not a host's IPv6 address", error));
}

/* NULL: it may be one that somebody is reached by. 0.0.0.0, :: and the loopback's are what names
 * are blocked with. */
static const char *complaint_of(const DnsEntry *entry)
{
        static const Subnet6 link_local = { { { 0xfe, 0x80 } }, 10 };

        if (entry->has_ip6 && subnet6_contains(&link_local, &entry->ip6))
                return "is a link-local address, which means nothing without an interface";
        if ((entry->has_ip6 && subnet6_contains(&multicast_subnet6, &entry->ip6)) ||
            (entry->has_ip && subnet_contains(&multicast_subnet, entry->ip)))
                return "is a multicast address, which is no host's";
        if (entry->has_ip && entry->ip == LIMITED_BROADCAST)
                return "is the broadcast address, which is no host's";
        return NULL;
}

/* Of either family. */
static bool parse_either(const char *key, const Value *value, DnsEntry *entry, GError **error)
{
        if (!is_text(key, value, error))
                return false;
        entry->has_ip = address_parse(value->text, &entry->ip);
        entry->has_ip6 = !entry->has_ip && address6_parse(value->text, &entry->ip6);
        const char *complaint = entry->has_ip || entry->has_ip6 ? complaint_of(entry)
                                                                : "is not an IPv4 or IPv6 address";
        return !complaint || refuse(key, value, complaint, error);
}

static bool parse_mac(const char *key, const Value *value, char **ret_mac, GError **error)
{
        char mac[MAC_TEXT_SIZE];
        if (!is_text(key, value, error))
                return false;
        if (!mac_parse(value->text, mac))
                return refuse(key, value, "is not a MAC address (six pairs of digits with colons)",
                              error);
        if (mac_is_multicast(mac))
                return refuse(key, value, "is a multicast MAC address, which no device has", error);
        if (g_str_equal(mac, "00:00:00:00:00:00"))
                return refuse(key, value, "is no device's MAC address", error);

        *ret_mac = g_strdup(mac);
        return true;
}

static bool parse_hostname(const char *key, const Value *value, char **ret_hostname, GError **error)
{
        if (!is_text(key, value, error))
                return false;

        char *hostname = hostname_normalise(value->text, error);
        if (!hostname) {
                g_prefix_error(error, "%s: ", key);
                return false;
        }
        *ret_hostname = hostname;
        return true;
}

static const Value *required(const Value *map, const char *key, GError **error)
{
        const Value *value = value_get(map, key);
        if (!value)
                value_set_error(error, NULL, "%s: is missing in an entry", key);
        return value;
}

static const Value *optional(const Value *map, const char *key)
{
        const Value *value = value_get(map, key);
        return value && !value_is_null(value) ? value : NULL;
}

/* Whether @map is one, and of the @n @known keys alone. */
static bool check_map(const Value *map, const char *context, const char *const *known, guint n,
                      GError **error)
{
        if (map->type == VALUE_MAP)
                return value_check_keys(map, context, known, n, error);

        g_autofree char *got = value_describe(map);
        value_set_error(error, map, "%s%s is not a mapping with the keys of an entry", context,
                        got);
        return false;
}

static bool parse_public_name(const char *key, const Value *value, AddressEntry *entry,
                              GError **error)
{
        entry->public_name = hostname_normalise(value->text, NULL);
        return (entry->public_name && !hostname_is_like_address(entry->public_name)) ||
               refuse(key, value, "is neither an IPv4 address nor a host name", error);
}

/* An address, a name that the LAN has for one, or the word for one of the pool. */
static bool parse_public_ip(const Value *value, AddressEntry *entry, GError **error)
{
        if (!is_text("public_ip", value, error))
                return false;
        entry->public_auto = g_str_equal(value->text, "auto");
        if (entry->public_auto)
                return true;
        if (!address_parse(value->text, &entry->public_ip))
                return parse_public_name("public_ip", value, entry, error);
        return !address_is_special(entry->public_ip) ||
               refuse("public_ip", value, "is not an address that a host can have", error);
}

static bool parse_public_auto(const Value *value, AddressEntry *entry, GError **error)
{
        bool is_auto;

        if (!value_get_truth(value, &is_auto))
                return refuse("public_auto", value, "is not true or false", error);
        if (!is_auto && entry->public_auto)
                return refuse("public_auto", value, "contradicts the public_ip, auto", error);
        if (is_auto && entry->public_name)
                return refuse("public_auto", value, "contradicts the public_ip, a name", error);
        entry->public_auto = is_auto;
        return true;
}

/* Beside the address that the name had the last time. */
static bool parse_name_beside(const Value *value, AddressEntry *entry, GError **error)
{
        if (!is_text("public_name", value, error))
                return false;
        if (entry->public_auto)
                return refuse("public_name", value, "contradicts the public_ip, auto", error);
        if (entry->public_name)
                return refuse("public_name", value, "contradicts the public_ip, a name", error);
        return parse_public_name("public_name", value, entry, error);
}

/* Reported without its position, as the others. */
static bool parse_limit(Limit limit, const Value *value, AddressEntry *entry, GError **error)
{
        Value nowhere = *value;

        nowhere.line = 0;
        return limit_parse(&entry->limits, limit, &nowhere, error);
}

static AddressEntry *parse_address_entry(const Value *map, const Value **ret_where, GError **error)
{
        g_autoptr(AddressEntry) entry = g_new0(AddressEntry, 1);

        *ret_where = map;
        const Value *value = required(map, "ip", error);
        if (!value)
                return NULL;
        *ret_where = value;
        if (!parse_address("ip", value, &entry->ip, error))
                return NULL;

        value = optional(map, "mac");
        *ret_where = value;
        if (value && !parse_mac("mac", value, &entry->mac, error))
                return NULL;

        value = optional(map, "hostname");
        *ret_where = value;
        if (value && !parse_hostname("hostname", value, &entry->hostname, error))
                return NULL;

        value = optional(map, "ipv6");
        *ret_where = value;
        if (value && !parse_ipv6("ipv6", value, &entry->ipv6, error))
                return NULL;

        value = optional(map, "public_ip");
        *ret_where = value;
        if (value && !parse_public_ip(value, entry, error))
                return NULL;

        value = optional(map, "public_auto");
        *ret_where = value;
        if (value && !parse_public_auto(value, entry, error))
                return NULL;

        value = optional(map, "public_name");
        *ret_where = value;
        if (value && !parse_name_beside(value, entry, error))
                return NULL;

        for (Limit limit = 0; limit < LIMIT_MAX; limit++) {
                value = value_get(map, limit_to_string(limit));
                *ret_where = value;
                if (value && !parse_limit(limit, value, entry, error))
                        return NULL;
        }
        return g_steal_pointer(&entry);
}

static DnsEntry *parse_dns_entry(const Value *map, const Value **ret_where, GError **error)
{
        g_autoptr(DnsEntry) entry = g_new0(DnsEntry, 1);

        *ret_where = map;
        const Value *hostname = required(map, "hostname", error);
        const Value *ip = hostname ? required(map, "ip", error) : NULL;
        if (!ip)
                return NULL;

        *ret_where = hostname;
        if (!parse_hostname("hostname", hostname, &entry->hostname, error))
                return NULL;
        *ret_where = ip;
        if (!parse_either("ip", ip, entry, error))
                return NULL;
        return g_steal_pointer(&entry);
}

AddressEntry *address_entry_from_value(const Value *map, GError **error)
{
        if (!check_map(map, "", address_keys, G_N_ELEMENTS(address_keys), error))
                return NULL;

        const Value *where;
        AddressEntry *entry = parse_address_entry(map, &where, error);
        if (!entry)
                value_prefix_error(error, where, "%s", "");
        return entry;
}

Value *address_entry_to_value(const AddressEntry *entry)
{
        char buffer[ADDRESS_TEXT_SIZE], buffer6[ADDRESS6_TEXT_SIZE];
        Value *map = value_new_map();
        value_set(map, "ip", value_new_text(address_format(entry->ip, buffer)));
        if (!address6_is_none(&entry->ipv6))
                value_set(map, "ipv6", value_new_text(address6_format(&entry->ipv6, buffer6)));
        if (entry->mac)
                value_set(map, "mac", value_new_text(entry->mac));
        if (entry->hostname)
                value_set(map, "hostname", value_new_text(entry->hostname));
        if (entry->public_ip != 0)
                value_set(map, "public_ip",
                          value_new_text(address_format(entry->public_ip, buffer)));
        else if (entry->public_auto)
                value_set(map, "public_ip", value_new_text("auto"));
        if (entry->public_ip != 0 && entry->public_auto)
                value_set(map, "public_auto", value_new_bool(true));
        if (entry->public_name)
                value_set(map, "public_name", value_new_text(entry->public_name));
        limits_put(&entry->limits, map);
        if (entry->guest)
                value_set(map, "guest", value_new_text(entry->guest->id));
        return map;
}

DnsEntry *dns_entry_from_text(const char *hostname, const char *ip, GError **error)
{
        g_autoptr(Value) map = value_new_map();
        value_set(map, "hostname", value_new_text(hostname));
        value_set(map, "ip", value_new_text(ip));

        const Value *where;
        return parse_dns_entry(map, &where, error);
}

static bool too_many(const char *key, const Value *list, guint limit, GError **error)
{
        if (list->items->len <= limit)
                return false;

        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED,
                    "%s: %u entries are more than %u", key, list->items->len, limit);
        value_prefix_error(error, list, "%s", "");
        return true;
}

static bool add_address(Entries *entries, const char *key, const Value *item, GError **error)
{
        g_autofree char *context = g_strconcat(key, ": ", NULL);
        if (!check_map(item, context, address_keys, G_N_ELEMENTS(address_keys), error))
                return false;

        const Value *where;
        g_autoptr(AddressEntry) entry = parse_address_entry(item, &where, error);
        if (!entry) {
                value_prefix_error(error, where, "%s", context);
                return false;
        }

        if (entries_find_ip(entries, entry->ip)) {
                value_set_error(error, value_get(item, "ip"), "%s: ip: \"%s\" is listed twice", key,
                                value_get(item, "ip")->text);
                return false;
        }
        if (!entries_check_address(entries, entry, error)) {
                value_prefix_error(error, item, "%s: ", key);
                return false;
        }
        entries_put_address(entries, g_steal_pointer(&entry));
        return true;
}

bool config_parse_addresses(Entries *entries, const char *key, const Value *list, GError **error)
{
        if (too_many(key, list, CONFIG_MAX_ADDRESSES, error))
                return false;

        entries_clear_addresses(entries);
        for (guint i = 0; i < list->items->len; i++) {
                const Value *item = g_ptr_array_index(list->items, i);
                if (!add_address(entries, key, item, error))
                        return false;
        }
        return true;
}

static bool add_dns(Entries *entries, const char *key, const Value *item, GError **error)
{
        g_autofree char *context = g_strconcat(key, ": ", NULL);
        if (!check_map(item, context, dns_keys, G_N_ELEMENTS(dns_keys), error))
                return false;

        const Value *where;
        g_autoptr(DnsEntry) entry = parse_dns_entry(item, &where, error);
        if (!entry) {
                value_prefix_error(error, where, "%s", context);
                return false;
        }
        const DnsEntry *other = entries_find_hostname(entries, entry->hostname);
        if (other && ((other->has_ip && entry->has_ip) || (other->has_ip6 && entry->has_ip6))) {
                value_set_error(error, value_get(item, "hostname"),
                                "%s: hostname: \"%s\" is listed twice", key, entry->hostname);
                return false;
        }
        if (other)
                dns_entry_complete(entry, other);
        entries_put_dns(entries, g_steal_pointer(&entry));
        return true;
}

bool config_parse_dns_entries(Entries *entries, const char *key, const Value *list, GError **error)
{
        if (too_many(key, list, CONFIG_MAX_DNS_ENTRIES, error))
                return false;

        entries_clear_dns(entries);
        for (guint i = 0; i < list->items->len; i++) {
                const Value *item = g_ptr_array_index(list->items, i);
                if (!add_dns(entries, key, item, error))
                        return false;
        }
        return true;
}

Value *config_print_addresses(const Entries *entries)
{
        Value *list = value_new_list();
        for (guint i = 0; i < entries_n_addresses(entries); i++) {
                const AddressEntry *entry = entries_address_at(entries, i);
                if (!entry->guest) /* which are attached, not configured */
                        value_append(list, address_entry_to_value(entry));
        }
        return list;
}

Value *config_print_dns_entries(const Entries *entries)
{
        Value *list = value_new_list();
        for (guint i = 0; i < entries_n_dns(entries); i++) {
                const DnsEntry *entry = entries_dns_at(entries, i);
                char buffer[ADDRESS6_TEXT_SIZE];
                for (guint family = 0; family < DNS_FAMILIES; family++) {
                        const char *ip = dns_entry_address(entry, family, buffer);
                        if (!ip)
                                continue;
                        Value *map = value_new_map();
                        value_set(map, "hostname", value_new_text(entry->hostname));
                        value_set(map, "ip", value_new_text(ip));
                        value_append(list, map);
                }
        }
        return list;
}
