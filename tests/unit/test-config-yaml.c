/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Networks as YAML text: the three forms, what YAML can do that we do not take, limits, and text
 * that is read back to the same. */

#include "model/config-yaml.h"

#include <string.h>

#include "model/quote.h"
#include "util/error.h"

static void test_forms(void)
{
        static const struct {
                const char *yaml, *interfaces;
        } cases[] = {
                { "interface: eth1\n", "eth1" },
                { "{interface: eth1, subnet: 10.0.0.0/24}", "eth1" },
                { "%YAML 1.1\n---\ninterface: eth1\n...\n", "eth1" },
                { "\xef\xbb\xbfinterface: eth1\n", "eth1" },
                { "networks:\n  - interface: eth1\n  - interface: eth2\n", "eth1 eth2" },
                { "networks: [{interface: eth2}, {interface: eth1}]\n", "eth2 eth1" },
                { "apiVersion: jumpstarter.dev/v1alpha1\n"
                  "kind: ExporterConfig\n"
                  "metadata: {namespace: default, name: x}\n"
                  "export:\n"
                  "  power:\n"
                  "    type: jumpstarter_driver_power.driver.MockPower\n"
                  "    config: {script: \"a\\tb\\n\"}\n"
                  "  broken:\n"
                  "  network:\n"
                  "    type: jumpstarter_driver_dut_network.driver.DutNetwork\n"
                  "    config:\n"
                  "      interface: eth1\n"
                  "  other:\n"
                  "    type: a.NotDutNetwork\n"
                  "    config: {interface: eth9}\n"
                  "  second:\n"
                  "    type: .DutNetwork\n"
                  "    config: {interface: eth2}\n",
                  "eth1 eth2" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(GPtrArray) configs =
                        config_yaml_parse(cases[i].yaml, strlen(cases[i].yaml), NULL, &error);
                g_assert_no_error(error);
                g_autoptr(GString) interfaces = g_string_new(NULL);
                for (guint j = 0; j < configs->len; j++) {
                        const NetworkConfig *config = g_ptr_array_index(configs, j);
                        g_string_append_printf(interfaces, "%s%s", j > 0 ? " " : "",
                                               config->interface);
                }
                g_assert_cmpstr(interfaces->str, ==, cases[i].interfaces);
        }
}

static void test_refused(void)
{
        static const struct {
                const char *yaml, *error; /* its beginning */
        } cases[] = {
                { "", "1:1: there is no network in it" },
                { "# nothing\n", "1:1: there is no network in it" },
                { "---\n", "2:1: \"\" is not a mapping of settings" },
                { "eth1\n", "1:1: \"eth1\" is not a mapping of settings" },
                { "- interface: eth1\n", "1:1: a list is not a mapping of settings" },
                { "networks: []\n", "1:1: there is no network in it" },
                { "networks: {interface: eth1}\n",
                  "1:11: networks: a mapping is not a list of networks" },
                { "networks: [eth1]\n", "1:12: \"eth1\" is not a mapping of settings" },
                { "networks: [{interface: eth1}]\nversion: 1\n",
                  "2:1: unknown key \"version\" with the value \"1\"" },
                { "networks: [{interface: eth1}, {interface: eth1}]\n",
                  "1:43: interface: \"eth1\" has two networks" },
                { "networks: [{interface: eth1}, {interface: eth2, subnet: x}]\n",
                  "1:57: subnet: \"x\"" },
                { "export: {a: {type: x.Other}}\n", "1:1: there is no network in it" },
                { "export: []\n", "1:9: export: a list is not a mapping of drivers" },
                { "export: {a: {type: x.DutNetwork}}\n",
                  "1:13: config: is missing beside the type" },
                { "export: {a: {type: x.DutNetwork, config: }}\n", "1:42: \"\" is not a mapping" },
                { "export: {a: {type: x.DutNetwork, config: {interface: eth1, remote_ntp: "
                  "true}}}\n",
                  "1:60: unknown key \"remote_ntp\" with the value \"true\"" },
                /* YAML that we do not take. */
                { "interface: &a eth1\n", "1:12: anchors (\"&\") are not supported" },
                { "a: &a [x]\nb: *a\n", "1:4: anchors" },
                { "&a {interface: eth1}\n", "1:1: anchors" },
                { "interface: *a\n", "1:12: aliases (\"*\") are not supported" },
                { "interface: !!str eth1\n", "1:12: tags (\"!\") are not supported" },
                { "dns_servers: !!python/tuple [a]\n", "1:14: tags" },
                { "<<: {interface: eth1}\n", "1:1: merge keys (\"<<\") are not supported" },
                { "interface: eth1\nsubnet: 10.0.0.0/24\ninterface: eth2\n",
                  "3:1: the key \"interface\" is there twice" },
                { "interface: eth1\n'interface': eth2\n",
                  "2:1: the key \"interface\" is there twice" },
                { "[a]: b\n", "1:1: a list cannot be a key" },
                { "? {a: b}\n: c\n", "1:3: a mapping cannot be a key" },
                { "interface: \"eth1\\0\"\n",
                  "1:12: interface: \"eth1\" has a control character in it" },
                { "interface: eth1\nsubnet: \"\\x1b[2J\"\n",
                  "2:9: subnet: \"\\x1b[2J\" has a control character in it" },
                { "\"a\\x7f\": b\n", "1:1: \"a\\x7f\" has a control character in it" },
                { "interface: eth1\n---\ninterface: eth2\n",
                  "2:1: there is more than one document" },
                /* Not YAML. */
                { "interface: [eth1\n", "2:1: not YAML: " },
                { "interface: eth1\n\tsubnet: x\n", "2:1: not YAML: " },
                { "a: b: c\n", "1:5: not YAML: " },
                { "interface: \"eth1\n", "2:1: not YAML: " },
                { "interface: eth1\nx: \xff\n", "2:4: not YAML: " },
                { "interface: eth1\nxy: \x01\n", "2:5: not YAML: " },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                g_autofree char *quoted = quote_text(cases[i].yaml);
                g_test_message("%s", quoted);
                g_assert_null(
                        config_yaml_parse(cases[i].yaml, strlen(cases[i].yaml), NULL, &error));
                g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
                g_test_message("%s", error->message);
                g_autofree char *start = g_strndup(error->message, strlen(cases[i].error));
                g_assert_cmpstr(start, ==, cases[i].error);
        }
}

static void test_source(void)
{
        static const char yaml[] = "interface: eth1\nsubnet: x\n";
        g_autoptr(GError) error = NULL;
        g_assert_null(config_yaml_parse(yaml, strlen(yaml), "/etc/a.yaml", &error));
        g_assert_true(g_str_has_prefix(error->message, "/etc/a.yaml:2:9: subnet: \"x\" is not"));
}

static void test_nul_byte(void)
{
        static const char yaml[] = "interface: eth1\0\nsubnet: x\n";
        g_autoptr(GError) error = NULL;
        g_assert_null(config_yaml_parse(yaml, sizeof yaml - 1, NULL, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
}

static char *repeat(const char *text, guint n)
{
        GString *out = g_string_new(NULL);
        for (guint i = 0; i < n; i++)
                g_string_append(out, text);
        return g_string_free(out, FALSE);
}

static void assert_refused(const char *yaml, gsize length, int code, const char *what)
{
        g_autoptr(GError) error = NULL;
        g_assert_null(config_yaml_parse(yaml, length, NULL, &error));
        g_assert_error(error, SERVICE_ERROR, code);
        g_test_message("%s", error->message);
        g_assert_nonnull(strstr(error->message, what));
}

static void test_limits(void)
{
        g_autofree char *flow = repeat("[", 100000);
        assert_refused(flow, strlen(flow), SERVICE_ERROR_INVALID_ARGS, "32 deep");
        g_autofree char *block = repeat("- ", 100000);
        assert_refused(block, strlen(block), SERVICE_ERROR_INVALID_ARGS, "32 deep");
        g_autofree char *maps = repeat("{a: ", 33);
        assert_refused(maps, strlen(maps), SERVICE_ERROR_INVALID_ARGS, "32 deep");

        g_autofree char *bytes = repeat("#", YAML_MAX_BYTES + 1);
        assert_refused(bytes, strlen(bytes), SERVICE_ERROR_LIMIT_EXCEEDED, "bytes");
        assert_refused(bytes, strlen(bytes) - 1, SERVICE_ERROR_INVALID_ARGS, "no network");

        g_autofree char *items = repeat("- a\n", 1000001);
        assert_refused(items, strlen(items), SERVICE_ERROR_LIMIT_EXCEEDED, "1000000 values");
}

/* Keys that differ, as many as fit: quadratic in a careless parser. */
static void test_many_keys(void)
{
        g_autoptr(GString) yaml = g_string_new(NULL);
        for (guint i = 0; i < 100000; i++)
                g_string_append_printf(yaml, "k%u: v\n", i);
        assert_refused(yaml->str, yaml->len, SERVICE_ERROR_INVALID_ARGS, "unknown key \"k0\"");
}

static NetworkConfig *large_config(guint n)
{
        g_autoptr(GString) yaml = g_string_new("interface: eth1\nsubnet: 10.0.0.0/8\n"
                                               "nat_mode: 1to1\naddresses:\n");
        for (guint i = 0; i < n; i++)
                g_string_append_printf(yaml,
                                       "  - ip: 10.1.%u.%u\n    mac: 02:00:00:00:%02x:%02x\n"
                                       "    hostname: dut-%u\n    public_ip: 11.1.%u.%u\n",
                                       i >> 8, i & 0xff, i >> 8, i & 0xff, i, i >> 8, i & 0xff);
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) configs = config_yaml_parse(yaml->str, yaml->len, NULL, &error);
        g_assert_no_error(error);
        return config_copy(g_ptr_array_index(configs, 0));
}

static void test_large(void)
{
        g_autoptr(NetworkConfig) config = large_config(10000);
        g_assert_cmpuint(entries_n_public(config->entries), ==, 10000);

        g_autoptr(Value) settings = config_to_value(config, false);
        g_autofree char *text = config_yaml_print(settings);
        g_autoptr(GPtrArray) again = config_yaml_parse(text, strlen(text), NULL, NULL);
        g_assert_true(config_equal(config, g_ptr_array_index(again, 0)));
}

static void test_round_trip(void)
{
        static const char *const settings[] = {
                "interface: eth1\n",
                "interface: 'null'\n",
                "interface: \"~\"\nupstream_interface: 'yes'\npublic_interface: '1'\n",
                "interface: eth1\nsubnet: 10.0.0.0/30\ndhcp_lease_time: 600\ndns_servers: []\n"
                "dhcp_force: yes\n",
                "interface: eth1\nnat_mode: 1to1\naddresses: [{ip: 192.168.100.2, public_ip: "
                "10.0.0.1}]\n"
                "dns_entries: [{hostname: 'no', ip: 0.0.0.0}, {hostname: 'no', ip: '::'}, "
                "{hostname: "
                "here, ip: 127.0.0.1}, {hostname: here, ip: '::1'}, {hostname: own, ip: "
                "169.254.1.2}]"
                "\nstate_dir: '/srv/!&*[]{}:-?|>%@`'\n",
        };
        g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)value_free);

        for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(GPtrArray) first =
                        config_yaml_parse(settings[i], strlen(settings[i]), NULL, &error);
                g_assert_no_error(error);
                NetworkConfig *config = g_ptr_array_index(first, 0);
                g_autoptr(Value) value = config_to_value(config, false);
                g_autofree char *text = config_yaml_print(value);
                g_autoptr(GPtrArray) second = config_yaml_parse(text, strlen(text), NULL, &error);
                g_assert_no_error(error);
                g_assert_true(config_equal(config, g_ptr_array_index(second, 0)));

                g_autofree char *interface = g_strdup_printf("if%u", i);
                value_set(value, "interface", value_new_text(interface));
                g_ptr_array_add(list, g_steal_pointer(&value));
        }

        g_autofree char *text = config_yaml_print_list(list);
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) configs = config_yaml_parse(text, strlen(text), NULL, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(configs->len, ==, G_N_ELEMENTS(settings));
}

/* Our own file of what a file says is told from another saying by its text. */
static void test_own_text(void)
{
        static const char *const settings[] = {
                "interface: eth1\nipv6_subnet: fd5e:1::/64\nipv6_mode: slaac\nupstream_interface: "
                "~\n",
                "match: {mac: '02:00:00:AA:BB:CC'}\nlocal_ntp: {unsynchronised: serve}\n",
                "create: tap\nowner: alice\nstate_dir: '/srv/{interface}'\n",
                "interface: eth1\nfilter: {egress: {policy: drop, rules: [{action: accept, port: "
                "[80-90, 22], protocol: tcp, destination: A.lab}]}}\n"
                "forwards: [{port: 1-2, ip: Board, from: 10.0.0.0/8, to_port: 5-6}]\n"
                "dns_entries: [{hostname: a, ip: 10.0.0.1}, {hostname: a, ip: 'fd00::1'}]\n",
                "interface: eth1\nnat_mode: 1to1\npublic_pool: 10.0.0.1-10.0.0.9\n"
                "addresses: [{ip: 192.168.100.2, public_ip: auto, connection_timeout: 60},"
                " {ip: 192.168.100.3, public_ip: b.lab}]\nconnection_timeout: 3600\n",
        };

        for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(GPtrArray) configs =
                        config_yaml_parse(settings[i], strlen(settings[i]), NULL, &error);
                g_assert_no_error(error);
                g_autoptr(Value) value = config_to_value(configs->pdata[0], false);
                g_autofree char *text = config_yaml_print(value);
                g_autoptr(NetworkConfig) read =
                        config_yaml_parse_state(text, strlen(text), NULL, &error);
                g_assert_no_error(error);
                g_autoptr(Value) again = config_to_value(read, false);
                g_autofree char *printed = config_yaml_print(again);
                g_assert_cmpstr(printed, ==, text);
        }
}

/* Any text comes back, whatever is in it. */
static void test_print_text(void)
{
        g_autoptr(Value) map = value_new_map();
        value_set(map, "interface", value_new_text("a\"b\\c\xe2\x80\xa8 日本: #&*!"));
        g_autofree char *text = config_yaml_print(map);
        g_assert_cmpstr(text, ==,
                        "interface: \"a\\\"b\\\\c\\U00002028 \\U000065e5\\U0000672c: #&*!\"\n");

        g_autoptr(GError) error = NULL;
        g_assert_null(config_yaml_parse(text, strlen(text), NULL, &error));
        g_assert_nonnull(strstr(error->message, "\"a\\\"b\\\\c\\u2028 日本: #&*!\""));
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/config-yaml/forms", test_forms);
        g_test_add_func("/config-yaml/refused", test_refused);
        g_test_add_func("/config-yaml/source", test_source);
        g_test_add_func("/config-yaml/nul-byte", test_nul_byte);
        g_test_add_func("/config-yaml/limits", test_limits);
        g_test_add_func("/config-yaml/many-keys", test_many_keys);
        g_test_add_func("/config-yaml/large", test_large);
        g_test_add_func("/config-yaml/round-trip", test_round_trip);
        g_test_add_func("/config-yaml/own-text", test_own_text);
        g_test_add_func("/config-yaml/print-text", test_print_text);
        return g_test_run();
}
