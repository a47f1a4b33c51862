/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Connections as the bus has them, and what picks them. */

#include "model/connection.h"

#include <linux/in.h>
#include <linux/netfilter/nf_conntrack_tcp.h>

#include "util/error.h"

static const Connection out = {
        .direction = FILTER_EGRESS,
        .protocol = IPPROTO_TCP,
        .ip = 0xc0a8640a,
        .port = 40000,
        .public_ip = 0x0a4d0002,
        .public_port = 50000,
        .peer_ip = 0x08080808,
        .peer_port = 443,
        .tcp_state = TCP_CONNTRACK_ESTABLISHED,
        .timeout_sec = 431999,
};

static const Connection in = {
        .direction = FILTER_INGRESS,
        .protocol = IPPROTO_ICMP,
        .ip = 0xc0a8640b,
        .public_ip = 0x0a4d0064,
        .peer_ip = 0x0a4d0003,
        .is_counted = true,
        .packets = 7,
        .bytes = 700,
};

static const char *text_of(const Value *map, const char *key)
{
        const Value *value = value_get(map, key);

        return value && value->type == VALUE_TEXT ? value->text : NULL;
}

static gint64 number_of(const Value *map, const char *key)
{
        const Value *value = value_get(map, key);

        return value && value->type == VALUE_NUMBER ? value->number : -1;
}

static void test_to_value(void)
{
        g_autoptr(Value) tcp = connection_to_value(&out);
        g_autoptr(Value) icmp = connection_to_value(&in);

        g_assert_cmpstr(text_of(tcp, "direction"), ==, "egress");
        g_assert_cmpstr(text_of(tcp, "protocol"), ==, "tcp");
        g_assert_cmpstr(text_of(tcp, "ip"), ==, "192.168.100.10");
        g_assert_cmpint(number_of(tcp, "port"), ==, 40000);
        g_assert_cmpstr(text_of(tcp, "public_ip"), ==, "10.77.0.2");
        g_assert_cmpint(number_of(tcp, "public_port"), ==, 50000);
        g_assert_cmpstr(text_of(tcp, "peer_ip"), ==, "8.8.8.8");
        g_assert_cmpint(number_of(tcp, "peer_port"), ==, 443);
        g_assert_cmpstr(text_of(tcp, "state"), ==, "ESTABLISHED");
        g_assert_cmpint(number_of(tcp, "timeout"), ==, 431999);
        g_assert_null(value_get(tcp, "packets"));
        g_assert_cmpuint(tcp->items->len, ==, 10);

        g_assert_cmpstr(text_of(icmp, "protocol"), ==, "icmp");
        g_assert_null(value_get(icmp, "port"));
        g_assert_null(value_get(icmp, "state"));
        g_assert_cmpint(number_of(icmp, "packets"), ==, 7);
        g_assert_cmpint(number_of(icmp, "bytes"), ==, 700);
}

static void test_flow(void)
{
        FilterFlow from_board = connection_flow(&out), to_board = connection_flow(&in);

        g_assert_cmphex(from_board.source, ==, 0xc0a8640a);
        g_assert_cmphex(from_board.destination, ==, 0x08080808);
        g_assert_cmpuint(from_board.port, ==, 443);
        g_assert_cmphex(to_board.source, ==, 0x0a4d0003);
        g_assert_cmphex(to_board.destination, ==, 0xc0a8640b);
}

static Value *one(const char *key, Value *value)
{
        Value *map = value_new_map();

        value_set(map, key, value);
        return map;
}

static void test_match(void)
{
        static const struct {
                const char *key, *text;
                gint64 number; /* where text is NULL */
                bool out, in;
        } cases[] = {
                { "direction", "egress", 0, true, false },
                { "direction", "ingress", 0, false, true },
                { "protocol", "tcp", 0, true, false },
                { "protocol", "1", 0, false, true },
                { "protocol", NULL, 6, true, false },
                { "port", NULL, 40000, true, false },
                { "port", "40000", 0, true, false },
                { "port", NULL, 40001, false, false },
                { "public_ip", "10.77.0.100", 0, false, true },
                { "public_port", NULL, 50000, true, false },
                { "peer_ip", "8.8.8.8", 0, true, false },
                { "peer_port", NULL, 443, true, false },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(ConnectionMatch) match = { 0 };
                g_autoptr(GError) error = NULL;
                g_autoptr(Value) map =
                        one(cases[i].key, cases[i].text ? value_new_text(cases[i].text)
                                                        : value_new_number(cases[i].number));
                g_assert_true(connection_match_from_value(map, &match, &error));
                g_assert_no_error(error);
                g_assert_cmpint(connection_matches(&out, &match), ==, cases[i].out);
                g_assert_cmpint(connection_matches(&in, &match), ==, cases[i].in);
        }
}

/* All of what is given, and whose address it is somebody else says. */
static void test_match_all(void)
{
        g_auto(ConnectionMatch) match = { 0 }, any = { 0 };
        g_autoptr(Value) map = one("ip", value_new_text("board"));
        g_autoptr(Value) empty = value_new_map();

        value_set(map, "peer_port", value_new_number(443));
        g_assert_true(connection_match_from_value(map, &match, NULL));
        g_assert_cmpstr(match.board, ==, "board");
        match.ip = out.ip;
        g_assert_true(connection_matches(&out, &match));
        match.ip = in.ip;
        g_assert_false(connection_matches(&out, &match));
        g_assert_true(connection_match_from_value(empty, &any, NULL));
        g_assert_true(connection_matches(&out, &any));
        g_assert_true(connection_matches(&in, &any));
}

static void test_refused(void)
{
        static const struct {
                const char *key, *text, *message;
        } cases[] = {
                { "direction", "out", "direction: \"out\" is neither egress nor ingress" },
                { "protocol", "tpc", "protocol: \"tpc\" is not tcp, udp, icmp or a protocol's *" },
                { "protocol", "256", "protocol: \"256\" is not *" },
                { "port", "0", "port: \"0\" is not a port: 1 to 65535" },
                { "port", "65536", "port: \"65536\" is not a port*" },
                { "peer_port", "1-2", "peer_port: \"1-2\" is not a port*" },
                { "peer_ip", "10.0.0", "peer_ip: \"10.0.0\" is not an IPv4 address" },
                { "peer_ip", "0.0.0.0", "peer_ip: \"0.0.0.0\" is not an IPv4 address" },
                { "peer", "10.0.0.1", "unknown key \"peer\" *" },
                { "state", "ESTABLISHED", "unknown key \"state\" *" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(ConnectionMatch) match = { 0 };
                g_autoptr(GError) error = NULL;
                g_autoptr(Value) map = one(cases[i].key, value_new_text(cases[i].text));
                g_assert_false(connection_match_from_value(map, &match, &error));
                g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
                if (!g_pattern_match_simple(cases[i].message, error->message))
                        g_error("\"%s\" is not like \"%s\"", error->message, cases[i].message);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/connection/to-value", test_to_value);
        g_test_add_func("/connection/flow", test_flow);
        g_test_add_func("/connection/match", test_match);
        g_test_add_func("/connection/match-all", test_match_all);
        g_test_add_func("/connection/refused", test_refused);
        return g_test_run();
}
