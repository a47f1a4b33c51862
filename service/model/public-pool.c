/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The pool as text and back, and the choice from it. The same board gets the same address wherever
 * that is free, without anything being kept for boards that are gone: it is computed. */

#include "model/public-pool.h"

#include <string.h>

#include "model/address.h"
#include "model/quote.h"
#include "util/error.h"

static bool fail(const char *text, const char *complaint, GError **error)
{
        g_autofree char *quoted = quote_text(text);
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS, "%s %s", quoted, complaint);
        return false;
}

bool public_pool_parse(const char *text, PublicPool *ret_pool, GError **error)
{
        const char *dash = strchr(text, '-');
        g_autofree char *first = dash ? g_strndup(text, (gsize)(dash - text)) : g_strdup(text);
        PublicPool pool;

        if (!address_parse(first, &pool.first) ||
            !address_parse(dash ? dash + 1 : text, &pool.last))
                return fail(text, "is not an IPv4 address or two, as in 10.0.0.10-10.0.0.20",
                            error);
        if (pool.first > pool.last)
                return fail(text, "ends below its beginning", error);
        if (pool.last - pool.first >= PUBLIC_POOL_MAX)
                return fail(text, "has more than 65536 addresses", error);
        if (address_is_special(pool.first) || address_is_special(pool.last))
                return fail(text, "has addresses that a host cannot have", error);
        *ret_pool = pool;
        return true;
}

char *public_pool_to_string(const PublicPool *pool)
{
        char first[ADDRESS_TEXT_SIZE], last[ADDRESS_TEXT_SIZE];

        address_format(pool->first, first);
        if (pool->first == pool->last)
                return g_strdup(first);
        return g_strdup_printf("%s-%s", first, address_format(pool->last, last));
}

bool public_pool_contains(const PublicPool *pool, guint32 address)
{
        return pool->first != 0 && address >= pool->first && address <= pool->last;
}

/* FNV-1a, and what MurmurHash3 ends with: MACs that differ in one bit are to be far apart. Once
 * released it stays as it is: boards are known by these addresses. */
static guint32 hash(const char *text)
{
        guint32 value = 2166136261u;

        for (const char *byte = text; *byte; byte++)
                value = (value ^ (guint8)*byte) * 16777619u;
        value = (value ^ (value >> 16)) * 0x85ebca6bu;
        value = (value ^ (value >> 13)) * 0xc2b2ae35u;
        return value ^ (value >> 16);
}

guint32 public_pool_choose(const PublicPool *pool, const AddressEntry *entry,
                           bool (*is_free)(guint32 address, gpointer data), gpointer data)
{
        char ip[ADDRESS_TEXT_SIZE];
        guint n = pool->last - pool->first + 1;
        guint start = hash(entry->mac ? entry->mac : address_format(entry->ip, ip)) % n;

        for (guint i = 0; pool->first != 0 && i < n; i++) {
                guint32 address = pool->first + (start + i) % n;
                if (is_free(address, data))
                        return address;
        }
        return 0;
}
