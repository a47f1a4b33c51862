/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The short log from one list of entries to another. Entries are only ever replaced in their place,
 * taken out, or appended; so those that stay are the longest beginning of the new list that is
 * found in the old one in the same order: the others go, and what follows is appended. */

#include "model/entry-log.h"

static void append_line(GString *log, guint *n_lines, char *line)
{
        g_string_append(log, line);
        g_free(line);
        ++*n_lines;
}

static void put_address(GString *log, guint *n_lines, Entries *entries, const AddressEntry *entry)
{
        append_line(log, n_lines, entry_log_line_put_address(entry));
        entries_put_address(entries, address_entry_copy(entry));
}

/* Takes mac, ipv6, public_ip and public_name from @holder, which stands in the way of another's and
 * gets its own later: two entries can have swapped theirs, and no line may clash when it is
 * replayed. */
static void strip_address(GString *log, guint *n_lines, Entries *entries,
                          const AddressEntry *holder)
{
        g_autoptr(AddressEntry) stripped = address_entry_copy(holder);
        g_clear_pointer(&stripped->mac, g_free);
        g_clear_pointer(&stripped->public_name, g_free);
        stripped->ipv6 = (Address6){ 0 };
        stripped->public_ip = 0;
        put_address(log, n_lines, entries, stripped);
}

static void make_room(GString *log, guint *n_lines, Entries *entries, const AddressEntry *entry)
{
        const AddressEntry *holder = entry->mac ? entries_find_mac(entries, entry->mac) : NULL;
        if (holder && holder->ip != entry->ip)
                strip_address(log, n_lines, entries, holder);

        holder = entries_find_ipv6(entries, &entry->ipv6);
        if (holder && holder->ip != entry->ip)
                strip_address(log, n_lines, entries, holder);

        holder = entry->public_ip ? entries_find_public_ip(entries, entry->public_ip) : NULL;
        if (holder && holder->ip != entry->ip)
                strip_address(log, n_lines, entries, holder);

        holder = entry->public_name ? entries_find_public_name(entries, entry->public_name) : NULL;
        if (holder && holder->ip != entry->ip)
                strip_address(log, n_lines, entries, holder);
}

/* Takes the entries that do not stay out of @entries. */
static void remove_addresses(GString *log, guint *n_lines, Entries *entries,
                             const Entries *configured, const Entries *current)
{
        guint n_kept = 0;
        for (guint i = 0; i < entries_n_addresses(configured); i++) {
                guint32 ip = entries_address_at(configured, i)->ip;
                bool stays = n_kept < entries_n_addresses(current) &&
                             entries_address_at(current, n_kept)->ip == ip;
                if (stays) {
                        n_kept++;
                        continue;
                }
                append_line(log, n_lines, entry_log_line_remove_address(ip));
                address_entry_free(entries_take_address(entries, ip));
        }
}

/* Whether the two differ in what was chosen alone. */
static bool is_choice(const AddressEntry *was, const AddressEntry *entry)
{
        AddressEntry chosen = *was;

        chosen.public_ip = entry->public_ip;
        bool is_chosen = entry->public_name || (entry->public_auto && entry->public_ip != 0);

        return is_chosen && address_entry_equal(&chosen, entry);
}

static void choose_public(GString *log, guint *n_lines, Entries *entries, const AddressEntry *entry)
{
        append_line(log, n_lines, entry_log_line_choose_public(entry));
        entries_choose_public(entries, entry->ip, entry->public_ip);
}

/* The lines from @configured's addresses to @current's; false where they would clash. */
static bool addresses_difference(GString *log, guint *n_lines, const Entries *configured,
                                 const Entries *current)
{
        g_autoptr(Entries) entries = entries_copy(configured);
        remove_addresses(log, n_lines, entries, configured, current);

        for (guint i = 0; i < entries_n_addresses(current); i++) {
                const AddressEntry *entry = entries_address_at(current, i);
                const AddressEntry *was = entries_find_ip(entries, entry->ip);
                if (was && address_entry_equal(was, entry))
                        continue;
                make_room(log, n_lines, entries, entry);
                if (!entries_check_address(entries, entry, NULL))
                        return false;
                was = entries_find_ip(entries, entry->ip);
                if (was && is_choice(was, entry))
                        choose_public(log, n_lines, entries, entry);
                else
                        put_address(log, n_lines, entries, entry);
        }
        return true;
}

static void append_addresses(GString *log, const Entries *configured, const Entries *current)
{
        g_autoptr(GString) difference = g_string_new(NULL);
        guint n_lines = 0;
        bool is_possible = addresses_difference(difference, &n_lines, configured, current);
        if (is_possible && n_lines <= entries_n_addresses(current)) {
                g_string_append_len(log, difference->str, (gssize)difference->len);
                return;
        }

        append_line(log, &n_lines, g_strdup("0a\n"));
        for (guint i = 0; i < entries_n_addresses(current); i++)
                append_line(log, &n_lines,
                            entry_log_line_put_address(entries_address_at(current, i)));
}

/* What is another one comes before what goes, so that the entry stays in its place. */
static void append_changed_dns(GString *log, guint *n_lines, const DnsEntry *was,
                               const DnsEntry *entry)
{
        g_autoptr(DnsEntry) changed = dns_entry_copy(entry);

        for (guint family = 0; family < DNS_FAMILIES; family++)
                if (dns_entry_equal_of(entry, was, family))
                        dns_entry_drop(changed, family);
        if (!dns_entry_is_empty(changed))
                append_line(log, n_lines, entry_log_line_put_dns(changed));
        if (was->has_ip && !entry->has_ip)
                append_line(log, n_lines, entry_log_line_drop_dns(entry->hostname, 0));
        if (was->has_ip6 && !entry->has_ip6)
                append_line(log, n_lines, entry_log_line_drop_dns(entry->hostname, 1));
}

static void append_dns(GString *log, const Entries *configured, const Entries *current)
{
        g_autoptr(GString) difference = g_string_new(NULL);
        guint n_lines = 0, n_kept = 0, n_current = entries_n_dns(current);
        for (guint i = 0; i < entries_n_dns(configured); i++) {
                const DnsEntry *was = entries_dns_at(configured, i);
                const DnsEntry *entry = n_kept < n_current ? entries_dns_at(current, n_kept) : NULL;
                bool stays = entry && g_str_equal(entry->hostname, was->hostname);
                if (!stays)
                        append_line(difference, &n_lines, entry_log_line_remove_dns(was->hostname));
                else
                        append_changed_dns(difference, &n_lines, was, entry);
                n_kept += stays;
        }
        for (guint i = n_kept; i < n_current; i++)
                append_line(difference, &n_lines,
                            entry_log_line_put_dns(entries_dns_at(current, i)));
        if (n_lines <= n_current) {
                g_string_append_len(log, difference->str, (gssize)difference->len);
                return;
        }

        append_line(log, &n_lines, g_strdup("0d\n"));
        for (guint i = 0; i < n_current; i++)
                append_line(log, &n_lines, entry_log_line_put_dns(entries_dns_at(current, i)));
}

/* Few: those that do not stay go, and what follows comes. */
static void append_forwards(GString *log, const Entries *configured, const Entries *current)
{
        const GPtrArray *old = entries_forwards(configured), *now = entries_forwards(current);
        guint n_lines = 0, n_kept = 0;

        for (guint i = 0; i < old->len; i++) {
                bool stays =
                        n_kept < now->len && forward_is_same(old->pdata[i], now->pdata[n_kept]);
                if (!stays)
                        append_line(log, &n_lines, entry_log_line_remove_forward(old->pdata[i]));
                n_kept += stays;
        }
        for (guint i = 0; i < now->len; i++) {
                const Forward *was = entries_find_forward(configured, now->pdata[i]);
                if (i >= n_kept || !forward_equal(was, now->pdata[i]))
                        append_line(log, &n_lines, entry_log_line_put_forward(now->pdata[i]));
        }
}

char *entry_log_compact(const Entries *configured, const Entries *current)
{
        GString *log = g_string_new(NULL);
        append_addresses(log, configured, current);
        append_dns(log, configured, current);
        append_forwards(log, configured, current);
        return g_string_free(log, FALSE);
}
