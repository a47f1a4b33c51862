/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The settings for IPv6 beside each other. */

#include "model/config-check.h"

#include "util/error.h"

/* What keeps @address from being a host's in the network; NULL: nothing does. The caller's. */
static char *host6_fault(const NetworkConfig *config, const Address6 *address)
{
        g_autofree char *subnet = subnet6_to_string(&config->ipv6_subnet);

        if (!config_has_ipv6(config))
                return g_strdup("needs an ipv6_subnet");
        if (!subnet6_contains(&config->ipv6_subnet, address))
                return g_strdup_printf("is outside the ipv6_subnet %s", subnet);
        if (subnet6_host_number(&config->ipv6_subnet, address) == 0)
                return g_strdup_printf("is the anycast address of the routers of %s", subnet);
        return NULL;
}

bool config_check_entry_ipv6(const NetworkConfig *config, const AddressEntry *entry, GError **error)
{
        char text[ADDRESS6_TEXT_SIZE];

        if (address6_is_none(&entry->ipv6))
                return true;
        g_autofree char *fault = host6_fault(config, &entry->ipv6);
        if (!fault && address6_equal(&entry->ipv6, &config->ipv6_gateway))
                fault = g_strdup("is the ipv6_gateway");
        if (!fault)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS, "ipv6: %s %s",
                    address6_format(&entry->ipv6, text), fault);
        return false;
}

/* A rule about what is not there would look as if it did something. */
static bool check_filter_ipv6(const NetworkConfig *config, const Value *settings, GError **error)
{
        for (FilterDirection i = 0; config->filter && i < FILTER_DIRECTION_MAX; i++) {
                const FilterRule *rule = filter_side_find_ipv6(&config->filter->sides[i]);
                if (!rule)
                        continue;
                const Subnet6 *hosts = rule->source6.prefix ? &rule->source6 : &rule->destination6;
                g_autofree char *text = hosts6_to_string(hosts);
                value_set_error(error, config_place_of(settings, CONFIG_KEY_FILTER),
                                "filter: %s: %s in a rule needs IPv6, by an ipv6_subnet",
                                filter_direction_to_string(i), text);
                return false;
        }
        return true;
}

static bool fail_ipv6(const Value *settings, ConfigKeyId id, const Address6 *address,
                      const char *fault, GError **error)
{
        char text[ADDRESS6_TEXT_SIZE];

        value_set_error(error, config_place_of(settings, id), "%s: %s %s", config_keys[id].name,
                        address6_format(address, text), fault);
        return false;
}

/* The other keys say how, where this one says that. */
static bool check_without_ipv6(const NetworkConfig *config, const Value *settings, GError **error)
{
        static const ConfigKeyId ids[] = { CONFIG_KEY_IPV6_GATEWAY, CONFIG_KEY_IPV6_MODE,
                                           CONFIG_KEY_IPV6_NAT };

        for (guint i = 0; i < G_N_ELEMENTS(ids); i++)
                if (config->given & CONFIG_GIVEN(ids[i])) {
                        value_set_error(error, config_place_of(settings, ids[i]),
                                        "%s: needs an ipv6_subnet", config_keys[ids[i]].name);
                        return false;
                }
        return true;
}

bool config_check_ipv6(const NetworkConfig *config, const Value *settings, GError **error)
{
        const Subnet6 *subnet = &config->ipv6_subnet;
        const Address6 *gateway = &config->ipv6_gateway;

        if (!config_has_ipv6(config))
                return check_without_ipv6(config, settings, error) &&
                       check_filter_ipv6(config, settings, error);
        if (subnet->prefix != IPV6_SLAAC_PREFIX && config->ipv6_mode != IPV6_MODE_STATEFUL) {
                g_autofree char *text = subnet6_to_string(subnet);
                value_set_error(error, config_place_of(settings, CONFIG_KEY_IPV6_SUBNET),
                                "ipv6_subnet: %s needs ipv6_mode stateful: boards make addresses "
                                "themselves in a /64 alone",
                                text);
                return false;
        }
        if (config->mtu != 0 && config->mtu < IPV6_MIN_MTU) {
                value_set_error(error, config_place_of(settings, CONFIG_KEY_MTU),
                                "mtu: %u is too little for the ipv6_subnet: IPv6 needs %u",
                                config->mtu, IPV6_MIN_MTU);
                return false;
        }
        g_autofree char *fault = host6_fault(config, gateway);
        if (fault)
                return fail_ipv6(settings, CONFIG_KEY_IPV6_GATEWAY, gateway, fault, error);
        if (config->ipv6_mode == IPV6_MODE_STATEFUL && ipv6_pool_contains(subnet, gateway))
                return fail_ipv6(settings, CONFIG_KEY_IPV6_GATEWAY, gateway,
                                 "is one of those that DHCPv6 gives to boards", error);
        if ((config->given & CONFIG_GIVEN(CONFIG_KEY_IPV6_NAT)) &&
            !nat_mode_forwards(config->nat_mode)) {
                value_set_error(error, config_place_of(settings, CONFIG_KEY_IPV6_NAT),
                                "ipv6_nat: %s needs nat_mode masquerade or 1to1",
                                ipv6_nat_to_string(config->ipv6_nat));
                return false;
        }
        return true;
}
