/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Leases from the text of dnsmasq's file, and what differs between two readings of it. A lease's
 * host name is the DUT's own word: what is not a plain one is dropped here. */

#include "model/lease.h"

#include <string.h>

#include "model/address.h"
#include "model/name.h"

#define LEASE_FIELDS 5

void lease_free(Lease *lease)
{
        if (!lease)
                return;

        g_free(lease->mac);
        g_free(lease->hostname);
        g_free(lease->duid);
        g_free(lease);
}

Lease *lease_copy(const Lease *lease)
{
        Lease *copy = g_new(Lease, 1);
        *copy = (Lease){
                .mac = g_strdup(lease->mac),
                .ip = lease->ip,
                .ip6 = lease->ip6,
                .hostname = g_strdup(lease->hostname),
                .expiry = lease->expiry,
                .duid = g_strdup(lease->duid),
                .iaid = lease->iaid,
                .is_temporary = lease->is_temporary,
        };
        return copy;
}

bool lease_is_expired(const Lease *lease, gint64 now_sec)
{
        return lease->expiry != 0 && lease->expiry <= now_sec;
}

/* In the spelling that the DUT gave; "" for dnsmasq's '*'. */
static char *safe_hostname(const char *text)
{
        g_autofree char *normal = hostname_normalise(text, NULL);
        return g_strdup(normal ? text : "");
}

/* The MAC in a DHCPv6 client's identifier: one of a link layer address, with a time or without (RFC
 * 8415, 11.2 and 11.4), on Ethernet. "" where it has none. The caller's. */
static char *mac_of_duid(const char *duid)
{
        static const char *const beginnings[] = { "00:01:00:01:", "00:03:00:01:" };
        static const gsize skipped[] = { sizeof "00:01:00:01:tt:tt:tt:tt:" - 1,
                                         sizeof "00:03:00:01:" - 1 };
        char mac[MAC_TEXT_SIZE];

        for (guint i = 0; i < G_N_ELEMENTS(beginnings); i++)
                if (g_str_has_prefix(duid, beginnings[i]) && strlen(duid) > skipped[i] &&
                    mac_parse(duid + skipped[i], mac))
                        return g_strdup(mac);
        return g_strdup("");
}

/* Who has it, as the two families name clients; what is neither is false. */
static bool parse_holder(char *const *fields, Lease *lease)
{
        bool is_temporary = fields[1][0] == 'T';
        const char *iaid = fields[1] + is_temporary;
        guint64 number;
        char mac[MAC_TEXT_SIZE];

        if (mac_parse(fields[1], mac) && address_parse(fields[2], &lease->ip)) {
                lease->mac = g_strdup(mac);
                return lease->ip != 0;
        }
        lease->ip = 0;
        if (!g_ascii_string_to_unsigned(iaid, 10, 0, G_MAXUINT32, &number, NULL) ||
            !address6_parse(fields[2], &lease->ip6) || address6_is_none(&lease->ip6))
                return false;
        lease->mac = mac_of_duid(fields[4]);
        lease->duid = g_strdup(fields[4]);
        lease->iaid = (guint32)number;
        lease->is_temporary = is_temporary;
        return true;
}

/* NULL where @line (@length bytes) is no lease of an Ethernet device. */
static Lease *lease_parse(const char *line, gsize length)
{
        g_autofree char *copy = g_strndup(line, length);
        if (strlen(copy) != length)
                return NULL;

        g_auto(GStrv) fields = g_strsplit(copy, " ", LEASE_FIELDS);
        if (g_strv_length(fields) != LEASE_FIELDS)
                return NULL;

        g_autoptr(Lease) lease = g_new0(Lease, 1);
        guint64 expiry;
        if (!g_ascii_string_to_unsigned(fields[0], 10, 0, G_MAXINT64, &expiry, NULL) ||
            !parse_holder(fields, lease))
                return NULL;

        lease->hostname = safe_hostname(fields[3]);
        lease->expiry = (gint64)expiry;
        return g_steal_pointer(&lease);
}

static void free_lease(gpointer lease)
{
        lease_free(lease);
}

GPtrArray *lease_list_parse(const char *text, gsize length)
{
        if (length > 0 && text[length - 1] != '\n')
                return NULL;

        GPtrArray *leases = g_ptr_array_new_with_free_func(free_lease);
        const char *end = text + length;
        for (const char *line = text; line < end;) {
                const char *newline = memchr(line, '\n', (gsize)(end - line));
                Lease *lease = lease_parse(line, (gsize)(newline - line));
                if (lease)
                        g_ptr_array_add(leases, lease);
                line = newline + 1;
        }
        return leases;
}

char *lease_text_server(const char *text, gsize length)
{
        static const char word[] = "duid ";

        for (const char *line = text, *end = text + length; line < end;) {
                const char *newline = memchr(line, '\n', (gsize)(end - line));
                const char *value = line + sizeof word - 1;
                if (!newline)
                        return NULL;
                if (value < newline && memcmp(line, word, sizeof word - 1) == 0)
                        return g_strndup(value, (gsize)(newline - value));
                line = newline + 1;
        }
        return NULL;
}

char *lease_text_without(const char *text, gsize length, LeaseJudge is_to_go, gpointer data)
{
        g_autoptr(GString) rest = g_string_new(NULL);

        for (const char *line = text, *end = text + length; line < end;) {
                const char *newline = memchr(line, '\n', (gsize)(end - line));
                const char *next = newline ? newline + 1 : end;
                g_autoptr(Lease) lease =
                        newline ? lease_parse(line, (gsize)(newline - line)) : NULL;
                if (!lease || !is_to_go(lease, data))
                        g_string_append_len(rest, line, next - line);
                line = next;
        }
        return rest->len < length ? g_string_free(g_steal_pointer(&rest), FALSE) : NULL;
}

static guint lease_hash(gconstpointer key)
{
        const Lease *lease = key;
        return lease->ip ^ address6_hash(&lease->ip6) ^ g_str_hash(lease->mac);
}

static gboolean lease_matches(gconstpointer a, gconstpointer b)
{
        const Lease *left = a, *right = b;
        return left->ip == right->ip && address6_equal(&left->ip6, &right->ip6) &&
               g_str_equal(left->mac, right->mac);
}

static GHashTable *lease_set(const GPtrArray *leases)
{
        GHashTable *set = g_hash_table_new(lease_hash, lease_matches);
        for (guint i = 0; i < leases->len; i++)
                g_hash_table_add(set, g_ptr_array_index(leases, i));
        return set;
}

void lease_list_compare(const GPtrArray *before, const GPtrArray *after, LeaseReport report,
                        gpointer data)
{
        g_autoptr(GHashTable) old = lease_set(before);
        g_autoptr(GHashTable) new_set = lease_set(after);

        for (guint i = 0; i < before->len; i++) {
                const Lease *lease = g_ptr_array_index(before, i);
                if (!g_hash_table_contains(new_set, lease))
                        report(LEASE_REMOVED, lease, data);
        }
        for (guint i = 0; i < after->len; i++) {
                const Lease *lease = g_ptr_array_index(after, i);
                const Lease *was = g_hash_table_lookup(old, lease);
                if (!was)
                        report(LEASE_ADDED, lease, data);
                else if (was->expiry != lease->expiry ||
                         !g_str_equal(was->hostname, lease->hostname))
                        report(LEASE_CHANGED, lease, data);
        }
}
