/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The setting `filter`: what is one, and what it lets pass. That the kernel lets the same pass is
 * test_filter.py's in the lab. */

#include "model/filter.h"

#include <netinet/in.h>
#include <string.h>

#include "model/config-yaml.h"
#include "util/error.h"

static Filter *filter_of(const char *yaml)
{
        g_autoptr(GError) error = NULL;
        Filter *filter = NULL;
        g_autoptr(Value) value = config_yaml_parse_filter(yaml, strlen(yaml), NULL, &error);

        g_assert_no_error(error);
        g_assert_true(filter_parse("filter", value, &filter, &error));
        g_assert_no_error(error);
        return filter;
}

static void test_refused(void)
{
        static const struct {
                const char *yaml, *error;
        } cases[] = {
                { "[]", "1:1: filter: a list is not a mapping of egress and ingress" },
                { "{outgress: {policy: drop}}", "1:2: filter: unknown key \"outgress\"" },
                { "{egress: []}", "1:10: filter: egress: a list is not a mapping of policy" },
                { "{egress: {}}", "1:10: filter: egress: it has no policy: accept or drop" },
                { "{egress: {policy: deny}}",
                  "1:19: filter: egress: \"deny\" is not accept or drop" },
                { "{egress: {policy: drop, rules: {}}}",
                  "1:32: filter: egress: a mapping is not a list of rules" },
                { "{egress: {policy: drop, rules: [x]}}",
                  "1:33: filter: egress: rule 1: \"x\" is not a mapping" },
#define RULE(rule) "{egress: {policy: drop, rules: [{" rule "}]}}"
#define IN_RULE    "filter: egress: rule 1: "
                { RULE(""), IN_RULE "it has no action" },
                { RULE("action: allow"), IN_RULE "\"allow\" is not accept or drop" },
                { RULE("action: drop, sport: 1"), IN_RULE "unknown key \"sport\"" },
                { RULE("action: drop, source: fd00::1/64"),
                  IN_RULE "source: \"fd00::1/64\" has host bits set (is fd00::/64 meant?)" },
                { RULE("action: drop, source: fd00::/129"), "is not one of 0 to 128" },
                { RULE("action: drop, destination: 'fd00::12345'"),
                  IN_RULE "\"fd00::12345\" is not an address or subnet, nor a domain name" },
                { RULE("action: drop, source: 10.0.0.1, destination: 'fd00::1'"),
                  IN_RULE "\"fd00::1\" is of another family than the source" },
                { RULE("action: drop, destination: 10.0.0.300"), "nor a domain name" },
                { RULE("action: drop, destination: 10.0.0"), "nor a domain name" },
                { RULE("action: drop, destination: '1.2.3.4:80'"), "nor a domain name" },
                { RULE("action: drop, destination: example.com/24"), "is not" },
                { RULE("action: drop, destination: controller"), "nor a domain name" },
                { RULE("action: drop, destination: example.com."), "nor a domain name" },
                { RULE("action: drop, destination: .example.com"), "nor a domain name" },
                { RULE("action: drop, destination: 'a b.com'"), "nor a domain name" },
                { RULE("action: drop, destination: '*.example.com'"), "all below it, and itself" },
                { RULE("action: drop, source: example.com"),
                  IN_RULE "\"example.com\" is not an address or subnet: a name can only be" },
                { "{ingress: {policy: drop, rules: [{action: accept, destination: "
                  "a.example.com}]}}",
                  "filter: ingress: rule 1: \"a.example.com\" is not an address or subnet: "
                  "the "
                  "destination of ingress is the board" },
                { RULE("action: drop, source: 10.0.0.1/24"), "has host bits set" },
                { RULE("action: drop, source: 10.0.0.0/33"), "the prefix is not one of" },
                { RULE("action: drop, source: ''"), "\"\" is not an address" },
                { RULE("action: drop, source: [10.0.0.1]"), "a list is not an address" },
                { RULE("action: drop, protocol: sctp"), "\"sctp\" is not one of tcp, udp, icmp" },
                { RULE("action: drop, protocol: icmp, port: 8"), "which has no ports" },
                { RULE("action: drop, port: 0"), "\"0\" is not a port (1 to 65535)" },
                { RULE("action: drop, port: 65536"), "\"65536\" is not a port" },
                { RULE("action: drop, port: 90-80"), "\"90-80\" is not a port" },
                { RULE("action: drop, port: 80-"), "\"80-\" is not a port" },
                { RULE("action: drop, port: '80,,90'"), "is not a port" },
                { RULE("action: drop, port: []"), "a list is not a port" },
                { RULE("action: drop, port: [80, x]"), "\"x\" is not a port" },
                { RULE("action: drop, port: [22, '']"), "\"\" is not a port" },
                { RULE("action: drop, port: [22, {a: 1}]"), "a mapping is not a port" },
                { RULE("action: drop, port: [22, [23]]"), "a list is not a port" },
                { RULE("action: drop, port: ssh"), "\"ssh\" is not a port" },
                { RULE("action: drop, log: 1"), "\"1\" is not true or false" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(Value) value = config_yaml_parse_filter(
                        cases[i].yaml, strlen(cases[i].yaml), NULL, &error);
                g_assert_null(value);
                g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
                if (!strstr(error->message, cases[i].error))
                        g_error("%s: %s", cases[i].yaml, error->message);
        }
}

static void test_too_many(void)
{
        g_autoptr(GString) yaml = g_string_new("{egress: {policy: drop, rules: [");
        g_autoptr(GError) error = NULL;

        for (guint i = 0; i < FILTER_MAX_RULES + 1; i++)
                g_string_append(yaml, "{action: drop}, ");
        g_string_append(yaml, "]}}");
        g_assert_null(config_yaml_parse_filter(yaml->str, yaml->len, NULL, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED);
}

/* Each of them is a rule of the kernel's, twice. */
static void test_too_many_ports(void)
{
        g_autoptr(GString) yaml = g_string_new("{egress: {policy: drop, rules: [");
        g_autoptr(GError) error = NULL;

        for (guint i = 0; i < 33; i++)
                g_string_append(yaml,
                                "{action: drop, log: true, port: '1,2,3,4,5,6,7,8,9,10,11,12,13,"
                                "14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32'}, ");
        g_string_append(yaml, "]}}");
        g_assert_null(config_yaml_parse_filter(yaml->str, yaml->len, NULL, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED);
}

static void test_too_many_names(void)
{
        g_autoptr(GString) yaml = g_string_new("{egress: {policy: drop, rules: [");
        g_autoptr(GError) error = NULL;

        for (guint i = 0; i < FILTER_MAX_NAMES; i++)
                g_string_append_printf(yaml,
                                       "{action: drop, destination: n%u.test}, {action: drop, "
                                       "destination: N%u.test}, ",
                                       i, i);
        g_autofree char *most = g_strconcat(yaml->str, "]}}", NULL);
        g_autofree char *more =
                g_strconcat(yaml->str, "{action: drop, destination: more.test}]}}", NULL);
        g_autoptr(Filter) filter = filter_of(most);
        g_autoptr(GPtrArray) names = filter_names(filter);
        g_assert_cmpuint(names->len, ==, FILTER_MAX_NAMES);
        g_assert_null(config_yaml_parse_filter(more, strlen(more), NULL, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED);
}

static void test_nothing(void)
{
        g_autoptr(Filter) filter = filter_of("{}");
        g_autoptr(Value) none = filter_to_value(NULL);

        g_assert_null(filter);
        g_assert_null(none);
        g_assert_null(filter_copy(NULL));
        g_assert_false(filter_has_names(NULL));
        g_assert_true(filter_equal(NULL, NULL));
        filter_free(NULL);
}

static void test_written_and_read(void)
{
        g_autoptr(Filter) filter = filter_of(
                "filter:\n"
                "  egress:\n"
                "    policy: drop\n"
                "    rules:\n"
                "      - {action: accept, destination: 10.0.0.0/8, protocol: tcp, port: 443}\n"
                "      - {action: drop, source: 192.168.100.7, port: [22, 1000-2000, '80,81']}\n"
                "      - {action: accept, destination: 0.0.0.0/0, protocol: icmp, log: true}\n"
                "      - {action: drop, source: 'fd00:1::5', destination: '2001:db8::/32'}\n"
                "      - {action: drop, destination: '::/0', protocol: icmp}\n"
                "      - {action: accept, destination: Artifacts.Example.com, port: 443}\n"
                "  ingress: {policy: accept}\n");
        g_autoptr(Value) value = filter_to_value(filter);
        g_autofree char *text = config_yaml_print(value);
        g_autoptr(Filter) again = filter_of(text);
        g_autoptr(Filter) copy = filter_copy(filter);
        g_autoptr(Filter) other = filter_of("{egress: {policy: drop}, ingress: {policy: accept}}");

        g_assert_nonnull(strstr(text, "port: 443"));
        g_assert_nonnull(strstr(text, "22,1000-2000,80,81"));
        g_assert_nonnull(strstr(text, "192.168.100.7"));
        g_assert_nonnull(strstr(text, "artifacts.example.com"));
        g_assert_nonnull(strstr(text, "0.0.0.0/0"));
        g_assert_nonnull(strstr(text, "fd00:1::5"));
        g_assert_nonnull(strstr(text, "2001:db8::/32"));
        g_assert_nonnull(strstr(text, "\"::/0\""));
        g_assert_nonnull(filter_side_find_ipv6(&filter->sides[FILTER_EGRESS]));
        g_assert_null(filter_side_find_ipv6(&filter->sides[FILTER_INGRESS]));
        g_assert_true(filter_has_names(filter));
        g_assert_true(filter_equal_names(filter, copy));
        g_assert_false(filter_equal_names(filter, other));
        g_assert_false(filter_has_names(other));
        g_assert_true(filter_equal(filter, again));
        g_assert_true(filter_equal(filter, copy));
        g_assert_false(filter_equal(filter, other));
        g_assert_false(filter_equal(filter, NULL));
}

#define HOST(a, b, c, d) (((guint32)(a) << 24) | ((b) << 16) | ((c) << 8) | (d))
#define BOARD            HOST(192, 168, 100, 10)

static void test_allows(void)
{
        g_autoptr(Filter) filter = filter_of(
                "egress:\n"
                "  policy: drop\n"
                "  rules:\n"
                "    - {action: drop, destination: 10.0.0.9}\n"
                "    - {action: accept, destination: 10.0.0.0/24, protocol: tcp, port: 80-90}\n"
                "    - {action: accept, port: 53}\n"
                "    - {action: accept, source: 192.168.100.11}\n"
                "    - {action: accept, protocol: icmp}\n");
        const struct {
                FilterFlow flow;
                bool allowed;
        } cases[] = {
                { { BOARD, HOST(10, 0, 0, 1), IPPROTO_TCP, 80 }, true },
                { { BOARD, HOST(10, 0, 0, 1), IPPROTO_TCP, 90 }, true },
                { { BOARD, HOST(10, 0, 0, 1), IPPROTO_TCP, 91 }, false },
                { { BOARD, HOST(10, 0, 0, 1), IPPROTO_UDP, 80 }, false },
                { { BOARD, HOST(10, 0, 0, 9), IPPROTO_TCP, 80 },
                  false }, /* the first rule decides */
                { { BOARD, HOST(10, 0, 1, 1), IPPROTO_TCP, 80 }, false },
                { { BOARD, HOST(8, 8, 8, 8), IPPROTO_UDP, 53 }, true },
                { { BOARD, HOST(8, 8, 8, 8), IPPROTO_TCP, 53 }, true },
                { { BOARD, HOST(8, 8, 8, 8), 132, 53 }, false },
                { { BOARD + 1, HOST(8, 8, 8, 8), IPPROTO_TCP, 1 }, true },
                { { BOARD, HOST(8, 8, 8, 8), IPPROTO_ICMP, 0 }, true },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_assert_cmpint(filter_allows(filter, NULL, FILTER_EGRESS, &cases[i].flow), ==,
                                cases[i].allowed);
                g_assert_true(filter_allows(filter, NULL, FILTER_INGRESS, &cases[i].flow));
                g_assert_true(filter_allows(NULL, NULL, FILTER_EGRESS, &cases[i].flow));
        }
}

static FilterFlow flow6(const char *source, const char *destination, guint8 protocol, guint16 port)
{
        FilterFlow flow = { .protocol = protocol, .port = port, .is_ipv6 = true };

        g_assert_true(address6_parse(source, &flow.source6));
        g_assert_true(address6_parse(destination, &flow.destination6));
        return flow;
}

/* What is about IPv4 alone is not about it, nor is what accepts by name. */
static void test_allows_ipv6(void)
{
        g_autoptr(Filter) filter = filter_of(
                "egress:\n"
                "  policy: drop\n"
                "  rules:\n"
                "    - {action: accept, destination: 0.0.0.0/0}\n"
                "    - {action: accept, destination: good.example.com}\n"
                "    - {action: drop, destination: bad.example.com, port: 7}\n"
                "    - {action: drop, destination: 'fd00:77::9'}\n"
                "    - {action: accept, destination: 'fd00:77::/64', protocol: tcp, port: 7-90}\n"
                "    - {action: accept, source: 'fd00:d::b'}\n"
                "    - {action: accept, protocol: icmp}\n");
        const struct {
                const char *source, *destination;
                guint8 protocol;
                guint16 port;
                bool allowed;
        } cases[] = {
                { "fd00:d::a", "fd00:77::1", IPPROTO_TCP, 80, true },
                { "fd00:d::a", "fd00:77::1", IPPROTO_TCP, 7, false },
                { "fd00:d::a", "fd00:77::1", IPPROTO_UDP, 80, false },
                { "fd00:d::a", "fd00:77::9", IPPROTO_TCP, 80, false },
                { "fd00:d::a", "fd00:78::1", IPPROTO_TCP, 80, false },
                { "fd00:d::b", "fd00:78::1", IPPROTO_UDP, 80, true },
                { "fd00:d::a", "fd00:78::1", IPPROTO_ICMPV6, 0, true },
                { "fd00:d::a", "fd00:78::1", IPPROTO_ICMP, 0, false },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                const FilterFlow flow = flow6(cases[i].source, cases[i].destination,
                                              cases[i].protocol, cases[i].port);
                g_test_message("%s, %u", cases[i].destination, cases[i].port);
                g_assert_cmpint(filter_allows(filter, NULL, FILTER_EGRESS, &flow), ==,
                                cases[i].allowed);
                g_assert_true(filter_allows(filter, NULL, FILTER_INGRESS, &flow));
        }
}

static void test_allows_names(void)
{
        g_autoptr(Filter) filter = filter_of("egress:\n"
                                             "  policy: drop\n"
                                             "  rules:\n"
                                             "    - {action: drop, destination: bad.example.com}\n"
                                             "    - {action: accept, destination: example.com,"
                                             " protocol: tcp, port: 443}\n");
        g_autoptr(FilterAnswers) answers = filter_answers_new();
        g_autoptr(FilterAnswers) own = filter_answers_new();
        const FilterKnown known = { answers, own }, nothing = { 0 };
        const FilterFlow good = { BOARD, HOST(10, 0, 0, 1), IPPROTO_TCP, 443 };
        const FilterFlow bad = { BOARD, HOST(10, 0, 0, 2), IPPROTO_TCP, 443 };
        const FilterFlow ours = { BOARD, HOST(10, 0, 0, 4), IPPROTO_TCP, 443 };
        const FilterFlow unknown = { BOARD, HOST(10, 0, 0, 3), IPPROTO_TCP, 443 };
        const FilterFlow other_port = { BOARD, HOST(10, 0, 0, 1), IPPROTO_TCP, 80 };

        g_assert_false(filter_allows(filter, NULL, FILTER_EGRESS, &good));
        filter_answers_follow(answers, filter);
        filter_answers_add(answers, "www.example.com", good.destination);
        filter_answers_add(answers, "x.bad.example.com", bad.destination);
        filter_answers_follow(own, filter);
        filter_answers_add(own, "own.example.com", ours.destination);
        g_assert_false(filter_allows(filter, &nothing, FILTER_EGRESS, &good));
        g_assert_true(filter_allows(filter, &known, FILTER_EGRESS, &ours));
        g_assert_true(filter_allows(filter, &known, FILTER_EGRESS, &good));
        g_assert_false(filter_allows(filter, &known, FILTER_EGRESS, &bad));
        g_assert_false(filter_allows(filter, &known, FILTER_EGRESS, &unknown));
        g_assert_false(filter_allows(filter, &known, FILTER_EGRESS, &other_port));
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/filter/parse/refused", test_refused);
        g_test_add_func("/filter/parse/too-many-rules", test_too_many);
        g_test_add_func("/filter/parse/too-many-ports", test_too_many_ports);
        g_test_add_func("/filter/parse/too-many-names", test_too_many_names);
        g_test_add_func("/filter/parse/nothing", test_nothing);
        g_test_add_func("/filter/parse/written-and-read", test_written_and_read);
        g_test_add_func("/filter/allows", test_allows);
        g_test_add_func("/filter/allows/ipv6", test_allows_ipv6);
        g_test_add_func("/filter/allows/names", test_allows_names);
        return g_test_run();
}
