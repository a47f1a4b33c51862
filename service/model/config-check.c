/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Settings beside each other: addresses in the subnet, names that differ, entries that suit the
 * network. Each value alone has been judged when it was read (config-keys.c, config-entry.c). */

#include "model/config-check.h"

#include "model/config-forwards.h"
#include "model/config-keys.h"
#include "util/error.h"

const Value *config_place_of(const Value *settings, ConfigKeyId id)
{
        const Value *value = value_get(settings, config_keys[id].name);
        return value ? value : settings;
}

char *config_host_fault(const Subnet *subnet, guint32 address)
{
        g_autofree char *text = subnet_to_string(subnet);
        if (!subnet_contains(subnet, address))
                return g_strdup_printf("is outside the subnet %s", text);
        if (address == subnet->network)
                return g_strdup_printf("is the network address of %s", text);
        if (address == subnet_broadcast(subnet))
                return g_strdup_printf("is the broadcast address of %s", text);
        if (address_is_special(address))
                return g_strdup("is not an address that a host can have");
        return NULL;
}

static bool check_host(const NetworkConfig *config, const Value *settings, ConfigKeyId id,
                       guint32 address, GError **error)
{
        g_autofree char *fault = config_host_fault(&config->subnet, address);
        if (!fault)
                return true;

        char buffer[ADDRESS_TEXT_SIZE];
        value_set_error(error, config_place_of(settings, id), "%s: %s %s", config_keys[id].name,
                        address_format(address, buffer), fault);
        return false;
}

static bool check_subnet(const NetworkConfig *config, const Value *settings, GError **error)
{
        if (!address_is_special(config->subnet.network))
                return true;

        g_autofree char *text = subnet_to_string(&config->subnet);
        value_set_error(error, config_place_of(settings, CONFIG_KEY_SUBNET),
                        "subnet: %s is not a subnet that hosts can have addresses of", text);
        return false;
}

/* What is made has the name that is given, and nothing else is ours to set up. */
static bool check_create(const NetworkConfig *config, const Value *settings, GError **error)
{
        if (config->create != CREATE_NOTHING && !link_match_is_empty(&config->match)) {
                value_set_error(error, config_place_of(settings, CONFIG_KEY_CREATE),
                                "create: \"%s\" goes without match: what is made has the name "
                                "that `interface` gives",
                                create_to_string(config->create));
                return false;
        }
        if (config->create != CREATE_NOTHING || config->mtu == 0)
                return true;

        value_set_error(error, config_place_of(settings, CONFIG_KEY_MTU),
                        "mtu: %u needs `create`: an interface that is there is used as it is",
                        config->mtu);
        return false;
}

/* A TAP is somebody's, and nothing else is. */
static bool check_owner(const NetworkConfig *config, const Value *settings, GError **error)
{
        bool is_tap = config->create == CREATE_TAP;

        if (is_tap == (config->owner != NULL))
                return true;
        if (is_tap)
                value_set_error(
                        error, config_place_of(settings, CONFIG_KEY_CREATE),
                        "owner: is missing: create: \"tap\" needs the user who may open it");
        else
                value_set_error(error, config_place_of(settings, CONFIG_KEY_OWNER),
                                "owner: \"%s\" needs create: \"tap\"", config->owner);
        return false;
}

static bool check_range(const NetworkConfig *config, const Value *settings, GError **error)
{
        guint32 start = config->dhcp_range_start, end = config->dhcp_range_end;
        if (!check_host(config, settings, CONFIG_KEY_DHCP_RANGE_START, start, error) ||
            !check_host(config, settings, CONFIG_KEY_DHCP_RANGE_END, end, error))
                return false;

        char text[2][ADDRESS_TEXT_SIZE];
        address_format(start, text[0]);
        address_format(end, text[1]);
        if (start > end && (config->given & CONFIG_GIVEN(CONFIG_KEY_DHCP_RANGE_END))) {
                value_set_error(error, config_place_of(settings, CONFIG_KEY_DHCP_RANGE_END),
                                "dhcp_range_end: %s is below dhcp_range_start, %s", text[1],
                                text[0]);
                return false;
        }
        if (start > end) {
                value_set_error(
                        error, config_place_of(settings, CONFIG_KEY_DHCP_RANGE_START),
                        "dhcp_range_start: %s is above dhcp_range_end, which is %s by default",
                        text[0], text[1]);
                return false;
        }
        if (start <= config->gateway_ip && config->gateway_ip <= end) {
                char gateway[ADDRESS_TEXT_SIZE];
                value_set_error(
                        error, config_place_of(settings, CONFIG_KEY_DHCP_RANGE_START),
                        "dhcp_range_start: the range from %s to %s contains the gateway_ip, %s",
                        text[0], text[1], address_format(config->gateway_ip, gateway));
                return false;
        }
        return true;
}

static bool check_other_interface(const NetworkConfig *config, const Value *settings,
                                  ConfigKeyId id, const char *name, GError **error)
{
        if (g_strcmp0(name, config->interface) != 0 || !link_match_is_empty(&config->match))
                return true;

        value_set_error(error, config_place_of(settings, id),
                        "%s: \"%s\" is the network's own interface", config_keys[id].name, name);
        return false;
}

static bool check_servers(const NetworkConfig *config, const Value *settings, GError **error)
{
        for (guint i = 0; i < config->dns_servers->len; i++) {
                guint32 server = g_array_index(config->dns_servers, guint32, i);
                if (server != config->gateway_ip)
                        continue;

                char buffer[ADDRESS_TEXT_SIZE];
                value_set_error(error, config_place_of(settings, CONFIG_KEY_DNS_SERVERS),
                                "dns_servers: %s is the network's own gateway_ip, which asks them",
                                address_format(server, buffer));
                return false;
        }
        return true;
}

/* Redirecting is translation: without it there is nothing to do it with. */
static bool check_intercept(const NetworkConfig *config, const Value *settings, GError **error)
{
        if (!config->dns_intercept || nat_mode_forwards(config->nat_mode))
                return true;

        value_set_error(error, config_place_of(settings, CONFIG_KEY_DNS_INTERCEPT),
                        "dns_intercept: true needs nat_mode masquerade or 1to1");
        return false;
}

static bool check_pool(const NetworkConfig *config, const Value *settings, GError **error)
{
        const PublicPool *pool = &config->public_pool;

        if (pool->first == 0 || config->nat_mode == NAT_MODE_1TO1)
                return true;
        g_autofree char *text = public_pool_to_string(pool);
        value_set_error(error, config_place_of(settings, CONFIG_KEY_PUBLIC_POOL),
                        "public_pool: %s needs nat_mode 1to1", text);
        return false;
}

static bool entry_fail(const char *key, guint32 address, const char *fault, GError **error)
{
        char buffer[ADDRESS_TEXT_SIZE];
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS, "%s: %s %s", key,
                    address_format(address, buffer), fault);
        return false;
}

static bool check_auto(const NetworkConfig *config, const AddressEntry *entry, GError **error)
{
        const PublicPool *pool = &config->public_pool;

        if (pool->first == 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                            "public_ip: \"auto\" needs a public_pool");
                return false;
        }
        return entry->public_ip == 0 || public_pool_contains(pool, entry->public_ip) ||
               entry_fail("public_ip", entry->public_ip, "is not in the public_pool", error);
}

/* The first of them goes for all. LIMIT_MAX: there is none. */
static Limit first_limit(const Limits *limits)
{
        Limit limit = 0;

        while (limit < LIMIT_MAX && !limit_is_given(limits, limit))
                limit++;
        return limit;
}

/* A limit is one of translation. @place may be NULL. */
static bool check_translated(const NetworkConfig *config, const Limits *limits, const Value *place,
                             GError **error)
{
        Limit limit = first_limit(limits);

        if (limit == LIMIT_MAX || nat_mode_forwards(config->nat_mode))
                return true;
        const Value *given = place ? value_get(place, limit_to_string(limit)) : NULL;
        g_autoptr(Value) value = limit_to_value(limits, limit);
        g_autofree char *text = value_describe(value);
        value_set_error(error, given ? given : place, "%s: %s needs nat_mode masquerade or 1to1",
                        limit_to_string(limit), text);
        return false;
}

/* Whether @entry, the other entries aside, may be in the network. */
static bool check_entry_fits(const NetworkConfig *config, const AddressEntry *entry, GError **error)
{
        g_autofree char *fault = config_host_fault(&config->subnet, entry->ip);
        if (fault)
                return entry_fail("ip", entry->ip, fault, error);
        if (entry->ip == config->gateway_ip)
                return entry_fail("ip", entry->ip, "is the gateway_ip", error);
        if (!config_check_entry_ipv6(config, entry, error))
                return false;
        if (entry->public_auto && !check_auto(config, entry, error))
                return false;
        if (entry->public_name && config->nat_mode != NAT_MODE_1TO1) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                            "public_ip: %s needs nat_mode 1to1", entry->public_name);
                return false;
        }
        if (!check_translated(config, &entry->limits, NULL, error))
                return false;
        if (entry->public_ip == 0)
                return true;

        if (config->nat_mode != NAT_MODE_1TO1)
                return entry_fail("public_ip", entry->public_ip, "needs nat_mode 1to1", error);
        if (entry->public_ip == config->gateway_ip)
                return entry_fail("public_ip", entry->public_ip, "is the gateway_ip", error);
        if (address_is_special(entry->public_ip))
                return entry_fail("public_ip", entry->public_ip,
                                  "is not an address that a host can have", error);
        return true;
}

/* Entries that @settings gave are in its list's order, one for one; guests' come after them. */
static bool check_entries(const NetworkConfig *config, const Value *settings, GError **error)
{
        const Value *list = value_get(settings, config_keys[CONFIG_KEY_ADDRESSES].name);
        for (guint i = 0; i < entries_n_addresses(config->entries); i++) {
                const AddressEntry *entry = entries_address_at(config->entries, i);
                if (check_entry_fits(config, entry, error))
                        continue;

                bool is_given = list && i < list->items->len;
                const Value *place = is_given ? g_ptr_array_index(list->items, i) : settings;
                g_autofree char *id = entry->guest ? g_strescape(entry->guest->id, NULL) : NULL;
                if (id)
                        g_prefix_error(error, "guest \"%s\" is attached: ", id);
                else
                        value_prefix_error(error, place, "addresses: ");
                return false;
        }
        return true;
}

bool config_check(const NetworkConfig *config, const Value *settings, GError **error)
{
        return check_create(config, settings, error) && check_owner(config, settings, error) &&
               check_subnet(config, settings, error) &&
               check_host(config, settings, CONFIG_KEY_GATEWAY_IP, config->gateway_ip, error) &&
               check_range(config, settings, error) &&
               check_other_interface(config, settings, CONFIG_KEY_UPSTREAM_INTERFACE,
                                     config->upstream_interface, error) &&
               check_other_interface(config, settings, CONFIG_KEY_PUBLIC_INTERFACE,
                                     config->public_interface, error) &&
               check_servers(config, settings, error) && check_intercept(config, settings, error) &&
               check_pool(config, settings, error) && config_check_ipv6(config, settings, error) &&
               config_check_filter(config, settings, error) &&
               check_translated(config, &config->limits, settings, error) &&
               check_entries(config, settings, error) &&
               config_check_forwards(config, settings, error);
}

bool config_check_complete(const NetworkConfig *config, const Value *settings, GError **error)
{
        if (config->nat_mode != NAT_MODE_1TO1 || entries_n_public(config->entries) > 0 ||
            entries_n_public_names(config->entries) > 0 || config->public_pool.first != 0)
                return true;

        value_set_error(error, config_place_of(settings, CONFIG_KEY_NAT_MODE),
                        "nat_mode: \"1to1\" needs a public_pool, or a public_ip in at least one of "
                        "the addresses");
        return false;
}

bool config_check_address(const NetworkConfig *config, const AddressEntry *entry, GError **error)
{
        if (!check_entry_fits(config, entry, error) ||
            !entries_check_address(config->entries, entry, error))
                return false;

        bool is_new = !entries_find_ip(config->entries, entry->ip);
        if (is_new && entries_n_addresses(config->entries) >= CONFIG_MAX_ADDRESSES) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED,
                            "addresses: there are %u entries, which is the most",
                            CONFIG_MAX_ADDRESSES);
                return false;
        }
        return true;
}

bool config_check_dns(const NetworkConfig *config, const DnsEntry *entry, GError **error)
{
        bool is_new = !entries_find_hostname(config->entries, entry->hostname);
        if (is_new && entries_n_dns(config->entries) >= CONFIG_MAX_DNS_ENTRIES) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED,
                            "dns_entries: there are %u entries, which is the most",
                            CONFIG_MAX_DNS_ENTRIES);
                return false;
        }
        return true;
}
