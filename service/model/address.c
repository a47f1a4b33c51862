/* SPDX-License-Identifier: GPL-2.0-or-later */

/* IPv4 addresses, subnets and MAC addresses: text to value and back, and arithmetic on values. What
 * an address may be used for in a network is config-check.c's. */

#include "model/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "model/quote.h"
#include "util/error.h"

#define SUBNET_MAX_PREFIX 30

const Subnet multicast_subnet = { 0xe0000000, 4 };

bool address_parse(const char *text, guint32 *ret_address)
{
        struct in_addr address;
        if (inet_pton(AF_INET, text, &address) != 1)
                return false;

        *ret_address = ntohl(address.s_addr);
        return true;
}

/* By hand: files of ten thousand addresses are written for a change of one. */
const char *address_format(guint32 address, char buffer[static ADDRESS_TEXT_SIZE])
{
        char *end = buffer;

        for (int shift = 24; shift >= 0; shift -= 8) {
                guint32 part = address >> shift & 0xff;
                if (part >= 100)
                        *end++ = (char)('0' + part / 100);
                if (part >= 10)
                        *end++ = (char)('0' + part / 10 % 10);
                *end++ = (char)('0' + part % 10);
                *end++ = shift > 0 ? '.' : '\0';
        }
        return buffer;
}

char *address_to_string(guint32 address)
{
        char buffer[ADDRESS_TEXT_SIZE];
        return g_strdup(address_format(address, buffer));
}

bool address_is_special(guint32 address)
{
        guint32 first = address >> 24;
        return first == 0 || first == 127 || first >= 224;
}

static guint32 prefix_netmask(guint prefix)
{
        return prefix == 0 ? 0 : G_MAXUINT32 << (32 - prefix);
}

/* The prefix length in decimal, without sign, space or leading zero. */
static bool prefix_parse(const char *text, guint *ret_prefix)
{
        gsize length = strlen(text);
        if (length < 1 || length > 2 || text[0] == '0' || strspn(text, "0123456789") != length)
                return false;

        guint prefix = (guint)g_ascii_strtoull(text, NULL, 10);
        if (prefix > SUBNET_MAX_PREFIX)
                return false;
        *ret_prefix = prefix;
        return true;
}

static bool subnet_fail(const char *text, const char *complaint, GError **error)
{
        g_autofree char *quoted = quote_text(text);
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS, "%s %s", quoted, complaint);
        return false;
}

bool subnet_parse(const char *text, Subnet *ret_subnet, GError **error)
{
        const char *slash = strchr(text, '/');
        if (!slash)
                return subnet_fail(text, "is not a subnet: it has no /PREFIX", error);

        g_autofree char *left = g_strndup(text, (gsize)(slash - text));
        guint32 address;
        if (!address_parse(left, &address))
                return subnet_fail(text, "is not a subnet: no IPv4 address before the slash",
                                   error);

        guint prefix;
        if (!prefix_parse(slash + 1, &prefix))
                return subnet_fail(text, "is not a subnet: the prefix is not one of 1 to 30",
                                   error);

        Subnet subnet = { .network = address & prefix_netmask(prefix), .prefix = prefix };
        if (subnet.network != address) {
                g_autofree char *meant = subnet_to_string(&subnet);
                g_autofree char *complaint =
                        g_strdup_printf("has host bits set (is %s meant?)", meant);
                return subnet_fail(text, complaint, error);
        }
        *ret_subnet = subnet;
        return true;
}

char *subnet_to_string(const Subnet *subnet)
{
        char buffer[ADDRESS_TEXT_SIZE];
        return g_strdup_printf("%s/%u", address_format(subnet->network, buffer), subnet->prefix);
}

/* What subnet_parse() does not take: there is no network around them. */
static bool read_all_or_one(const char *text, Subnet *hosts)
{
        g_autofree char *address = g_strndup(text, strcspn(text, "/"));
        const char *prefix = text + strlen(address);

        if (g_str_equal(text, "0.0.0.0/0")) {
                *hosts = (Subnet){ 0 };
                return true;
        }
        if (!address_parse(address, &hosts->network) || (*prefix && !g_str_equal(prefix, "/32")))
                return false;
        hosts->prefix = 32;
        return true;
}

bool hosts_parse(const char *text, Subnet *ret_hosts, GError **error)
{
        if (read_all_or_one(text, ret_hosts))
                return true;
        if (!strchr(text, '/') || strchr(text, ':'))
                return subnet_fail(text, HOSTS_COMPLAINT, error);
        return subnet_parse(text, ret_hosts, error);
}

char *hosts_to_string(const Subnet *hosts)
{
        return hosts->prefix == 32 ? address_to_string(hosts->network) : subnet_to_string(hosts);
}

guint32 subnet_netmask(const Subnet *subnet)
{
        return prefix_netmask(subnet->prefix);
}

guint32 subnet_broadcast(const Subnet *subnet)
{
        return subnet->network | ~subnet_netmask(subnet);
}

bool subnet_contains(const Subnet *subnet, guint32 address)
{
        return (address & subnet_netmask(subnet)) == subnet->network;
}

bool subnet_overlaps(const Subnet *a, const Subnet *b)
{
        guint32 mask = prefix_netmask(MIN(a->prefix, b->prefix));
        return (a->network & mask) == (b->network & mask);
}

bool mac_parse(const char *text, char ret_mac[static MAC_TEXT_SIZE])
{
        char mac[MAC_TEXT_SIZE] = "";
        for (guint i = 0; i < MAC_TEXT_SIZE - 1; i++) {
                bool fits = i % 3 == 2 ? text[i] == ':' : g_ascii_isxdigit(text[i]);
                if (!fits)
                        return false;
                mac[i] = g_ascii_tolower(text[i]);
        }
        if (text[MAC_TEXT_SIZE - 1])
                return false;

        memcpy(ret_mac, mac, sizeof mac);
        return true;
}

void mac_to_bytes(const char *mac, guint8 ret_bytes[static MAC_BYTES])
{
        for (guint i = 0; i < MAC_BYTES; i++)
                ret_bytes[i] = (guint8)(g_ascii_xdigit_value(mac[3 * i]) << 4 |
                                        g_ascii_xdigit_value(mac[3 * i + 1]));
}

bool mac_is_multicast(const char *mac)
{
        return g_ascii_xdigit_value(mac[1]) & 1;
}
