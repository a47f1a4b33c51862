/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The table of keys and the types in it. Each value is judged alone here; whether they go together
 * is config-check.c's, and what stands in for one that was not given is config-defaults.c's. */

#include "model/config-keys.h"

#include <string.h>

#include "model/config-entry.h"
#include "model/config-forwards.h"
#include "model/lease-time.h"
#include "model/name.h"
#include "model/state-dir.h"
#include "model/tap-owner.h"

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

static void replace_text(char **text, char *with)
{
        g_free(*text);
        *text = with;
}

static Value *print_text(const void *field)
{
        const char *text = *(char *const *)field;
        return text ? value_new_text(text) : NULL;
}

static bool equal_text(const void *a, const void *b)
{
        return g_strcmp0(*(char *const *)a, *(char *const *)b) == 0;
}

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

static bool parse_interface_name(NetworkConfig *config, const ConfigKey *key, const Value *value,
                                 GError **error)
{
        const char *text = config_text_of(key, value, error);
        if (!text)
                return false;
        if (!interface_name_is_valid(text))
                return config_refuse(
                        key, value,
                        "is not an interface's name: 1 to 15 printable bytes without spaces, "
                        "'/', ':' and '%'",
                        error);

        replace_text(config_field_of(config, key), g_strdup(text));
        return true;
}

/* What dnsmasq's configuration has no way to quote, and has to name. */
#define UNQUOTABLE ",*#\"\\"

bool config_interface_is_valid(const char *name)
{
        return interface_name_is_valid(name) && !strpbrk(name, UNQUOTABLE);
}

/* The network's own. */
static bool parse_interface(NetworkConfig *config, const ConfigKey *key, const Value *value,
                            GError **error)
{
        if (value->type == VALUE_TEXT && strpbrk(value->text, UNQUOTABLE))
                return config_refuse(
                        key, value,
                        "cannot be served: dnsmasq does not take ',', '*', '#', '\"' and '\\'",
                        error);
        return parse_interface_name(config, key, value, error);
}

static bool parse_match(NetworkConfig *config, const ConfigKey *key, const Value *value,
                        GError **error)
{
        LinkMatch match = { 0 };

        if (!link_match_parse(key->name, value, &match, error)) {
                link_match_clear(&match);
                return false;
        }
        link_match_clear(config_field_of(config, key));
        *(LinkMatch *)config_field_of(config, key) = match;
        return true;
}

static Value *print_match(const void *field)
{
        return link_match_to_value(field);
}

static bool equal_match(const void *a, const void *b)
{
        return link_match_equal(a, b);
}

/* Null or empty: nothing. */
static bool parse_create(NetworkConfig *config, const ConfigKey *key, const Value *value,
                         GError **error)
{
        if (config_is_unset(value)) {
                config->create = CREATE_NOTHING;
                config->given &= ~CONFIG_GIVEN(key - config_keys);
                return true;
        }
        const char *text = config_text_of(key, value, error);
        if (!text)
                return false;

        for (Create create = CREATE_NOTHING + 1; create < CREATE_MAX; create++)
                if (g_str_equal(text, create_to_string(create))) {
                        config->create = create;
                        return true;
                }
        return config_refuse(key, value, "is nothing that can be made: bridge and tap are", error);
}

static Value *print_create(const void *field)
{
        const Create *create = field;
        return *create == CREATE_NOTHING ? NULL : value_new_text(create_to_string(*create));
}

static bool equal_create(const void *a, const void *b)
{
        return *(const Create *)a == *(const Create *)b;
}

/* Null or empty: nobody. A number is a uid. */
static bool parse_owner(NetworkConfig *config, const ConfigKey *key, const Value *value,
                        GError **error)
{
        guint uid;

        if (value_is_null(value) || (value->type == VALUE_TEXT && !*value->text)) {
                replace_text(config_field_of(config, key), NULL);
                config->given &= ~CONFIG_GIVEN(key - config_keys);
                return true;
        }
        if (value_get_number(value, 0, G_MAXUINT32 - 1, &uid)) {
                replace_text(config_field_of(config, key), g_strdup_printf("%u", uid));
                return true;
        }
        if (value->type != VALUE_TEXT || !tap_owner_is_valid(value->text))
                return config_refuse(key, value, "is no user: neither a name nor a uid", error);
        replace_text(config_field_of(config, key), g_strdup(value->text));
        return true;
}

static bool parse_mtu(NetworkConfig *config, const ConfigKey *key, const Value *value,
                      GError **error)
{
        return value_get_number(value, CONFIG_MIN_MTU, CONFIG_MAX_MTU,
                                config_field_of(config, key)) ||
               config_refuse(key, value, "is not a number of bytes from 576 to 65521", error);
}

/* None where nothing is made. */
static Value *print_mtu(const void *field)
{
        const guint *mtu = field;
        return *mtu == 0 ? NULL : value_new_number(*mtu);
}

static bool equal_mtu(const void *a, const void *b)
{
        return *(const guint *)a == *(const guint *)b;
}

/* Another one, or, if null or empty, whichever the host uses. */
static bool parse_followed(NetworkConfig *config, const ConfigKey *key, const Value *value,
                           GError **error)
{
        if (!config_is_unset(value))
                return parse_interface_name(config, key, value, error);

        replace_text(config_field_of(config, key), NULL);
        config->given &= ~CONFIG_GIVEN(key - config_keys);
        return true;
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
                config->given &= ~CONFIG_GIVEN(key - config_keys);
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
                config->given &= ~CONFIG_GIVEN(key - config_keys);
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
                config->given &= ~CONFIG_GIVEN(key - config_keys);
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
        replace_text(config_field_of(config, key), time);
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
        replace_text(config_field_of(config, key), path);
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

static const ConfigType type_bool = { parse_bool, print_bool, equal_bool };
static const ConfigType type_interface = { parse_interface, print_text, equal_text };
static const ConfigType type_match = { parse_match, print_match, equal_match };
static const ConfigType type_create = { parse_create, print_create, equal_create };
static const ConfigType type_owner = { parse_owner, print_text, equal_text };
static const ConfigType type_mtu = { parse_mtu, print_mtu, equal_mtu };
static const ConfigType type_followed = { parse_followed, print_text, equal_text };
static const ConfigType type_subnet = { parse_subnet, print_subnet, equal_subnet };
static const ConfigType type_address = { parse_address, print_address, equal_address };
static const ConfigType type_nat_mode = { parse_nat_mode, print_nat_mode, equal_nat_mode };
static const ConfigType type_pool = { parse_pool, print_pool, equal_pool };
static const ConfigType type_filter = { parse_filter, print_filter, equal_filter };
static const ConfigType type_nat_ports = { parse_limit, print_nat_ports, equal_nat_ports };
static const ConfigType type_timeout = { parse_limit, print_timeout, equal_timeout };
static const ConfigType type_max_connections = { parse_limit, print_max_connections,
                                                 equal_max_connections };
static const ConfigType type_local_ntp = { parse_local_ntp, print_local_ntp, equal_local_ntp };
static const ConfigType type_lease_time = { parse_lease_time, print_text, equal_text };
static const ConfigType type_state_dir = { parse_state_dir, print_text, equal_text };
static const ConfigType type_servers = { parse_servers, print_servers, equal_servers };
static const ConfigType type_addresses = { parse_addresses, print_addresses, equal_addresses };
static const ConfigType type_dns_entries = { parse_dns_entries, print_dns_entries,
                                             equal_dns_entries };

static const ConfigType type_forwards = { parse_forwards, print_forwards, equal_forwards };

/* A row for the field of the key's own name. */
#define ROW(name, type, changes)                                                                   \
        {                                                                                          \
#name, &type_##type, offsetof(NetworkConfig, name), changes                        \
        }

/* The same for a limit. */
#define LIMIT(name, type)                                                                          \
        {                                                                                          \
#name, &type_##type, offsetof(NetworkConfig, limits), CONFIG_CHANGE_RULES          \
        }

#define ROW6(name, type, changes)                                                                  \
        {                                                                                          \
#name, &config_type_##type, offsetof(NetworkConfig, name), changes                 \
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
        [CONFIG_KEY_IPV6_SUBNET]        = ROW6(ipv6_subnet, subnet6, LINK),
        [CONFIG_KEY_IPV6_GATEWAY]       = ROW6(ipv6_gateway, address6, LINK),
        [CONFIG_KEY_IPV6_MODE]          = ROW6(ipv6_mode, ipv6_mode, DNSMASQ),
        [CONFIG_KEY_IPV6_NAT]           = ROW6(ipv6_nat, ipv6_nat, RULES),
        [CONFIG_KEY_ADDRESSES]          = { "addresses", &type_addresses,
                                            offsetof(NetworkConfig, entries),
                                            CONFIG_CHANGE_ADDRESSES },
        [CONFIG_KEY_DNS_SERVERS]        = ROW(dns_servers, servers, DNSMASQ),
        [CONFIG_KEY_DNS_ENTRIES]        = { "dns_entries", &type_dns_entries,
                                            offsetof(NetworkConfig, entries),
                                            CONFIG_CHANGE_DNS_ENTRIES },
        [CONFIG_KEY_FORWARDS]           = { "forwards", &type_forwards,
                                            offsetof(NetworkConfig, entries),
                                            CONFIG_CHANGE_FORWARDS },
        [CONFIG_KEY_DNS_INTERCEPT]      = ROW(dns_intercept, bool, RULES),
        [CONFIG_KEY_LOCAL_NTP]          = ROW(local_ntp, local_ntp, TIME),
        [CONFIG_KEY_STATE_DIR]          = ROW(state_dir, state_dir, CONFIG_CHANGE_STATE_DIR),
        [CONFIG_KEY_DHCP_FORCE]         = ROW(dhcp_force, bool, OTHER),
        [CONFIG_KEY_TAKE_DEFAULT_ROUTE] = ROW(take_default_route, bool, OTHER),
        [CONFIG_KEY_ENABLE_TCPDUMP]     = ROW(enable_tcpdump, bool, OTHER),
        [CONFIG_KEY_TRANSIENT]          = { "transient", &type_bool,
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
