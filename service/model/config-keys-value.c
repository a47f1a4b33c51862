/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The types of plain values, and of what is served to the boards. */

#include "model/config-keys.h"

#include <string.h>

#include "model/lease-time.h"
#include "model/state-dir.h"

static bool parse_bool(NetworkConfig *config, const ConfigKey *key, const Value *value,
                       GError **error)
{
        bool *field = config_field_of(config, key);
        return value_get_truth(value, field) ||
               config_refuse(key, value, "is not true or false", error);
}

static Value *print_bool(const void *field)
{
        return value_new_bool(*(const bool *)field);
}

static bool equal_bool(const void *a, const void *b)
{
        return *(const bool *)a == *(const bool *)b;
}

static bool parse_subnet(NetworkConfig *config, const ConfigKey *key, const Value *value,
                         GError **error)
{
        const char *text = config_text_of(key, value, error);
        if (!text)
                return false;
        if (subnet_parse(text, config_field_of(config, key), error))
                return true;

        value_prefix_error(error, value, "%s: ", key->name);
        return false;
}

static Value *print_subnet(const void *field)
{
        g_autofree char *text = subnet_to_string(field);
        return value_new_text(text);
}

static bool equal_subnet(const void *a, const void *b)
{
        const Subnet *left = a, *right = b;
        return left->network == right->network && left->prefix == right->prefix;
}

static bool parse_address(NetworkConfig *config, const ConfigKey *key, const Value *value,
                          GError **error)
{
        const char *text = config_text_of(key, value, error);
        if (!text)
                return false;
        return address_parse(text, config_field_of(config, key)) ||
               config_refuse(key, value, "is not an IPv4 address", error);
}

static Value *print_address(const void *field)
{
        char buffer[ADDRESS_TEXT_SIZE];
        return value_new_text(address_format(*(const guint32 *)field, buffer));
}

static bool equal_address(const void *a, const void *b)
{
        return *(const guint32 *)a == *(const guint32 *)b;
}

static bool parse_lease_time(NetworkConfig *config, const ConfigKey *key, const Value *value,
                             GError **error)
{
        const char *text = config_text_of(key, value, error);
        if (!text)
                return false;

        char *time = lease_time_normalise(text, error);
        if (!time) {
                value_prefix_error(error, value, "%s: ", key->name);
                return false;
        }
        config_replace_text(config_field_of(config, key), time);
        return true;
}

static bool parse_local_ntp(NetworkConfig *config, const ConfigKey *key, const Value *value,
                            GError **error)
{
        return local_ntp_parse(key->name, value, config_field_of(config, key), error);
}

static Value *print_local_ntp(const void *field)
{
        return local_ntp_to_value(field);
}

static bool equal_local_ntp(const void *a, const void *b)
{
        return local_ntp_equal(a, b);
}

static bool parse_state_dir(NetworkConfig *config, const ConfigKey *key, const Value *value,
                            GError **error)
{
        const char *text = config_text_of(key, value, error);
        if (!text)
                return false;

        char *path = state_dir_normalise(text, config->interface, error);
        if (!path) {
                value_prefix_error(error, value, "%s: ", key->name);
                return false;
        }
        config_replace_text(config_field_of(config, key), path);
        return true;
}

static bool add_server(GArray *servers, const ConfigKey *key, const Value *item, GError **error)
{
        const char *text = config_text_of(key, item, error);
        if (!text)
                return false;

        guint32 address;
        if (!address_parse(text, &address))
                return config_refuse(key, item, "is not an IPv4 address", error);
        if (address_is_special(address))
                return config_refuse(key, item, "is not an address that a DNS server can have",
                                     error);
        for (guint i = 0; i < servers->len; i++)
                if (g_array_index(servers, guint32, i) == address)
                        return config_refuse(key, item, "is listed twice", error);
        if (servers->len == CONFIG_MAX_DNS_SERVERS)
                return config_refuse(key, item, "is one too many: 32 servers are the most", error);

        g_array_append_val(servers, address);
        return true;
}

static bool parse_servers(NetworkConfig *config, const ConfigKey *key, const Value *value,
                          GError **error)
{
        if (value->type != VALUE_LIST)
                return config_refuse(key, value, "is not a list of addresses", error);

        g_array_set_size(config->dns_servers, 0);
        for (guint i = 0; i < value->items->len; i++)
                if (!add_server(config->dns_servers, key, g_ptr_array_index(value->items, i),
                                error))
                        return false;
        return true;
}

static Value *print_servers(const void *field)
{
        const GArray *servers = *(GArray *const *)field;
        Value *list = value_new_list();
        for (guint i = 0; i < servers->len; i++)
                value_append(list, print_address(&g_array_index(servers, guint32, i)));
        return list;
}

static bool equal_servers(const void *a, const void *b)
{
        const GArray *left = *(GArray *const *)a, *right = *(GArray *const *)b;
        return left->len == right->len &&
               (left->len == 0 ||
                memcmp(left->data, right->data, left->len * sizeof(guint32)) == 0);
}

const ConfigType config_type_bool = { parse_bool, print_bool, equal_bool };
const ConfigType config_type_subnet = { parse_subnet, print_subnet, equal_subnet };
const ConfigType config_type_address = { parse_address, print_address, equal_address };
const ConfigType config_type_local_ntp = { parse_local_ntp, print_local_ntp, equal_local_ntp };
const ConfigType config_type_lease_time = { parse_lease_time, config_print_text,
                                            config_equal_text };
const ConfigType config_type_state_dir = { parse_state_dir, config_print_text, config_equal_text };
const ConfigType config_type_servers = { parse_servers, print_servers, equal_servers };
