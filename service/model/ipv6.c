/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The words of the settings for IPv6, and which subnets can be a network's. */

#include "model/ipv6.h"

#define POOL_FIRST 0x1000
#define POOL_LAST  0xffff

static const char *const mode_names[IPV6_MODE_MAX] = {
        [IPV6_MODE_SLAAC] = "slaac",
        [IPV6_MODE_STATELESS] = "stateless",
        [IPV6_MODE_STATEFUL] = "stateful",
};

static const char *const nat_names[IPV6_NAT_MAX] = {
        [IPV6_NAT_MASQUERADE] = "masquerade",
        [IPV6_NAT_ROUTED] = "routed",
};

const char *ipv6_mode_to_string(Ipv6Mode mode)
{
        return mode_names[mode];
}

const char *ipv6_nat_to_string(Ipv6Nat nat)
{
        return nat_names[nat];
}

/* The index of @text among @names; @n: it is none of them. */
static guint find(const char *const *names, guint n, const char *text)
{
        guint i = 0;

        while (i < n && !g_str_equal(names[i], text))
                i++;
        return i;
}

bool ipv6_mode_parse(const char *text, Ipv6Mode *ret_mode)
{
        guint found = find(mode_names, IPV6_MODE_MAX, text);

        if (found < IPV6_MODE_MAX)
                *ret_mode = (Ipv6Mode)found;
        return found < IPV6_MODE_MAX;
}

bool ipv6_nat_parse(const char *text, Ipv6Nat *ret_nat)
{
        guint found = find(nat_names, IPV6_NAT_MAX, text);

        if (found < IPV6_NAT_MAX)
                *ret_nat = (Ipv6Nat)found;
        return found < IPV6_NAT_MAX;
}

/* RFC 4291: global unicast is 2000::/3; RFC 4193: unique local is fc00::/7. All else is no host's,
 * or no more than a link's, or stands for IPv4. */
const char *ipv6_subnet_fault(const Subnet6 *subnet)
{
        static const Subnet6 global = { { { 0x20 } }, 3 }, local = { { { 0xfc } }, 7 };

        if (subnet->prefix < IPV6_SLAAC_PREFIX || subnet->prefix > IPV6_MAX_PREFIX)
                return "has a prefix that is not one of 64 to 120";
        if (!subnet6_contains(&global, &subnet->network) &&
            !subnet6_contains(&local, &subnet->network))
                return "is neither of unique local addresses (fd00::/8) nor of global ones "
                       "(2000::/3)";
        return NULL;
}

void ipv6_pool(const Subnet6 *subnet, Address6 *ret_first, Address6 *ret_last)
{
        guint64 n_hosts = subnet->prefix <= IPV6_SLAAC_PREFIX
                                  ? G_MAXUINT64
                                  : (G_GUINT64_CONSTANT(1) << (128 - subnet->prefix)) - 1;
        bool is_large = n_hosts >= POOL_LAST;

        *ret_first = subnet6_host(subnet, is_large ? POOL_FIRST : (n_hosts + 1) / 16);
        *ret_last = subnet6_host(subnet, is_large ? POOL_LAST : n_hosts);
}

bool ipv6_pool_contains(const Subnet6 *subnet, const Address6 *address)
{
        Address6 first, last;

        ipv6_pool(subnet, &first, &last);
        return address6_compare(&first, address) <= 0 && address6_compare(address, &last) <= 0;
}
