/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The types of the keys that are lists of entries, all of them in one Entries. */

#include "model/config-keys.h"

#include "model/config-entry.h"
#include "model/config-forwards.h"

static bool parse_addresses(NetworkConfig *config, const ConfigKey *key, const Value *value,
                            GError **error)
{
        if (value->type != VALUE_LIST)
                return config_refuse(key, value, "is not a list of entries", error);
        return config_parse_addresses(config->entries, key->name, value, error);
}

static Value *print_addresses(const void *field)
{
        return config_print_addresses(*(Entries *const *)field);
}

static bool equal_addresses(const void *a, const void *b)
{
        return entries_equal_addresses(*(Entries *const *)a, *(Entries *const *)b);
}

static bool parse_dns_entries(NetworkConfig *config, const ConfigKey *key, const Value *value,
                              GError **error)
{
        if (value->type != VALUE_LIST)
                return config_refuse(key, value, "is not a list of entries", error);
        return config_parse_dns_entries(config->entries, key->name, value, error);
}

static Value *print_dns_entries(const void *field)
{
        return config_print_dns_entries(*(Entries *const *)field);
}

static bool equal_dns_entries(const void *a, const void *b)
{
        return entries_equal_dns(*(Entries *const *)a, *(Entries *const *)b);
}

static bool parse_forwards(NetworkConfig *config, const ConfigKey *key, const Value *value,
                           GError **error)
{
        if (value->type != VALUE_LIST)
                return config_refuse(key, value, "is not a list of forwards", error);
        return config_parse_forwards(config->entries, key->name, value, error);
}

static Value *print_forwards(const void *field)
{
        return config_print_forwards(*(Entries *const *)field);
}

static bool equal_forwards(const void *a, const void *b)
{
        return entries_equal_forwards(*(Entries *const *)a, *(Entries *const *)b);
}

const ConfigType config_type_addresses = { parse_addresses, print_addresses, equal_addresses };
const ConfigType config_type_dns_entries = { parse_dns_entries, print_dns_entries,
                                             equal_dns_entries };
const ConfigType config_type_forwards = { parse_forwards, print_forwards, equal_forwards };
