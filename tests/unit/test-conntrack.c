/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Real connections through real mappings, on lo, and their end. */

#include "host/conntrack.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/conntrack-entry.h"
#include "host/ip-address.h"
#include "host/nft.h"
#include "model/ruleset-build.h"
#include "model/twin.h"
#include "namespace.h"

#define LO          1          /* its index */
#define IP          0xc0a8640a /* 192.168.100.10, and .11 */
#define PUBLIC      0x0a000032 /* 10.0.0.50, and .51 */
#define SOME_PORT   4711
#define N_DATAGRAMS 5

static void add_address(guint32 address)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Netlink) rtnl = netlink_new(NETLINK_ROUTE, &error);
        IpAddress added = {
                .index = LO,
                .address = address,
                .prefix = 32,
                .valid_sec = G_MAXUINT32,
                .preferred_sec = G_MAXUINT32,
        };

        g_assert_true(ip_address_add(rtnl, &added, NULL, &error));
        g_assert_no_error(error);
}

/* What is sent from here has come in by no interface, where a board's has. */
static void translate_own(Ruleset *rules)
{
        const RulesetTable *table = rules->tables->pdata[0];

        for (guint i = 0; i < table->chains->len; i++) {
                RulesetChain *chain = table->chains->pdata[i];
                if (!g_str_equal(chain->name, "postrouting"))
                        continue;
                RulesetRule *rule = chain_add_rule(chain);
                match_oifname(rule, NFT_CMP_EQ, "lo");
                rule_nat_map(rule, NFT_NAT_SNAT, FIELD_IP_SADDR, MAP_PRIVATE_TO_PUBLIC);
        }
}

/* The mappings of @n_mappings addresses. */
static void apply_rules(Nft *nft, guint n_mappings)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Entries) entries = entries_new();
        NetworkConfig config = {
                .subnet = { IP & 0xffffff00, 24 },
                .gateway_ip = (IP & 0xffffff00) + 1,
                .nat_mode = NAT_MODE_1TO1,
                .entries = entries,
        };
        RulesetFacts facts = {
                .interface = "eth1",
                .table = "jumpstarter_eth1",
                .filter_table = FILTER_TABLE_PLAIN,
                .upstream = "lo",
                .config = &config,
        };

        for (guint i = 0; i < n_mappings; i++) {
                AddressEntry entry = { .ip = IP + i, .public_ip = PUBLIC + i };
                entries_put_address(entries, address_entry_copy(&entry));
        }
        g_autoptr(Ruleset) rules = ruleset_new_network(&facts);
        translate_own(rules);
        g_assert_true(nft_apply(nft, rules, &error));
        g_assert_no_error(error);
}

/* Each datagram from a port of its own, and so a connection of its own. */
static void send_from_to(guint32 from, guint32 to)
{
        struct sockaddr_in source = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(from) };
        struct sockaddr_in target = { .sin_family = AF_INET,
                                      .sin_port = htons(SOME_PORT),
                                      .sin_addr.s_addr = htonl(to) };

        for (guint i = 0; i < N_DATAGRAMS; i++) {
                int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
                g_assert_cmpint(bind(fd, (struct sockaddr *)&source, sizeof source), ==, 0);
                g_assert_cmpint(sendto(fd, "x", 1, 0, (struct sockaddr *)&target, sizeof target),
                                ==, 1);
                (void)close(fd); /* nothing to lose */
        }
}

static guint end_mapping(Conntrack *conntrack, guint32 ip, guint32 public_ip)
{
        g_autoptr(GError) error = NULL;
        guint n = 4711;

        g_assert_true(conntrack_end_mapping(conntrack, ip, public_ip, &n, &error));
        g_assert_no_error(error);
        return n;
}

static void test_end_mapping(void)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Nft) nft = nft_new(false, &error);
        g_assert_no_error(error);
        g_autoptr(Conntrack) conntrack = conntrack_new(&error);
        g_assert_no_error(error);

        for (guint i = 0; i < 2; i++) {
                add_address(IP + i);
                add_address(PUBLIC + i);
        }
        apply_rules(nft, 2);
        send_from_to(INADDR_LOOPBACK, PUBLIC);     /* in, by the mapping */
        send_from_to(INADDR_LOOPBACK, PUBLIC + 1); /* in, by the other */
        send_from_to(IP, INADDR_LOOPBACK);         /* out, by the mapping */
        send_from_to(IP + 1, INADDR_LOOPBACK);     /* out, by the other */

        g_assert_cmpuint(end_mapping(conntrack, IP, PUBLIC + 1), ==, 0); /* no mapping */
        g_assert_cmpuint(end_mapping(conntrack, IP, PUBLIC), ==, 2 * N_DATAGRAMS);
        g_assert_cmpuint(end_mapping(conntrack, IP, PUBLIC), ==, 0);
        g_assert_cmpuint(end_mapping(conntrack, IP + 1, PUBLIC + 1), ==, 2 * N_DATAGRAMS);
        g_assert_true(conntrack_end_mapping(conntrack, IP, PUBLIC, NULL, &error));
        g_assert_no_error(error);
}

static void test_end_many_mappings(void)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GHashTable) public_of = g_hash_table_new(NULL, NULL);
        g_autoptr(Nft) nft = nft_new(false, &error);
        g_assert_no_error(error);
        g_autoptr(Conntrack) conntrack = conntrack_new(&error);
        g_assert_no_error(error);

        apply_rules(nft, 2);
        for (guint32 i = 0; i < 2; i++) {
                send_from_to(INADDR_LOOPBACK, PUBLIC + i);
                send_from_to(IP + i, INADDR_LOOPBACK);
        }
        g_assert_true(conntrack_end_mappings(conntrack, public_of, &error)); /* none */
        g_assert_no_error(error);
        g_hash_table_insert(public_of, GUINT_TO_POINTER(IP), GUINT_TO_POINTER(PUBLIC));
        g_hash_table_insert(public_of, GUINT_TO_POINTER(IP + 1), GUINT_TO_POINTER(PUBLIC));
        g_assert_true(conntrack_end_mappings(conntrack, public_of, &error)); /* one is none */
        g_assert_no_error(error);
        g_assert_cmpuint(end_mapping(conntrack, IP, PUBLIC), ==, 0);
        g_assert_cmpuint(end_mapping(conntrack, IP + 1, PUBLIC + 1), ==, 2 * N_DATAGRAMS);
}

static void assert_untranslated_end(Conntrack *conntrack, guint n_ips)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) ips = g_array_new(FALSE, FALSE, sizeof(guint32));

        for (guint32 i = 0; i < n_ips; i++) {
                guint32 ip = PUBLIC + i;
                g_array_append_val(ips, ip);
        }
        g_assert_true(conntrack_end_untranslated(conntrack, ips, &error));
        g_assert_no_error(error);
}

static guint count_untranslated(guint32 ip)
{
        g_autofree char *text = NULL;
        g_autofree char *destination = NULL;
        struct in_addr address = { htonl(ip) };
        guint n = 0;

        g_assert_true(g_file_get_contents("/proc/net/nf_conntrack", &text, NULL, NULL));
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        destination = g_strdup_printf("src=127.0.0.1 dst=%s ", inet_ntoa(address));
        g_autofree char *answer = g_strdup_printf("src=%s dst=127.0.0.1 ", inet_ntoa(address));
        for (char **line = lines; *line; line++)
                n += strstr(*line, destination) && strstr(*line, answer);
        return n;
}

/* Connections that were there before the mappings. */
static void test_end_untranslated(void)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Nft) nft = nft_new(false, &error);
        g_assert_no_error(error);
        g_autoptr(Conntrack) conntrack = conntrack_new(&error);
        g_assert_no_error(error);

        assert_untranslated_end(conntrack, 0);
        apply_rules(nft, 0);
        for (guint i = 0; i < 2; i++)
                send_from_to(INADDR_LOOPBACK, PUBLIC + i);
        apply_rules(nft, 2);
        g_assert_cmpuint(count_untranslated(PUBLIC), ==, N_DATAGRAMS);

        assert_untranslated_end(conntrack, 1);
        g_assert_cmpuint(count_untranslated(PUBLIC), ==, 0);
        g_assert_cmpuint(count_untranslated(PUBLIC + 1), ==, N_DATAGRAMS);
        send_from_to(INADDR_LOOPBACK, PUBLIC);
        assert_untranslated_end(conntrack, 2);
        g_assert_cmpuint(count_untranslated(PUBLIC + 1), ==, 0);

        const ConntrackScope loopback = { .subnet = { INADDR_LOOPBACK & 0xff000000, 8 } };
        const ConntrackScope other = { .subnet = { 0x0a000000, 8 } };
        apply_rules(nft, 0);
        send_from_to(INADDR_LOOPBACK, PUBLIC + 1);
        apply_rules(nft, 2);
        g_assert_true(conntrack_end_untranslated_from(conntrack, &other, &error));
        g_assert_cmpuint(count_untranslated(PUBLIC + 1), ==, N_DATAGRAMS);
        g_assert_true(conntrack_end_untranslated_from(conntrack, &loopback, &error));
        g_assert_no_error(error);
        g_assert_cmpuint(count_untranslated(PUBLIC + 1), ==, 0);
        g_assert_cmpuint(end_mapping(conntrack, IP, PUBLIC), ==, N_DATAGRAMS);
}

static guint count_marked(guint twin)
{
        g_autofree char *text = NULL;
        g_autofree char *mark = g_strdup_printf("mark=%u ", twin_mark(twin));
        guint n = 0;

        g_assert_true(g_file_get_contents("/proc/net/nf_conntrack", &text, NULL, NULL));
        for (const char *at = strstr(text, mark); at; at = strstr(at + 1, mark))
                n++;
        return n;
}

/* Two twins' connections, each in a zone of its own. */
static void test_end_marked(void)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Nft) nft = nft_new(false, &error);
        g_assert_no_error(error);
        g_autoptr(Conntrack) conntrack = conntrack_new(&error);
        g_assert_no_error(error);

        for (guint twin = 3; twin <= 4; twin++) {
                const GatewayPlace place = { "lo", IP, twin };
                g_autoptr(Ruleset) rules = ruleset_new_gateways(&place, 1);
                g_assert_true(nft_apply(nft, rules, &error));
                send_from_to(INADDR_LOOPBACK, INADDR_LOOPBACK);
                g_assert_cmpuint(count_marked(twin), ==, N_DATAGRAMS);
        }
        g_assert_true(conntrack_end_marked(conntrack, twin_mark(3), TWIN_MARK_MASK, &error));
        g_assert_no_error(error);
        g_assert_cmpuint(count_marked(3), ==, 0);
        g_assert_cmpuint(count_marked(4), ==, N_DATAGRAMS);
        g_assert_true(conntrack_end_marked(conntrack, twin_mark(4), TWIN_MARK_MASK, &error));
        g_assert_cmpuint(count_marked(4), ==, 0);
        g_assert_true(nft_remove(nft, GATEWAYS_TABLE, &error));
        g_assert_no_error(error);
}

/* @data: the address that was asked for. */
static bool is_asked_for(const ConntrackFlow *flow, gpointer data)
{
        g_assert_cmpuint(flow->source, ==, INADDR_LOOPBACK);
        g_assert_cmpuint(flow->protocol, ==, IPPROTO_UDP);
        g_assert_cmpuint(flow->asked_port, ==, SOME_PORT);
        g_assert_cmpuint(flow->port, ==, SOME_PORT);
        g_assert_false(flow->is_answered);
        return flow->asked == *(const guint32 *)data;
}

/* What was led to a board, by what was asked for; and what was not. */
static void test_end_led(void)
{
        const ConntrackScope scope = { .subnet = { IP & 0xffffff00, 24 } };
        const ConntrackScope elsewhere = { .subnet = { 0x0a630000, 24 } };
        const ConntrackScope twin = { scope.subnet, twin_mark(1), TWIN_MARK_MASK };
        guint32 asked = PUBLIC;
        g_autoptr(GError) error = NULL;
        g_autoptr(Nft) nft = nft_new(false, &error);
        g_assert_no_error(error);
        g_autoptr(Conntrack) conntrack = conntrack_new(&error);
        g_assert_no_error(error);

        apply_rules(nft, 2);
        send_from_to(INADDR_LOOPBACK, PUBLIC);
        send_from_to(INADDR_LOOPBACK, PUBLIC + 1);
        g_assert_true(conntrack_end_led(conntrack, &elsewhere, is_asked_for, &asked, &error));
        g_assert_true(conntrack_end_led(conntrack, &twin, is_asked_for, &asked, &error));
        g_assert_true(conntrack_end_unled(conntrack, is_asked_for, &asked, &error));
        asked = PUBLIC + 1;
        g_assert_true(conntrack_end_led(conntrack, &scope, is_asked_for, &asked, &error));
        g_assert_no_error(error);
        g_assert_cmpuint(end_mapping(conntrack, IP + 1, PUBLIC + 1), ==, 0);
        g_assert_cmpuint(end_mapping(conntrack, IP, PUBLIC), ==, N_DATAGRAMS);

        apply_rules(nft, 0);
        send_from_to(INADDR_LOOPBACK, PUBLIC);
        send_from_to(INADDR_LOOPBACK, PUBLIC + 1);
        g_assert_true(conntrack_end_led(conntrack, &scope, is_asked_for, &asked, &error));
        g_assert_cmpuint(count_untranslated(PUBLIC + 1), ==, N_DATAGRAMS);
        g_assert_true(conntrack_end_unled(conntrack, is_asked_for, &asked, &error));
        g_assert_no_error(error);
        g_assert_cmpuint(count_untranslated(PUBLIC + 1), ==, 0);
        g_assert_cmpuint(count_untranslated(PUBLIC), ==, N_DATAGRAMS);
}

/* A network's, by whatever address; not those of another mark or subnet. */
static void test_end_boards(void)
{
        const ConntrackScope scope = { .subnet = { IP & 0xffffff00, 24 }, .mask = TWIN_MARK_MASK };
        const ConntrackScope elsewhere = { { 0x0a630000, 24 }, 0, TWIN_MARK_MASK };
        const ConntrackScope twin = { scope.subnet, twin_mark(1), TWIN_MARK_MASK };
        g_autoptr(GError) error = NULL;
        g_autoptr(Nft) nft = nft_new(false, &error);
        g_assert_no_error(error);
        g_autoptr(Conntrack) conntrack = conntrack_new(&error);
        g_assert_no_error(error);

        apply_rules(nft, 2);
        for (guint i = 0; i < 2; i++) {
                send_from_to(INADDR_LOOPBACK, PUBLIC);
                send_from_to(INADDR_LOOPBACK, PUBLIC + 1);
                g_assert_true(conntrack_end_boards(conntrack, &elsewhere, &error));
                g_assert_true(conntrack_end_boards(conntrack, &twin, &error));
                if (i == 0)
                        g_assert_true(conntrack_end_boards(conntrack, &scope, &error));
                g_assert_no_error(error);
                g_assert_cmpuint(end_mapping(conntrack, IP, PUBLIC), ==, i * N_DATAGRAMS);
                g_assert_cmpuint(end_mapping(conntrack, IP + 1, PUBLIC + 1), ==, i * N_DATAGRAMS);
        }
}

static ConntrackTuple tuple6(const char *src, const char *dst, guint16 dst_port)
{
        ConntrackTuple tuple = { .src_port = htons(4000), .dst_port = htons(dst_port) };

        g_assert_true(address6_parse(src, &tuple.src6));
        g_assert_true(address6_parse(dst, &tuple.dst6));
        return tuple;
}

/* Whose a connection of IPv6 is, and where it went: translated at either end, or not at all. */
static void test_flow6(void)
{
        static const struct {
                const char *src, *dst, *reply_src, *reply_dst;
                bool is_of_board;
                FilterDirection direction;
        } cases[] = {
                { "fd00:d::a", "fd00:77::1", "fd00:77::1", "fd00:77::2", true, FILTER_EGRESS },
                { "fd00:d::a", "fd00:77::1", "fd00:77::1", "fd00:d::a", true, FILTER_EGRESS },
                { "fd00:77::1", "fd00:d::a", "fd00:d::a", "fd00:77::1", true, FILTER_INGRESS },
                { "fd00:d::a", "fd00:d::1", "fd00:d::1", "fd00:d::a", false, 0 },
                { "fd00:d::a", "fd00:77::1", "fd00:d::1", "fd00:d::a", false, 0 },
                { "fd00:e::a", "fd00:77::1", "fd00:77::1", "fd00:e::a", false, 0 },
        };
        g_autoptr(GError) error = NULL;
        Subnet6 subnet;

        g_assert_true(subnet6_parse("fd00:d::/64", &subnet, &error));
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                ConntrackEntry entry = {
                        .original = tuple6(cases[i].src, cases[i].dst, 80),
                        .reply = tuple6(cases[i].reply_src, cases[i].reply_dst, 4000),
                };
                FilterDirection direction = FILTER_DIRECTION_MAX;
                FilterFlow flow;
                entry.original.protocol = entry.reply.protocol = IPPROTO_UDP;
                entry.reply.src_port = htons(80);
                g_test_message("%s to %s", cases[i].src, cases[i].reply_src);
                g_assert_cmpint(conntrack_entry_get_flow6(&entry, &subnet, &direction, &flow), ==,
                                cases[i].is_of_board);
                if (!cases[i].is_of_board)
                        continue;
                g_assert_cmpint(direction, ==, cases[i].direction);
                g_assert_true(flow.is_ipv6 && address6_equal(&flow.source6, &entry.original.src6));
                g_assert_true(address6_equal(&flow.destination6, &entry.reply.src6));
                g_assert_cmpuint(flow.protocol, ==, IPPROTO_UDP);
                g_assert_cmpuint(flow.port, ==, 80);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (!namespace_enter())
                return 77;
        g_test_add_func("/conntrack/ends-the-mapping-s-and-no-other", test_end_mapping);
        g_test_add_func("/conntrack/ends-many-mappings-at-once", test_end_many_mappings);
        g_test_add_func("/conntrack/ends-what-is-not-translated", test_end_untranslated);
        g_test_add_func("/conntrack/ends-what-has-the-mark", test_end_marked);
        g_test_add_func("/conntrack/ends-what-was-led", test_end_led);
        g_test_add_func("/conntrack/ends-what-boards-have", test_end_boards);
        g_test_add_func("/conntrack/flow-of-ipv6", test_flow6);
        return g_test_run();
}
