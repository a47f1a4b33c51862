/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The settings for IPv6: what is refused and with which words, defaults, and what a change of them
 * touches. */

#include <string.h>

#include "model/config-yaml.h"
#include "model/config.h"
#include "util/error.h"

#define ETH "interface: eth1\n"
#define SIX "ipv6_subnet: fd00:d::/64\n"

static NetworkConfig *config_of(const char *yaml)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *text = g_strconcat(ETH, yaml, NULL);
        g_autoptr(GPtrArray) configs = config_yaml_parse(text, strlen(text), NULL, &error);

        g_assert_no_error(error);
        return config_copy(g_ptr_array_index(configs, 0));
}

static void test_refused(void)
{
        static const struct {
                const char *yaml, *error;
        } cases[] = {
                { "ipv6_subnet: [fd00::/64]\n", "2:14: ipv6_subnet: a list is not text" },
                { "ipv6_subnet: 'fd00::'\n",
                  "2:14: ipv6_subnet: \"fd00::\" is not an IPv6 subnet: it has no /PREFIX" },
                { "ipv6_subnet: fe80::/64\n",
                  "2:14: ipv6_subnet: \"fe80::/64\" is neither of unique local addresses "
                  "(fd00::/8) nor of global ones (2000::/3)" },
                { "ipv6_subnet: fd00::/56\n",
                  "2:14: ipv6_subnet: \"fd00::/56\" has a prefix that is not one of 64 to 120" },
                { "ipv6_subnet: fd00::/80\n",
                  "2:14: ipv6_subnet: fd00::/80 needs ipv6_mode stateful: boards make addresses "
                  "themselves in a /64 alone" },
                { "ipv6_mode: slaac\n", "2:12: ipv6_mode: needs an ipv6_subnet" },
                { "ipv6_nat: routed\n", "2:11: ipv6_nat: needs an ipv6_subnet" },
                { "ipv6_gateway: fd00::1\n", "2:15: ipv6_gateway: needs an ipv6_subnet" },
                { SIX "ipv6_mode: auto\n",
                  "3:12: ipv6_mode: \"auto\" is not one of slaac, stateless, stateful" },
                { SIX "ipv6_nat: nat66\n",
                  "3:11: ipv6_nat: \"nat66\" is not one of masquerade, routed" },
                { SIX "ipv6_nat: masquerade\nnat_mode: none\n",
                  "3:11: ipv6_nat: masquerade needs nat_mode masquerade or 1to1" },
                { SIX "ipv6_gateway: 10.0.0.1\n",
                  "3:15: ipv6_gateway: \"10.0.0.1\" is not an IPv6 address" },
                { SIX "ipv6_gateway: fd00:e::1\n",
                  "3:15: ipv6_gateway: fd00:e::1 is outside the ipv6_subnet fd00:d::/64" },
                { SIX "ipv6_gateway: 'fd00:d::'\n",
                  "3:15: ipv6_gateway: fd00:d:: is the anycast address of the routers of "
                  "fd00:d::/64" },
                { SIX "ipv6_mode: stateful\nipv6_gateway: fd00:d::1000\n",
                  "4:15: ipv6_gateway: fd00:d::1000 is one of those that DHCPv6 gives to boards" },
                { SIX "create: bridge\nmtu: 1279\n",
                  "4:6: mtu: 1279 is too little for the ipv6_subnet: IPv6 needs 1280" },
                { SIX "addresses: [{ip: 192.168.100.5, ipv6: fd00:e::5}]\n",
                  "3:13: addresses: ipv6: fd00:e::5 is outside the ipv6_subnet fd00:d::/64" },
                { SIX "addresses: [{ip: 192.168.100.5, ipv6: fd00:d::1}]\n",
                  "3:13: addresses: ipv6: fd00:d::1 is the ipv6_gateway" },
                { SIX "addresses: [{ip: 192.168.100.5, ipv6: 10.0.0.5}]\n",
                  "3:39: addresses: ipv6: \"10.0.0.5\" is not a host's IPv6 address" },
                { SIX "addresses: [{ip: 192.168.100.5, ipv6: fd00:d::5}, {ip: 192.168.100.6, "
                      "ipv6: fd00:d::5}]\n",
                  "3:51: addresses: ipv6: fd00:d::5 is already the ipv6 of 192.168.100.5" },
                { "addresses: [{ip: 192.168.100.5, ipv6: fd00:d::5}]\n",
                  "2:13: addresses: ipv6: fd00:d::5 needs an ipv6_subnet" },
                { "dns_entries: [{hostname: a, ip: fd00::1}, {hostname: A, ip: fd00::2}]\n",
                  "2:54: dns_entries: hostname: \"a\" is listed twice" },
                { "dns_entries: [{hostname: a, ip: fe80::1}]\n",
                  "2:33: dns_entries: ip: \"fe80::1\" is a link-local address, which means nothing "
                  "without an interface" },
                { "dns_entries: [{hostname: a, ip: febf::1}]\n",
                  "2:33: dns_entries: ip: \"febf::1\" is a link-local address, which means nothing "
                  "without an interface" },
                { "dns_entries: [{hostname: a, ip: ff02::1}]\n",
                  "2:33: dns_entries: ip: \"ff02::1\" is a multicast address, which is no host's" },
                { "dns_entries: [{hostname: a, ip: 224.0.0.1}]\n",
                  "2:33: dns_entries: ip: \"224.0.0.1\" is a multicast address, which is no "
                  "host's" },
                { "dns_entries: [{hostname: a, ip: 255.255.255.255}]\n",
                  "2:33: dns_entries: ip: \"255.255.255.255\" is the broadcast address, which is "
                  "no "
                  "host's" },
                { "filter: {egress: {policy: drop, rules: [{action: accept, source: "
                  "'fd00::1'}]}}\n",
                  "2:9: filter: egress: fd00::1 in a rule needs IPv6, by an ipv6_subnet" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                g_autofree char *text = g_strconcat(ETH, cases[i].yaml, NULL);
                g_assert_null(config_yaml_parse(text, strlen(text), NULL, &error));
                g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
                g_assert_cmpstr(error->message, ==, cases[i].error);
        }
}

static void test_defaults(void)
{
        g_autoptr(NetworkConfig) none = config_of("");
        g_autoptr(NetworkConfig) config = config_of(SIX);
        g_autoptr(NetworkConfig) closed = config_of(SIX "nat_mode: none\n");
        g_autoptr(Value) settings = config_to_value(config, true);
        g_autoptr(Value) bare = config_to_value(none, true);

        g_assert_false(config_has_ipv6(none));
        g_assert_false(config_forwards_ipv6(none));
        g_assert_null(value_get(bare, "ipv6_subnet"));
        g_assert_null(value_get(bare, "ipv6_gateway"));
        g_assert_null(value_get(bare, "ipv6_mode"));
        g_assert_null(value_get(bare, "ipv6_nat"));
        g_assert_true(config_forwards_ipv6(config));
        g_assert_cmpstr(value_get(settings, "ipv6_subnet")->text, ==, "fd00:d::/64");
        g_assert_cmpstr(value_get(settings, "ipv6_gateway")->text, ==, "fd00:d::1");
        g_assert_cmpstr(value_get(settings, "ipv6_mode")->text, ==, "slaac");
        g_assert_cmpstr(value_get(settings, "ipv6_nat")->text, ==, "masquerade");
        g_assert_true(config_has_ipv6(closed));
        g_assert_false(config_forwards_ipv6(closed));
}

static NetworkConfig *changed(const NetworkConfig *config, const char *key, const char *text)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Value) changes = value_new_map();

        value_set(changes, key, value_new_text(text));
        NetworkConfig *result = config_with_changes(config, changes, &error);
        g_assert_no_error(error);
        return result;
}

static void test_changes(void)
{
        const unsigned link = CONFIG_CHANGE_LINK | CONFIG_CHANGE_DNSMASQ | CONFIG_CHANGE_RULES;
        g_autoptr(NetworkConfig) config =
                config_of(SIX "ipv6_mode: stateful\nipv6_gateway: fd00:d::5\n");
        g_autoptr(NetworkConfig) off = changed(config, "ipv6_subnet", "");
        g_autoptr(NetworkConfig) on = changed(off, "ipv6_subnet", "fd00:e::/64");
        g_autoptr(NetworkConfig) mode = changed(on, "ipv6_mode", "stateless");
        g_autoptr(NetworkConfig) nat = changed(on, "ipv6_nat", "routed");
        g_autoptr(NetworkConfig) closed = changed(on, "nat_mode", "disabled");
        g_autoptr(NetworkConfig) plain = changed(off, "nat_mode", "disabled");
        char text[ADDRESS6_TEXT_SIZE];

        g_assert_false(config_has_ipv6(off));
        g_assert_cmphex(config_diff(config, off) & link, ==, link);
        g_assert_cmpstr(address6_format(&on->ipv6_gateway, text), ==, "fd00:e::1");
        g_assert_cmpint(on->ipv6_mode, ==, IPV6_MODE_SLAAC);
        g_assert_cmphex(config_diff(on, mode), ==, CONFIG_CHANGE_DNSMASQ | CONFIG_CHANGE_OTHER);
        g_assert_cmphex(config_diff(on, nat), ==, CONFIG_CHANGE_RULES | CONFIG_CHANGE_OTHER);
        g_assert_cmphex(config_diff(on, closed), ==,
                        config_diff(off, plain) | CONFIG_CHANGE_DNSMASQ);
        g_assert_cmphex(config_diff(closed, on), ==, config_diff(on, closed));
        g_assert_false(config_diff(off, plain) & CONFIG_CHANGE_DNSMASQ);
}

/* What is written is read again to the same. */
static void test_round_trip(void)
{
        g_autoptr(NetworkConfig) config = config_of(
                SIX "ipv6_mode: stateful\nipv6_nat: routed\n"
                    "addresses: [{ip: 192.168.100.5, ipv6: 'FD00:D:0::5', hostname: b}]\n"
                    "dns_entries: [{hostname: a, ip: fd00::1}, {hostname: b, ip: 10.0.0.1},"
                    " {hostname: a, ip: 0.0.0.0}]\n");
        g_autoptr(Value) settings = config_to_value(config, true);
        g_autoptr(GError) error = NULL;
        g_autoptr(NetworkConfig) again = config_new(settings, CONFIG_SOURCE_BUS, &error);

        g_assert_no_error(error);
        for (guint i = 0; i < 2; i++) {
                const NetworkConfig *one = i == 0 ? config : again;
                const DnsEntry *entry = entries_find_hostname(one->entries, "a");
                char text[ADDRESS6_TEXT_SIZE];
                g_assert_cmpuint(entries_n_dns(one->entries), ==, 2);
                g_assert_cmpstr(dns_entry_address(entry, 0, text), ==, "0.0.0.0");
                g_assert_cmpstr(dns_entry_address(entry, 1, text), ==, "fd00::1");
                const AddressEntry *address = entries_address_at(one->entries, 0);
                g_assert_cmpstr(address6_format(&address->ipv6, text), ==, "fd00:d::5");
                g_assert_true(entries_find_ipv6(one->entries, &address->ipv6) == address);
        }
        g_assert_true(entries_equal_dns(config->entries, again->entries));
        g_assert_true(entries_equal_addresses(config->entries, again->entries));
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/config-ipv6/refused", test_refused);
        g_test_add_func("/config-ipv6/defaults", test_defaults);
        g_test_add_func("/config-ipv6/changes", test_changes);
        g_test_add_func("/config-ipv6/round-trip", test_round_trip);
        return g_test_run();
}
