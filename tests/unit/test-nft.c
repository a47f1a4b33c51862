/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Rule sets in a kernel, read back with the real nft, in a namespace of the test's own. */

#include "host/nft.h"

#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/netfilter.h>

#include "model/config-yaml.h"
#include "namespace.h"
#include "util/error.h"

#define TABLE   "jumpstarter_eth1"
#define SUBNET  0x0a640000 /* 10.100.0.0/16 */
#define PUBLICS 0xac100000 /* 172.16.0.0 */
#define MANY    10000

/* Runs @command with @input and returns what it says; it must succeed. */
static char *run(const char *command, const char *input)
{
        const char *const argv[] = { "sh", "-c", command, NULL };
        g_autoptr(GError) error = NULL;
        g_autofree char *file = NULL;
        char *output = NULL;
        int status;

        if (input) {
                int fd = g_file_open_tmp("test-nft-XXXXXX", &file, &error);
                g_assert_no_error(error);
                (void)close(fd); /* written by name */
                g_assert_true(g_file_set_contents(file, input, -1, &error));
                g_setenv("INPUT", file, TRUE);
        }
        g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, NULL,
                     &status, &error);
        g_assert_no_error(error);
        g_assert_true(g_spawn_check_wait_status(status, &error));
        if (file)
                g_assert_cmpint(unlink(file), ==, 0);
        return output;
}

static NetworkConfig *config(NatMode mode, guint n_mappings)
{
        NetworkConfig *new_config = g_new0(NetworkConfig, 1);

        new_config->subnet = (Subnet){ SUBNET, 16 };
        new_config->gateway_ip = SUBNET + 1;
        new_config->nat_mode = mode;
        new_config->dns_intercept = true;
        new_config->local_ntp.enabled = true;
        new_config->entries = entries_new();
        for (guint i = 2; i < n_mappings + 2; i++) {
                AddressEntry entry = { .ip = SUBNET + i, .public_ip = PUBLICS + i };
                entries_put_address(new_config->entries, address_entry_copy(&entry));
        }
        return new_config;
}

static Ruleset *ruleset_with(NatMode mode, guint n_mappings, guint twin)
{
        g_autoptr(NetworkConfig) settings = config(mode, n_mappings);
        RulesetFacts facts = {
                .interface = "eth1",
                .table = TABLE,
                .filter_table = FILTER_TABLE,
                .upstream = "eth0",
                .public_interface = "fifteen-letters",
                .twin = twin,
                .config = settings,
        };

        return ruleset_new_network(&facts);
}

static Ruleset *ruleset(NatMode mode, guint n_mappings)
{
        return ruleset_with(mode, n_mappings, 0);
}

static Ruleset *ruleset_of_twin(guint n_mappings)
{
        return ruleset_with(NAT_MODE_1TO1, n_mappings, 5);
}

static Ruleset *ruleset_with_filter(const char *table, const char *yaml,
                                    const FilterAnswers *answers, const FilterAnswers *own)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(NetworkConfig) settings = config(NAT_MODE_1TO1, 2);
        g_autoptr(Value) value = config_yaml_parse_filter(yaml, strlen(yaml), NULL, &error);

        g_assert_no_error(error);
        g_assert_true(filter_parse("filter", value, &settings->filter, &error));
        RulesetFacts facts = {
                .interface = table + strlen("jumpstarter_"),
                .table = table,
                .filter_table = FILTER_TABLE,
                .upstream = "eth0",
                .answers = answers,
                .own = own,
                .config = settings,
        };
        return ruleset_new_network(&facts);
}

/* Every kind of rule that a filter has. */
#define EVERY_RULE                                                                                 \
        "egress: {policy: drop, rules: [{action: accept, destination: 10.0.0.0/8},"                \
        " {action: accept, source: 10.100.0.9, protocol: icmp, log: true},"                        \
        " {action: drop, port: [22, 1000-2000]}, {action: accept, protocol: udp, port: 53}%s]}\n"  \
        "ingress: {policy: accept, rules: [{action: drop, protocol: tcp}]}\n"

static Ruleset *ruleset_with_every_rule(const char *more)
{
        g_autofree char *yaml = g_strdup_printf(EVERY_RULE, more);

        return ruleset_with_filter(TABLE, yaml, NULL, NULL);
}

static Ruleset *ruleset_with_ipv6(const char *yaml)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *text = g_strdup_printf("interface: eth1\nipv6_subnet: fd00:d::/64\n"
                                                "dns_intercept: true\n%s",
                                                yaml);
        g_autoptr(GPtrArray) configs = config_yaml_parse(text, strlen(text), NULL, &error);
        g_assert_no_error(error);
        const RulesetFacts facts = {
                .interface = "eth1",
                .table = TABLE,
                .filter_table = FILTER_TABLE,
                .upstream = "eth0",
                .twin = 5,
                .config = configs->pdata[0],
        };
        return ruleset_new_network(&facts);
}

static const Forward some_forwards[] = {
        { .protocol = IPPROTO_TCP, .ports = { 2222, 2222 }, .to_port = 22 },
        { .protocol = IPPROTO_TCP,
          .ports = { 443, 443 },
          .from = { 0x0a4d0000, 24 },
          .to_port = 443 },
        { .protocol = IPPROTO_TCP,
          .ports = { 443, 443 },
          .from = { 0x0a4d0107, 32 },
          .to_port = 8443 },
        { .protocol = IPPROTO_UDP, .ports = { 2000, 2010 }, .to_port = 3000 },
        { .protocol = IPPROTO_UDP, .ports = { 65530, 65535 }, .from = { 0, 1 }, .to_port = 1 },
        { .protocol = IPPROTO_UDP, .ports = { 9, 9 }, .hostname = (char *)"x", .to_port = 9 },
};

/* @n of those; the last one leads nowhere. */
static GArray *routes_of(guint n)
{
        GArray *routes = g_array_new(FALSE, FALSE, sizeof(ForwardRoute));

        for (guint i = 0; i < n; i++) {
                ForwardRoute route = { &some_forwards[i],
                                       some_forwards[i].hostname ? 0 : SUBNET + 10 + i };
                g_array_append_val(routes, route);
        }
        return routes;
}

static Ruleset *ruleset_with_forwards(NatMode mode, guint n, guint twin)
{
        g_autoptr(NetworkConfig) settings = config(mode, 2);
        g_autoptr(GArray) routes = routes_of(n);
        RulesetFacts facts = {
                .interface = "eth1",
                .table = TABLE,
                .filter_table = FILTER_TABLE,
                .upstream = "eth0",
                .twin = twin,
                .forwards = routes,
                .config = settings,
        };

        return ruleset_new_network(&facts);
}

/* The network's own limits, and the @n addresses' from SUBNET + 2 on. */
static NetworkConfig *config_with_limits(const Limits *own, const Limits *limits, guint n)
{
        NetworkConfig *settings = config(NAT_MODE_1TO1, 0);

        settings->limits = *own;
        for (guint i = 0; i < n; i++) {
                AddressEntry entry = { .ip = SUBNET + 2 + i, .limits = limits[i] };
                entries_put_address(settings->entries, address_entry_copy(&entry));
        }
        return settings;
}

static RulesetFacts limit_facts(const NetworkConfig *settings)
{
        return (RulesetFacts){
                .interface = "eth1",
                .table = TABLE,
                .filter_table = FILTER_TABLE,
                .upstream = "eth0",
                .limited = true,
                .config = settings,
        };
}

static Nft *new_nft(bool own)
{
        g_autoptr(GError) error = NULL;
        Nft *nft = nft_new(own, &error);

        g_assert_no_error(error);
        return nft;
}

static void apply(Nft *nft, const Ruleset *rules)
{
        g_autoptr(GError) error = NULL;

        g_assert_true(nft_apply(nft, rules, &error));
        g_assert_no_error(error);
}

static void remove_tables(Nft *nft)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *left = NULL;

        g_assert_true(nft_remove(nft, TABLE, &error));
        g_assert_true(nft_remove(nft, "jumpstarter_guard", &error));
        g_assert_true(nft_remove(nft, GATEWAYS_TABLE, &error));
        g_assert_true(nft_remove(nft, FILTER_TABLE, &error));
        g_assert_true(nft_remove(nft, NAMES_TABLE, &error));
        g_assert_true(nft_remove(nft, FILTER_TABLE_PLAIN, &error));
        g_assert_no_error(error);
        left = run("nft list ruleset", NULL);
        g_assert_cmpstr(left, ==, "");
}

/* The kernel has what nft would have made of the same words. */
static void check_same(const Ruleset *rules)
{
        g_autoptr(Nft) nft = new_nft(false);
        g_autofree char *text = ruleset_to_text(rules);

        apply(nft, rules);
        g_autofree char *ours = run("nft list ruleset", NULL);
        remove_tables(nft);
        g_autofree char *none = run("nft -f $INPUT", text);
        g_autofree char *theirs = run("nft list ruleset", NULL);
        remove_tables(nft);

        g_assert_cmpstr(none, ==, "");
        g_assert_cmpstr(ours, ==, theirs);
        g_assert_nonnull(strstr(ours, "eth1"));
}

static void test_as_nft(void)
{
        const GuardedNetwork guarded[] = {
                { "eth1", { SUBNET, 24 } },
                { "eth2",
                  { SUBNET, 24 },
                  { { { 0xfd, 0x00, 0x01 } }, 64 },
                  { { 0xfd, 0x00, 0x01, 1 } } },
        };
        const GatewayPlace places[] = {
                { "eth1", SUBNET + 1, 0 },
                { "eth2", SUBNET + 1, 1 },
                { "fifteen-letters", SUBNET + 1, 1023 },
                { "eth3", SUBNET + 257, 0 },
        };
        g_autoptr(Ruleset) masquerade = ruleset(NAT_MODE_MASQUERADE, 0);
        g_autoptr(Ruleset) mapped = ruleset(NAT_MODE_1TO1, 3);
        g_autoptr(Ruleset) filtered = ruleset_with_every_rule("");
        g_autoptr(Ruleset) with_names = ruleset_with_every_rule(
                ", {action: accept, destination: a-b.1c.test}, {action: drop, log: true, "
                "destination: _x.test, port: 1-2}");
        g_autoptr(Ruleset) ipv6 = ruleset_with_ipv6("");
        g_autoptr(Ruleset) routed = ruleset_with_ipv6(
                "ipv6_nat: routed\n"
                "filter: {egress: {policy: drop, rules: [{action: accept, source: 'fd00:d::5', "
                "destination: 'fd00:77::/61', protocol: icmp, log: true}, {action: accept, "
                "destination: '::/0', port: [1, 2-3]}]}, ingress: {policy: accept}}");
        g_autoptr(Ruleset) guard = ruleset_new_guard(guarded, G_N_ELEMENTS(guarded));
        g_autoptr(Ruleset) twin = ruleset_of_twin(3);
        g_autoptr(Ruleset) plain = ruleset_new_gateways(places, 1);
        g_autoptr(Ruleset) gateways = ruleset_new_gateways(places, G_N_ELEMENTS(places));

        g_autoptr(Ruleset) forwards = ruleset_with_forwards(NAT_MODE_MASQUERADE, 6, 0);
        g_autoptr(Ruleset) more_forwards = ruleset_with_forwards(NAT_MODE_1TO1, 6, 7);

        check_same(masquerade);
        check_same(ipv6);
        check_same(routed);
        check_same(forwards);
        check_same(more_forwards);
        check_same(mapped);
        check_same(filtered);
        check_same(with_names);
        check_same(guard);
        check_same(twin);
        check_same(plain);
        check_same(gateways);
}

static const Limits no_limits = { 0 };
static const Limits some_limits[] = {
        { .nat_ports = { 50000, 50001 }, .timeout_sec = 20, .max_connections = 3 },
        { .nat_ports = { 7, 7 }, .timeout_sec = 20 },
        { .timeout_sec = 86400, .max_connections = 3 },
        { .nat_ports = { 50000, 50001 } },
        { .timeout_sec = 0 },
};
static const Limits own_limits = { { 49152, 65535 }, 600, 100 };

static void test_limits_as_nft(void)
{
        g_autoptr(NetworkConfig) of_some =
                config_with_limits(&no_limits, some_limits, G_N_ELEMENTS(some_limits));
        g_autoptr(NetworkConfig) of_all =
                config_with_limits(&own_limits, some_limits, G_N_ELEMENTS(some_limits));
        g_autoptr(NetworkConfig) of_none = config_with_limits(&no_limits, NULL, 0);
        const NetworkConfig *const settings[] = { of_some, of_all, of_none };

        for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
                const RulesetFacts facts = limit_facts(settings[i]);
                g_autoptr(Ruleset) rules = ruleset_new_network(&facts);
                check_same(rules);
        }
}

static char *sorted_ruleset(void);

/* An address' limits, put and taken by themselves, come to what the whole would be; and so does the
 * whole, put over another one, when what is left over is taken. */
static void test_limits_of_one(void)
{
        const FilterPlace place = { FILTER_TABLE, TABLE, "eth1" };
        const Limits unused = { { 7, 7 }, 0, 0 }; /* the rest of the second's is the first's too */
        g_autoptr(GError) error = NULL;
        g_autoptr(Nft) nft = new_nft(true);
        g_autoptr(NetworkConfig) with_one = config_with_limits(&own_limits, some_limits, 1);
        g_autoptr(NetworkConfig) with_two = config_with_limits(&own_limits, some_limits, 2);
        g_autoptr(NetworkConfig) other = config_with_limits(&some_limits[2], NULL, 0);
        const RulesetFacts one_facts = limit_facts(with_one), two_facts = limit_facts(with_two),
                           other_facts = limit_facts(other);
        g_autoptr(Ruleset) one = ruleset_new_network(&one_facts);
        g_autoptr(Ruleset) two = ruleset_new_network(&two_facts);
        g_autoptr(Ruleset) another = ruleset_new_network(&other_facts);
        g_autoptr(Ruleset) second = ruleset_new_limits_of(&one_facts, SUBNET + 3, &some_limits[1]);
        g_autoptr(Ruleset) gone =
                ruleset_new_limits_gone(&two_facts, SUBNET + 3, &some_limits[1], &unused);
        g_autoptr(Ruleset) nothing = ruleset_new_limits_of(&one_facts, SUBNET + 3, &no_limits);

        apply(nft, two);
        g_autofree char *wanted = sorted_ruleset();
        remove_tables(nft);
        apply(nft, one);
        g_autofree char *before = sorted_ruleset();
        for (guint i = 0; i < 2; i++) { /* twice is as good as once */
                g_assert_true(nft_exchange(nft, nothing, second, &error));
                g_assert_no_error(error);
                g_autofree char *now = sorted_ruleset();
                g_assert_cmpstr(now, ==, wanted);
        }
        for (guint i = 0; i < 2; i++) {
                g_assert_true(nft_exchange(nft, gone, nothing, &error));
                g_assert_no_error(error);
                g_autofree char *now = sorted_ruleset();
                g_assert_cmpstr(now, ==, before);
        }

        apply(nft, another);
        g_autoptr(GPtrArray) counted = nft_list_chains(nft, FILTER_TABLE, "counted_eth1-", &error);
        g_assert_no_error(error);
        g_assert_cmpuint(counted->len, ==, 2); /* those of 3, in both, and 100 */
        g_autoptr(GHashTable) in_use = ruleset_limit_chains(&other_facts);
        g_assert_true(g_hash_table_contains(in_use, "counted_eth1-3"));
        g_ptr_array_remove_range(counted, 0, counted->len);
        g_ptr_array_add(counted, g_strdup("counted_eth1-100"));
        g_autoptr(GPtrArray) timeouts = nft_list_chains(nft, FILTER_TABLE, "timeout_eth1-", &error);
        g_assert_no_error(error);
        for (guint i = timeouts->len; i-- > 0;)
                if (g_hash_table_contains(in_use, timeouts->pdata[i]))
                        g_ptr_array_remove_index(timeouts, i);
        g_assert_cmpuint(timeouts->len, ==, 2);
        g_autoptr(Ruleset) old_counts =
                ruleset_new_limit_chains(&place, LIMIT_CONNECTIONS, counted);
        g_autoptr(Ruleset) old_timeouts = ruleset_new_limit_chains(&place, LIMIT_TIMEOUT, timeouts);
        g_assert_true(nft_exchange(nft, old_counts, NULL, &error) &&
                      nft_exchange(nft, old_timeouts, NULL, &error));
        g_assert_no_error(error);
        g_autofree char *left = sorted_ruleset();
        remove_tables(nft);
        apply(nft, another);
        g_autofree char *afresh = sorted_ruleset();
        g_assert_cmpstr(left, ==, afresh);
        remove_tables(nft);
}

/* Where others have their parts in the table, nothing of a network's is left there. */
static void test_limits_leave(void)
{
        const FilterPlace place = { FILTER_TABLE, TABLE, "eth1", true };
        g_autoptr(GError) error = NULL;
        g_autoptr(Nft) nft = new_nft(true);
        g_autoptr(NetworkConfig) settings =
                config_with_limits(&own_limits, some_limits, G_N_ELEMENTS(some_limits));
        const RulesetFacts facts = limit_facts(settings);
        g_autoptr(Ruleset) limited = ruleset_new_network(&facts);
        g_autoptr(Ruleset) other =
                ruleset_with_filter("jumpstarter_eth2", "egress: {policy: accept}\n", NULL, NULL);
        g_autoptr(Ruleset) rest = ruleset_new_filter_part(&place);
        g_autoptr(Ruleset) limits = ruleset_new_limits_part(&place);

        apply(nft, other);
        g_autofree char *before = run("nft list table ip " FILTER_TABLE, NULL);
        apply(nft, limited);
        g_assert_true(nft_exchange(nft, rest, NULL, &error));
        g_assert_no_error(error);
        g_assert_true(nft_exchange(nft, limits, NULL, &error)); /* gone is fine */
        g_assert_no_error(error);
        static const Limit kinds[] = { LIMIT_TIMEOUT, LIMIT_CONNECTIONS };
        for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
                g_autofree char *prefix = limits_chain_prefix(kinds[i], TABLE);
                g_autoptr(GPtrArray) chains = nft_list_chains(nft, FILTER_TABLE, prefix, &error);
                g_assert_no_error(error);
                g_assert_cmpuint(chains->len, >=, 2);
                g_autoptr(Ruleset) gone = ruleset_new_limit_chains(&place, kinds[i], chains);
                g_assert_true(nft_exchange(nft, gone, NULL, &error));
                g_assert_no_error(error);
        }
        g_autofree char *after = run("nft list table ip " FILTER_TABLE, NULL);
        g_assert_cmpstr(after, ==, before);
        g_assert_true(nft_remove(nft, "jumpstarter_eth2", &error));
        remove_tables(nft);
}

/* Element by element it comes to what the whole would be; what is not there cannot go. */
static void test_forwards(void)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Nft) nft = new_nft(true);
        g_autoptr(Ruleset) few = ruleset_with_forwards(NAT_MODE_MASQUERADE, 2, 0);
        g_autoptr(Ruleset) many = ruleset_with_forwards(NAT_MODE_MASQUERADE, 6, 0);
        g_autoptr(GArray) all = routes_of(6);
        g_autoptr(GArray) none = routes_of(0);
        g_autoptr(GArray) rest = routes_of(6);
        g_array_remove_range(rest, 0, 2);
        g_autoptr(Ruleset) out = ruleset_new_forward_part(TABLE, none);
        g_autoptr(Ruleset) in = ruleset_new_forward_part(TABLE, rest);
        g_autoptr(Ruleset) everything = ruleset_new_forward_part(TABLE, all);

        apply(nft, many);
        g_autofree char *wanted = run("nft --stateless list table ip " TABLE, NULL);
        apply(nft, few);
        g_autofree char *before = run("nft --stateless list table ip " TABLE, NULL);
        g_assert_true(nft_exchange_part(nft, out, in, &error));
        g_assert_no_error(error);
        g_autofree char *now = run("nft --stateless list table ip " TABLE, NULL);
        g_assert_cmpstr(now, ==, wanted);

        g_assert_true(nft_exchange_part(nft, in, out, &error));
        g_assert_no_error(error);
        g_autofree char *again = run("nft --stateless list table ip " TABLE, NULL);
        g_assert_cmpstr(again, ==, before);
        g_assert_false(nft_exchange_part(nft, everything, out, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        g_autofree char *unchanged = run("nft --stateless list table ip " TABLE, NULL);
        g_assert_cmpstr(unchanged, ==, before);
        remove_tables(nft);
}

static int compare_lines(gconstpointer a, gconstpointer b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What is listed, whatever came first. */
static char *sorted_ruleset(void)
{
        g_autofree char *text = run("nft list ruleset | tr -s '\\t\\n ,' '\\n'", NULL);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        qsort(lines, g_strv_length(lines), sizeof *lines, compare_lines);
        return g_strjoinv("\n", lines);
}

/* One place more, and one less, is as if all had been there at once. */
static void test_parts(void)
{
        const GatewayPlace places[] = {
                { "eth1", SUBNET + 1, 0 },
                { "eth2", SUBNET + 1, 1 },
                { "eth4", SUBNET + 257, 7 },
        };
        g_autoptr(GError) error = NULL;
        g_autoptr(Nft) nft = new_nft(true);
        g_autoptr(Ruleset) two = ruleset_new_gateways(places, 2);
        g_autoptr(Ruleset) three = ruleset_new_gateways(places, 3);
        g_autoptr(Ruleset) third = ruleset_new_gateway_part(&places[2], false);
        g_autoptr(Ruleset) second = ruleset_new_gateway_part(&places[1], true);

        g_assert_false(nft_add_part(nft, third, &error)); /* no tables */
        g_clear_error(&error);
        apply(nft, three);
        g_autofree char *expected = sorted_ruleset();
        apply(nft, two);
        g_autofree char *before = sorted_ruleset();
        g_assert_true(nft_add_part(nft, third, &error));
        g_assert_no_error(error);
        g_autofree char *after = sorted_ruleset();
        g_assert_cmpstr(after, ==, expected);
        g_assert_true(nft_remove_part(nft, third, &error));
        g_assert_no_error(error);
        g_autofree char *again = sorted_ruleset();
        g_assert_cmpstr(again, ==, before);
        g_assert_false(nft_remove_part(nft, third, &error)); /* it is not there */
        g_clear_error(&error);
        g_assert_true(
                nft_remove_part(nft, second, &error)); /* the address is the first one's too */
        g_assert_no_error(error);
        g_autofree char *left = sorted_ruleset();
        g_assert_nonnull(strstr(left, "10.100.0.1"));
        remove_tables(nft);
}

static Ruleset *ruleset_in(const FilterPlace *place)
{
        g_autoptr(NetworkConfig) settings = config(NAT_MODE_MASQUERADE, 0);
        RulesetFacts facts = {
                .interface = place->interface,
                .table = place->table,
                .filter_table = place->filter_table,
                .upstream = "eth0",
                .config = settings,
        };

        return ruleset_new_network(&facts);
}

static void exchange(Nft *nft, const FilterPlace *old, const FilterPlace *place)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Ruleset) gone = old ? ruleset_new_filter_part(old) : NULL;
        g_autoptr(Ruleset) rules = place ? ruleset_in(place) : NULL;

        g_assert_true(nft_exchange(nft, gone, rules, &error));
        g_assert_no_error(error);
}

static char *filter_of(const char *table)
{
        g_autofree char *command =
                g_strdup_printf("nft list table ip %s | tr -s '\\t\\n ,' '\\n' | sort", table);

        return run(command, NULL);
}

/* What networks share: each changes its own part, whatever of it is there and in whatever
 * order. */
static void test_shared(void)
{
        const FilterPlace first = { FILTER_TABLE, TABLE, "eth1" };
        const FilterPlace second = { FILTER_TABLE, "jumpstarter_eth2", "eth2" };
        const FilterPlace renamed = { FILTER_TABLE, "jumpstarter_eth2", "lan2" };
        g_autoptr(GError) error = NULL;
        g_autoptr(Nft) nft = new_nft(false);

        exchange(nft, NULL, &first);
        g_autofree char *alone = filter_of(FILTER_TABLE);
        exchange(nft, NULL, &second);
        g_autofree char *both = filter_of(FILTER_TABLE);
        g_assert_nonnull(strstr(both, "from_eth2"));
        exchange(nft, NULL, &first); /* once more */
        g_autofree char *again = filter_of(FILTER_TABLE);
        g_assert_cmpstr(again, ==, both);

        exchange(nft, &second, &renamed);
        g_autofree char *moved = filter_of(FILTER_TABLE);
        g_assert_null(strstr(moved, "\"eth2\""));
        g_assert_nonnull(strstr(moved, "\"lan2\""));
        exchange(nft, &renamed, &second);
        g_autofree char *back = filter_of(FILTER_TABLE);
        g_assert_cmpstr(back, ==, both);

        g_autofree char *nothing = run("nft flush ruleset", NULL);
        g_assert_cmpstr(nothing, ==, "");
        exchange(nft, NULL, &second);
        exchange(nft, NULL, &first);
        g_autofree char *mended = filter_of(FILTER_TABLE);
        g_assert_cmpstr(mended, ==, both);
        exchange(nft, &second, NULL);
        exchange(nft, &second, NULL); /* it is not there */
        g_autofree char *left = filter_of(FILTER_TABLE);
        g_assert_cmpstr(left, ==, alone);
        g_assert_true(nft_remove(nft, "jumpstarter_eth2", &error));
        g_assert_no_error(error);
        remove_tables(nft);
}

static void exchange_fails(Nft *nft, const FilterPlace *place)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Ruleset) rules = ruleset_in(place);

        g_assert_false(nft_apply(nft, rules, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
}

/* What somebody else has put in the way goes with the whole table; the others in it are
 * closed. */
static void test_shared_anew(void)
{
        const FilterPlace first = { FILTER_TABLE_PLAIN, TABLE, "eth1" };
        const FilterPlace second = { FILTER_TABLE_PLAIN, "jumpstarter_eth2", "eth2" };
        g_autoptr(GError) error = NULL;
        g_autoptr(Nft) nft = new_nft(false);
        g_autoptr(Ruleset) rules = ruleset_in(&first);
        g_autoptr(Ruleset) closed = ruleset_new_closed(&second, 1);

        exchange(nft, NULL, &first);
        exchange(nft, NULL, &second);
        g_autofree char *both = filter_of(FILTER_TABLE_PLAIN);
        g_autofree char *moved =
                run("nft 'delete element ip " FILTER_TABLE_PLAIN " from { eth1 };"
                    " add element ip " FILTER_TABLE_PLAIN " from { eth1 : jump to_eth2 }'",
                    NULL);
        g_assert_cmpstr(moved, ==, "");
        exchange_fails(nft, &first);
        g_assert_true(nft_apply_anew(nft, closed, rules, &error));
        g_assert_no_error(error);
        g_autofree char *half = run("nft list chain ip " FILTER_TABLE_PLAIN " from_eth2", NULL);
        g_assert_nonnull(strstr(half, "drop"));
        g_assert_null(strstr(half, "return"));
        exchange(nft, NULL, &second);
        g_autofree char *mended = filter_of(FILTER_TABLE_PLAIN);
        g_assert_cmpstr(mended, ==, both);

        g_autofree char *asleep =
                run("nft 'add table ip " FILTER_TABLE_PLAIN " { flags dormant; }'", NULL);
        g_assert_cmpstr(asleep, ==, "");
        exchange(nft, NULL, &first);
        g_autofree char *awake = run("nft list table ip " FILTER_TABLE_PLAIN, NULL);
        g_assert_null(strstr(awake, "dormant"));
        g_assert_true(nft_remove(nft, "jumpstarter_eth2", &error));
        g_assert_no_error(error);
        remove_tables(nft);
}

/* The flags of a table that others are in cannot be changed: a part moves to the other
 * table. */
static void test_shared_changes_owner(void)
{
        const FilterPlace places[] = { { FILTER_TABLE, TABLE, "eth1" },
                                       { FILTER_TABLE_PLAIN, TABLE, "eth1" } };
        static const bool own[] = { true, false, true, true, false, false };
        const FilterPlace *old = NULL;

        for (guint i = 0; i < G_N_ELEMENTS(own); i++) {
                g_autoptr(Nft) nft = new_nft(own[i]);
                const FilterPlace *place = &places[nft_owns_tables(nft) ? 0 : 1];
                exchange(nft, old != place ? old : NULL, place);
                g_autofree char *text = filter_of(place->filter_table);
                g_assert_nonnull(strstr(text, "from_eth1"));
                g_assert_cmpint(strstr(text, "owner") != NULL, ==, nft_owns_tables(nft));
                if (old && old != place) {
                        g_autofree char *before = filter_of(old->filter_table);
                        g_assert_null(strstr(before, "from_eth1"));
                }
                old = place;
        }
        g_autoptr(Nft) last = new_nft(true);
        remove_tables(last);
}

static void expect_set(Nft *nft, const char *set, guint n, guint32 one)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) addresses = nft_read_addresses(nft, NAMES_TABLE, set, &error);

        g_assert_no_error(error);
        g_assert_cmpuint(addresses->len, ==, n);
        bool found = false;
        for (guint i = 0; i < addresses->len; i++)
                found |= g_array_index(addresses, guint32, i) == one;
        g_assert_true(found || n == 0);
}

static guint count_sets(Nft *nft, const char *prefix)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) sets = nft_list_sets(nft, NAMES_TABLE, prefix, &error);

        g_assert_no_error(error);
        return sets->len;
}

/* The sets are filled by others, and outlive what is put over them; two networks' are
 * apart. */
static void test_names(void)
{
        static const char one[] =
                "egress: {policy: drop, rules: [{action: accept, destination: a.test}]}";
        static const char two[] = "egress: {policy: accept, rules: [{action: drop, destination: "
                                  "a.test}, {action: accept, destination: b.test}]}";
        g_autoptr(GError) error = NULL;
        g_autoptr(Nft) nft = new_nft(true);
        g_autoptr(Ruleset) first = ruleset_with_filter(TABLE, one, NULL, NULL);
        g_autoptr(Ruleset) second = ruleset_with_filter("jumpstarter_eth1.2", two, NULL, NULL);
        g_autoptr(Ruleset) changed = ruleset_with_filter(TABLE, two, NULL, NULL);

        g_assert_cmpuint(count_sets(nft, ""), ==, 0);
        expect_set(nft, "to_eth1-a.test", 0, 0);
        apply(nft, first);
        apply(nft, second);
        g_autofree char *added =
                run("nft add element ip " NAMES_TABLE " to_eth1-a.test { 1.2.3.4, 1.2.3.5 }", NULL);
        g_assert_cmpstr(added, ==, "");
        apply(nft, changed);
        expect_set(nft, "to_eth1-a.test", 2, 0x01020304);
        expect_set(nft, "to_eth1-b.test", 0, 0);
        g_assert_cmpuint(count_sets(nft, "to_eth1-"), ==, 2);
        g_assert_cmpuint(count_sets(nft, "to_"), ==, 4);

        /* Its chains and one of its sets, twice. */
        g_autoptr(GPtrArray) unused = g_ptr_array_new();
        g_ptr_array_add(unused, (char *)"to_eth1-a.test");
        g_autoptr(Ruleset) chains = ruleset_new_names_chains(TABLE, "eth1");
        g_autoptr(Ruleset) sets = ruleset_new_names_sets(NAMES_SET_ANSWERS, unused);
        for (guint i = 0; i < 2; i++) {
                g_assert_true(nft_exchange(nft, chains, NULL, &error));
                g_assert_true(nft_exchange(nft, sets, NULL, &error));
                g_assert_no_error(error);
        }
        g_assert_cmpuint(count_sets(nft, "to_"), ==, 3);
        g_autofree char *left = run("nft list table ip " NAMES_TABLE, NULL);
        g_assert_null(strstr(left, "_eth1 "));
        g_assert_nonnull(strstr(left, "egress_eth1.2"));
        g_assert_null(strstr(left, "flags owner"));
        g_assert_true(nft_remove(nft, "jumpstarter_eth1.2", &error));
        remove_tables(nft);
}

/* More than fits into one message, to be read and put again. */
static void test_many_answers(void)
{
        static const char yaml[] =
                "egress: {policy: drop, rules: [{action: accept, destination: a.test}]}";
        g_autoptr(GError) error = NULL;
        g_autoptr(Nft) nft = new_nft(true);
        g_autoptr(FilterAnswers) answers = filter_answers_new();
        g_autoptr(Value) value = config_yaml_parse_filter(yaml, strlen(yaml), NULL, NULL);
        g_autoptr(Filter) filter = NULL;

        g_assert_true(filter_parse("filter", value, &filter, NULL));
        filter_answers_follow(answers, filter);
        for (guint32 i = 0; i < 20000; i++)
                filter_answers_add(answers, "a.test", PUBLICS + i);
        g_autoptr(Ruleset) rules = ruleset_with_filter(TABLE, yaml, answers, NULL);
        apply(nft, rules);
        apply(nft, rules);
        expect_set(nft, "to_eth1-a.test", 20000, PUBLICS + 19999);
        for (guint32 i = 0; i < 65536 - 20000 + 1; i++)
                filter_answers_add(answers, "a.test", PUBLICS + 20000 + i);
        g_autoptr(Ruleset) too_many = ruleset_with_filter(TABLE, yaml, answers, NULL);
        g_assert_false(nft_apply(nft, too_many, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        expect_set(nft, "to_eth1-a.test", 20000, PUBLICS + 19999);
        remove_tables(nft);
}

/* Those of the network's own entries are what it has, each time. */
static void test_own_answers(void)
{
        static const char yaml[] =
                "egress: {policy: drop, rules: [{action: accept, destination: a.test}]}";
        g_autoptr(Nft) nft = new_nft(true);
        g_autoptr(FilterAnswers) answers = filter_answers_new();
        g_autoptr(FilterAnswers) own = filter_answers_new();
        g_autoptr(Value) value = config_yaml_parse_filter(yaml, strlen(yaml), NULL, NULL);
        g_autoptr(Filter) filter = NULL;

        g_assert_true(filter_parse("filter", value, &filter, NULL));
        filter_answers_follow(answers, filter);
        filter_answers_follow(own, filter);
        filter_answers_add(answers, "a.test", PUBLICS);
        for (guint32 i = 0; i < 3000; i++)
                filter_answers_add(own, "a.test", PUBLICS + i);
        g_autoptr(Ruleset) many = ruleset_with_filter(TABLE, yaml, answers, own);
        g_autoptr(Ruleset) few = ruleset_with_filter(TABLE, yaml, NULL, answers);
        g_autoptr(Ruleset) none = ruleset_with_filter(TABLE, yaml, NULL, NULL);
        apply(nft, many);
        apply(nft, many);
        expect_set(nft, "own_eth1-a.test", 3000, PUBLICS + 2999);
        expect_set(nft, "to_eth1-a.test", 1, PUBLICS);
        apply(nft, few);
        expect_set(nft, "own_eth1-a.test", 1, PUBLICS);
        apply(nft, none);
        expect_set(nft, "own_eth1-a.test", 0, 0);
        expect_set(nft, "to_eth1-a.test", 1, PUBLICS);
        remove_tables(nft);
}

static void test_replace_and_remove(void)
{
        g_autoptr(Nft) nft = new_nft(false);
        g_autoptr(Ruleset) first = ruleset(NAT_MODE_1TO1, 5);
        g_autoptr(Ruleset) second = ruleset(NAT_MODE_MASQUERADE, 0);

        remove_tables(nft); /* not there: success */
        apply(nft, first);
        apply(nft, first);
        apply(nft, second);
        g_autofree char *text = run("nft list table ip " TABLE, NULL);
        g_assert_null(strstr(text, "map"));
        g_assert_nonnull(strstr(text, "masquerade"));
        remove_tables(nft);
        remove_tables(nft);
}

static void test_print(void)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Nft) nft = new_nft(false);
        g_autoptr(Ruleset) rules = ruleset(NAT_MODE_1TO1, 5);

        g_autofree char *none = nft_print_table(NFPROTO_IPV4, TABLE, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(none, ==, "");

        apply(nft, rules);
        g_autofree char *printed = nft_print_table(NFPROTO_IPV4, TABLE, &error);
        g_assert_no_error(error);
        g_autofree char *listed = run("nft list table ip " TABLE, NULL);
        g_assert_cmpstr(printed, ==, listed);

        g_autoptr(GHashTable) parts = g_hash_table_new(g_str_hash, g_str_equal);
        g_hash_table_add(parts, (gpointer) "chain from_eth1");
        g_autofree char *chain = nft_print_parts(FILTER_TABLE, parts, &error);
        g_assert_no_error(error);
        g_autofree char *chain_listed = run("nft list chain ip " FILTER_TABLE " from_eth1", NULL);
        g_assert_cmpstr(chain, ==, chain_listed);
        g_hash_table_add(parts, (gpointer) "map to");
        g_hash_table_add(parts, (gpointer) "chain nobody");
        g_autofree char *two = nft_print_parts(FILTER_TABLE, parts, &error);
        g_assert_no_error(error);
        g_autofree char *map_listed = run("nft list map ip " FILTER_TABLE " to", NULL);
        map_listed[strlen(map_listed) - strlen("}\n")] = '\0';
        g_autofree char *both = g_strconcat(map_listed, strchr(chain_listed, '\n'), NULL);
        g_assert_cmpstr(two, ==, both);
        g_hash_table_remove_all(parts);
        g_autofree char *nothing = nft_print_parts(FILTER_TABLE, parts, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(nothing, ==, "");
        remove_tables(nft);
}

static void change(Nft *nft, NftMapping removed, NftMapping added, bool expected)
{
        g_autoptr(GError) error = NULL;

        bool done = nft_change_mappings(nft, TABLE, false, &removed, 1, &added, 1, &error);
        g_assert_cmpint(done, ==, expected);
        if (expected)
                g_assert_no_error(error);
        else
                g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
}

static void check_mapping(guint32 ip, guint32 public_ip)
{
        g_autofree char *private_text = address_to_string(ip);
        g_autofree char *public_text = address_to_string(public_ip);
        g_autofree char *out = g_strdup_printf("%s : %s", private_text, public_text);
        g_autofree char *in = g_strdup_printf("%s : %s", public_text, private_text);

        g_autofree char *to_public = run("nft list map ip " TABLE " private_to_public", NULL);
        g_autofree char *to_private = run("nft list map ip " TABLE " public_to_private", NULL);
        g_assert_nonnull(strstr(to_public, out));
        g_assert_nonnull(strstr(to_private, in));
}

/* As many as MANY where the socket's buffer may be as large as that takes. */
static void test_change_mappings(void)
{
        const NftMapping none = { 0, 0 };
        const NftMapping extra = { SUBNET + 20000, PUBLICS + 20000 };
        const NftMapping other = { SUBNET + 20000, PUBLICS + 20001 };
        const NftMapping clash = { SUBNET + 20001, PUBLICS + 20001 };
        g_autoptr(Nft) nft = new_nft(true);
        g_autoptr(Ruleset) rules = ruleset(NAT_MODE_1TO1, MANY);

        gint64 begin = g_get_monotonic_time();
        apply(nft, rules);
        g_test_message("%d mappings applied in %" G_GINT64_FORMAT " us", MANY,
                       g_get_monotonic_time() - begin);
        check_mapping(SUBNET + 2, PUBLICS + 2);
        check_mapping(SUBNET + MANY + 1, PUBLICS + MANY + 1);

        g_autoptr(GError) error = NULL;
        begin = g_get_monotonic_time();
        g_autofree char *printed = nft_print_table(NFPROTO_IPV4, TABLE, &error);
        g_assert_no_error(error);
        g_assert_nonnull(printed);
        g_test_message("printed in %" G_GINT64_FORMAT " us", g_get_monotonic_time() - begin);

        begin = g_get_monotonic_time();
        change(nft, none, extra, true);
        g_test_message("one mapping added in %" G_GINT64_FORMAT " us",
                       g_get_monotonic_time() - begin);
        check_mapping(extra.ip, extra.public_ip);
        change(nft, extra, other, true);
        check_mapping(other.ip, other.public_ip);

        change(nft, clash, none, false);  /* is not there */
        change(nft, extra, clash, false); /* its public_to_private is not there */
        change(nft, none, clash, false);  /* other is in its place */
        check_mapping(other.ip, other.public_ip);
        change(nft, other, none, true);
        change(nft, none, none, true);
        remove_tables(nft);
}

static void test_change_without_table(void)
{
        const NftMapping extra = { SUBNET + 2, PUBLICS + 2 };
        g_autoptr(Nft) nft = new_nft(true);

        change(nft, (NftMapping){ 0 }, extra, false);
}

/* Both maps take the change or neither does. */
static void test_change_is_atomic(void)
{
        g_autoptr(Nft) nft = new_nft(false);
        g_autoptr(Ruleset) rules = ruleset(NAT_MODE_1TO1, 1);

        apply(nft, rules);
        g_autofree char *before = run("nft list ruleset", NULL);
        change(nft, (NftMapping){ 0 }, (NftMapping){ SUBNET + 2, PUBLICS + 9 }, false);
        g_autofree char *after = run("nft list ruleset", NULL);
        g_assert_cmpstr(before, ==, after);
        remove_tables(nft);
}

/* Another process owns the tables until it is killed. */
static pid_t fork_owner(const Ruleset *rules)
{
        int ready[2];
        char byte = 0;

        g_assert_cmpint(pipe(ready), ==, 0);
        pid_t pid = fork();
        if (pid == 0) {
                Nft *nft = nft_new(true, NULL);
                if (!nft || !nft_apply(nft, rules, NULL) || write(ready[1], &byte, 1) != 1)
                        _exit(1);
                for (;;)
                        (void)pause();
        }
        g_assert_cmpint(pid, >, 0);
        (void)close(ready[1]); /* so that the child's end is seen */
        g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
        (void)close(ready[0]);
        return pid;
}

static void test_owner(void)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Nft) nft = new_nft(true);
        g_autoptr(Ruleset) rules = ruleset(NAT_MODE_1TO1, 5);

        if (!nft_owns_tables(nft)) {
                g_test_skip("this kernel has no tables with owner and persist");
                return;
        }
        pid_t pid = fork_owner(rules);
        g_autofree char *flushed = run("nft flush ruleset; nft list table ip " TABLE, NULL);
        g_assert_nonnull(strstr(flushed, "flags owner"));
        g_assert_false(nft_apply(nft, rules, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        g_clear_error(&error);

        g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
        g_autofree char *orphan = run("nft list table ip " TABLE, NULL);
        g_assert_nonnull(strstr(orphan, "public_to_private"));
        apply(nft, rules);
        g_autofree char *owned = run("nft flush ruleset; nft list table ip " TABLE, NULL);
        g_assert_nonnull(strstr(owned, "flags owner"));
        remove_tables(nft);
}

/* From one start to the next, with and without --no-table-owner. */
static void test_owner_comes_and_goes(void)
{
        const GatewayPlace place = { "eth1", SUBNET + 1, 0 };
        g_autoptr(Ruleset) rules = ruleset_new_gateways(&place, 1);
        static const bool own[] = { true, false, true, true, false, false };

        for (guint i = 0; i < G_N_ELEMENTS(own); i++) {
                g_autoptr(Nft) nft = new_nft(own[i]);
                apply(nft, rules);
                apply(nft, rules);
        }
        g_autoptr(Nft) last = new_nft(true);
        remove_tables(last);
}

static void test_probe_leaves_nothing(void)
{
        g_autoptr(Nft) nft = new_nft(true);
        g_autofree char *text = run("nft list ruleset", NULL);

        g_assert_nonnull(nft);
        g_assert_cmpstr(text, ==, "");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (!namespace_enter())
                return 77;
        g_test_add_func("/nft/probe-leaves-nothing", test_probe_leaves_nothing);
        g_test_add_func("/nft/apply/as-nft-itself-would", test_as_nft);
        g_test_add_func("/nft/apply/replaces-and-removes", test_replace_and_remove);
        g_test_add_func("/nft/apply/parts-come-and-go", test_parts);
        g_test_add_func("/nft/apply/shared-table", test_shared);
        g_test_add_func("/nft/apply/shared-table-anew", test_shared_anew);
        g_test_add_func("/nft/apply/shared-table-changes-owner", test_shared_changes_owner);
        g_test_add_func("/nft/names", test_names);
        g_test_add_func("/nft/names/many-answers", test_many_answers);
        g_test_add_func("/nft/names/own-answers", test_own_answers);
        g_test_add_func("/nft/print/as-nft-itself", test_print);
        g_test_add_func("/nft/mappings/ten-thousand", test_change_mappings);
        g_test_add_func("/nft/mappings/no-table", test_change_without_table);
        g_test_add_func("/nft/mappings/all-or-nothing", test_change_is_atomic);
        g_test_add_func("/nft/owner/foreign-flush-passes-by", test_owner);
        g_test_add_func("/nft/owner/comes-and-goes", test_owner_comes_and_goes);
        g_test_add_func("/nft/limits/as-nft", test_limits_as_nft);
        g_test_add_func("/nft/limits/of-one", test_limits_of_one);
        g_test_add_func("/nft/limits/leave-nothing", test_limits_leave);
        g_test_add_func("/nft/forwards", test_forwards);
        return g_test_run();
}
