/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A network's table of IPv6, in nft's words. That the kernel gets the same is test-nft.c's. */

#include <string.h>

#include "model/config-yaml.h"
#include "model/ruleset.h"

static char *table_of(const char *yaml, guint twin)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *text = g_strdup_printf("interface: eth1\n%s\n", yaml);
        g_autoptr(GPtrArray) configs = config_yaml_parse(text, strlen(text), NULL, &error);
        g_assert_no_error(error);
        const RulesetFacts facts = {
                .interface = "eth1",
                .table = "jumpstarter_eth1",
                .filter_table = FILTER_TABLE,
                .upstream = "eth0",
                .twin = twin,
                .config = configs->pdata[0],
        };
        g_autoptr(Ruleset) ruleset = ruleset_new_network(&facts);
        g_autofree char *all = ruleset_to_text(ruleset);
        const char *begin = strstr(all, "table ip6 jumpstarter_eth1 {\n");

        g_assert_nonnull(begin);
        const char *end = strstr(begin, "\n}\n");
        return g_strndup(begin, (gsize)(end + 3 - begin));
}

#define SUBNET "ipv6_subnet: fd00:d::/64\n"

#define FROM                                                                                       \
        "\tchain from {\n"                                                                         \
        "\t\toifname \"eth1\" counter return\n"                                                    \
        "\t\tip6 saddr != fd00:d::/64 counter drop\n"                                              \
        "\t\tip6 saddr fd00:d::1 counter drop\n"                                                   \
        "\t\tct state invalid,untracked counter drop\n"
#define FROM_END(goes_on)                                                                          \
        "\t\tip6 daddr ff00::/8 counter drop\n"                                                    \
        "\t\toifname \"eth0\" ct status " goes_on " counter return\n"                              \
        "\t\toifname \"eth0\" ct state related counter return\n"                                   \
        "\t\toifname \"eth0\" counter goto egress\n"                                               \
        "\t\tcounter drop\n"                                                                       \
        "\t}\n"
#define TO                                                                                         \
        "\tchain to {\n"                                                                           \
        "\t\tiifname \"eth1\" counter return\n"
#define TO_END                                                                                     \
        "\t\tcounter drop\n"                                                                       \
        "\t}\n"                                                                                    \
        "\tchain forward {\n"                                                                      \
        "\t\ttype filter hook forward priority 0; policy accept;\n"                                \
        "\t\tiifname \"eth1\" counter jump from\n"                                                 \
        "\t\toifname \"eth1\" counter jump to\n"                                                   \
        "\t}\n"                                                                                    \
        "\tchain input {\n"                                                                        \
        "\t\ttype filter hook input priority 0; policy accept;\n"                                  \
        "\t\tiifname \"eth1\" ip6 saddr != fd00:d::/64 ip6 saddr != fe80::/64 ip6 saddr != ::"     \
        " counter drop\n"                                                                          \
        "\t\tiifname \"eth1\" ip6 saddr fd00:d::1 ip6 daddr != ff00::/8 counter drop\n"            \
        "\t\tiifname != \"eth1\" iifname != \"lo\" ip6 daddr fd00:d::/64 counter drop\n"           \
        "\t}\n"
#define RELATED "\t\tiifname \"eth0\" ct state related counter return\n"
#define MIDST   "\t\ttcp flags != syn / fin,syn,rst,ack counter reject with tcp reset\n"
#define ALL_OUT_AFTER(first)                                                                       \
        "\tchain egress {\n" first "\t\tcounter return comment \"egress policy\"\n"                \
        "\t}\n"
#define ALL_OUT ALL_OUT_AFTER("")

static void test_none(void)
{
        g_autofree char *text = table_of("", 0);

        g_assert_cmpstr(text, ==,
                        "table ip6 jumpstarter_eth1 {\n"
                        "\tchain forward {\n"
                        "\t\ttype filter hook forward priority 0; policy accept;\n"
                        "\t\tiifname \"eth1\" oifname != \"eth1\" counter drop\n"
                        "\t\tiifname != \"eth1\" oifname \"eth1\" counter drop\n"
                        "\t}\n"
                        "}\n");
}

static void test_masquerade(void)
{
        g_autofree char *text = table_of(SUBNET, 0);

        g_assert_cmpstr(
                text, ==,
                "table ip6 jumpstarter_eth1 {\n" ALL_OUT FROM
                "\t\tct status confirmed / confirmed,snat,dnat counter drop\n" FROM_END("snat") TO
                "\t\tiifname \"eth0\" ct status snat counter return\n"
                "\t\tiifname \"eth0\" ct state related ct status snat,dnat counter return\n" TO_END
                "\tchain postrouting {\n"
                "\t\ttype nat hook postrouting priority 100; policy accept;\n"
                "\t\tiifname \"eth1\" oifname \"eth0\" ip6 saddr fd00:d::/64 counter masquerade\n"
                "\t\toifname \"eth0\" ip6 saddr fd00:d::1 counter masquerade\n"
                "\t}\n"
                "}\n");
}

static void test_routed(void)
{
        g_autofree char *text = table_of(SUBNET "ipv6_nat: routed", 0);
        g_autofree char *open = table_of(SUBNET "ipv6_nat: routed\n"
                                                "filter: {ingress: {policy: accept}}",
                                         0);
        g_autofree char *closed = table_of(SUBNET "filter: {ingress: {policy: accept}}", 0);

        g_assert_cmpstr(
                text, ==,
                "table ip6 jumpstarter_eth1 {\n" ALL_OUT_AFTER(MIDST) FROM FROM_END("confirmed") TO
                "\t\tiifname \"eth0\" ct status confirmed counter return\n" RELATED TO_END "}\n");
        g_assert_nonnull(strstr(open, "\t\tiifname \"eth0\" counter goto ingress\n"));
        g_assert_null(strstr(closed, "ingress"));
}

/* Where the other direction forbids something, a connection's midst begins none. */
static void test_midst(void)
{
        static const struct {
                const char *yaml;
                bool egress, ingress;
        } cases[] = {
                { "ipv6_nat: routed", true, false },
                { "filter: {egress: {policy: drop}}", false, false },
                { "ipv6_nat: routed\nfilter: {egress: {policy: accept}}", true, false },
                { "ipv6_nat: routed\nfilter: {ingress: {policy: accept}}", false, false },
                { "ipv6_nat: routed\nfilter: {ingress: {policy: drop}}", true, false },
                { "ipv6_nat: routed\nfilter: {egress: {policy: accept, rules: [{action: drop, "
                  "port: 7}]}, ingress: {policy: accept}}",
                  false, true },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *yaml = g_strconcat(SUBNET, cases[i].yaml, NULL);
                g_autofree char *text = table_of(yaml, 0);
                g_test_message("%s", cases[i].yaml);
                g_assert_cmpint(strstr(text, "\tchain egress {\n" MIDST) != NULL, ==,
                                cases[i].egress);
                g_assert_cmpint(strstr(text, "\tchain ingress {\n" MIDST) != NULL, ==,
                                cases[i].ingress);
        }
}

static void test_filter(void)
{
        static const struct {
                const char *rule, *expected; /* NULL: none */
        } cases[] = {
                { "action: accept, destination: 10.0.0.0/8", NULL },
                { "action: drop, source: 0.0.0.0/0", NULL },
                { "action: accept, destination: 'fd00:77::/48', protocol: tcp, port: 443",
                  "\t\tip6 daddr fd00:77::/48 tcp dport 443 counter return comment \"egress "
                  "1\"\n" },
                { "action: drop, source: 'fd00:d::5', destination: '2001:db8::1'",
                  "\t\tip6 saddr fd00:d::5 ip6 daddr 2001:db8::1 counter drop comment "
                  "\"egress 1\"\n" },
                { "action: accept, protocol: icmp",
                  "\t\tmeta l4proto ipv6-icmp counter return comment \"egress 1\"\n" },
                { "action: accept, port: 1-9",
                  "\t\ttcp dport 1-9 counter return comment \"egress 1\"\n"
                  "\t\tudp dport 1-9 counter return comment \"egress 1\"\n" },
                { "action: drop, destination: '::/0'", "\t\tcounter drop comment \"egress 1\"\n" },
                { "action: accept, destination: lab.test", NULL },
                { "action: drop, destination: lab.test, protocol: tcp, port: 80",
                  "\t\ttcp dport 80 counter drop comment \"egress 1\"\n" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *yaml = g_strdup_printf(
                        SUBNET "filter: {egress: {policy: drop, rules: [{%s}]}}", cases[i].rule);
                g_autofree char *text = table_of(yaml, 0);
                g_autofree char *expected = g_strdup_printf(
                        "\tchain egress {\n%s\t\tcounter drop comment \"egress policy\"\n\t}\n",
                        cases[i].expected ? cases[i].expected : "");
                g_test_message("%s", cases[i].rule);
                if (!strstr(text, expected))
                        g_error("no\n%sin\n%s", expected, text);
        }
}

/* By its own address or the link's; of everybody's where that is intercepted. */
static void test_redirection(void)
{
        g_autofree char *plain = table_of(SUBNET, 0);
        g_autofree char *twin = table_of(SUBNET, 5);
        g_autofree char *all = table_of(SUBNET "dns_intercept: true\nlocal_ntp: true", 5);

        g_assert_null(strstr(plain, "redirect"));
        g_assert_nonnull(strstr(twin,
                                "\t\ttype nat hook prerouting priority -100; policy accept;\n"
                                "\t\tiifname \"eth1\" fib daddr type local udp dport 53 counter "
                                "redirect to :20485\n"
                                "\t\tiifname \"eth1\" fib daddr type local tcp dport 53 counter "
                                "redirect to :20485\n\t}\n"));
        g_assert_nonnull(strstr(all, "\t\tiifname \"eth1\" udp dport 53 counter redirect to "
                                     ":20485\n"));
        g_assert_nonnull(strstr(all, "\t\tiifname \"eth1\" udp dport 123 counter redirect to "
                                     ":123\n"));
}

static void test_isolated_guests(void)
{
        g_autofree char *text = table_of(SUBNET "create: bridge\nisolate_guests: true", 0);

        g_assert_nonnull(strstr(text, "\t\toifname \"eth1\" counter drop\n"));
}

static void test_guard(void)
{
        GuardedNetwork network = { .interface = "eth1", .subnet = { 0x0a000000, 24 } };
        g_autoptr(Ruleset) without = ruleset_new_guard(&network, 1);
        g_assert_true(address6_parse("fd00:d::", &network.ipv6_subnet.network));
        g_assert_true(address6_parse("fd00:d::1", &network.ipv6_gateway));
        network.ipv6_subnet.prefix = 64;
        g_autoptr(Ruleset) with = ruleset_new_guard(&network, 1);
        g_autofree char *before = ruleset_to_text(without), *text = ruleset_to_text(with);

        g_assert_null(strstr(before, "ipv6"));
        g_assert_nonnull(strstr(text, "meta nfproto ipv6 iifname \"eth1\" ip6 saddr != fd00:d::/64 "
                                      "ip6 saddr != fe80::/64 ip6 saddr != :: counter drop\n"));
        g_assert_nonnull(strstr(text, "meta nfproto ipv6 iifname \"eth1\" ip6 saddr fd00:d::1 "
                                      "ip6 daddr != ff00::/8 counter drop\n"));
        g_assert_nonnull(strstr(text, "meta nfproto ipv6 iifname != \"eth1\" iifname != \"lo\" ip6 "
                                      "daddr fd00:d::/64 counter drop\n"));
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ruleset-ipv6/none", test_none);
        g_test_add_func("/ruleset-ipv6/masquerade", test_masquerade);
        g_test_add_func("/ruleset-ipv6/routed", test_routed);
        g_test_add_func("/ruleset-ipv6/midst", test_midst);
        g_test_add_func("/ruleset-ipv6/filter", test_filter);
        g_test_add_func("/ruleset-ipv6/redirection", test_redirection);
        g_test_add_func("/ruleset-ipv6/isolated-guests", test_isolated_guests);
        g_test_add_func("/ruleset-ipv6/guard", test_guard);
        return g_test_run();
}
