/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The defaults. Those that follow from other keys are computed, so that every subnet of prefix 1 to
 * 30 has a gateway and a range of at least one address that are its hosts' and do not meet.
 * Whether what was given is right is config-check.c's: a default beside a wrong value can be wrong
 * as well. */

#include "model/config-defaults.h"

#include "model/config-keys.h"
#include "model/state-dir.h"

#define RANGE_FIRST_OFFSET 100
#define RANGE_LAST_OFFSET  200

static bool is_given(const NetworkConfig *config, ConfigKeyId id)
{
        return config->given & CONFIG_GIVEN(id);
}

/* Takes the gateway out of the range at an end that was not given, so that the larger part stays
 * where either could. */
static void cut_gateway(NetworkConfig *config)
{
        guint32 start = config->dhcp_range_start, end = config->dhcp_range_end;
        guint32 gateway = config->gateway_ip;
        if (gateway < start || gateway > end)
                return;

        bool can_raise = !is_given(config, CONFIG_KEY_DHCP_RANGE_START) && gateway < end;
        bool can_lower = !is_given(config, CONFIG_KEY_DHCP_RANGE_END) && gateway > start;
        if (can_raise && (!can_lower || end - gateway >= gateway - start))
                config->dhcp_range_start = gateway + 1;
        else if (can_lower)
                config->dhcp_range_end = gateway - 1;
}

/* The hosts 100 to 200. Where the subnet does not reach to 100 the range begins with the first
 * host; where not to 200 it ends with the last one. In a small subnet that is every host but the
 * gateway. An end that was given beyond the other one's default is upside down, and refused as
 * such. */
static void fill_range(NetworkConfig *config)
{
        guint32 network = config->subnet.network;
        guint32 n_hosts = subnet_broadcast(&config->subnet) - 1 - network;
        if (!is_given(config, CONFIG_KEY_DHCP_RANGE_END))
                config->dhcp_range_end = network + MIN(RANGE_LAST_OFFSET, n_hosts);
        if (!is_given(config, CONFIG_KEY_DHCP_RANGE_START))
                config->dhcp_range_start =
                        n_hosts >= RANGE_FIRST_OFFSET ? network + RANGE_FIRST_OFFSET : network + 1;
        cut_gateway(config);
}

static void fill_servers(GArray *servers)
{
        static const guint32 addresses[] = { 0x08080808, 0x08080404 }; /* 8.8.8.8, 8.8.4.4 */

        g_array_set_size(servers, 0);
        g_array_append_vals(servers, addresses, G_N_ELEMENTS(addresses));
}

static void fill_ipv6(NetworkConfig *config)
{
        bool has_ipv6 = config_has_ipv6(config);

        if (!is_given(config, CONFIG_KEY_IPV6_GATEWAY))
                config->ipv6_gateway =
                        has_ipv6 ? subnet6_host(&config->ipv6_subnet, 1) : (Address6){ 0 };
        if (!is_given(config, CONFIG_KEY_IPV6_MODE))
                config->ipv6_mode = IPV6_MODE_SLAAC;
        if (!is_given(config, CONFIG_KEY_IPV6_NAT))
                config->ipv6_nat = IPV6_NAT_MASQUERADE;
}

void config_fill_defaults(NetworkConfig *config)
{
        if (!is_given(config, CONFIG_KEY_SUBNET))
                config->subnet =
                        (Subnet){ .network = 0xc0a86400, .prefix = 24 }; /* 192.168.100.0 */
        if (!is_given(config, CONFIG_KEY_GATEWAY_IP))
                config->gateway_ip = config->subnet.network + 1;
        if (!is_given(config, CONFIG_KEY_MTU))
                config->mtu = config->create == CREATE_NOTHING ? 0 : 1500;
        if (!is_given(config, CONFIG_KEY_NAT_MODE))
                config->nat_mode = NAT_MODE_MASQUERADE;
        if (!is_given(config, CONFIG_KEY_DHCP_ENABLED))
                config->dhcp_enabled = true;
        if (!is_given(config, CONFIG_KEY_ENABLE_TCPDUMP))
                config->enable_tcpdump = true;
        fill_range(config);
        fill_ipv6(config);

        if (!config->dhcp_lease_time)
                config->dhcp_lease_time = g_strdup("12h");
        if (!is_given(config, CONFIG_KEY_DNS_SERVERS))
                fill_servers(config->dns_servers);
        if (!config->state_dir)
                config->state_dir = state_dir_normalise(STATE_DIR_DEFAULT, config->interface, NULL);
}
