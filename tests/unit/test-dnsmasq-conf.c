/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The text that dnsmasq is given: every line that matters, and that no value can smuggle one in. */

#include "model/dnsmasq-conf.h"

#include <string.h>

#include "model/config-yaml.h"

static NetworkConfig *config_of(const char *key, Value *value)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Value) settings = value_new_map();

        value_set(settings, "interface", value_new_text("eth7"));
        if (key)
                value_set(settings, key, value);
        NetworkConfig *config = config_new(settings, CONFIG_SOURCE_BUS, &error);
        g_assert_no_error(error);
        return config;
}

static char *text_of_network(const NetworkConfig *config, bool is_twin)
{
        const DnsmasqFacts facts = {
                .interface = config->interface,
                .index = 12,
                .state_dir = "/var/lib/jumpstarter/dut-network-eth7",
                .table = "jumpstarter_eth7",
                .dns_port = is_twin ? 20485 : 53,
                .is_twin = is_twin,
                .resolv_file = "/etc/resolv.conf",
        };

        return dnsmasq_conf_text(config, &facts);
}

static char *text_of(const NetworkConfig *config)
{
        return text_of_network(config, false);
}

static bool has_line(const char *text, const char *line)
{
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        return g_strv_contains((const char *const *)lines, line);
}

static guint32 address_of(const char *text)
{
        guint32 address = 0;

        g_assert_true(address_parse(text, &address));
        return address;
}

static void test_defaults(void)
{
        static const char *const expected[] = {
                "keep-in-foreground",
                "port=53",
                "interface=eth7",
                "# of index 12",
                "except-interface=lo",
                "bind-dynamic",
                "no-hosts",
                "no-resolv",
                "server=8.8.8.8",
                "server=8.8.4.4",
                "dhcp-range=192.168.100.100,192.168.100.200,255.255.255.0,12h",
                "dhcp-option=3,192.168.100.1",
                "dhcp-option=6,192.168.100.1",
                "dhcp-authoritative",
                "dhcp-sequential-ip",
                "no-ping",
                "addn-hosts=/var/lib/jumpstarter/dut-network-eth7/hosts.local",
                "dhcp-hostsfile=/var/lib/jumpstarter/dut-network-eth7/dhcp-hosts",
                "dhcp-leasefile=/var/lib/jumpstarter/dut-network-eth7/dnsmasq.leases",
                "pid-file=/var/lib/jumpstarter/dut-network-eth7/dnsmasq.pid",
                "log-facility=-",
        };
        g_autoptr(NetworkConfig) config = config_of(NULL, NULL);
        g_autofree char *text = text_of(config);

        for (gsize i = 0; i < G_N_ELEMENTS(expected); i++)
                if (!has_line(text, expected[i]))
                        g_error("no line %s in:\n%s", expected[i], text);
        g_assert_false(has_line(text, "bind-interfaces"));
}

static void test_without_dhcp(void)
{
        g_autoptr(NetworkConfig) config = config_of("dhcp_enabled", value_new_bool(false));
        g_autofree char *text = text_of(config);

        g_assert_null(strstr(text, "dhcp-range"));
        g_assert_true(has_line(text, "no-dhcp-interface=eth7"));
        g_assert_true(has_line(text, "port=53"));
}

static void test_ping_check(void)
{
        g_autoptr(NetworkConfig) config = config_of("dhcp_ping_check", value_new_bool(true));
        g_autofree char *text = text_of(config);

        g_assert_false(has_line(text, "no-ping"));
}

static void test_time_server(void)
{
        g_autoptr(NetworkConfig) with = config_of("local_ntp", value_new_bool(true));
        g_autoptr(NetworkConfig) without = config_of(NULL, NULL);
        g_autofree char *text = text_of(with);
        g_autofree char *other = text_of(without);

        g_assert_true(has_line(text, "dhcp-option=42,192.168.100.1"));
        g_assert_null(strstr(other, "dhcp-option=42"));
}

static void test_host_resolvers(void)
{
        g_autoptr(NetworkConfig) config = config_of("dns_servers", value_new_list());
        g_autofree char *text = text_of(config);

        g_assert_true(has_line(text, "resolv-file=/etc/resolv.conf"));
        g_assert_false(has_line(text, "no-resolv"));
        g_assert_null(strstr(text, "server="));
}

static void test_odd_interface_is_quoted(void)
{
        g_autoptr(NetworkConfig) config = config_of(NULL, NULL);

        g_free(config->interface);
        config->interface = g_strdup("e\"t,h\\#\nx=1");
        g_autofree char *text = text_of(config);
        g_assert_true(has_line(text, "interface=\"e\\\"t,h\\\\#?x=1\""));
        g_assert_false(has_line(text, "x=1"));
}

static void put(Entries *entries, const char *ip, const char *mac, const char *hostname)
{
        AddressEntry *entry = g_new0(AddressEntry, 1);

        entry->ip = address_of(ip);
        entry->mac = g_strdup(mac);
        entry->hostname = g_strdup(hostname);
        entries_put_address(entries, entry);
}

static void put_dns(Entries *entries, const char *hostname, const char *ip)
{
        g_autoptr(GError) error = NULL;
        DnsEntry *entry = dns_entry_from_text(hostname, ip, &error);

        g_assert_no_error(error);
        entries_put_dns(entries, entry);
}

static void test_hosts(void)
{
        static const struct {
                const char *ip, *mac, *hostname, *line;
        } cases[] = {
                { "10.0.0.2", "02:00:00:00:00:02", "dut", "02:00:00:00:00:02,10.0.0.2,dut" },
                { "10.0.0.3", "02:00:00:00:00:03", NULL, "02:00:00:00:00:03,10.0.0.3" },
                { "10.0.0.4", NULL, "name", "10.0.0.4" },
                { "10.0.0.5", "02:00:00:00:00:05", "a.b.c", "02:00:00:00:00:05,10.0.0.5,a" },
                /* Words that dnsmasq would read as something else than a name. */
                { "10.0.0.6", "02:00:00:00:00:06", "12h", "02:00:00:00:00:06,10.0.0.6" },
                { "10.0.0.7", "02:00:00:00:00:07", "ignore", "02:00:00:00:00:07,10.0.0.7" },
                { "10.0.0.8", "02:00:00:00:00:08", "infinite", "02:00:00:00:00:08,10.0.0.8" },
                { "10.0.0.9", "02:00:00:00:00:09", "42", "02:00:00:00:00:09,10.0.0.9" },
                { "10.0.0.10", "02:00:00:00:00:0a", "1.2.3.4", "02:00:00:00:00:0a,10.0.0.10" },
                { "10.0.0.11", "02:00:00:00:00:0b", "_x", "02:00:00:00:00:0b,10.0.0.11" },
                { "10.0.0.12", "02:00:00:00:00:0c", "ignored",
                  "02:00:00:00:00:0c,10.0.0.12,ignored" },
                { "10.0.0.13", "02:00:00:00:00:0d", "h", "02:00:00:00:00:0d,10.0.0.13,h" },
                { "10.0.0.14", "02:00:00:00:00:0e", "12hh", "02:00:00:00:00:0e,10.0.0.14,12hh" },
                { "10.0.0.15", "02:00:00:00:00:0f", "x\n1", "02:00:00:00:00:0f,10.0.0.15" },
        };
        g_autoptr(Entries) entries = entries_new();

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
                put(entries, cases[i].ip, cases[i].mac, cases[i].hostname);
        g_autofree char *text = dnsmasq_hosts_text(entries, NULL);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_assert_cmpuint(g_strv_length(lines), ==, G_N_ELEMENTS(cases) + 1);
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
                g_assert_cmpstr(lines[i], ==, cases[i].line);
}

static void test_taken_once_each(void)
{
        g_autoptr(Entries) entries = entries_new();
        g_autoptr(GArray) taken = g_array_new(FALSE, FALSE, sizeof(guint32));
        const guint32 addresses[] = { address_of("10.0.0.2"), address_of("10.0.0.9"),
                                      address_of("10.0.0.9") };

        put(entries, "10.0.0.2", "02:00:00:00:00:02", NULL);
        g_array_append_vals(taken, addresses, G_N_ELEMENTS(addresses));
        g_autofree char *text = dnsmasq_hosts_text(entries, taken);
        g_assert_cmpstr(text, ==, "02:00:00:00:00:02,10.0.0.2\n10.0.0.9\n");
}

static void test_names(void)
{
        g_autoptr(Entries) entries = entries_new();

        put(entries, "10.0.0.2", "02:00:00:00:00:02", "dut");
        put(entries, "10.0.0.3", NULL, "other");
        put(entries, "10.0.0.4", NULL, NULL);
        put_dns(entries, "dut", "10.0.0.77");
        put_dns(entries, "server.lab", "10.9.9.9");
        g_autofree char *text = dnsmasq_dns_text(entries);
        g_assert_cmpstr(text, ==, "10.0.0.77 dut\n10.9.9.9 server.lab\n10.0.0.3 other\n");
}

#define SET "4#ip#jumpstarter_names#to_eth7-"

/* A name is in the sets of all that it is below; nothing is answered from memory. */
static void test_names_of_filter(void)
{
        static const char *const names[] = { "example.com", "www.example.com", "other.net",
                                             "EXAMPLE.com" };
        static const char *const expected[] = {
                "cache-size=0",
                "nftset=/example.com/" SET "example.com",
                "nftset=/www.example.com/" SET "www.example.com," SET "example.com",
                "nftset=/other.net/" SET "other.net",
        };
        Value *filter = value_new_map(), *egress = value_new_map(), *rules = value_new_list();

        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
                Value *rule = value_new_map();
                value_set(rule, "action", value_new_text("accept"));
                value_set(rule, "destination", value_new_text(names[i]));
                value_append(rules, rule);
        }
        value_set(egress, "policy", value_new_text("drop"));
        value_set(egress, "rules", rules);
        value_set(filter, "egress", egress);
        g_autoptr(NetworkConfig) config = config_of("filter", filter);
        g_autoptr(NetworkConfig) without = config_of(NULL, NULL);
        g_autofree char *text = text_of(config);
        g_autofree char *plain = text_of(without);

        for (guint i = 0; i < G_N_ELEMENTS(expected); i++)
                if (!has_line(text, expected[i]))
                        g_error("no line \"%s\" in:\n%s", expected[i], text);
        g_assert_null(strstr(plain, "nftset"));
        g_assert_null(strstr(plain, "cache-size=0"));
        g_assert_true(config_diff(config, without) & CONFIG_CHANGE_DNSMASQ);
}

static char *text_of_yaml(const char *yaml, bool is_twin)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *all =
                g_strdup_printf("interface: eth7\nipv6_subnet: fd00:d::/64\n%s", yaml);
        g_autoptr(GPtrArray) configs = config_yaml_parse(all, strlen(all), NULL, &error);

        g_assert_no_error(error);
        return text_of_network(configs->pdata[0], is_twin);
}

static void test_ipv6(void)
{
        static const struct {
                const char *yaml, *there, *not_there;
        } cases[] = {
                { "", "dhcp-range=fd00:d::,ra-names,64,12h", "ra-param" },
                { "", "enable-ra", "sntp-server" },
                { "", "dhcp-option=option6:dns-server,[fd00:d::1]", "filter-AAAA" },
                { "ipv6_mode: stateless", "dhcp-range=fd00:d::,ra-stateless,ra-names,64,12h",
                  "dhcp-range=fd00:d::1000" },
                { "ipv6_mode: stateful\ndhcp_lease_time: 1h",
                  "dhcp-range=fd00:d::1000,fd00:d::ffff,64,1h", "ra-names" },
                { "nat_mode: disabled", "ra-param=eth7,0,0", "nftset" },
                { "local_ntp: true", "dhcp-option=option6:sntp-server,[fd00:d::1]", "ra-param" },
                { "dhcp_enabled: false",
                  "dhcp-leasefile=/var/lib/jumpstarter/dut-network-eth7/dnsmasq.leases",
                  "no-dhcp-interface" },
                { "dhcp_enabled: false", "enable-ra", "dhcp-range=192" },
                { "filter: {egress: {policy: drop, rules: [{action: accept, destination: a.b}]}}",
                  "filter-AAAA", "ra-param" },
        };
        g_autoptr(NetworkConfig) without = config_of(NULL, NULL);
        g_autofree char *plain = text_of(without);

        g_assert_null(strstr(plain, "enable-ra"));
        g_assert_null(strstr(plain, "option6"));
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = text_of_yaml(cases[i].yaml, false);
                g_test_message("%s: %s", cases[i].yaml, cases[i].there);
                g_assert_true(has_line(text, cases[i].there));
                g_assert_null(strstr(text, cases[i].not_there));
        }
}

/* A twin's name server has a port of its own, and what leads there only a network that forwards. */
static void test_ipv6_twin(void)
{
        g_autofree char *twin = text_of_yaml("", true);
        g_autofree char *closed = text_of_yaml("nat_mode: disabled", true);
        g_autofree char *alone = text_of_yaml("nat_mode: disabled", false);

        g_assert_true(has_line(twin, "dhcp-option=option6:dns-server,[fd00:d::1]"));
        g_assert_null(strstr(closed, "option6:dns-server"));
        g_assert_true(has_line(alone, "dhcp-option=option6:dns-server,[fd00:d::1]"));
}

static void test_ipv6_entries(void)
{
        g_autoptr(Entries) entries = entries_new();
        AddressEntry with_mac = { .ip = address_of("10.0.0.2"),
                                  .mac = (char *)"02:00:00:00:00:02",
                                  .hostname = (char *)"dut" };
        AddressEntry without = { .ip = address_of("10.0.0.3"), .hostname = (char *)"other" };

        g_assert_true(address6_parse("fd00:d::2", &with_mac.ipv6));
        g_assert_true(address6_parse("fd00:d::3", &without.ipv6));
        entries_put_address(entries, address_entry_copy(&with_mac));
        entries_put_address(entries, address_entry_copy(&without));
        put_dns(entries, "other", "10.0.0.77");
        put_dns(entries, "six.lab", "2001:db8::5");
        g_autofree char *hosts = dnsmasq_hosts_text(entries, NULL);
        g_autofree char *names = dnsmasq_dns_text(entries);

        g_assert_cmpstr(hosts, ==,
                        "02:00:00:00:00:02,10.0.0.2,[fd00:d::2],dut\n"
                        "10.0.0.3\n[fd00:d::3]\n");
        g_assert_cmpstr(names, ==,
                        "10.0.0.77 other\n2001:db8::5 six.lab\n10.0.0.2 dut\nfd00:d::2 dut\n"
                        "fd00:d::3 other\n");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/dnsmasq-conf/defaults", test_defaults);
        g_test_add_func("/dnsmasq-conf/without-dhcp", test_without_dhcp);
        g_test_add_func("/dnsmasq-conf/ping-check", test_ping_check);
        g_test_add_func("/dnsmasq-conf/time-server", test_time_server);
        g_test_add_func("/dnsmasq-conf/host-resolvers", test_host_resolvers);
        g_test_add_func("/dnsmasq-conf/odd-interface-is-quoted", test_odd_interface_is_quoted);
        g_test_add_func("/dnsmasq-conf/hosts", test_hosts);
        g_test_add_func("/dnsmasq-conf/taken-once-each", test_taken_once_each);
        g_test_add_func("/dnsmasq-conf/names", test_names);
        g_test_add_func("/dnsmasq-conf/ipv6", test_ipv6);
        g_test_add_func("/dnsmasq-conf/ipv6/twin", test_ipv6_twin);
        g_test_add_func("/dnsmasq-conf/ipv6/entries", test_ipv6_entries);
        g_test_add_func("/dnsmasq-conf/names-of-filter", test_names_of_filter);
        return g_test_run();
}
