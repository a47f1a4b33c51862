/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Names of interfaces, tables and hosts; quoting; the nearest of some words. */

#include "model/name.h"

#include <string.h>

#include "model/nearest.h"
#include "model/quote.h"
#include "util/error.h"

#define LABEL_63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789a"

static void test_interface(void)
{
        static const struct {
                const char *name;
                bool is_valid;
        } cases[] = {
                { "eth0", true },
                { "enx00e04c680001", true }, /* 15 bytes */
                { "enx00e04c6800012", false },
                { "br-lab.100", true },
                { "eth_0", true },
                { "...", true },
                { "a", true },
                { "", false },
                { ".", false },
                { "..", false },
                { "all", false },
                { "default", false },
                { "all0", true },
                { "../etc", false },
                { "/dev/null", false },
                { "eth/0", false },
                { "eth:0", false },
                { "eth 0", false },
                { "eth\t0", false },
                { "eth0\n", false },
                { "eth\v0", false },
                { "eth\xa0", false },
                { "eth\x7f", false },
                { "eth\x01", false },
                { "eth%d", false },
                { "éth0", false },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *quoted = quote_text(cases[i].name);
                g_test_message("%s", quoted);
                g_assert_cmpint(interface_name_is_valid(cases[i].name), ==, cases[i].is_valid);
        }
}

static void test_table(void)
{
        static const struct {
                const char *interface, *table, *second;
        } cases[] = {
                { "eth0", "jumpstarter_eth0", "jumpstarter_eth0.2" },
                { "eth-0", "jumpstarter_eth_0", "jumpstarter_eth_0.2" },
                { "eth_0", "jumpstarter_eth_0", "jumpstarter_eth_0.2" },
                { "eth0.100", "jumpstarter_eth0_100", "jumpstarter_eth0_100.2" },
                { "a@\"{};#$", "jumpstarter_a_______", "jumpstarter_a_______.2" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *table = table_name(cases[i].interface);
                g_autofree char *second = table_name_with_suffix(cases[i].interface, 2);
                g_assert_cmpstr(table, ==, cases[i].table);
                g_assert_cmpstr(second, ==, cases[i].second);
        }
}

static void test_hostname(void)
{
        static const struct {
                const char *text, *hostname, *error;
        } cases[] = {
                { "dut", "dut", NULL },
                { "DUT-1.Lab.Example", "dut-1.lab.example", NULL },
                { "_service._tcp", "_service._tcp", NULL },
                { "3com", "3com", NULL },
                { "1.2.3", "1.2.3", NULL },
                { LABEL_63, LABEL_63, NULL },
                { LABEL_63 "x", NULL, "more than 63 bytes" },
                { "", NULL, "empty" },
                { ".", NULL, "empty label" },
                { "a..b", NULL, "empty label" },
                { "a.", NULL, "empty label" },
                { ".a", NULL, "empty label" },
                { "-a", NULL, "begins or ends with '-'" },
                { "a-", NULL, "begins or ends with '-'" },
                { "a.-b", NULL, "begins or ends with '-'" },
                { "a b", NULL, "only letters" },
                { "a,b", NULL, "only letters" },
                { "a#b", NULL, "only letters" },
                { "a/b", NULL, "only letters" },
                { "a\nb", NULL, "\"a\\nb\"" },
                { "a\x01", NULL, "\"a\\x01\"" },
                { "a\x1b[31m", NULL, "\"a\\x1b[31m\"" },
                { "düt", NULL, "only letters" },
                { "10.0.0.1", NULL, "it is an address" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                g_test_message("\"%s\"", cases[i].text);
                g_autofree char *hostname = hostname_normalise(cases[i].text, &error);
                g_assert_cmpstr(hostname, ==, cases[i].hostname);
                if (hostname)
                        continue;
                g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
                g_assert_nonnull(strstr(error->message, cases[i].error));
        }
}

static void test_hostname_length(void)
{
        static const char longest[] = LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63;
        g_autofree char *fits = g_strndup(longest, 253);
        g_autofree char *normal = hostname_normalise(fits, NULL);
        g_assert_cmpstr(normal, ==, fits);

        g_autoptr(GError) error = NULL;
        g_autofree char *too_long = g_strndup(longest, 254);
        g_assert_null(hostname_normalise(too_long, &error));
        g_assert_nonnull(strstr(error->message, "longer than 253"));
}

static void test_quote(void)
{
        static const struct {
                const char *text, *quoted;
        } cases[] = {
                { "", "\"\"" },
                { "plain text", "\"plain text\"" },
                { "a\"b\\c", "\"a\\\"b\\\\c\"" },
                { "\n\t\r\x1b\x7f", "\"\\n\\t\\x0d\\x1b\\x7f\"" },
                { "日本", "\"日本\"" },
                { "\xff\xfe", "\"\\xff\\xfe\"" },
                { "\xe6\x97", "\"\\xe6\\x97\"" },
                { "\xc2\x85", "\"\\x85\"" },
                { "\xe2\x80\xae", "\"\\u202e\"" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *quoted = quote_text(cases[i].text);
                g_assert_cmpstr(quoted, ==, cases[i].quoted);
        }

        g_autofree char *long_text = g_strnfill(100000, 'x');
        g_autofree char *cut = quote_text(long_text);
        g_assert_cmpuint(strlen(cut), <, 100);
        g_assert_true(g_str_has_suffix(cut, "x…\""));
}

static void test_nearest(void)
{
        static const char *const words[] = { "subnet", "gateway_ip", "nat_mode", "ip", "mac" };
        static const struct {
                const char *text, *nearest;
        } cases[] = {
                { "subnets", "subnet" },
                { "sbunet", "subnet" },
                { "Gateway-IP", "gateway_ip" },
                { "gatewayip", "gateway_ip" },
                { "natmode", "nat_mode" },
                { "amc", "mac" },
                { "ipp", "ip" },
                { "filter", NULL },
                { "", NULL },
                { "enable_tcpdump", NULL },
                { "a_very_long_key_that_is_near_to_nothing", NULL },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_test_message("\"%s\"", cases[i].text);
                g_assert_cmpstr(nearest_match(cases[i].text, words, G_N_ELEMENTS(words)), ==,
                                cases[i].nearest);
        }
}

static void test_hostname_like_address(void)
{
        g_assert_true(hostname_is_like_address("10.0.0.300"));
        g_assert_true(hostname_is_like_address("10.0.0"));
        g_assert_true(hostname_is_like_address("7"));
        g_assert_false(hostname_is_like_address("board7"));
        g_assert_false(hostname_is_like_address("7.lab"));
        g_assert_false(hostname_is_like_address("0x7"));
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/name/interface", test_interface);
        g_test_add_func("/name/table", test_table);
        g_test_add_func("/name/hostname", test_hostname);
        g_test_add_func("/name/hostname-length", test_hostname_length);
        g_test_add_func("/name/hostname-like-address", test_hostname_like_address);
        g_test_add_func("/name/quote", test_quote);
        g_test_add_func("/name/nearest", test_nearest);
        return g_test_run();
}
