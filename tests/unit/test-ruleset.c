/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Which rules a network gets, in nft's words. That the kernel gets the same is test-nft.c's. */

#include "model/ruleset.h"

#include <string.h>

#include "model/config-yaml.h"
#include "model/filter.h"
#include "model/name.h"

#define GATEWAY 0xc0a86401 /* 192.168.100.1 */

static NetworkConfig *config(NatMode mode)
{
        NetworkConfig *new_config = g_new0(NetworkConfig, 1);

        new_config->subnet = (Subnet){ 0xc0a86400, 24 };
        new_config->gateway_ip = GATEWAY;
        new_config->nat_mode = mode;
        new_config->entries = entries_new();
        return new_config;
}

static void map(NetworkConfig *config, guint32 host, guint32 public_ip)
{
        AddressEntry entry = { .ip = 0xc0a86400 + host, .public_ip = public_ip };

        entries_put_address(config->entries, address_entry_copy(&entry));
}

static char *text_of(const NetworkConfig *config, const char *interface, const char *upstream,
                     const char *public_interface)
{
        RulesetFacts facts = {
                .interface = interface,
                .table = "jumpstarter_x",
                .filter_table = FILTER_TABLE,
                .upstream = upstream,
                .public_interface = public_interface,
                .config = config,
        };
        g_autoptr(Ruleset) ruleset = ruleset_new_network(&facts);

        return ruleset_to_text(ruleset);
}

static guint count(const char *text, const char *part)
{
        guint n = 0;

        for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
                n++;
        return n;
}

#define EGRESS_RULES "\t\tcounter return comment \"egress policy\"\n"

/* What may pass: the chains are called after the network's own table. */
#define FILTER_BEGIN                                                                               \
        "table ip jumpstarter_filter {\n"                                                          \
        "\tmap from {\n"                                                                           \
        "\t\ttype ifname : verdict\n"                                                              \
        "\t\telements = { \"eth1\" : jump from_x }\n"                                              \
        "\t}\n"                                                                                    \
        "\tmap to {\n"                                                                             \
        "\t\ttype ifname : verdict\n"                                                              \
        "\t\telements = { \"eth1\" : jump to_x }\n"                                                \
        "\t}\n"                                                                                    \
        "\tmap inward {\n"                                                                         \
        "\t\ttype ifname : verdict\n"                                                              \
        "\t\telements = { \"eth1\" : jump inward_x }\n"                                            \
        "\t}\n"                                                                                    \
        "\tchain egress_x {\n" EGRESS_RULES "\t}\n"                                                \
        "\tchain ingress_x {\n"                                                                    \
        "\t\tcounter return comment \"ingress policy\"\n"                                          \
        "\t}\n"                                                                                    \
        "\tchain from_x {\n"

#define FILTER_OWN                                                                                 \
        "\t\toifname \"eth1\" counter return\n"                                                    \
        "\t\tip saddr != 192.168.100.0/24 counter drop\n"                                          \
        "\t\tfib saddr type local counter drop\n"                                                  \
        "\t\tct state invalid,untracked counter drop\n"                                            \
        "\t\tct status confirmed / confirmed,snat,dnat counter drop\n"                             \
        "\t\tip daddr 224.0.0.0/4 counter drop\n"

#define FILTER_TO                                                                                  \
        "\t\tcounter drop\n"                                                                       \
        "\t}\n"                                                                                    \
        "\tchain to_x {\n"
#define TO_OWN "\t\tiifname \"eth1\" counter return\n"

#define FILTER_END                                                                                 \
        "\t\tcounter drop\n"                                                                       \
        "\t}\n"                                                                                    \
        "\tchain inward_x {\n"                                                                     \
        "\t\tiifname \"eth1\" ip saddr != 192.168.100.0/24 ip saddr != 0.0.0.0 counter drop\n"     \
        "\t\tfib saddr type local fib daddr type local counter drop\n"                             \
        "\t}\n"                                                                                    \
        "\tchain forward {\n"                                                                      \
        "\t\ttype filter hook forward priority 0; policy accept;\n"                                \
        "\t\tiifname vmap @from\n"                                                                 \
        "\t\toifname vmap @to\n"                                                                   \
        "\t}\n"                                                                                    \
        "\tchain input {\n"                                                                        \
        "\t\ttype filter hook input priority 0; policy accept;\n"                                  \
        "\t\tiifname vmap @inward\n"                                                               \
        "\t}\n"                                                                                    \
        "}\n"

#define SOURCE         "ct status snat"
#define DESTINATION    "ct status confirmed,dnat / confirmed,dnat"
#define OWN_SOURCE     " ip saddr 192.168.100.0/24 ip saddr != 192.168.100.1 counter accept\n"
#define OUT_BY(uplink) "\t\toifname \"" uplink "\" "
#define IN_BY(uplink)  "\t\tiifname \"" uplink "\" "
#define ESTABLISHED_FROM(uplink)                                                                   \
        OUT_BY(uplink) SOURCE OWN_SOURCE OUT_BY(uplink)                                            \
        DESTINATION OWN_SOURCE
#define RELATED_FROM(uplink) "\t\toifname \"" uplink "\" ct state related counter return\n"
#define EGRESS(uplink)       "\t\toifname \"" uplink "\" counter goto egress_x\n"
#define ESTABLISHED_TO(uplink)                                                                     \
        IN_BY(uplink) SOURCE " counter accept\n" IN_BY(uplink) DESTINATION " counter accept\n"
#define RELATED_TO(uplink)                                                                         \
        "\t\tiifname \"" uplink "\" ct state related ct status snat,dnat counter return\n"
#define INGRESS(uplink) "\t\tiifname \"" uplink "\" ct status dnat counter goto ingress_x\n"

#define NOT_TRANSLATED                                                                             \
        "\tchain postrouting {\n"                                                                  \
        "\t\ttype nat hook postrouting priority 100; policy accept;\n"                             \
        "\t\tip saddr 192.168.100.0/24 ip daddr 224.0.0.0/4 counter return\n"                      \
        "\t\tip saddr 192.168.100.0/24 ip daddr 255.255.255.255 counter return\n"

#define FORWARD                                                                                    \
        "\tchain forward {\n"                                                                      \
        "\t\ttype filter hook forward priority 0; policy accept;\n"

#define IP6                                                                                        \
        "table ip6 jumpstarter_x {\n" FORWARD                                                      \
        "\t\tiifname \"eth1\" oifname != \"eth1\" counter drop\n"                                  \
        "\t\tiifname != \"eth1\" oifname \"eth1\" counter drop\n"                                  \
        "\t}\n"                                                                                    \
        "}\n"

static void test_masquerade(void)
{
        g_autoptr(NetworkConfig) settings = config(NAT_MODE_MASQUERADE);
        g_autofree char *text = text_of(settings, "eth1", "eth0", NULL);

        g_assert_cmpstr(text, ==,
                        "table ip jumpstarter_x {\n" NOT_TRANSLATED
                        "\t\tiifname \"eth1\" oifname \"eth0\" ip saddr 192.168.100.0/24"
                        " counter masquerade\n"
                        "\t\toifname \"eth0\" ip saddr 192.168.100.1 counter masquerade\n"
                        "\t}\n"
                        "}\n" IP6 FILTER_BEGIN ESTABLISHED_FROM("eth0")
                                FILTER_OWN RELATED_FROM("eth0") EGRESS("eth0")
                                        FILTER_TO ESTABLISHED_TO("eth0") TO_OWN RELATED_TO("eth0")
                                                FILTER_END);
}

static void test_1to1(void)
{
        g_autoptr(NetworkConfig) settings = config(NAT_MODE_1TO1);

        map(settings, 10, 0x0a000032);
        map(settings, 11, 0);
        map(settings, 12, 0x0a000033);
        g_autofree char *text = text_of(settings, "eth1", "eth0", "eth0");
        g_assert_cmpstr(
                text, ==,
                "table ip jumpstarter_x {\n"
                "\tmap public_to_private {\n"
                "\t\ttype ipv4_addr : ipv4_addr\n"
                "\t\telements = { 10.0.0.50 : 192.168.100.10, 10.0.0.51 : 192.168.100.12 }\n"
                "\t}\n"
                "\tmap private_to_public {\n"
                "\t\ttype ipv4_addr : ipv4_addr\n"
                "\t\telements = { 192.168.100.10 : 10.0.0.50, 192.168.100.12 : 10.0.0.51 }\n"
                "\t}\n"
                "\tchain prerouting {\n"
                "\t\ttype nat hook prerouting priority -100; policy accept;\n"
                "\t\tcounter dnat to ip daddr map @public_to_private\n"
                "\t}\n"
                "\tchain output {\n"
                "\t\ttype nat hook output priority -100; policy accept;\n"
                "\t\tcounter dnat to ip daddr map @public_to_private\n"
                "\t}\n" NOT_TRANSLATED "\t\tiifname \"eth1\" oifname \"eth0\" counter"
                " snat to ip saddr map @private_to_public\n"
                "\t\tiifname \"eth1\" oifname \"eth0\" ip saddr 192.168.100.0/24"
                " counter masquerade\n"
                "\t\toifname \"eth0\" ip saddr 192.168.100.1 counter masquerade\n"
                "\t\tiifname \"eth1\" oifname \"eth1\" ct status dnat counter"
                " snat to ip saddr map @private_to_public\n"
                "\t\toifname \"eth1\" ip saddr 192.168.100.0/24 ct status dnat counter"
                " masquerade\n"
                "\t}\n"
                "}\n" IP6 FILTER_BEGIN ESTABLISHED_FROM("eth0") FILTER_OWN RELATED_FROM("eth0")
                        EGRESS("eth0") FILTER_TO ESTABLISHED_TO("eth0") TO_OWN RELATED_TO("eth0")
                                INGRESS("eth0") FILTER_END);
}

static void test_public_interface(void)
{
        g_autoptr(NetworkConfig) settings = config(NAT_MODE_1TO1);
        g_autofree char *text = text_of(settings, "eth1", "eth0", "eth2");

        g_assert_nonnull(strstr(text, ESTABLISHED_FROM("eth0") ESTABLISHED_FROM("eth2")));
        g_assert_nonnull(strstr(text, RELATED_FROM("eth0") RELATED_FROM("eth2") EGRESS("eth0")
                                              EGRESS("eth2")));
        g_assert_nonnull(strstr(text, ESTABLISHED_TO("eth0") ESTABLISHED_TO("eth2") TO_OWN));
        g_assert_nonnull(strstr(text, RELATED_TO("eth0") RELATED_TO("eth2") INGRESS("eth0")
                                              INGRESS("eth2")));
        g_assert_nonnull(strstr(text, "oifname \"eth2\" ip saddr 192.168.100.0/24 counter masq"));
        g_assert_nonnull(strstr(text, "oifname \"eth2\" counter snat to ip saddr map"));
        g_assert_nonnull(
                strstr(text, "map public_to_private {\n\t\ttype ipv4_addr : ipv4_addr\n\t}"));
}

static void test_no_upstream(void)
{
        g_autoptr(NetworkConfig) settings = config(NAT_MODE_MASQUERADE);
        g_autofree char *text = text_of(settings, "eth1", NULL, "eth2");

        g_assert_cmpstr(text, ==,
                        "table ip jumpstarter_x {\n" NOT_TRANSLATED "\t}\n"
                        "}\n" IP6 FILTER_BEGIN FILTER_OWN FILTER_TO TO_OWN FILTER_END);
}

#define INTERCEPT(port)                                                                            \
        "\t\tiifname \"eth1\" ip daddr != 192.168.100.1 udp dport 53 counter redirect to :" port   \
        "\n"                                                                                       \
        "\t\tiifname \"eth1\" ip daddr != 192.168.100.1 tcp dport 53 counter redirect to :" port   \
        "\n"

#define PREROUTING                                                                                 \
        "\tchain prerouting {\n"                                                                   \
        "\t\ttype nat hook prerouting priority -100; policy accept;\n"

static void test_intercept(void)
{
        g_autoptr(NetworkConfig) settings = config(NAT_MODE_MASQUERADE);

        settings->dns_intercept = true;
        g_autofree char *text = text_of(settings, "eth1", NULL, NULL);
        g_assert_nonnull(strstr(text, PREROUTING INTERCEPT("53") "\t}\n"));
        g_assert_null(strstr(text, "chain output"));
}

static void test_intercept_before_mappings(void)
{
        g_autoptr(NetworkConfig) settings = config(NAT_MODE_1TO1);

        settings->dns_intercept = true;
        map(settings, 10, 0x0a000032);
        g_autofree char *text = text_of(settings, "eth1", "eth0", NULL);
        g_assert_nonnull(strstr(text, PREROUTING INTERCEPT("53") "\t\tcounter dnat to"));
        g_assert_cmpuint(count(text, "redirect"), ==, 2); /* nothing of the host's own */
}

static void test_time(void)
{
        g_autoptr(NetworkConfig) settings = config(NAT_MODE_MASQUERADE);

        settings->local_ntp.enabled = true;
        g_autofree char *text = text_of(settings, "eth1", "eth0", NULL);
        g_assert_nonnull(strstr(text, PREROUTING
                                "\t\tiifname \"eth1\" ip daddr != 192.168.100.1 udp dport 123"
                                " counter redirect to :123\n\t}\n"));
        g_assert_cmpuint(count(text, "redirect"), ==, 1);
}

static void test_intercept_of_twin(void)
{
        g_autoptr(NetworkConfig) settings = config(NAT_MODE_MASQUERADE);
        RulesetFacts facts = {
                .interface = "eth1",
                .table = "jumpstarter_x",
                .filter_table = FILTER_TABLE,
                .twin = 5,
                .config = settings,
        };

        settings->dns_intercept = true;
        g_autoptr(Ruleset) ruleset = ruleset_new_network(&facts);
        g_autofree char *text = ruleset_to_text(ruleset);
        g_assert_nonnull(strstr(text, INTERCEPT("20485")));
}

static void test_disabled(void)
{
        static const NatMode modes[] = { NAT_MODE_DISABLED, NAT_MODE_NONE };

        for (guint i = 0; i < G_N_ELEMENTS(modes); i++) {
                g_autoptr(NetworkConfig) settings = config(modes[i]);
                g_autofree char *text = text_of(settings, "eth1", "eth0", NULL);
                g_assert_cmpstr(text, ==, "");
        }
}

static void test_every_rule_counts(void)
{
        g_autoptr(NetworkConfig) settings = config(NAT_MODE_1TO1);
        g_autofree char *text = text_of(settings, "eth1", "eth0", "eth2");
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        guint rules = 0;

        for (guint i = 0; lines[i]; i++)
                if (g_str_has_prefix(lines[i], "\t\t") &&
                    !g_str_has_prefix(lines[i], "\t\ttype ") && !strstr(lines[i], "elements = ") &&
                    !strstr(lines[i], " vmap "))
                        rules++;
        g_assert_cmpuint(rules, >, 20);
        g_assert_cmpuint(count(text, " counter ") + count(text, "\tcounter "), ==, rules);
}

static void test_odd_names(void)
{
        g_autoptr(NetworkConfig) settings = config(NAT_MODE_MASQUERADE);
        g_autofree char *text = text_of(settings, "eth*", "fifteen-letters", NULL);

        g_assert_nonnull(strstr(text, "iifname \"eth\\*\" oifname \"fifteen-letters\" ip saddr"));
        g_assert_nonnull(strstr(text, "elements = { \"eth\\*\" : jump to_x }"));
        g_assert_nonnull(strstr(text, "oifname \"fifteen-letters\" counter goto egress_x"));
}

static void test_guard(void)
{
        const GuardedNetwork networks[] = {
                { "eth1", { GATEWAY - 1, 24 } },
                { "eth2", { GATEWAY + 255, 24 } },
        };
        g_autoptr(Ruleset) ruleset = ruleset_new_guard(networks, G_N_ELEMENTS(networks));
        g_autofree char *text = ruleset_to_text(ruleset);

        g_assert_cmpstr(text, ==,
                        "table inet jumpstarter_guard {\n" FORWARD
                        "\t\tiifname \"eth1\" oifname != \"eth1\" counter drop\n"
                        "\t\tiifname != \"eth1\" oifname \"eth1\" counter drop\n"
                        "\t\tiifname \"eth2\" oifname != \"eth2\" counter drop\n"
                        "\t\tiifname != \"eth2\" oifname \"eth2\" counter drop\n"
                        "\t}\n"
                        "\tchain input {\n"
                        "\t\ttype filter hook input priority 0; policy accept;\n"
                        "\t\tmeta nfproto ipv4 iifname \"eth1\" ip saddr != 192.168.100.0/24"
                        " ip saddr != 0.0.0.0 counter drop\n"
                        "\t\tmeta nfproto ipv4 iifname \"eth2\" ip saddr != 192.168.101.0/24"
                        " ip saddr != 0.0.0.0 counter drop\n"
                        "\t}\n"
                        "}\n");
}

/* The part that goes is what had come, by name. */
static void test_filter_part(void)
{
        const FilterPlace place = { FILTER_TABLE_PLAIN, "jumpstarter_eth1.2", "eth1" };
        g_autoptr(Ruleset) part = ruleset_new_filter_part(&place);
        g_autofree char *text = ruleset_to_text(part);
        g_autofree char *name = filter_chain_name(FILTER_CHAIN_INWARD, place.table);

        g_assert_true(g_str_has_prefix(text, "table ip jumpstarter_filter_plain {\n"));
        g_assert_cmpuint(count(text, "\"eth1\" : jump "), ==, 3);
        g_assert_nonnull(strstr(text, "\tchain from_eth1.2 {\n\t}\n"));
        g_assert_nonnull(strstr(text, "\tchain to_eth1.2 {\n\t}\n"));
        g_assert_nonnull(strstr(text, "\tchain inward_eth1.2 {\n\t}\n"));
        g_assert_cmpstr(name, ==, "inward_eth1.2");
        g_assert_null(strstr(text, "hook"));
}

/* What may pass is marked in the one table, and passes in the other by the mark alone. */
static void test_names(void)
{
        static const char yaml[] =
                "egress: {policy: drop, rules: [{action: drop, destination: a.test, port: 22},"
                " {action: accept, destination: b.test, protocol: tcp}]}\n";
        g_autoptr(NetworkConfig) settings = config(NAT_MODE_MASQUERADE);
        g_autoptr(FilterAnswers) answers = filter_answers_new();
        g_autoptr(FilterAnswers) own = filter_answers_new();
        g_autoptr(Value) value = config_yaml_parse_filter(yaml, strlen(yaml), NULL, NULL);
        const RulesetFacts facts = {
                .interface = "eth1",
                .table = "jumpstarter_x",
                .filter_table = FILTER_TABLE,
                .upstream = "eth0",
                .answers = answers,
                .own = own,
                .config = settings,
        };

        g_assert_true(filter_parse("filter", value, &settings->filter, NULL));
        filter_answers_follow(answers, settings->filter);
        filter_answers_add(answers, "www.b.test", GATEWAY);
        filter_answers_follow(own, settings->filter);
        filter_answers_add(own, "own.b.test", GATEWAY + 1);
        g_autoptr(Ruleset) rules = ruleset_new_network(&facts);
        g_autofree char *text = ruleset_to_text(rules);
        const char *names = strstr(text, "table ip jumpstarter_names {\n");

        g_assert_nonnull(strstr(text, "\tchain egress_x {\n"
                                      "\t\tmeta mark & 0x00200000 == 0x00200000 counter"
                                      " meta mark set meta mark & 0xffdfffff | 0x00000000 return\n"
                                      "\t\tcounter drop\n"
                                      "\t}\n"));
#define SET_TYPE                                                                                   \
        "\t\ttype ipv4_addr\n"                                                                     \
        "\t\tsize 65536\n"                                                                         \
        "\t\tflags timeout\n"                                                                      \
        "\t\tgc-interval 1d\n"
#define MARKED " counter meta mark set meta mark & 0xffffffff | 0x00200000 return"
        g_assert_cmpstr(
                names, ==,
                "table ip jumpstarter_names {\n"
                "\tmap from {\n"
                "\t\ttype ifname : verdict\n"
                "\t\telements = { \"eth1\" : jump from_x }\n"
                "\t}\n"
                "\tset to_x-a.test {\n" SET_TYPE "\t}\n"
                "\tset to_x-b.test {\n" SET_TYPE "\t\telements = { 192.168.100.1 }\n"
                "\t}\n"
                "\tset own_x-a.test {\n"
                "\t\ttype ipv4_addr\n"
                "\t}\n"
                "\tset own_x-b.test {\n"
                "\t\ttype ipv4_addr\n"
                "\t\telements = { 192.168.100.2 }\n"
                "\t}\n"
                "\tchain egress_x {\n"
                "\t\tmeta mark set meta mark & 0xffdfffff | 0x00000000\n"
                "\t\tip daddr @to_x-a.test tcp dport 22 counter drop"
                " comment \"egress 1\"\n"
                "\t\tip daddr @to_x-a.test udp dport 22 counter drop"
                " comment \"egress 1\"\n"
                "\t\tip daddr @own_x-a.test tcp dport 22 counter drop"
                " comment \"egress 1\"\n"
                "\t\tip daddr @own_x-a.test udp dport 22 counter drop"
                " comment \"egress 1\"\n"
                "\t\tip daddr @to_x-b.test meta l4proto tcp" MARKED " comment \"egress 2\"\n"
                "\t\tip daddr @own_x-b.test meta l4proto tcp" MARKED " comment \"egress 2\"\n"
                "\t\tcounter drop comment \"egress policy\"\n"
                "\t}\n"
                "\tchain from_x {\n"
                "\t\toifname \"eth0\" ct state new ct status ! confirmed ip saddr 192.168.100.0/24"
                " ip daddr != 224.0.0.0/4 counter goto egress_x\n"
                "\t}\n"
                "\tchain forward {\n"
                "\t\ttype filter hook forward priority -1; policy accept;\n"
                "\t\tiifname vmap @from\n"
                "\t}\n"
                "}\n");
        settings->nat_mode = NAT_MODE_DISABLED;
        g_assert_false(ruleset_has_names(&facts));
}

/* dnsmasq's first command to nft must not be longer than 159 bytes. */
static void test_names_of_sets(void)
{
        g_autofree char *long_name = g_strnfill(100, 'a');
        g_autofree char *same =
                names_set_name(NAMES_SET_ANSWERS, "jumpstarter_eth1.2", "a-b_c.example.com");
        g_autofree char *table = table_name_with_suffix("fifteen-letters", 999);
        g_autofree char *long_domain = g_strconcat(long_name, ".com", NULL);
        g_autofree char *own = names_set_name(NAMES_SET_OWN, "jumpstarter_eth1", "a.test");
        g_autofree char *set = names_set_name(NAMES_SET_ANSWERS, table, long_domain);
        g_autofree char *other = names_set_name(NAMES_SET_ANSWERS, "jumpstarter_eth1", long_domain);
        g_autofree char *prefix = names_set_prefix(NAMES_SET_ANSWERS, table);
        g_autofree char *command =
                g_strdup_printf("add element ip " NAMES_TABLE " %s { 255.255.255.255 }", set);

        g_assert_cmpstr(same, ==, "to_eth1.2-a-b_c.example.com");
        g_assert_cmpstr(own, ==, "own_eth1-a.test");
        g_assert_cmpuint(strlen(command), <=, 159);
        g_assert_true(g_str_has_prefix(set, prefix));
        g_assert_cmpstr(set, !=, other);
}

static void test_free_nothing(void)
{
        ruleset_free(NULL);
}

#define FORWARDED(set, key)                                                                        \
        " @" set " ip daddr != 127.0.0.0/8 fib daddr type local counter dnat to " key " map @"

/* From the uplinks, the network's own NIC and the host, for the host's addresses alone. */
static void test_forwards(void)
{
        static const Forward forwards[] = {
                { .protocol = 6, .ports = { 2222, 2222 }, .to_port = 22 },
                { .protocol = 17,
                  .ports = { 65534, 65535 },
                  .from = { 0x0a000000, 8 },
                  .to_port = 9 },
                { .protocol = 6, .ports = { 80, 80 }, .hostname = (char *)"gone", .to_port = 80 },
        };
        g_autoptr(NetworkConfig) settings = config(NAT_MODE_MASQUERADE);
        g_autoptr(GArray) routes = g_array_new(FALSE, FALSE, sizeof(ForwardRoute));
        RulesetFacts facts = {
                .interface = "eth1",
                .table = "jumpstarter_x",
                .filter_table = FILTER_TABLE,
                .upstream = "eth0",
                .public_interface = "wan0",
                .forwards = routes,
                .config = settings,
        };

        for (guint i = 0; i < G_N_ELEMENTS(forwards); i++) {
                ForwardRoute route = { &forwards[i], forwards[i].hostname ? 0 : GATEWAY + 9 };
                g_array_append_val(routes, route);
        }
        g_autoptr(Ruleset) ruleset = ruleset_new_network(&facts);
        g_autofree char *text = ruleset_to_text(ruleset);

        g_assert_nonnull(strstr(text, "elements = { 2222 : 192.168.100.10 . 22 }"));
        g_assert_nonnull(strstr(text,
                                "elements = { 65534 . 10.0.0.0/8 : 192.168.100.10 . 9, 65535 . "
                                "10.0.0.0/8 : 192.168.100.10 . 10 }"));
        g_assert_nonnull(
                strstr(text, "tcp dport" FORWARDED("forwarded_tcp", "tcp dport") "forwards_tcp\n"));
        g_assert_nonnull(strstr(
                text, "udp dport . ip saddr" FORWARDED(
                              "forwarded_udp_from", "udp dport . ip saddr") "forwards_udp_from\n"));
        g_assert_nonnull(strstr(text, "hook prerouting priority -98; policy accept;\n"
                                      "\t\tiifname \"eth0\" counter goto forwards\n"
                                      "\t\tiifname \"wan0\" counter goto forwards\n"
                                      "\t\tiifname \"eth1\" counter goto forwards\n\t}\n"));
        g_assert_nonnull(strstr(text, "hook output priority -98; policy accept;\n"
                                      "\t\tcounter goto forwards\n\t}\n"));
        g_assert_cmpuint(count(text, "goto ingress_x"), ==, 2);
        g_assert_cmpuint(count(text, " 80"), ==, 0);
        g_assert_cmpuint(count(text, "ct mark set"), ==, 0);

        facts.twin = 1;
        g_autoptr(Ruleset) twin = ruleset_new_network(&facts);
        g_autofree char *of_twin = ruleset_to_text(twin);
        g_assert_cmpuint(count(of_twin, "fib daddr type local ct mark set"), ==, 4);
}

/* Without any there is nothing to be passed. */
/* A chain for each value, however many have it; none of them where nobody has limits. */
static void test_limits(void)
{
        g_autoptr(NetworkConfig) settings = config(NAT_MODE_1TO1);
        static const Limits limits[] = {
                { { 50000, 50009 }, 20, 5 }, { .max_connections = 5 },
                { .max_connections = 7 },    { .timeout_sec = LIMIT_TIMEOUT_MAX_SEC },
                { .timeout_sec = 0 },
        };
        RulesetFacts facts = {
                .interface = "eth1",
                .table = "jumpstarter_x",
                .filter_table = FILTER_TABLE,
                .upstream = "eth0",
                .config = settings,
        };

        settings->limits = (Limits){ { 49152, 65535 }, 600, 5 };
        for (guint i = 0; i < G_N_ELEMENTS(limits); i++) {
                AddressEntry entry = { .ip = 0xc0a8640a + i, .limits = limits[i] };
                entries_put_address(settings->entries, address_entry_copy(&entry));
        }
        g_autoptr(Ruleset) without = ruleset_new_network(&facts);
        g_autofree char *plain = ruleset_to_text(without);
        g_assert_null(strstr(plain, "begun"));
        g_assert_null(strstr(plain, "49152"));

        facts.limited = true;
        g_autoptr(Ruleset) with = ruleset_new_network(&facts);
        g_autofree char *text = ruleset_to_text(with);
        static const char *const parts[] = {
                "\tct timeout timeout_x-600-tcp {\n"
                "\t\tprotocol tcp\n"
                "\t\tl3proto ip\n"
                "\t\tpolicy = { established : 600 }\n"
                "\t}\n",
                "\t\tpolicy = { unreplied : 30, replied : 600 }\n",
                "\t\tpolicy = { unreplied : 20, replied : 20 }\n",
                /* 2^31 ticks of a millisecond */
                "\t\tpolicy = { established : 2147483 }\n",
                "\t\tpolicy = { unreplied : 30, replied : 2147483 }\n",
                "\tmap timeouts_x {\n"
                "\t\ttype ipv4_addr : verdict\n"
                "\t\telements = { 192.168.100.10 : jump timeout_x-20, "
                "192.168.100.13 : jump timeout_x-2592000 }\n"
                "\t}\n",
                "\tmap counted_x {\n"
                "\t\ttype ipv4_addr : verdict\n"
                "\t\telements = { 192.168.100.10 : goto counted_x-5, "
                "192.168.100.11 : goto counted_x-5, 192.168.100.12 : goto counted_x-7 }\n"
                "\t}\n",
                "\tset counted_x-7 {\n"
                "\t\ttype ipv4_addr\n"
                "\t\tsize 65536\n"
                "\t\tflags dynamic\n"
                "\t}\n",
                "\tchain counted_x-7 {\n"
                "\t\tct status ! confirmed add @counted_x-7 { ip saddr ct count over 7 } "
                "counter drop\n"
                "\t}\n",
                "\tchain timeout_x-600 {\n"
                "\t\tmeta l4proto tcp counter ct timeout set \"timeout_x-600-tcp\"\n"
                "\t\tmeta l4proto udp counter ct timeout set \"timeout_x-600-udp\"\n"
                "\t}\n",
                "\tchain begun_x {\n"
                "\t\tcounter jump egress_x\n"
                "\t\tcounter jump timeout_x-600\n"
                "\t\tip saddr vmap @timeouts_x\n"
                "\t\tip saddr vmap @counted_x\n"
                "\t\tcounter goto counted_x-5\n"
                "\t}\n",
                "\tchain arrived_x {\n"
                "\t\tcounter jump ingress_x\n"
                "\t\tcounter jump timeout_x-600\n"
                "\t\tip daddr vmap @timeouts_x\n"
                "\t}\n",
                "\t\toifname \"eth0\" counter goto begun_x\n",
                "counter goto arrived_x\n",
                "\t\telements = { 192.168.100.10 : goto masquerade-50000-50009 }\n",
                "\tchain masquerade-50000-50009 {\n"
                "\t\tmeta l4proto tcp counter masquerade to :50000-50009\n"
                "\t\tmeta l4proto udp counter masquerade to :50000-50009\n"
                "\t\tcounter masquerade\n"
                "\t}\n",
                "\t\tiifname \"eth1\" oifname \"eth0\" ip saddr vmap @nat_ports\n"
                "\t\tiifname \"eth1\" oifname \"eth0\" ip saddr 192.168.100.0/24 counter "
                "goto masquerade-49152-65535\n",
        };
        for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
                g_test_message("%s", parts[i]);
                g_assert_cmpuint(count(text, parts[i]), ==, 1);
        }

        g_autoptr(GHashTable) listed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        ruleset_list_limits(&facts, listed);
        g_assert_true(g_hash_table_contains(listed, "ct timeout timeout_x-20-udp"));
        g_assert_true(g_hash_table_contains(listed, "set counted_x-7"));
        g_assert_true(g_hash_table_contains(listed, "map counted_x"));
        g_assert_true(g_hash_table_contains(listed, "chain begun_x"));
        /* 3 times 2 objects, 2 sets, 2 maps, 5 chains for values, 2 that lead there */
        g_assert_cmpuint(g_hash_table_size(listed), ==, 17);
}

static void test_no_forwards(void)
{
        g_autoptr(NetworkConfig) settings = config(NAT_MODE_MASQUERADE);
        g_autofree char *text = text_of(settings, "eth1", "eth0", NULL);

        g_assert_cmpuint(count(text, "forward"), ==,
                         count(text, "chain forward {") + count(text, "hook forward"));
        g_assert_cmpuint(count(text, "goto ingress_x"), ==, 0);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ruleset/limits", test_limits);
        g_test_add_func("/ruleset/masquerade", test_masquerade);
        g_test_add_func("/ruleset/1to1", test_1to1);
        g_test_add_func("/ruleset/1to1/public-interface", test_public_interface);
        g_test_add_func("/ruleset/no-upstream-forwards-nothing", test_no_upstream);
        g_test_add_func("/ruleset/intercept", test_intercept);
        g_test_add_func("/ruleset/intercept/before-mappings", test_intercept_before_mappings);
        g_test_add_func("/ruleset/intercept/twin", test_intercept_of_twin);
        g_test_add_func("/ruleset/time", test_time);
        g_test_add_func("/ruleset/disabled-is-nothing", test_disabled);
        g_test_add_func("/ruleset/every-rule-counts", test_every_rule_counts);
        g_test_add_func("/ruleset/odd-interface-names", test_odd_names);
        g_test_add_func("/ruleset/guard", test_guard);
        g_test_add_func("/ruleset/filter-part", test_filter_part);
        g_test_add_func("/ruleset/names", test_names);
        g_test_add_func("/ruleset/names/of-sets", test_names_of_sets);
        g_test_add_func("/ruleset/free-nothing", test_free_nothing);
        g_test_add_func("/ruleset/forwards", test_forwards);
        g_test_add_func("/ruleset/forwards/none", test_no_forwards);
        return g_test_run();
}
