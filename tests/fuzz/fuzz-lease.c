/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Any bytes as dnsmasq's lease file: leases alone that are safe to show, and differences between
 * two readings that name each lease once. */

#include "model/lease.h"

#include "fuzz.h"

#include <string.h>

static void check_lease(const Lease *lease)
{
        bool is_of_ipv6 = lease->ip == 0;
        g_assert_true(strlen(lease->mac) == 17 || (is_of_ipv6 && !*lease->mac));
        g_assert_cmpint(address6_is_none(&lease->ip6), !=, is_of_ipv6);
        g_assert_cmpint(lease->expiry, >=, 0);
        for (const char *p = lease->hostname; *p; p++)
                g_assert_true(g_ascii_isalnum(*p) || strchr("-_.", *p));
}

static void count(LeaseEvent event, const Lease *lease, gpointer data)
{
        guint *n_events = data;
        g_assert_cmpint(event, <, LEASE_EVENT_MAX);
        check_lease(lease);
        ++*n_events;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *text = (const char *)data;
        g_autoptr(GPtrArray) leases = lease_list_parse(text, size);
        if (!leases)
                return 0;

        const char *half = size > 0 ? memchr(text + size / 2, '\n', size - size / 2) : NULL;
        g_autoptr(GPtrArray) before = lease_list_parse(text, half ? (gsize)(half + 1 - text) : 0);
        guint n_events = 0;
        lease_list_compare(before, leases, count, &n_events);
        g_assert_cmpuint(n_events, <=, before->len + leases->len);

        n_events = 0;
        lease_list_compare(leases, leases, count, &n_events);
        for (guint i = 0; i < leases->len; i++)
                check_lease(g_ptr_array_index(leases, i));
        return 0;
}
