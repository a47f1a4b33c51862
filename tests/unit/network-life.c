/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the tests of the life of networks share. */

#include "network-life.h"

#include <gio/gio.h>
#include <string.h>

#include "model/config-yaml.h"
#include "namespace.h"

static void note_changed(Network *network, NetworkProperty properties, gpointer data)
{
        Life *life = data;
        life->was_degraded |= network_state(network) == NETWORK_DEGRADED;
}

static void ignore_lease(Network *network, LeaseEvent event, const Lease *lease, gpointer data)
{
}

static void ignore_address(Network *network, EntryEvent event, const AddressEntry *entry,
                           gpointer data)
{
}

static void ignore_dns(Network *network, EntryEvent event, const DnsEntry *entry, gpointer data)
{
}

static void ignore_forward(Network *network, EntryEvent event, const Forward *forward,
                           gpointer data)
{
}

static void ignore_network(Network *network, gpointer data)
{
}

static const ManagerEvents events = {
        .network = { note_changed, ignore_lease, ignore_address, ignore_address, ignore_dns,
                     ignore_forward },
        .added = ignore_network,
        .removed = ignore_network,
};

char *host_output(const char *command)
{
        g_autoptr(GError) error = NULL;
        const char *argv[] = { "/bin/sh", "-c", command, NULL };
        char *text = NULL;
        int status;

        g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &text,
                                   NULL, &status, &error));
        g_assert_no_error(error);
        g_assert_cmpint(status, ==, 0);
        return text;
}

/* Without the counters and numbers that change by themselves. */
char *host_dump(void)
{
        return host_output("{ ip -o address; ip -o link; ip route show table all; ip rule; "
                           "ip -6 route show table all; "
                           "nft list ruleset; } |"
                           " sed 's/valid_lft.*//; s/qdisc [a-z]* //; s/packets.*bytes [0-9]*//;"
                           /* A bridge has its link-local address once a port had a carrier. */
                           " /br9/{/fe80:\\|ff00:/d};"
                           /* What is made anew has another index; a TAP's own MAC is random. */
                           " s/^[0-9]*: \\(tap-\\|br9\\|tap9\\)/\\1/; /tap-/s/ether [0-9a-f:]*//';"
                           "cd /proc/sys/net;"
                           "grep -H . ipv4/conf/*/forwarding ipv4/conf/*/send_redirects"
                           " ipv4/conf/*/accept_redirects ipv4/conf/*/rp_filter"
                           " ipv4/conf/*/accept_local"
                           " ipv6/conf/*/accept_ra ipv6/conf/*/accept_redirects"
                           " ipv6/conf/*/forwarding ipv6/conf/*/disable_ipv6;"
                           "grep -sH . ipv6/conf/*/force_forwarding || true");
}

void assert_same(const char *before, const char *after)
{
        g_auto(GStrv) old_lines = g_strsplit(before, "\n", -1);
        g_auto(GStrv) new_lines = g_strsplit(after, "\n", -1);
        bool same = true;

        for (char **line = old_lines; *line; line++)
                if (!g_strv_contains((const char *const *)new_lines, *line)) {
                        g_test_message("gone: %s", *line);
                        same = false;
                }
        for (char **line = new_lines; *line; line++)
                if (!g_strv_contains((const char *const *)old_lines, *line)) {
                        g_test_message("come: %s", *line);
                        same = false;
                }
        g_assert_true(same);
}

void host_make(void)
{
        namespace_add_veth("dut0", "board0");
        namespace_add_veth("up0", "lan0");
        /* An address is in use at once, and not when a dump is taken; the board is no host that
         * makes itself one. */
        g_free(host_output(
                "for i in all default dut0 up0 board0 lan0; do"
                " echo 0 >/proc/sys/net/ipv6/conf/$i/accept_dad; done;"
                "echo 0 >/proc/sys/net/ipv6/conf/board0/accept_ra;"
                "ip link set up0 up; ip link set lan0 up; ip link set board0 up;"
                "ip address add 10.26.28.2/24 dev up0;"
                "ip route add default via 10.26.28.1;"
                "ip link set dut0 up;"
                "ip route add 172.30.0.0/16 dev dut0 metric 77;"
                "ip address add 172.16.9.9/24 dev dut0;"
                "ip route add 172.31.0.0/16 via 172.16.9.1 dev dut0;" /* to be given back */
                "ip address add 10.26.28.77/24 dev up0")); /* a public address to be left */
}

void host_delete(void)
{
        namespace_delete_link("dut0");
        namespace_delete_link("up0");
}

void life_start(Life *life)
{
        life->host = host_new(life->run_dir, life->lib_dir, true, &life->error);
        g_assert_no_error(life->error);
        life->manager = manager_new(life->host, life->config_dirs, &events, life, &life->error);
        g_assert_no_error(life->error);
}

void life_end(Life *life)
{
        g_clear_pointer(&life->manager, manager_free);
        g_clear_pointer(&life->host, host_free);
}

void life_init(Life *life, char *directory)
{
        life->directory = directory;
        life->run_dir = g_build_filename(life->directory, "run", NULL);
        life->lib_dir = g_build_filename(life->directory, "lib", NULL);
        life->config_dir = g_build_filename(life->directory, "etc", NULL);
        life->config_dirs[0] = life->config_dir;
}

void life_clear(Life *life)
{
        g_clear_error(&life->error);
        g_free(life->directory);
        g_free(life->run_dir);
        g_free(life->lib_dir);
        g_free(life->config_dir);
}

void life_wait_idle(Life *life)
{
        for (int i = 0; i < 1000 && manager_is_busy(life->manager); i++)
                run_for(5);
        g_assert_false(manager_is_busy(life->manager));
}

char *life_yaml(const Life *life)
{
        return g_strdup_printf(
                "interface: dut0\n"
                "nat_mode: 1to1\n"
                "local_ntp: {unsynchronised: serve}\n"
                "%s"
                "state_dir: %s/state\n"
                "addresses:\n"
                "  - {ip: 192.168.100.10, mac: '02:00:00:00:00:10', public_ip: 10.26.28.84}\n"
                "  - {ip: 192.168.100.11, public_ip: 10.26.28.77}\n",
                life->has_ipv6 ? "ipv6_subnet: 'fd00:d::/64'\n" : "", life->directory);
}

void life_through(const GPtrArray *networks, const GError *error, gpointer data)
{
        Life *life = data;
        life->error = error ? g_error_copy(error) : NULL;
        life->done = true;
}

void life_network_through(Network *network, const GError *error, gpointer data)
{
        life_through(NULL, error, data);
}

void life_create(Life *life, const char *text)
{
        g_autoptr(GError) error = NULL;
        GPtrArray *configs = config_yaml_parse(text, strlen(text), NULL, &error);

        g_assert_no_error(error);
        life->done = false;
        manager_create_all(life->manager, configs, life_through, life);
        wait_until(&life->done, 10000);
}

void life_remove(Life *life)
{
        life->done = false;
        manager_remove(life->manager, manager_find(life->manager, "dut0"), life_through, life);
        wait_until(&life->done, 10000);
        g_assert_no_error(life->error);
}
