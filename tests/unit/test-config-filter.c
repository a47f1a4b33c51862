/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The filter beside the other settings: rules that nothing could fit are refused where somebody
 * hands them over, or takes the subnet away from below them. */

#include <string.h>

#include "model/config-yaml.h"
#include "model/config.h"
#include "util/error.h"

#define ETH "interface: eth1\n"
#define EGRESS(map)                                                                                \
        "filter: {egress: {policy: drop, rules: [{action: drop}, {action: drop, " map "}]}}\n"
#define INGRESS(map)                                                                               \
        "filter: {ingress: {policy: drop, rules: [{action: drop}, {action: drop, " map "}]}}\n"
#define SIX "ipv6_subnet: fd00:d::/64\n"
#define TO_ONE                                                                                     \
        "nat_mode: 1to1\naddresses: [{ip: 192.168.100.10, public_ip: 10.77.0.100}, "               \
        "{ip: 192.168.100.11, public_ip: 192.168.100.99}]\n"

static GPtrArray *read_yaml(const char *yaml, GError **error)
{
        g_autofree char *text = g_strconcat(ETH, yaml, NULL);
        return config_yaml_parse(text, strlen(text), NULL, error);
}

static void test_refused(void)
{
        static const struct {
                const char *yaml, *error;
        } cases[] = {
                { EGRESS("source: 10.9.9.9"),
                  "2:80: filter: egress: rule 2: source: 10.9.9.9 is outside the subnet "
                  "192.168.100.0/24: nothing could fit the rule" },
                { EGRESS("source: 192.168.101.0/24"), "192.168.101.0/24 is outside the subnet" },
                { INGRESS("destination: 10.77.0.101"),
                  "2:86: filter: ingress: rule 2: destination: 10.77.0.101 is outside the subnet" },
                { TO_ONE INGRESS("destination: 10.77.0.100"),
                  "filter: ingress: rule 2: destination: 10.77.0.100 is the public_ip of "
                  "192.168.100.10: rules have a board's own address" },
                { TO_ONE INGRESS("destination: 192.168.100.99"),
                  "is the public_ip of 192.168.100.11" },
                { TO_ONE EGRESS("source: 10.77.0.100"), "is the public_ip of 192.168.100.10" },
                { SIX EGRESS("source: 'fd00:e::1'"),
                  "filter: egress: rule 2: source: fd00:e::1 is outside the ipv6_subnet "
                  "fd00:d::/64: nothing could fit the rule" },
                { SIX INGRESS("destination: 'fd00:e::/64'"),
                  "fd00:e::/64 is outside the ipv6_subnet" },
                { EGRESS("destination: 224.0.0.251"),
                  "filter: egress: rule 2: destination: 224.0.0.251 is multicast, which is never "
                  "forwarded" },
                { EGRESS("destination: 239.0.0.0/8"), "239.0.0.0/8 is multicast" },
                { EGRESS("destination: 255.255.255.255"), "is the broadcast address" },
                { SIX EGRESS("destination: 'ff02::fb'"), "ff02::fb is multicast" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                g_assert_null(read_yaml(cases[i].yaml, &error));
                g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
                if (!strstr(error->message, cases[i].error))
                        g_error("\"%s\" for \"%s\"", error->message, cases[i].yaml);
        }
}

static void test_accepted(void)
{
        static const char *const cases[] = {
                EGRESS("source: 192.168.100.10"),
                EGRESS("source: 192.168.0.0/16"),
                EGRESS("source: 0.0.0.0/0"),
                EGRESS("destination: 0.0.0.0/0"),
                EGRESS("destination: 192.0.0.0/2"),
                EGRESS("destination: '224.0.0.0/3'"),
                EGRESS("destination: example.com, source: 192.168.100.0/25"),
                SIX EGRESS("source: '::/0'"),
                SIX EGRESS("source: 'fd00:d::1', destination: '2001:db8::/32'"),
                INGRESS("source: 10.77.0.101, destination: 192.168.100.10"),
                SIX INGRESS("destination: 'fd00:d::/80'"),
                TO_ONE INGRESS("destination: 192.168.100.10"),
                "subnet: 10.9.0.0/16\ngateway_ip: 10.9.0.1\n" EGRESS("source: 10.9.9.9"),
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(GPtrArray) configs = read_yaml(cases[i], &error);
                g_assert_no_error(error);
                g_assert_nonnull(configs);
        }
}

/* @key as @text, and the filter as @yaml has it, unless that is NULL. */
static NetworkConfig *change(const NetworkConfig *config, const char *key, Value *value,
                             const char *yaml, GError **error)
{
        g_autoptr(Value) changes = value_new_map();

        value_set(changes, key, value);
        if (yaml)
                value_set(changes, "filter",
                          config_yaml_parse_filter(yaml, strlen(yaml), NULL, error));
        return config_with_changes(config, changes, error);
}

static void test_changes(void)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) configs = read_yaml(EGRESS("source: 192.168.100.10"), &error);
        const NetworkConfig *config = configs->pdata[0];

        g_assert_null(change(config, "subnet", value_new_text("10.9.0.0/24"), NULL, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
        g_assert_nonnull(
                strstr(error->message, "192.168.100.10 is outside the subnet 10.9.0.0/24"));
        g_clear_error(&error);
        g_autoptr(NetworkConfig) together = change(config, "subnet", value_new_text("10.9.0.0/24"),
                                                   EGRESS("source: 10.9.0.10"), &error);
        g_assert_no_error(error);
        g_assert_nonnull(together);
        g_autoptr(NetworkConfig) wider =
                change(config, "subnet", value_new_text("192.168.0.0/16"), NULL, &error);
        g_assert_no_error(error);
        g_assert_nonnull(wider);
}

/* What an earlier version took, or what has come to be so, is no reason to forget a network, nor
 * to refuse a change of something else. */
static void test_kept_one_is_read(void)
{
        g_autoptr(GError) error = NULL;
        const char *yaml = ETH EGRESS("source: 10.9.9.9");
        g_autoptr(NetworkConfig) config = config_yaml_parse_state(yaml, strlen(yaml), NULL, &error);

        g_assert_no_error(error);
        g_autoptr(NetworkConfig) changed =
                change(config, "dhcp_enabled", value_new_bool(false), NULL, &error);
        g_assert_no_error(error);
        g_assert_nonnull(changed);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/config-filter/refused", test_refused);
        g_test_add_func("/config-filter/accepted", test_accepted);
        g_test_add_func("/config-filter/changes", test_changes);
        g_test_add_func("/config-filter/kept-one-is-read", test_kept_one_is_read);
        return g_test_run();
}
