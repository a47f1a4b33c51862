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
        g_free(lease);
}

Lease *lease_copy(const Lease *lease)
{
        Lease *copy = g_new(Lease, 1);
        *copy = (Lease){
                .mac = g_strdup(lease->mac),
                .ip = lease->ip,
                .hostname = g_strdup(lease->hostname),
                .expiry = lease->expiry,
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

/* NULL where @line (@length bytes) is no IPv4 lease of an Ethernet device. */
static Lease *lease_parse(const char *line, gsize length)
{
        g_autofree char *copy = g_strndup(line, length);
        if (strlen(copy) != length)
                return NULL;

        g_auto(GStrv) fields = g_strsplit(copy, " ", LEASE_FIELDS);
        if (g_strv_length(fields) != LEASE_FIELDS)
                return NULL;

        guint64 expiry;
        char mac[MAC_TEXT_SIZE];
        guint32 ip;
        if (!g_ascii_string_to_unsigned(fields[0], 10, 0, G_MAXINT64, &expiry, NULL) ||
            !mac_parse(fields[1], mac) || !address_parse(fields[2], &ip))
                return NULL;

        Lease *lease = g_new(Lease, 1);
        *lease = (Lease){
                .mac = g_strdup(mac),
                .ip = ip,
                .hostname = safe_hostname(fields[3]),
                .expiry = (gint64)expiry,
        };
        return lease;
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

static guint lease_hash(gconstpointer key)
{
        const Lease *lease = key;
        return lease->ip ^ g_str_hash(lease->mac);
}

static gboolean lease_matches(gconstpointer a, gconstpointer b)
{
        const Lease *left = a, *right = b;
        return left->ip == right->ip && g_str_equal(left->mac, right->mac);
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
