/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* dnsmasq's lease file as values. Format: one line a lease, "EXPIRY MAC IP HOSTNAME CLIENT-ID",
 * with seconds since 1970 (0: never), '*' for an unknown host name; DHCPv6 lines, "EXPIRY IAID IP
 * HOSTNAME DUID", follow a line "duid …" (lease_update_file() in dnsmasq's src/lease.c). */

#include <glib.h>
#include <stdbool.h>

#include "model/address6.h"

typedef struct Lease {
        char *mac;      /* lower case; "" where a DHCPv6 client's identifier has none */
        guint32 ip;     /* 0: it is one of DHCPv6, */
        Address6 ip6;   /* of this address */
        char *hostname; /* "" when unknown; safe: only letters, digits, '-', '_', '.' */
        gint64 expiry;  /* seconds since 1970; 0 = never */
        char *duid;     /* how a DHCPv6 client calls itself, in hexadecimal digits; else NULL */
        guint32 iaid;   /* and what the lease is to it */
        bool is_temporary;
} Lease;

void lease_free(Lease *lease);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Lease, lease_free)
Lease *lease_copy(const Lease *lease);
bool lease_is_expired(const Lease *lease, gint64 now_sec);

/* The leases of a file's @text, as an array of Lease* (the caller's, it frees them); NULL where the
 * text is not whole: dnsmasq rewrites the file in place, so the last line can be cut short.
 * Lines that are whole and no leases are passed over. */
GPtrArray *lease_list_parse(const char *text, gsize length);

/* How the server of DHCPv6 calls itself, as `duid`; NULL where the text does not say. The caller's.
 */
char *lease_text_server(const char *text, gsize length);

typedef bool (*LeaseJudge)(const Lease *lease, gpointer data);
/* @text without the lines of the leases that @is_to_go says so of; NULL where there are none. The
 * caller's. */
char *lease_text_without(const char *text, gsize length, LeaseJudge is_to_go, gpointer data);

typedef enum LeaseEvent {
        LEASE_ADDED,
        LEASE_CHANGED,
        LEASE_REMOVED,
        LEASE_EVENT_MAX,
} LeaseEvent;

/* Calls @report for each difference from @before to @after (arrays of Lease*, matched by ip and
 * mac; a renewed expiry is a change): first what was removed, of @before, then what was added or
 * changed, of @after. The same lease twice in one of them is not seen. */
typedef void (*LeaseReport)(LeaseEvent event, const Lease *lease, gpointer data);
void lease_list_compare(const GPtrArray *before, const GPtrArray *after, LeaseReport report,
                        gpointer data);
