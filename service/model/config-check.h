/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Whether the settings of a network go together. For config*.c alone. */

#include "model/config-keys.h"
#include "model/config.h"

/* What is wrong with @address for a host of @subnet (the caller's), or NULL. */
char *config_host_fault(const Subnet *subnet, guint32 address);

/* Whether @config, all defaults filled in, is one that could be put into force; what needs the host
 * aside. @settings is what it came from, for the positions in errors. */
bool config_check(const NetworkConfig *config, const Value *settings, GError **error);

/* Whether @config has a public_ip, or a pool of them, if its mode needs one: asked of what a user
 * hands over, not of what is left when entries were removed one by one. */
bool config_check_complete(const NetworkConfig *config, const Value *settings, GError **error);

/* The value in @settings that an error about the key @id is at: its own or, where it was not given,
 * the whole. */
const Value *config_place_of(const Value *settings, ConfigKeyId id);

/* config-check-ipv6.c: the keys for IPv6; whether @entry's `ipv6` suits the network. INVALID_ARGS.
 */
bool config_check_ipv6(const NetworkConfig *config, const Value *settings, GError **error);
bool config_check_entry_ipv6(const NetworkConfig *config, const AddressEntry *entry,
                             GError **error);

/* config-check-filter.c: whether there is anything that the filter could be about. */
bool config_check_filter(const NetworkConfig *config, const Value *settings, GError **error);
/* Whether some connection could fit each of its rules by the addresses alone: asked of what a user
 * hands over. INVALID_ARGS. */
bool config_check_filter_rules(const NetworkConfig *config, const Value *settings, GError **error);
