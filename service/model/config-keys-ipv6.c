/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The types of the keys for IPv6. Without an `ipv6_subnet` the others say nothing, and taking it
 * back takes them back as well. */

#include "model/config-keys.h"

#include "model/ipv6.h"

static const ConfigKeyId with_subnet[] = { CONFIG_KEY_IPV6_GATEWAY, CONFIG_KEY_IPV6_MODE,
                                           CONFIG_KEY_IPV6_NAT };

/* Null or empty: no IPv6. */
static bool parse_subnet6(NetworkConfig *config, const ConfigKey *key, const Value *value,
                          GError **error)
{
        Subnet6 *field = config_field_of(config, key), subnet;

        if (config_is_unset(value)) {
                *field = (Subnet6){ 0 };
                config_unset(config, key);
                for (guint i = 0; i < G_N_ELEMENTS(with_subnet); i++)
                        config_unset(config, &config_keys[with_subnet[i]]);
                return true;
        }
        const char *text = config_text_of(key, value, error);
        if (!text)
                return false;
        if (!subnet6_parse(text, &subnet, error)) {
                value_prefix_error(error, value, "%s: ", key->name);
                return false;
        }
        const char *fault = ipv6_subnet_fault(&subnet);
        if (fault)
                return config_refuse(key, value, fault, error);
        *field = subnet;
        return true;
}

static Value *print_subnet6(const void *field)
{
        const Subnet6 *subnet = field;
        if (subnet->prefix == 0)
                return NULL;

        g_autofree char *text = subnet6_to_string(subnet);
        return value_new_text(text);
}

static bool equal_subnet6(const void *a, const void *b)
{
        return subnet6_equal(a, b);
}

static bool parse_address6(NetworkConfig *config, const ConfigKey *key, const Value *value,
                           GError **error)
{
        if (config_is_unset(value)) {
                config_unset(config, key);
                return true;
        }
        const char *text = config_text_of(key, value, error);
        if (!text)
                return false;
        return address6_parse(text, config_field_of(config, key)) ||
               config_refuse(key, value, "is not an IPv6 address", error);
}

static Value *print_address6(const void *field)
{
        char text[ADDRESS6_TEXT_SIZE];

        return address6_is_none(field) ? NULL : value_new_text(address6_format(field, text));
}

static bool equal_address6(const void *a, const void *b)
{
        return address6_equal(a, b);
}

static bool parse_mode(NetworkConfig *config, const ConfigKey *key, const Value *value,
                       GError **error)
{
        const char *text = config_text_of(key, value, error);
        if (!text)
                return false;
        return ipv6_mode_parse(text, config_field_of(config, key)) ||
               config_refuse(key, value, "is not one of slaac, stateless, stateful", error);
}

static Value *print_mode(const void *field)
{
        return value_new_text(ipv6_mode_to_string(*(const Ipv6Mode *)field));
}

static bool equal_mode(const void *a, const void *b)
{
        return *(const Ipv6Mode *)a == *(const Ipv6Mode *)b;
}

static bool parse_nat(NetworkConfig *config, const ConfigKey *key, const Value *value,
                      GError **error)
{
        const char *text = config_text_of(key, value, error);
        if (!text)
                return false;
        return ipv6_nat_parse(text, config_field_of(config, key)) ||
               config_refuse(key, value, "is not one of masquerade, routed", error);
}

static Value *print_nat(const void *field)
{
        return value_new_text(ipv6_nat_to_string(*(const Ipv6Nat *)field));
}

static bool equal_nat(const void *a, const void *b)
{
        return *(const Ipv6Nat *)a == *(const Ipv6Nat *)b;
}

const ConfigType config_type_subnet6 = { parse_subnet6, print_subnet6, equal_subnet6 };
const ConfigType config_type_address6 = { parse_address6, print_address6, equal_address6 };
const ConfigType config_type_ipv6_mode = { parse_mode, print_mode, equal_mode };
const ConfigType config_type_ipv6_nat = { parse_nat, print_nat, equal_nat };
