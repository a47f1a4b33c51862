/* SPDX-License-Identifier: GPL-2.0-or-later */

/* IPv6 addresses and subnets: which texts are taken, what they come to, and what a network may
 * have. */

#include "model/address6.h"

#include <string.h>

#include "model/ipv6.h"
#include "util/error.h"

static Address6 address(const char *text)
{
        Address6 result = { 0 };

        g_assert_true(address6_parse(text, &result));
        return result;
}

static Subnet6 subnet(const char *text)
{
        g_autoptr(GError) error = NULL;
        Subnet6 result = { 0 };

        (void)subnet6_parse(text, &result, &error);
        g_assert_no_error(error);
        return result;
}

static void test_address(void)
{
        static const struct {
                const char *text, *shown; /* NULL: none */
        } cases[] = {
                { "::1", "::1" },
                { "FD00:0:0:0:0:0:0:00A", "fd00::a" },
                { "fd00:1:0:0:2:0:0:3", "fd00:1::2:0:0:3" },
                { "::ffff:10.0.0.1", "::ffff:10.0.0.1" },
                { "", NULL },
                { "fd00::1%eth0", NULL },
                { "fd00::1/64", NULL },
                { "fd00::1 ", NULL },
                { "fd00:::1", NULL },
                { "10.0.0.1", NULL },
                { "1:2:3:4:5:6:7:8:9", NULL },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                char buffer[ADDRESS6_TEXT_SIZE];
                Address6 parsed;
                g_test_message("%s", cases[i].text);
                bool taken = address6_parse(cases[i].text, &parsed);
                g_assert_cmpint(taken, ==, cases[i].shown != NULL);
                if (taken)
                        g_assert_cmpstr(address6_format(&parsed, buffer), ==, cases[i].shown);
        }
}

static void test_subnet(void)
{
        static const struct {
                const char *text, *complaint; /* NULL: none */
        } cases[] = {
                { "fd00::/64", NULL },
                { "::/0", NULL },
                { "fd00::1/128", NULL },
                { "fd00::1/64", "has host bits set (is fd00::/64 meant?)" },
                { "fd00:0:0:0:8000::/64", "has host bits set (is fd00::/64 meant?)" },
                { "fd00::", "it has no /PREFIX" },
                { "10.0.0.0/8", "no IPv6 address before the slash" },
                { "fd00::/129", "the prefix is not one of 0 to 128" },
                { "fd00::/064", "the prefix is not one of 0 to 128" },
                { "fd00::/+64", "the prefix is not one of 0 to 128" },
                { "fd00::/ 64", "the prefix is not one of 0 to 128" },
                { "fd00::/", "the prefix is not one of 0 to 128" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                Subnet6 parsed = { .prefix = 77 };
                g_test_message("%s", cases[i].text);
                bool taken = subnet6_parse(cases[i].text, &parsed, &error);
                g_assert_cmpint(taken, ==, cases[i].complaint == NULL);
                if (!taken) {
                        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
                        g_assert_nonnull(strstr(error->message, cases[i].complaint));
                        g_assert_cmpuint(parsed.prefix, ==, 77);
                        continue;
                }
                g_autofree char *shown = subnet6_to_string(&parsed);
                g_assert_cmpstr(shown, ==, cases[i].text);
        }
}

static void test_hosts(void)
{
        Subnet6 hosts = { .prefix = 77 };

        g_assert_false(hosts6_parse("lab.test", &hosts));
        g_assert_false(hosts6_parse("10.0.0.1", &hosts));
        g_assert_false(hosts6_parse("fd00::1/64", &hosts));
        g_assert_cmpuint(hosts.prefix, ==, 77);
        g_assert_true(hosts6_parse("fd00::1", &hosts));
        g_autofree char *one = hosts6_to_string(&hosts);
        g_assert_cmpstr(one, ==, "fd00::1");
        g_assert_true(hosts6_parse("fd00::/8", &hosts));
        g_autofree char *many = hosts6_to_string(&hosts);
        g_assert_cmpstr(many, ==, "fd00::/8");
}

static void test_arithmetic(void)
{
        const Subnet6 whole = subnet("fd00:1::/64"), small = subnet("fd00:1::aa00/120");
        const Subnet6 all = subnet("::/0"), other = subnet("fd00:2::/64"), odd = subnet("fc00::/7");
        const Address6 inside = address("fd00:1::aa07"), outside = address("fd00:1::ab00");

        g_assert_true(subnet6_contains(&whole, &inside));
        g_assert_true(subnet6_contains(&small, &inside));
        g_assert_false(subnet6_contains(&small, &outside));
        g_assert_true(subnet6_contains(&all, &outside));
        g_assert_true(subnet6_contains(&odd, &outside));
        g_assert_true(subnet6_overlaps(&whole, &small));
        g_assert_true(subnet6_overlaps(&small, &whole));
        g_assert_true(subnet6_overlaps(&small, &all));
        g_assert_false(subnet6_overlaps(&whole, &other));
        g_assert_false(subnet6_equal(&whole, &small));

        g_assert_cmpuint(subnet6_host_number(&small, &inside), ==, 7);
        g_assert_cmpuint(subnet6_host_number(&whole, &inside), ==, 0xaa07);
        const Address6 host = subnet6_host(&small, 7);
        g_assert_true(address6_equal(&host, &inside));
        g_assert_true(address6_same(&host, &inside));
        g_assert_cmpuint(address6_hash(&host), ==, address6_hash(&inside));
        g_assert_cmpint(address6_compare(&inside, &outside), <, 0);
        g_assert_false(address6_is_none(&host));
}

/* RFC 4291, appendix A; the third is what a kernel has made of it. */
static void test_eui64(void)
{
        static const struct {
                const char *mac, *address;
        } cases[] = {
                { "34:56:78:9a:bc:de", "fd00:1::3656:78ff:fe9a:bcde" },
                { "02:00:00:00:00:01", "fd00:1::ff:fe00:1" },
                { "52:54:00:12:34:56", "fd00:1::5054:ff:fe12:3456" },
        };
        const Subnet6 whole = subnet("fd00:1::/64");

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                char text[ADDRESS6_TEXT_SIZE];
                const Address6 made = subnet6_eui64(&whole, cases[i].mac);
                g_assert_cmpstr(address6_format(&made, text), ==, cases[i].address);
        }
}

static void test_of_networks(void)
{
        static const char *const good[] = { "fd00::/64", "fc12:3456::/80", "2001:db8:1::/64",
                                            "3fff:1::/120" };
        static const char *const bad[] = { "fe80::/64", "ff02::/64",        "::/64",
                                           "fd00::/63", "fd00::/121",       "64:ff9b::/96",
                                           "fd00::/48", "::ffff:0:0/96",    "fec0::/64",
                                           "4000::/64", "2001:db8:1::1/128" };

        for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
                const Subnet6 network = subnet(good[i]);
                g_test_message("%s", good[i]);
                g_assert_null(ipv6_subnet_fault(&network));
        }
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
                const Subnet6 network = subnet(bad[i]);
                g_test_message("%s", bad[i]);
                g_assert_nonnull(ipv6_subnet_fault(&network));
        }
}

static void test_pool(void)
{
        static const struct {
                const char *subnet, *first, *last;
        } cases[] = {
                { "fd00::/64", "fd00::1000", "fd00::ffff" },
                { "fd00::1:0/112", "fd00::1:1000", "fd00::1:ffff" },
                { "fd00::8000/113", "fd00::8800", "fd00::ffff" },
                { "fd00::100/120", "fd00::110", "fd00::1ff" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                char text[ADDRESS6_TEXT_SIZE];
                const Subnet6 network = subnet(cases[i].subnet);
                const Address6 gateway = subnet6_host(&network, 1);
                Address6 first, last;
                ipv6_pool(&network, &first, &last);
                g_assert_cmpstr(address6_format(&first, text), ==, cases[i].first);
                g_assert_cmpstr(address6_format(&last, text), ==, cases[i].last);
                g_assert_true(ipv6_pool_contains(&network, &first));
                g_assert_true(ipv6_pool_contains(&network, &last));
                g_assert_false(ipv6_pool_contains(&network, &gateway));
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/address6/text", test_address);
        g_test_add_func("/subnet6/text", test_subnet);
        g_test_add_func("/subnet6/hosts", test_hosts);
        g_test_add_func("/subnet6/arithmetic", test_arithmetic);
        g_test_add_func("/subnet6/eui64", test_eui64);
        g_test_add_func("/ipv6/subnets-of-networks", test_of_networks);
        g_test_add_func("/ipv6/pool", test_pool);
        return g_test_run();
}
