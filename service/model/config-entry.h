/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Entries and values: one of either from the other, and whole lists. For config*.c alone. */

#include "model/config.h"

/* Puts each item of @list (MAPs) into @entries, whose addresses (DNS entries) it replaces. An item
 * that is no entry, or clashes with one before it, is INVALID_ARGS; too many are LIMIT_EXCEEDED.
 * The error names the position and @key. */
bool config_parse_addresses(Entries *entries, const char *key, const Value *list, GError **error);
bool config_parse_dns_entries(Entries *entries, const char *key, const Value *list, GError **error);

/* The list, as the bus and YAML have it. The caller's. */
Value *config_print_addresses(const Entries *entries);
