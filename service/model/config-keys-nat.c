/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The types of the keys that say what is let through, and as what. */

#include "model/config-keys.h"

static bool parse_nat_mode(NetworkConfig *config, const ConfigKey *key, const Value *value,
                           GError **error)
{
        const char *text = config_text_of(key, value, error);
        if (!text)
                return false;

        for (NatMode mode = 0; mode < NAT_MODE_MAX; mode++)
                if (g_str_equal(text, nat_mode_to_string(mode))) {
                        config->nat_mode = mode;
                        return true;
                }
        return config_refuse(key, value, "is not one of masquerade, 1to1, disabled, none", error);
}

static Value *print_nat_mode(const void *field)
{
        return value_new_text(nat_mode_to_string(*(const NatMode *)field));
}

static bool equal_nat_mode(const void *a, const void *b)
{
        return *(const NatMode *)a == *(const NatMode *)b;
}

/* Null or empty: none. */
static bool parse_pool(NetworkConfig *config, const ConfigKey *key, const Value *value,
                       GError **error)
{
        if (config_is_unset(value)) {
                config->public_pool = (PublicPool){ 0 };
                config_unset(config, key);
                return true;
        }
        const char *text = config_text_of(key, value, error);
        if (!text)
                return false;
        if (public_pool_parse(text, config_field_of(config, key), error))
                return true;

        value_prefix_error(error, value, "%s: ", key->name);
        return false;
}

static Value *print_pool(const void *field)
{
        const PublicPool *pool = field;
        if (pool->first == 0)
                return NULL;

        g_autofree char *text = public_pool_to_string(pool);
        return value_new_text(text);
}

static bool equal_pool(const void *a, const void *b)
{
        const PublicPool *left = a, *right = b;
        return left->first == right->first && left->last == right->last;
}

/* Null or empty: none. */
static bool parse_filter(NetworkConfig *config, const ConfigKey *key, const Value *value,
                         GError **error)
{
        Filter *filter = NULL;

        if (!config_is_unset(value) && !filter_parse(key->name, value, &filter, error))
                return false;
        filter_free(config->filter);
        config->filter = filter;
        if (!filter)
                config_unset(config, key);
        return true;
}

static Value *print_filter(const void *field)
{
        return filter_to_value(*(const Filter *const *)field);
}

static bool equal_filter(const void *a, const void *b)
{
        return filter_equal(*(const Filter *const *)a, *(const Filter *const *)b);
}

/* Null or empty: none. */
static bool parse_limit(NetworkConfig *config, const ConfigKey *key, const Value *value,
                        GError **error)
{
        Limit limit = LIMIT_NAT_PORTS;

        while (!g_str_equal(key->name, limit_to_string(limit)))
                limit++;
        if (!limit_parse(config_field_of(config, key), limit, value, error))
                return false;
        if (!limit_is_given(config_field_of(config, key), limit))
                config_unset(config, key);
        return true;
}

static Value *print_nat_ports(const void *field)
{
        return limit_to_value(field, LIMIT_NAT_PORTS);
}

static bool equal_nat_ports(const void *a, const void *b)
{
        return limit_equal(a, b, LIMIT_NAT_PORTS);
}

static Value *print_timeout(const void *field)
{
        return limit_to_value(field, LIMIT_TIMEOUT);
}

static bool equal_timeout(const void *a, const void *b)
{
        return limit_equal(a, b, LIMIT_TIMEOUT);
}

static Value *print_max_connections(const void *field)
{
        return limit_to_value(field, LIMIT_CONNECTIONS);
}

static bool equal_max_connections(const void *a, const void *b)
{
        return limit_equal(a, b, LIMIT_CONNECTIONS);
}

const ConfigType config_type_nat_mode = { parse_nat_mode, print_nat_mode, equal_nat_mode };
const ConfigType config_type_pool = { parse_pool, print_pool, equal_pool };
const ConfigType config_type_filter = { parse_filter, print_filter, equal_filter };
const ConfigType config_type_nat_ports = { parse_limit, print_nat_ports, equal_nat_ports };
const ConfigType config_type_timeout = { parse_limit, print_timeout, equal_timeout };
const ConfigType config_type_max_connections = { parse_limit, print_max_connections,
                                                 equal_max_connections };
