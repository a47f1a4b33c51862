/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The kernel's word of what others change: tables, addresses, knobs; and none of what we do. */

#include <linux/netfilter.h>
#include <string.h>

#include "host/ip-address-watch.h"
#include "host/ip-address.h"
#include "host/link.h"
#include "host/nft-watch.h"
#include "host/nft.h"
#include "host/sysctl-watch.h"
#include "namespace.h"

#define ADDRESS(a, b, c, d) ((guint32)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define DEADLINE_MS         5000

static void run(const char *command)
{
        const char *const argv[] = { "sh", "-c", command, NULL };
        g_autoptr(GError) error = NULL;
        int status;

        g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                     &status, &error);
        g_assert_no_error(error);
        g_assert_true(g_spawn_check_wait_status(status, &error));
}

/* Tables */

typedef struct Tables {
        GString *seen; /* "FAMILY NAME;" each */
        guint n_lost;
        bool told;
} Tables;

static void on_table(guint8 family, const char *table, const char *set, gpointer data)
{
        Tables *tables = data;

        tables->told = true;
        if (table)
                g_string_append_printf(tables->seen, "%u %s%s%s;", family, table, set ? " " : "",
                                       set ? set : "");
        else
                tables->n_lost++;
}

static void expect_tables(Tables *tables, const char *expected)
{
        wait_until(&tables->told, DEADLINE_MS);
        run_for(150); /* longer than a storm's pause: nothing more follows */
        g_assert_cmpstr(tables->seen->str, ==, expected);
        g_string_truncate(tables->seen, 0);
        tables->told = false;
}

static Ruleset *ruleset(guint n_mappings)
{
        NetworkConfig config = {
                .subnet = { ADDRESS(10, 100, 0, 0), 16 },
                .gateway_ip = ADDRESS(10, 100, 0, 1),
                .nat_mode = NAT_MODE_1TO1,
                .entries = entries_new(),
        };
        RulesetFacts facts = {
                .interface = "eth1",
                .table = "jumpstarter_eth1",
                .filter_table = FILTER_TABLE,
                .upstream = "eth0",
                .public_interface = "eth0",
                .config = &config,
        };

        for (guint i = 2; i < n_mappings + 2; i++) {
                AddressEntry entry = { .ip = ADDRESS(10, 100, 0, 0) + i,
                                       .public_ip = ADDRESS(172, 16, 0, 0) + i };
                entries_put_address(config.entries, address_entry_copy(&entry));
        }
        Ruleset *rules = ruleset_new_network(&facts);
        entries_free(config.entries);
        return rules;
}

static void test_tables(void)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Nft) nft = nft_new(false, &error);
        g_assert_no_error(error);
        guint32 port = nft_port(nft);
        Tables tables = { .seen = g_string_new(NULL) };
        g_autoptr(NftWatch) watch G_GNUC_UNUSED =
                nft_watch_new(&port, 1, on_table, &tables, &error);
        g_assert_no_error(error);
        g_autoptr(Ruleset) rules = ruleset(2);

        g_assert_true(nft_apply(nft, rules, &error));
        run_for(150);
        g_assert_false(tables.told);

        run("nft flush chain ip jumpstarter_eth1 postrouting");
        expect_tables(&tables, "2 jumpstarter_eth1;");
        run("nft flush map ip jumpstarter_eth1 public_to_private");
        expect_tables(&tables, "2 jumpstarter_eth1;");
        run("nft 'add table ip theirs; add chain ip theirs one; add rule ip theirs one accept'");
        expect_tables(&tables, "2 theirs;");
        run("nft delete table ip6 jumpstarter_eth1");
        expect_tables(&tables, "10 jumpstarter_eth1;");
        run("nft 'add table ip " NAMES_TABLE "; add set ip " NAMES_TABLE
            " to_x-a.b { type ipv4_addr; }'");
        expect_tables(&tables, "2 " NAMES_TABLE ";");
        run("nft 'add element ip " NAMES_TABLE " to_x-a.b { 1.2.3.4 }'");
        expect_tables(&tables, "2 " NAMES_TABLE " to_x-a.b;");
        run("nft 'delete element ip " NAMES_TABLE " to_x-a.b { 1.2.3.4 }'");
        expect_tables(&tables, "2 " NAMES_TABLE ";");
        run("nft flush ruleset");
        wait_until(&tables.told, DEADLINE_MS);
        run_for(150);
        g_assert_nonnull(strstr(tables.seen->str, "2 jumpstarter_eth1;"));
        g_assert_nonnull(strstr(tables.seen->str, "2 theirs;"));
        g_assert_cmpuint(tables.n_lost, ==, 0);
        g_string_free(tables.seen, TRUE);
}

/* What we change ourselves does not even fill the queue. */
static void test_own_changes_are_no_overrun(void)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Nft) nft = nft_new(true, &error);
        g_assert_no_error(error);
        guint32 port = nft_port(nft);
        Tables tables = { .seen = g_string_new(NULL) };
        g_autoptr(NftWatch) watch G_GNUC_UNUSED =
                nft_watch_new(&port, 1, on_table, &tables, &error);
        g_assert_no_error(error);
        g_autoptr(Ruleset) rules = ruleset(20000);

        for (guint i = 0; i < 3; i++)
                g_assert_true(nft_apply(nft, rules, &error));
        run_for(150);
        g_assert_false(tables.told);
        g_assert_true(nft_remove(nft, "jumpstarter_eth1", &error));
        g_assert_no_error(error);
        g_string_free(tables.seen, TRUE);
}

/* More than the queue takes, while nobody reads. */
static void test_overrun(void)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Nft) nft = nft_new(false, &error);
        g_assert_no_error(error);
        guint32 none = 0;
        Tables tables = { .seen = g_string_new(NULL) };
        g_autoptr(NftWatch) watch G_GNUC_UNUSED =
                nft_watch_new(&none, 1, on_table, &tables, &error);
        g_assert_no_error(error);
        g_autoptr(Ruleset) rules = ruleset(20000);

        g_assert_true(nft_apply(nft, rules, &error));
        wait_until(&tables.told, DEADLINE_MS);
        g_assert_cmpuint(tables.n_lost, >, 0);
        g_assert_true(nft_remove(nft, "jumpstarter_eth1", &error));
        run_for(150);
        tables.told = false;
        g_string_truncate(tables.seen, 0);
        run("nft add table ip later");
        expect_tables(&tables, "2 later;");
        run("nft delete table ip later");
        g_string_free(tables.seen, TRUE);
}

/* Addresses */

typedef struct Addresses {
        GArray *gone; /* IpAddressGone */
        bool told;
} Addresses;

static void on_addresses(const IpAddressGone *gone, guint n, gpointer data)
{
        Addresses *addresses = data;

        g_assert_cmpuint(n, >, 0);
        g_array_append_vals(addresses->gone, gone, n);
        addresses->told = true;
}

static void add_address(Netlink *rtnl, guint index, guint32 ip)
{
        IpAddress address = { .index = index, .address = ip, .prefix = 24 };
        g_autoptr(GError) error = NULL;

        g_assert_true(ip_address_add(rtnl, &address, NULL, &error));
        g_assert_no_error(error);
}

static void test_addresses(void)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Netlink) rtnl = netlink_new(NETLINK_ROUTE, &error);
        g_assert_no_error(error);
        Addresses addresses = { .gone = g_array_new(FALSE, FALSE, sizeof(IpAddressGone)) };
        g_autoptr(IpAddressWatch) watch G_GNUC_UNUSED =
                ip_address_watch_new(netlink_port(rtnl), on_addresses, &addresses, &error);
        g_assert_no_error(error);
        Link link;

        namespace_add_veth("left", "right");
        g_assert_cmpint(link_get(rtnl, "left", &link), ==, 0);
        for (guint i = 1; i <= 3; i++)
                add_address(rtnl, link.index, ADDRESS(10, i, 0, 1));
        IpAddress ours = { .index = link.index, .address = ADDRESS(10, 3, 0, 1), .prefix = 24 };
        g_assert_true(ip_address_delete(rtnl, &ours, &error));
        run_for(100);
        g_assert_false(addresses.told);

        run("ip address flush dev left");
        wait_until(&addresses.told, DEADLINE_MS);
        run_for(100);
        g_assert_cmpuint(addresses.gone->len, ==, 2);
        for (guint i = 0; i < 2; i++) {
                const IpAddressGone *gone = &g_array_index(addresses.gone, IpAddressGone, i);
                g_assert_cmpuint(gone->index, ==, link.index);
                g_assert_cmphex(gone->address, ==, ADDRESS(10, i + 1, 0, 1));
        }
        namespace_delete_link("left");
        g_array_unref(addresses.gone);
}

/* Knobs */

typedef struct Knobs {
        guint index; /* of interest */
        guint n_forwarding, n_rp_filter, n_all;
        bool told;
} Knobs;

static void on_turned(Sysctl sysctl, guint index, gpointer data)
{
        Knobs *knobs = data;

        g_assert_cmpuint(index, >, 0);
        knobs->n_all += index == SYSCTL_WATCH_ALL;
        if (index != knobs->index)
                return;
        knobs->n_forwarding += sysctl == SYSCTL_IPV4_FORWARDING;
        knobs->n_rp_filter += sysctl == SYSCTL_IPV4_RP_FILTER;
        knobs->told = true;
}

static void expect_knobs(Knobs *knobs, guint n_forwarding, guint n_rp_filter, guint n_all)
{
        wait_until(&knobs->told, DEADLINE_MS);
        run_for(50);
        g_assert_cmpuint(knobs->n_forwarding, ==, n_forwarding);
        g_assert_cmpuint(knobs->n_rp_filter, ==, n_rp_filter);
        g_assert_cmpuint(knobs->n_all, ==, n_all);
        *knobs = (Knobs){ .index = knobs->index };
}

static void test_knobs(void)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Netlink) rtnl = netlink_new(NETLINK_ROUTE, &error);
        g_assert_no_error(error);
        Knobs knobs = { 0 };
        Link link;

        namespace_add_veth("left", "right");
        g_assert_cmpint(link_get(rtnl, "left", &link), ==, 0);
        knobs.index = link.index;
        g_autoptr(SysctlWatch) watch G_GNUC_UNUSED = sysctl_watch_new(on_turned, &knobs, &error);
        g_assert_no_error(error);

        g_assert_true(sysctl_set(SYSCTL_IPV4_FORWARDING, "left", 1, &error));
        expect_knobs(&knobs, 1, 0, 0);
        g_assert_true(sysctl_set(SYSCTL_IPV4_RP_FILTER, "left", 2, &error));
        expect_knobs(&knobs, 0, 1, 0);
        /* That of all interfaces turns each. */
        g_assert_true(sysctl_set(SYSCTL_IPV4_FORWARDING, "all", 1, &error));
        expect_knobs(&knobs, 1, 0, 1);
        g_assert_true(sysctl_set(SYSCTL_IPV4_FORWARDING, "all", 0, &error));
        expect_knobs(&knobs, 1, 0, 1);
        g_assert_no_error(error);
        namespace_delete_link("left");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (!namespace_enter())
                return 77;
        g_test_add_func("/nft-watch/tells-of-others-by-table", test_tables);
        g_test_add_func("/nft-watch/own-changes-are-no-overrun", test_own_changes_are_no_overrun);
        g_test_add_func("/nft-watch/overrun-is-told", test_overrun);
        g_test_add_func("/ip-address-watch/tells-of-others", test_addresses);
        g_test_add_func("/sysctl-watch/tells-of-each-interface", test_knobs);
        return g_test_run();
}
