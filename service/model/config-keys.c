/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The table of keys. The types in it, which judge each value alone, are in config-keys-*.c; whether
 * values go together is config-check.c's, and what stands in for one that was not given is
 * config-defaults.c's. */

#include "model/config-keys.h"

void *config_field_of(NetworkConfig *config, const ConfigKey *key)
{
        return (char *)config + key->offset;
}

static const void *const_field_of(const NetworkConfig *config, const ConfigKey *key)
{
        return (const char *)config + key->offset;
}

bool config_refuse(const ConfigKey *key, const Value *value, const char *complaint, GError **error)
{
        g_autofree char *got = value_describe(value);
        value_set_error(error, value, "%s: %s %s", key->name, got, complaint);
        return false;
}

const char *config_text_of(const ConfigKey *key, const Value *value, GError **error)
{
        if (value->type == VALUE_TEXT && !value_is_null(value))
                return value->text;

        (void)config_refuse(key, value, "is not text", error);
        return NULL;
}

bool config_is_unset(const Value *value)
{
        return value_is_null(value) || (value->type == VALUE_TEXT && !*value->text);
}

void config_unset(NetworkConfig *config, const ConfigKey *key)
{
        config->given &= ~CONFIG_GIVEN(key - config_keys);
}

void config_replace_text(char **text, char *with)
{
        g_free(*text);
        *text = with;
}

Value *config_print_text(const void *field)
{
        const char *text = *(char *const *)field;
        return text ? value_new_text(text) : NULL;
}

bool config_equal_text(const void *a, const void *b)
{
        return g_strcmp0(*(char *const *)a, *(char *const *)b) == 0;
}

/* A row for the field of the key's own name. */
#define ROW(name, type, changes)                                                                   \
        {                                                                                          \
#name, &config_type_##type, offsetof(NetworkConfig, name), changes                 \
        }

/* The same for a limit. */
#define LIMIT(name, type)                                                                          \
        {                                                                                          \
#name, &config_type_##type, offsetof(NetworkConfig, limits), CONFIG_CHANGE_RULES   \
        }

#define MTU     (CONFIG_CHANGE_INTERFACE | CONFIG_CHANGE_GUESTS | CONFIG_CHANGE_DNSMASQ)
#define GUESTS  (CONFIG_CHANGE_GUESTS | CONFIG_CHANGE_RULES)
#define LINK    (CONFIG_CHANGE_LINK | CONFIG_CHANGE_DNSMASQ | CONFIG_CHANGE_RULES)
#define DNSMASQ CONFIG_CHANGE_DNSMASQ
#define RULES   CONFIG_CHANGE_RULES
#define OTHER   CONFIG_CHANGE_OTHER
#define TIME    (CONFIG_CHANGE_TIME | CONFIG_CHANGE_DNSMASQ | CONFIG_CHANGE_RULES)

/* clang-format off */
const ConfigKey config_keys[CONFIG_KEY_MAX] = {
        [CONFIG_KEY_INTERFACE]          = ROW(interface, interface, LINK),
        [CONFIG_KEY_MATCH]              = ROW(match, match, LINK),
        [CONFIG_KEY_CREATE]             = ROW(create, create, CONFIG_CHANGE_INTERFACE),
        [CONFIG_KEY_OWNER]              = ROW(owner, owner, CONFIG_CHANGE_INTERFACE),
        [CONFIG_KEY_MTU]                = ROW(mtu, mtu, MTU),
        [CONFIG_KEY_ISOLATE_GUESTS]     = ROW(isolate_guests, bool, GUESTS),
        [CONFIG_KEY_SUBNET]             = ROW(subnet, subnet, LINK),
        [CONFIG_KEY_GATEWAY_IP]         = ROW(gateway_ip, address, LINK),
        [CONFIG_KEY_UPSTREAM_INTERFACE] = ROW(upstream_interface, followed, RULES),
        [CONFIG_KEY_PUBLIC_INTERFACE]   = ROW(public_interface, followed, RULES),
        [CONFIG_KEY_NAT_MODE]           = ROW(nat_mode, nat_mode, RULES),
        [CONFIG_KEY_FILTER]             = ROW(filter, filter, RULES),
        [CONFIG_KEY_PUBLIC_POOL]        = ROW(public_pool, pool, OTHER),
        [CONFIG_KEY_NAT_PORT_RANGE]     = LIMIT(nat_port_range, nat_ports),
        [CONFIG_KEY_CONNECTION_TIMEOUT] = LIMIT(connection_timeout, timeout),
        [CONFIG_KEY_MAX_CONNECTIONS]    = LIMIT(max_connections, max_connections),
        [CONFIG_KEY_DHCP_ENABLED]       = ROW(dhcp_enabled, bool, DNSMASQ),
        [CONFIG_KEY_DHCP_RANGE_START]   = ROW(dhcp_range_start, address, DNSMASQ),
        [CONFIG_KEY_DHCP_RANGE_END]     = ROW(dhcp_range_end, address, DNSMASQ),
        [CONFIG_KEY_DHCP_LEASE_TIME]    = ROW(dhcp_lease_time, lease_time, DNSMASQ),
        [CONFIG_KEY_DHCP_PING_CHECK]    = ROW(dhcp_ping_check, bool, DNSMASQ),
        [CONFIG_KEY_IPV6_SUBNET]        = ROW(ipv6_subnet, subnet6, LINK),
        [CONFIG_KEY_IPV6_GATEWAY]       = ROW(ipv6_gateway, address6, LINK),
        [CONFIG_KEY_IPV6_MODE]          = ROW(ipv6_mode, ipv6_mode, DNSMASQ),
        [CONFIG_KEY_IPV6_NAT]           = ROW(ipv6_nat, ipv6_nat, RULES),
        [CONFIG_KEY_ADDRESSES]          = { "addresses", &config_type_addresses,
                                            offsetof(NetworkConfig, entries),
                                            CONFIG_CHANGE_ADDRESSES },
        [CONFIG_KEY_DNS_SERVERS]        = ROW(dns_servers, servers, DNSMASQ),
        [CONFIG_KEY_DNS_ENTRIES]        = { "dns_entries", &config_type_dns_entries,
                                            offsetof(NetworkConfig, entries),
                                            CONFIG_CHANGE_DNS_ENTRIES },
        [CONFIG_KEY_FORWARDS]           = { "forwards", &config_type_forwards,
                                            offsetof(NetworkConfig, entries),
                                            CONFIG_CHANGE_FORWARDS },
        [CONFIG_KEY_DNS_INTERCEPT]      = ROW(dns_intercept, bool, RULES),
        [CONFIG_KEY_LOCAL_NTP]          = ROW(local_ntp, local_ntp, TIME),
        [CONFIG_KEY_STATE_DIR]          = ROW(state_dir, state_dir, CONFIG_CHANGE_STATE_DIR),
        [CONFIG_KEY_DHCP_FORCE]         = ROW(dhcp_force, bool, OTHER),
        [CONFIG_KEY_TAKE_DEFAULT_ROUTE] = ROW(take_default_route, bool, OTHER),
        [CONFIG_KEY_ENABLE_TCPDUMP]     = ROW(enable_tcpdump, bool, OTHER),
        [CONFIG_KEY_TRANSIENT]          = { "transient", &config_type_bool,
                                            offsetof(NetworkConfig, transient), OTHER,
                                            .not_in_file = true },
};
/* clang-format on */

bool config_key_parse(NetworkConfig *config, ConfigKeyId id, const Value *value, GError **error)
{
        const ConfigKey *key = &config_keys[id];
        config->given |= CONFIG_GIVEN(id);
        return key->type->parse(config, key, value, error);
}

Value *config_key_print(const NetworkConfig *config, ConfigKeyId id)
{
        const ConfigKey *key = &config_keys[id];
        bool is_derived = id == CONFIG_KEY_INTERFACE && !(config->given & CONFIG_GIVEN(id));
        bool is_idle = (id == CONFIG_KEY_IPV6_MODE || id == CONFIG_KEY_IPV6_NAT) &&
                       !config_has_ipv6(config);
        return is_derived || is_idle ? NULL : key->type->print(const_field_of(config, key));
}

bool config_key_equal(const NetworkConfig *a, const NetworkConfig *b, ConfigKeyId id)
{
        const ConfigKey *key = &config_keys[id];
        return key->type->equal(const_field_of(a, key), const_field_of(b, key));
}

bool config_keys_check_known(const Value *settings, ConfigSource source, GError **error)
{
        const char *names[CONFIG_KEY_MAX];
        guint n = 0;
        for (guint id = 0; id < CONFIG_KEY_MAX; id++)
                if (source != CONFIG_SOURCE_FILE || !config_keys[id].not_in_file)
                        names[n++] = config_keys[id].name;
        return value_check_keys(settings, "", names, n, error);
}
