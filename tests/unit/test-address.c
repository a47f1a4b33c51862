/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Addresses, subnets and MAC addresses: what is one, and arithmetic at the edges. */

#include "model/address.h"

#include <string.h>

#include "util/error.h"

static void test_address_parse(void)
{
        static const struct {
                const char *text;
                bool is_valid;
                guint32 address;
        } cases[] = {
                { "192.168.100.1", true, 0xc0a86401 },
                { "0.0.0.0", true, 0 },
                { "255.255.255.255", true, 0xffffffff },
                { "8.8.8.8", true, 0x08080808 },
                { "", false, 0 },
                { "1.2.3", false, 0 },
                { "1.2.3.4.5", false, 0 },
                { "1.2.3.256", false, 0 },
                { "01.2.3.4", false, 0 },
                { "1.2.3.04", false, 0 },
                { "1.2.3.00", false, 0 },
                { " 1.2.3.4", false, 0 },
                { "1.2.3.4 ", false, 0 },
                { "1.2.3.4\n", false, 0 },
                { "1.2.3.-4", false, 0 },
                { "1.2.3.+4", false, 0 },
                { "0x1.2.3.4", false, 0 },
                { "16909060", false, 0 },
                { "1.2.3.4/24", false, 0 },
                { "::1", false, 0 },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                guint32 address = 0x5a5a5a5a;
                g_test_message("\"%s\"", cases[i].text);
                g_assert_cmpint(address_parse(cases[i].text, &address), ==, cases[i].is_valid);
                g_assert_cmphex(address, ==, cases[i].is_valid ? cases[i].address : 0x5a5a5a5a);
                if (cases[i].is_valid) {
                        g_autofree char *text = address_to_string(address);
                        g_assert_cmpstr(text, ==, cases[i].text);
                }
        }
}

static void test_address_special(void)
{
        static const struct {
                const char *text;
                bool is_special;
        } cases[] = {
                { "0.0.0.0", true },          { "0.255.255.255", true },
                { "1.0.0.0", false },         { "10.0.0.1", false },
                { "126.255.255.255", false }, { "127.0.0.1", true },
                { "128.0.0.1", false },       { "169.254.1.1", false },
                { "223.255.255.255", false }, { "224.0.0.1", true },
                { "239.255.255.250", true },  { "240.0.0.1", true },
                { "255.255.255.255", true },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                guint32 address;
                g_test_message("%s", cases[i].text);
                g_assert_true(address_parse(cases[i].text, &address));
                g_assert_cmpint(address_is_special(address), ==, cases[i].is_special);
        }
}

static void test_subnet_parse(void)
{
        static const struct {
                const char *text;
                const char *error; /* part of it; NULL: none */
        } cases[] = {
                { "192.168.100.0/24", NULL },
                { "10.0.0.0/8", NULL },
                { "128.0.0.0/1", NULL },
                { "192.168.100.4/30", NULL },
                { "192.168.100.1/24", "is 192.168.100.0/24 meant?" },
                { "192.168.100.0", "no /PREFIX" },
                { "192.168.100.0/", "prefix" },
                { "192.168.100.0/0", "prefix" },
                { "192.168.100.0/31", "prefix" },
                { "192.168.100.0/32", "prefix" },
                { "192.168.100.0/024", "prefix" },
                { "192.168.100.0/+4", "prefix" },
                { "192.168.100.0/24 ", "prefix" },
                { "192.168.100.0/99999999999999999999", "prefix" },
                { "192.168.100.0/255.255.255.0", "prefix" },
                { "192.168.0100.0/24", "no IPv4 address" },
                { "192.168.100/24", "no IPv4 address" },
                { "/24", "no IPv4 address" },
                { "", "\"\" is not a subnet" },
                { "a\nb", "\"a\\nb\"" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                Subnet subnet = { 0 };
                g_test_message("\"%s\"", cases[i].text);
                bool is_valid = subnet_parse(cases[i].text, &subnet, &error);
                g_assert_cmpint(is_valid, ==, cases[i].error == NULL);
                if (is_valid) {
                        g_autofree char *text = subnet_to_string(&subnet);
                        g_assert_cmpstr(text, ==, cases[i].text);
                        continue;
                }
                g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
                g_assert_nonnull(strstr(error->message, cases[i].error));
        }
}

static void test_subnet_arithmetic(void)
{
        static const struct {
                const char *subnet;
                guint32 netmask, broadcast;
        } cases[] = {
                { "192.168.100.0/24", 0xffffff00, 0xc0a864ff },
                { "128.0.0.0/1", 0x80000000, 0xffffffff },
                { "10.0.0.0/8", 0xff000000, 0x0affffff },
                { "10.1.2.4/30", 0xfffffffc, 0x0a010207 },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                Subnet subnet;
                g_assert_true(subnet_parse(cases[i].subnet, &subnet, NULL));
                g_assert_cmphex(subnet_netmask(&subnet), ==, cases[i].netmask);
                g_assert_cmphex(subnet_broadcast(&subnet), ==, cases[i].broadcast);
                g_assert_true(subnet_contains(&subnet, subnet.network));
                g_assert_true(subnet_contains(&subnet, cases[i].broadcast));
                g_assert_false(subnet_contains(&subnet, subnet.network - 1));
                g_assert_false(subnet_contains(&subnet, cases[i].broadcast + 1));
        }
}

static void test_subnet_overlap(void)
{
        static const struct {
                const char *a, *b;
                bool overlaps;
        } cases[] = {
                { "10.0.0.0/24", "10.0.0.0/24", true },  { "10.0.0.0/8", "10.9.8.0/24", true },
                { "10.0.0.0/24", "10.0.1.0/24", false }, { "10.0.0.0/30", "10.0.0.4/30", false },
                { "10.0.0.0/23", "10.0.1.0/24", true },  { "128.0.0.0/1", "192.168.0.0/16", true },
                { "128.0.0.0/1", "10.0.0.0/8", false },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                Subnet a, b;
                g_assert_true(subnet_parse(cases[i].a, &a, NULL));
                g_assert_true(subnet_parse(cases[i].b, &b, NULL));
                g_assert_cmpint(subnet_overlaps(&a, &b), ==, cases[i].overlaps);
                g_assert_cmpint(subnet_overlaps(&b, &a), ==, cases[i].overlaps);
        }
}

static void test_mac(void)
{
        static const struct {
                const char *text;
                const char *mac; /* NULL: not one */
                bool is_multicast;
        } cases[] = {
                { "02:00:00:00:00:01", "02:00:00:00:00:01", false },
                { "AA:bb:Cc:0D:0e:fF", "aa:bb:cc:0d:0e:ff", false },
                { "ff:ff:ff:ff:ff:ff", "ff:ff:ff:ff:ff:ff", true },
                { "01:00:5e:00:00:01", "01:00:5e:00:00:01", true },
                { "0d:00:00:00:00:01", "0d:00:00:00:00:01", true },
                { "", NULL, false },
                { "02:00:00:00:00", NULL, false },
                { "02:00:00:00:00:0", NULL, false },
                { "02:00:00:00:00:01:02", NULL, false },
                { "02:00:00:00:00:01 ", NULL, false },
                { "02-00-00-00-00-01", NULL, false },
                { "020000000001", NULL, false },
                { "0200.0000.0001", NULL, false },
                { "0g:00:00:00:00:01", NULL, false },
                { "2:0:0:0:0:1", NULL, false },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                char mac[MAC_TEXT_SIZE] = "unset";
                g_test_message("\"%s\"", cases[i].text);
                g_assert_cmpint(mac_parse(cases[i].text, mac), ==, cases[i].mac != NULL);
                g_assert_cmpstr(mac, ==, cases[i].mac ? cases[i].mac : "unset");
                if (cases[i].mac)
                        g_assert_cmpint(mac_is_multicast(mac), ==, cases[i].is_multicast);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/address/parse", test_address_parse);
        g_test_add_func("/address/special", test_address_special);
        g_test_add_func("/subnet/parse", test_subnet_parse);
        g_test_add_func("/subnet/arithmetic", test_subnet_arithmetic);
        g_test_add_func("/subnet/overlap", test_subnet_overlap);
        g_test_add_func("/mac/parse", test_mac);
        return g_test_run();
}
