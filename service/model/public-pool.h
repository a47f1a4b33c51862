/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The addresses of the LAN that a network may give to its entries by itself. */

#include <glib.h>
#include <stdbool.h>

#include "model/entries.h"

typedef struct PublicPool {
        guint32 first, last; /* 0 = none */
} PublicPool;

#define PUBLIC_POOL_MAX 65536

/* "FIRST-LAST", or a single address. The error (INVALID_ARGS) quotes the text and says what is
 * wrong, without naming a key. */
bool public_pool_parse(const char *text, PublicPool *ret_pool, GError **error);
char *public_pool_to_string(const PublicPool *pool);
bool public_pool_contains(const PublicPool *pool, guint32 address);

/* The address of @pool for @entry: the first one that @is_free, looked for from a place that
 * depends on the entry's MAC, or, without one, on its ip, alone. 0: none is. */
guint32 public_pool_choose(const PublicPool *pool, const AddressEntry *entry,
                           bool (*is_free)(guint32 address, gpointer data), gpointer data);
