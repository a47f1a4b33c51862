/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The lines of the entry log: written, and read back with every field checked anew, since a disk is
 * not a caller. The file itself is the network layer's. What makes a log short is
 * entry-log-compact.c's. */

#include "model/entry-log.h"

#include <string.h>

#include "model/address.h"
#include "model/name.h"

#define MAX_FIELDS 10
#define NONE       "-"
#define AUTO       "auto"

/* An address, how it is found, or both: "10.0.0.5", "auto", "auto:10.0.0.5", "@board.lab",
 * "@board.lab:10.0.0.5". */
static char *public_field(const AddressEntry *entry)
{
        g_autofree char *ip = entry->public_ip ? address_to_string(entry->public_ip) : NULL;
        g_autofree char *how = NULL;

        if (entry->public_name)
                how = g_strconcat("@", entry->public_name, NULL);
        else if (entry->public_auto)
                how = g_strdup(AUTO);
        if (how && ip)
                return g_strconcat(how, ":", ip, NULL);
        return g_strdup(how ? how : ip ? ip : NONE);
}

/* What a host has of the two families, or one of them: "10.0.0.5", "fd00::5",
 * "10.0.0.5,fd00::5". The caller's. */
static char *both_field(const guint32 *ip, const Address6 *ip6)
{
        g_autofree char *left = ip ? address_to_string(*ip) : NULL;
        g_autofree char *right = ip6 ? address6_to_string(ip6) : NULL;

        return g_strconcat(left ? left : "", left && right ? "," : "", right ? right : "", NULL);
}

/* Another reading of it; false where it makes no sense. */
static bool parse_both(const char *field, DnsEntry *host)
{
        const char *comma = strchr(field, ',');
        g_autofree char *left = g_strndup(field, comma ? (gsize)(comma - field) : strlen(field));

        host->has_ip = address_parse(left, &host->ip);
        host->has_ip6 = address6_parse(comma ? comma + 1 : left, &host->ip6);
        return comma ? host->has_ip && host->has_ip6 : host->has_ip || host->has_ip6;
}

char *entry_log_line_put_address(const AddressEntry *entry)
{
        const Guest *guest = entry->guest;
        g_autofree char *id = guest ? g_uri_escape_string(guest->id, NULL, TRUE) : NULL;
        g_autofree char *more = guest ? g_strdup_printf(" %s %s %u %u %u", id, guest->tap_name,
                                                        guest->owner, guest->queues, guest->mtu)
                                      : NULL;
        g_autofree char *public_ip = public_field(entry);
        bool limited = limits_are_given(&entry->limits);
        g_autofree char *limits = limited ? limits_to_word(&entry->limits) : NULL;
        const Address6 *ipv6 = address6_is_none(&entry->ipv6) ? NULL : &entry->ipv6;
        g_autofree char *ip = both_field(&entry->ip, ipv6);

        return g_strdup_printf(
                "%s %s%s%s %s %s %s%s\n",
                guest     ? limited ? "+G" : "+g"
                : limited ? "+A"
                          : "+a",
                limited ? limits : "", limited ? " " : "", ip, entry->mac ? entry->mac : NONE,
                entry->hostname ? entry->hostname : NONE, public_ip, more ? more : "");
}

char *entry_log_line_choose_public(const AddressEntry *entry)
{
        char ip[ADDRESS_TEXT_SIZE], public_ip[ADDRESS_TEXT_SIZE];
        return g_strdup_printf("=a %s %s\n", address_format(entry->ip, ip),
                               address_format(entry->public_ip, public_ip));
}

char *entry_log_line_remove_address(guint32 ip)
{
        char buffer[ADDRESS_TEXT_SIZE];
        return g_strdup_printf("-a %s\n", address_format(ip, buffer));
}

char *entry_log_line_put_dns(const DnsEntry *entry)
{
        g_autofree char *ip =
                both_field(entry->has_ip ? &entry->ip : NULL, entry->has_ip6 ? &entry->ip6 : NULL);

        return g_strdup_printf("+d %s %s\n", entry->hostname, ip);
}

char *entry_log_line_remove_dns(const char *hostname)
{
        return g_strdup_printf("-d %s\n", hostname);
}

char *entry_log_line_drop_dns(const char *hostname, guint family)
{
        return g_strdup_printf("-%c %s\n", family == 0 ? '4' : '6', hostname);
}

/* What a forward is known by. */
static char *forward_key(const Forward *forward)
{
        g_autofree char *ports = port_range_to_string(&forward->ports);
        g_autofree char *from = hosts_to_string(&forward->from);

        return g_strdup_printf("%s %s %s", forward_protocol_name(forward), ports,
                               forward->from.prefix ? from : "-");
}

char *entry_log_line_put_forward(const Forward *forward)
{
        g_autofree char *key = forward_key(forward);
        char ip[ADDRESS_TEXT_SIZE];

        return g_strdup_printf("+f %s %s %u\n", key,
                               forward->hostname ? forward->hostname
                                                 : address_format(forward->ip, ip),
                               forward->to_port);
}

char *entry_log_line_remove_forward(const Forward *key)
{
        g_autofree char *text = forward_key(key);

        return g_strdup_printf("-f %s\n", text);
}

static bool is_none(const char *field)
{
        return g_str_equal(field, NONE);
}

static bool parse_public_ip(const char *field, AddressEntry *entry)
{
        const char *colon = strchr(field, ':');
        g_autofree char *how = g_strndup(field, colon ? (gsize)(colon - field) : strlen(field));

        if (is_none(field))
                return true;
        entry->public_auto = g_str_equal(how, AUTO);
        if (how[0] == '@') {
                entry->public_name = hostname_normalise(how + 1, NULL);
                if (!entry->public_name)
                        return false;
        }
        if (!address_entry_is_chosen(entry))
                return address_parse(field, &entry->public_ip);
        return !colon || address_parse(colon + 1, &entry->public_ip);
}

static bool parse_number(const char *field, guint max, guint *ret_number)
{
        guint64 number;

        if (!g_ascii_string_to_unsigned(field, 10, 0, max, &number, NULL))
                return false;
        *ret_number = (guint)number;
        return true;
}

/* NULL where it makes no sense. */
static Guest *parse_guest(char *const *fields)
{
        g_autoptr(Guest) guest = g_new0(Guest, 1);

        guest->id = g_uri_unescape_string(fields[0], NULL);
        if (!guest->id || !guest_id_check(guest->id, NULL) || !interface_name_is_valid(fields[1]) ||
            !parse_number(fields[2], G_MAXUINT32, &guest->owner) ||
            !parse_number(fields[3], GUEST_MAX_QUEUES, &guest->queues) || guest->queues == 0 ||
            !parse_number(fields[4], G_MAXUINT16, &guest->mtu))
                return NULL;
        guest->tap_name = g_strdup(fields[1]);
        return g_steal_pointer(&guest);
}

/* @guest is taken. */
static bool replay_put(Entries *entries, char *const *fields, Guest *guest, const Limits *limits)
{
        g_autoptr(AddressEntry) entry = g_new0(AddressEntry, 1);
        DnsEntry host = { 0 };
        char mac[MAC_TEXT_SIZE];

        entry->guest = guest;
        entry->limits = *limits;
        if (!parse_both(fields[0], &host) || !host.has_ip)
                return false;
        entry->ip = host.ip;
        entry->ipv6 = host.ip6;
        if (!is_none(fields[1])) {
                if (!mac_parse(fields[1], mac))
                        return false;
                entry->mac = g_strdup(mac);
        }
        if (!is_none(fields[2])) {
                entry->hostname = hostname_normalise(fields[2], NULL);
                if (!entry->hostname)
                        return false;
        }
        if (!parse_public_ip(fields[3], entry))
                return false;
        if (address_entry_is_chosen(entry) && !entries_check_address(entries, entry, NULL))
                entry->public_ip = 0; /* somebody's by now: another one is chosen */
        if (!entries_check_address(entries, entry, NULL))
                return false;

        entries_put_address(entries, g_steal_pointer(&entry));
        return true;
}

static const Limits no_limits = { 0 };

static bool replay_put_address(Entries *entries, char *const *fields)
{
        return replay_put(entries, fields, NULL, &no_limits);
}

static bool replay_put_limited(Entries *entries, char *const *fields)
{
        Limits limits;

        return limits_from_word(fields[0], &limits) &&
               replay_put(entries, fields + 1, NULL, &limits);
}

static bool replay_guest(Entries *entries, char *const *fields, const Limits *limits)
{
        g_autoptr(Guest) guest = parse_guest(fields + 4);

        return guest && replay_put(entries, fields, g_steal_pointer(&guest), limits);
}

static bool replay_put_guest(Entries *entries, char *const *fields)
{
        return replay_guest(entries, fields, &no_limits);
}

static bool replay_put_limited_guest(Entries *entries, char *const *fields)
{
        Limits limits;

        return limits_from_word(fields[0], &limits) && replay_guest(entries, fields + 1, &limits);
}

/* What does not fit any more is no fault: another one is chosen. */
static bool replay_choose_public(Entries *entries, char *const *fields)
{
        guint32 ip, public_ip;
        if (!address_parse(fields[0], &ip) || !address_parse(fields[1], &public_ip))
                return false;

        const AddressEntry *entry = entries_find_ip(entries, ip);
        if (entry && address_entry_is_chosen(entry) &&
            !entries_find_public_ip(entries, public_ip) && !entries_find_ip(entries, public_ip))
                entries_choose_public(entries, ip, public_ip);
        return true;
}

static bool replay_remove_address(Entries *entries, char *const *fields)
{
        guint32 ip;
        if (!address_parse(fields[0], &ip))
                return false;

        address_entry_free(entries_take_address(entries, ip));
        return true;
}

static bool replay_put_dns(Entries *entries, char *const *fields)
{
        g_autoptr(DnsEntry) entry = g_new0(DnsEntry, 1);
        entry->hostname = hostname_normalise(fields[0], NULL);
        if (!entry->hostname || !parse_both(fields[1], entry))
                return false;

        const DnsEntry *was = entries_find_hostname(entries, entry->hostname);
        if (was)
                dns_entry_complete(entry, was);
        entries_put_dns(entries, g_steal_pointer(&entry));
        return true;
}

static bool replay_remove_dns(Entries *entries, char *const *fields)
{
        g_autofree char *hostname = hostname_normalise(fields[0], NULL);
        if (!hostname)
                return false;

        dns_entry_free(entries_take_dns(entries, hostname));
        return true;
}

static bool drop_dns(Entries *entries, const char *name, guint family)
{
        g_autofree char *hostname = hostname_normalise(name, NULL);
        if (!hostname)
                return false;

        const DnsEntry *was = entries_find_hostname(entries, hostname);
        g_autoptr(DnsEntry) entry = was ? dns_entry_copy(was) : NULL;
        if (!entry)
                return true;
        dns_entry_drop(entry, family);
        if (dns_entry_is_empty(entry))
                dns_entry_free(entries_take_dns(entries, hostname));
        else
                entries_put_dns(entries, g_steal_pointer(&entry));
        return true;
}

static bool replay_drop_ip(Entries *entries, char *const *fields)
{
        return drop_dns(entries, fields[0], 0);
}

static bool replay_drop_ip6(Entries *entries, char *const *fields)
{
        return drop_dns(entries, fields[0], 1);
}

/* The checks of what a caller says are those of what the disk says. */
static Value *forward_value(char *const *fields)
{
        Value *map = value_new_map();

        value_set(map, "protocol", value_new_text(fields[0]));
        value_set(map, "port", value_new_text(fields[1]));
        if (!is_none(fields[2]))
                value_set(map, "from", value_new_text(fields[2]));
        return map;
}

/* The log has the first port alone of where it leads to. */
static bool set_to_ports(Value *map, const char *first)
{
        PortRange ports, to;

        if (!port_range_parse(value_get(map, "port")->text, &ports) ||
            !port_range_parse(first, &to) || port_range_length(&to) != 1 ||
            to.first + port_range_length(&ports) - 1 > PORT_MAX)
                return false;
        to.last = (guint16)(to.first + port_range_length(&ports) - 1);
        g_autofree char *text = port_range_to_string(&to);
        value_set(map, "to_port", value_new_text(text));
        return true;
}

static bool replay_put_forward(Entries *entries, char *const *fields)
{
        g_autoptr(Value) map = forward_value(fields);

        if (!set_to_ports(map, fields[4]))
                return false;
        value_set(map, "ip", value_new_text(fields[3]));
        g_autoptr(Forward) forward = forward_from_value("", map, NULL);
        if (!forward || !entries_check_forward(entries, forward, NULL))
                return false;
        entries_put_forward(entries, g_steal_pointer(&forward));
        return true;
}

static bool replay_remove_forward(Entries *entries, char *const *fields)
{
        g_autoptr(Value) map = forward_value(fields);
        g_autoptr(Forward) key = forward_key_from_value(map, NULL);

        if (!key)
                return false;
        forward_free(entries_take_forward(entries, key));
        return true;
}

static bool replay_clear_addresses(Entries *entries, char *const *fields)
{
        entries_clear_addresses(entries);
        return true;
}

static bool replay_clear_dns(Entries *entries, char *const *fields)
{
        entries_clear_dns(entries);
        return true;
}

static const struct {
        const char *verb;
        guint n_fields;
        bool (*replay)(Entries *entries, char *const *fields);
} verbs[] = {
        { "+g", 9, replay_put_guest },       { "+a", 4, replay_put_address },
        { "+A", 5, replay_put_limited },     { "+G", 10, replay_put_limited_guest },
        { "=a", 2, replay_choose_public },   { "-a", 1, replay_remove_address },
        { "0a", 0, replay_clear_addresses }, { "+d", 2, replay_put_dns },
        { "-d", 1, replay_remove_dns },      { "0d", 0, replay_clear_dns },
        { "-4", 1, replay_drop_ip },         { "-6", 1, replay_drop_ip6 },
        { "+f", 5, replay_put_forward },     { "-f", 3, replay_remove_forward },
};

static bool replay_line(Entries *entries, const char *line, gsize length)
{
        g_autofree char *copy = g_strndup(line, length);
        if (strlen(copy) != length)
                return false;

        g_auto(GStrv) words = g_strsplit(copy, " ", MAX_FIELDS + 1);
        guint n_words = g_strv_length(words);
        for (guint i = 0; i < G_N_ELEMENTS(verbs); i++)
                if (n_words == 1 + verbs[i].n_fields && g_str_equal(words[0], verbs[i].verb))
                        return verbs[i].replay(entries, words + 1);
        return false;
}

/* Whether @line says anything, of whatever entries. */
static bool makes_sense(const char *line, gsize length)
{
        g_autoptr(Entries) none = entries_new();
        return replay_line(none, line, length);
}

static bool replay_or_hold(Entries *entries, HeldEntries *held, const char *line, gsize length)
{
        bool is_held = held && length > 0 && line[0] == HELD_MARK[0];

        if (!is_held && replay_line(entries, line, length)) {
                if (held)
                        held_entries_note(held, line, length);
                return true;
        }
        return held && makes_sense(line + is_held, length - is_held) &&
               held_entries_put(held, line + is_held, length - is_held);
}

guint entry_log_replay_holding(const char *text, gsize length, Entries *entries, HeldEntries *held,
                               guint *ret_bad)
{
        guint n_lines = 0, n_bad = 0;
        const char *end = text + length;
        for (const char *line = text; line < end; n_lines++) {
                const char *newline = memchr(line, '\n', (gsize)(end - line));
                if (!newline)
                        break;
                if (!replay_or_hold(entries, held, line, (gsize)(newline - line)))
                        n_bad++;
                line = newline + 1;
        }
        *ret_bad = n_bad;
        return n_lines;
}

guint entry_log_replay(const char *text, gsize length, Entries *entries, guint *ret_bad)
{
        return entry_log_replay_holding(text, length, entries, NULL, ret_bad);
}
