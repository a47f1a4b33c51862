/* SPDX-License-Identifier: GPL-2.0-or-later */

/* IPv6 addresses and subnets: text to value and back, and arithmetic on values. What a network may
 * use is ipv6.c's. */

#include "model/address6.h"

#include <arpa/inet.h>
#include <string.h>

#include "model/quote.h"
#include "util/error.h"

#define BITS 128

G_STATIC_ASSERT(ADDRESS6_TEXT_SIZE >= INET6_ADDRSTRLEN);

const Subnet6 link_local_subnet6 = { { { 0xfe, 0x80 } }, 64 };
const Subnet6 multicast_subnet6 = { { { 0xff } }, 8 };

bool address6_parse(const char *text, Address6 *ret_address)
{
        Address6 address;

        if (inet_pton(AF_INET6, text, address.bytes) != 1)
                return false;
        *ret_address = address;
        return true;
}

const char *address6_format(const Address6 *address, char buffer[static ADDRESS6_TEXT_SIZE])
{
        return inet_ntop(AF_INET6, address->bytes, buffer, ADDRESS6_TEXT_SIZE);
}

char *address6_to_string(const Address6 *address)
{
        char buffer[ADDRESS6_TEXT_SIZE];

        return g_strdup(address6_format(address, buffer));
}

int address6_compare(const Address6 *a, const Address6 *b)
{
        return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

bool address6_equal(const Address6 *a, const Address6 *b)
{
        return address6_compare(a, b) == 0;
}

bool address6_is_none(const Address6 *address)
{
        static const Address6 none;

        return address6_equal(address, &none);
}

guint address6_hash(gconstpointer key)
{
        guint32 words[4];

        memcpy(words, key, sizeof words);
        return words[0] ^ words[1] ^ (words[2] * 31) ^ (words[3] * 37);
}

gboolean address6_same(gconstpointer a, gconstpointer b)
{
        return address6_equal(a, b);
}

Address6 subnet6_netmask(guint prefix)
{
        Address6 mask = { 0 };

        for (guint i = 0; i < prefix; i++)
                mask.bytes[i / 8] |= (guint8)(0x80 >> i % 8);
        return mask;
}

static Address6 masked(const Address6 *address, guint prefix)
{
        const Address6 mask = subnet6_netmask(prefix);
        Address6 result;

        for (guint i = 0; i < sizeof result.bytes; i++)
                result.bytes[i] = address->bytes[i] & mask.bytes[i];
        return result;
}

static bool fail(const char *text, const char *complaint, GError **error)
{
        g_autofree char *quoted = quote_text(text);

        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS, "%s %s", quoted, complaint);
        return false;
}

/* The prefix length in decimal, without sign, space or leading zero. */
static bool prefix_parse(const char *text, guint *ret_prefix)
{
        gsize length = strlen(text);
        guint prefix = 0;

        if (length < 1 || length > 3 || (text[0] == '0' && length > 1))
                return false;
        for (const char *p = text; *p; p++) {
                if (!g_ascii_isdigit(*p))
                        return false;
                prefix = prefix * 10 + (guint)g_ascii_digit_value(*p);
        }
        if (prefix > BITS)
                return false;
        *ret_prefix = prefix;
        return true;
}

bool subnet6_parse(const char *text, Subnet6 *ret_subnet, GError **error)
{
        const char *slash = strchr(text, '/');
        Address6 address;
        guint prefix;

        if (!slash)
                return fail(text, "is not an IPv6 subnet: it has no /PREFIX", error);
        g_autofree char *left = g_strndup(text, (gsize)(slash - text));
        if (!address6_parse(left, &address))
                return fail(text, "is not an IPv6 subnet: no IPv6 address before the slash", error);
        if (!prefix_parse(slash + 1, &prefix))
                return fail(text, "is not an IPv6 subnet: the prefix is not one of 0 to 128",
                            error);

        Subnet6 subnet = { masked(&address, prefix), prefix };
        if (!address6_equal(&subnet.network, &address)) {
                g_autofree char *meant = subnet6_to_string(&subnet);
                g_autofree char *complaint =
                        g_strdup_printf("has host bits set (is %s meant?)", meant);
                return fail(text, complaint, error);
        }
        *ret_subnet = subnet;
        return true;
}

bool hosts6_parse(const char *text, Subnet6 *ret_hosts)
{
        Subnet6 hosts = { .prefix = BITS };
        bool is_subnet = strchr(text, '/');

        if (is_subnet ? !subnet6_parse(text, &hosts, NULL) : !address6_parse(text, &hosts.network))
                return false;
        *ret_hosts = hosts;
        return true;
}

char *subnet6_to_string(const Subnet6 *subnet)
{
        char buffer[ADDRESS6_TEXT_SIZE];

        return g_strdup_printf("%s/%u", address6_format(&subnet->network, buffer), subnet->prefix);
}

char *hosts6_to_string(const Subnet6 *hosts)
{
        return hosts->prefix == BITS ? address6_to_string(&hosts->network)
                                     : subnet6_to_string(hosts);
}

bool subnet6_equal(const Subnet6 *a, const Subnet6 *b)
{
        return a->prefix == b->prefix && address6_equal(&a->network, &b->network);
}

bool subnet6_contains(const Subnet6 *subnet, const Address6 *address)
{
        const Address6 network = masked(address, subnet->prefix);

        return address6_equal(&network, &subnet->network);
}

bool subnet6_overlaps(const Subnet6 *a, const Subnet6 *b)
{
        const Subnet6 *wider = a->prefix <= b->prefix ? a : b;

        return subnet6_contains(wider, wider == a ? &b->network : &a->network);
}

static guint64 last_half(const Address6 *address)
{
        guint64 half;

        memcpy(&half, address->bytes + sizeof half, sizeof half);
        return GUINT64_FROM_BE(half);
}

Address6 subnet6_host(const Subnet6 *subnet, guint64 host)
{
        Address6 address = subnet->network;
        guint64 half = GUINT64_TO_BE(last_half(&address) | host);

        memcpy(address.bytes + sizeof half, &half, sizeof half);
        return address;
}

guint64 subnet6_host_number(const Subnet6 *subnet, const Address6 *address)
{
        const Address6 mask = subnet6_netmask(subnet->prefix);

        return last_half(address) & ~last_half(&mask);
}

Address6 subnet6_eui64(const Subnet6 *subnet, const char *mac)
{
        Address6 address = subnet->network;
        guint8 octets[6];

        for (guint i = 0; i < G_N_ELEMENTS(octets); i++)
                octets[i] = (guint8)(g_ascii_xdigit_value(mac[i * 3]) << 4 |
                                     g_ascii_xdigit_value(mac[i * 3 + 1]));
        memcpy(address.bytes + 8, octets, 3);
        address.bytes[8] ^= 0x02; /* whether it is the whole world's */
        address.bytes[11] = 0xff;
        address.bytes[12] = 0xfe;
        memcpy(address.bytes + 13, octets + 3, 3);
        return address;
}
