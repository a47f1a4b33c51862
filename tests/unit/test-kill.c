/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The daemon killed at every instant that counts: before and after each file that it writes, after
 * each that it removes, after each change of the kernel's state, each process started or signalled.
 * A chain of lives, each a process of its own (a fork of this one, which never lives itself): the
 * first is killed at its first point, the next one finds out what is left, puts the scenario's
 * start back and is killed at the second point, and so on until an operation ends before its point
 * comes.
 *
 * What is left must be, to the line, what was before the operation or what the operation makes; the
 * latter where its reply was out. */

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "host/child.h"
#include "host/nft-batch.h"
#include "host/sysctl.h"
#include "host/tap.h"
#include "model/config-yaml.h"
#include "namespace.h"
#include "network-life.h"
#include "network/entry-log-file.h"
#include "util/error.h"
#include "util/file.h"

#define MAX_POINTS 400
#define NO_POINT   (-1)
/* Of an operation's points, those at which it is killed before the next lives are. */
#define POINTS_APART 13
#define INTERFACE    "dut0"
#define LEASE_IP     0xc0a86496 /* 192.168.100.150 */
#define LEASE_LINE   "4102444800 02:00:00:00:00:99 192.168.100.150 board 01:02:00:00:00:00:99\n"
#define NEW_IP       0xc0a8640c /* 192.168.100.12 */
#define FIRST_IP     0xc0a8640a
#define NEW_PUBLIC   0x0a1a1c55 /* 10.26.28.85 */
#define OURS_PUBLIC  0x0a1a1c4e /* 10.26.28.78: the host has it already */

/* What parent and lives have in common. */
typedef struct Shared {
        int replied;     /* the operation's reply was out */
        int point;       /* reached so far in this life */
        char last[64];   /* what the last point was about */
        pid_t dnsmasq;   /* where it must not change */
        int n_strangers; /* signals to processes that are not ours */
} Shared;

static Shared *shared;
static int die_at = NO_POINT;

static void point(const char *about)
{
        if (die_at == NO_POINT)
                return;
        g_strlcpy(shared->last, about, sizeof shared->last);
        if (shared->point++ == die_at)
                (void)raise(SIGKILL);
}

/* Where the points are: --wrap */

#define WRAP(type, name, ...)                                                                      \
        type __real_##name(__VA_ARGS__);                                                           \
        type __wrap_##name(__VA_ARGS__);                                                           \
        type __wrap_##name(__VA_ARGS__)

/* Of the files that must survive the loss of power: the new one is there, and empty. */
WRAP(bool, file_stage, const char *path, const char *contents, gssize length, mode_t mode,
     GError **error)
{
        if (die_at != NO_POINT && __real_file_stage(path, "", 0, mode, NULL))
                point(path);
        return __real_file_stage(path, contents, length, mode, error);
}

/* The new file is written, and not in its place; and in its place. */
WRAP(int, rename, const char *from, const char *to)
{
        point(from);
        int r = __real_rename(from, to);
        point(to);
        return r;
}

WRAP(bool, file_remove, const char *path, GError **error)
{
        bool is_there = access(path, F_OK) == 0;
        bool good = __real_file_remove(path, error);
        if (is_there)
                point(path);
        return good;
}

WRAP(bool, entry_log_file_append, EntryLogFile *file, const char *line, GError **error)
{
        point("entry log");
        bool good = __real_entry_log_file_append(file, line, error);
        point("entry log");
        return good;
}

WRAP(bool, directory_make, const char *path, mode_t mode, GError **error)
{
        bool is_there = access(path, F_OK) == 0;
        bool good = __real_directory_make(path, mode, error);
        if (!is_there)
                point(path);
        return good;
}

WRAP(int, nft_batch_send, NftBatch *batch, const char **ret_failed)
{
        int r = __real_nft_batch_send(batch, ret_failed);
        point("rule set");
        return r;
}

static bool is_change(guint16 type)
{
        const guint16 delete_flow = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
        return type < 0x100 ? (type & 3) != 2 /* RTM_GET… */ : type == delete_flow;
}

WRAP(int, netlink_request, Netlink *netlink, struct nlmsghdr *request, mnl_cb_t receive, void *data,
     char **ret_message)
{
        guint16 type = request->nlmsg_type;
        int r = __real_netlink_request(netlink, request, receive, data, ret_message);
        if (is_change(type))
                point("link, address or route");
        return r;
}

WRAP(int, tap_new, const TapPlan *plan, GError **error)
{
        int fd = __real_tap_new(plan, error);
        point("TAP");
        return fd;
}

WRAP(bool, tap_keep, int fd, GError **error)
{
        bool good = __real_tap_keep(fd, error);
        point("TAP kept");
        return good;
}

WRAP(bool, sysctl_set, Sysctl sysctl, const char *interface, int value, GError **error)
{
        bool good = __real_sysctl_set(sysctl, interface, value, error);
        point("sysctl");
        return good;
}

WRAP(Child *, child_spawn, const char *const *argv, const char *const *variables, int stderr_fd,
     ChildEnded ended, gpointer data, GError **error)
{
        Child *child = __real_child_spawn(argv, variables, stderr_fd, ended, data, error);
        point("process");
        return child;
}

/* Whether the command line of @pid names our directory. */
static bool is_ours(pid_t pid)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", pid);
        g_autofree char *text = file_read(path, 4096, NULL, NULL);
        return !text || !*text || strstr(text, "dnsmasq") ||
               strstr(text, "chronyd"); /* gone is fine */
}

WRAP(void, child_signal, Child *child, int number)
{
        if (!is_ours(child_pid(child)))
                shared->n_strangers++;
        __real_child_signal(child, number);
        point("signal");
}

/* What there is */

static char *yaml_of(const NetworkConfig *config)
{
        g_autoptr(Value) settings = config_to_value(config, true);
        return config_yaml_print(settings);
}

static void describe_network(GString *text, const Network *network)
{
        g_autofree char *in_force = yaml_of(network_config(network));
        g_autoptr(NetworkConfig) base = network_configured(network);
        g_autofree char *configured = yaml_of(base);
        const GPtrArray *leases = network_leases(network);

        g_string_append_printf(
                text, "network %s %s %s %s\nin force\n%s\nconfigured\n%s\n",
                network_interface(network), network_state_to_string(network_state(network)),
                network_error(network), network_origin(network), in_force, configured);
        for (guint i = 0; i < leases->len; i++)
                g_string_append_printf(text, "lease %s\n", ((Lease *)leases->pdata[i])->mac);
        const Entries *entries = network_config(network)->entries;
        for (guint i = 0; i < entries_n_addresses(entries); i++) {
                const AddressEntry *entry = entries_address_at(entries, i);
                if (entry->guest)
                        g_string_append_printf(text, "guest %s %s %x\n", entry->guest->id,
                                               entry->guest->tap_name, entry->ip);
        }
}

/* The processes that serve our state directories. */
static guint count_servants(const Life *life)
{
        g_autofree char *argument = g_strdup_printf("--conf-file=%s/", life->directory);
        g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
        const char *name;
        guint n = 0;

        while ((name = g_dir_read_name(proc))) {
                g_autofree char *path = g_strdup_printf("/proc/%s/cmdline", name);
                gsize length;
                g_autofree char *text =
                        g_ascii_isdigit(name[0]) ? file_read(path, 65536, &length, NULL) : NULL;
                const char *second = text ? memchr(text, '\0', length) : NULL;
                n += second && g_str_has_prefix(second + 1, argument);
        }
        return n;
}

/* By their sockets: chronyd run by root has a second process. */
static guint count_time_servers(void)
{
        g_autofree char *table = file_read("/proc/net/udp", 1 << 20, NULL, NULL);
        guint n = 0;

        for (const char *at = strstr(table, ":007B "); at; at = strstr(at + 1, ":007B "))
                n++;
        return n;
}

/* All of it as lines: networks, host, files, number of processes. The caller's. */
static char *snapshot(const Life *life)
{
        GString *text = g_string_new(NULL);
        g_autoptr(GPtrArray) networks = manager_list(life->manager);
        g_autofree char *dump = host_dump();
        g_autofree char *find = g_strdup_printf(
                "cd %s; find . ! -name lock ! -name 'before-*' ! -name 'after-*' |"
                " sed 's/sysctls-[0-9]*/sysctls/' | sort", /* what is made has another index */
                life->directory);
        g_autofree char *files = host_output(find);

        for (guint i = 0; i < networks->len; i++)
                describe_network(text, networks->pdata[i]);
        g_string_append_printf(text, "%s%s%u servants\n%u time servers\n", dump, files,
                               count_servants(life), count_time_servers());
        return g_string_free(text, FALSE);
}

static Network *network_of(const Life *life)
{
        return manager_find(life->manager, INTERFACE);
}

static pid_t read_pid(const Life *life)
{
        g_autofree char *path = g_build_filename(life->directory, "state", "dnsmasq.pid", NULL);
        g_autofree char *text = file_read(path, 100, NULL, NULL);
        return text ? atoi(text) : 0;
}

/* The scenarios */

typedef struct Scenario {
        const char *name;
        void (*prepare)(Life *life); /* from nothing */
        void (*act)(Life *life);     /* calls, without waiting */
        void (*restore)(Life *life); /* from what @act made; NULL: all anew */
        bool keeps_dnsmasq;          /* the same process through all of it */
} Scenario;

static void nothing(Life *life)
{
}

static char *yaml_with_dns(const Life *life)
{
        g_autofree char *yaml = life_yaml(life);
        return g_strconcat(yaml, "dns_entries: [{hostname: a.lab, ip: 10.1.1.1}]\n", NULL);
}

static void put_lease(const Life *life)
{
        g_autofree char *directory = g_build_filename(life->directory, "state", NULL);
        g_autofree char *path = g_build_filename(directory, "dnsmasq.leases", NULL);
        g_assert_true(directory_make(directory, 0755, NULL));
        g_assert_true(file_replace(path, LEASE_LINE, -1, 0644, NULL));
}

static void put_entry(Life *life, guint32 ip, guint32 public_ip)
{
        AddressEntry entry = { ip, (char *)"02:00:00:00:00:12", (char *)"third", public_ip };
        network_put_address(network_of(life), address_entry_copy(&entry), life_network_through,
                            life);
}

static void wait_done(Life *life)
{
        wait_until(&life->done, 10000);
        g_assert_no_error(life->error);
        life->done = false;
}

/* A network made over the bus, with a lease, an entry added later and one removed. */
static void have_bus_network(Life *life)
{
        g_autofree char *yaml = yaml_with_dns(life);

        put_lease(life);
        life_create(life, yaml);
        wait_done(life);
        put_entry(life, NEW_IP, 0);
        wait_done(life);
        network_remove_dns(network_of(life), "a.lab", life_network_through, life);
        wait_done(life);
}

static void write_file(const Life *life, const char *more)
{
        g_autofree char *yaml = life_yaml(life);
        g_autofree char *text = g_strconcat(yaml, more, NULL);
        g_autofree char *path = g_build_filename(life->config_dir, "one.yaml", NULL);
        g_assert_true(
                g_file_set_contents(path, text, -1, NULL)); /* whoever edits it is not killed */
}

static void have_file_network(Life *life)
{
        put_lease(life);
        write_file(life, "");
        manager_reload(life->manager, life_through, life);
        wait_done(life);
        put_entry(life, NEW_IP, 0);
        wait_done(life);
}

static void have_file_network_down(Life *life)
{
        have_file_network(life);
        network_down(network_of(life), life_network_through, life);
        wait_done(life);
}

static void create(Life *life)
{
        g_autofree char *yaml = yaml_with_dns(life);
        GPtrArray *configs = config_yaml_parse(yaml, strlen(yaml), NULL, NULL);
        manager_create_all(life->manager, configs, life_through, life);
}

static void up(Life *life)
{
        network_up(network_of(life), life_network_through, life);
}

static void down(Life *life)
{
        network_down(network_of(life), life_network_through, life);
}

static void remove_it(Life *life)
{
        manager_remove(life->manager, network_of(life), life_through, life);
}

/* Changes one key, and the addresses, so that old and new must not be mixed. */
static void update(Life *life, const char *yaml)
{
        const char *mode = strstr(yaml, "nat_mode") ? "" : "nat_mode: 1to1\n";
        g_autofree char *text = g_strconcat("interface: dut0\n", mode, yaml, NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(NetworkConfig) parsed = config_yaml_parse_state(text, strlen(text), NULL, &error);
        g_assert_no_error(error);
        g_autoptr(Value) settings = config_to_value(parsed, false);
        Value *changes = value_new_map();

        for (guint i = 0; i < settings->keys->len; i++) {
                const char *key = ((Value *)settings->keys->pdata[i])->text;
                if (!g_str_equal(key, "interface"))
                        value_set(changes, key, value_copy(settings->items->pdata[i]));
        }
        g_autoptr(NetworkConfig) expected =
                config_with_changes(network_config(network_of(life)), changes, &error);
        g_assert_no_error(error);
        manager_update(life->manager, network_of(life), expected, changes, life_through, life);
}

static void update_subnet(Life *life)
{
        update(life, "subnet: 10.9.0.0/24\ngateway_ip: 10.9.0.1\n"
                     "addresses: [{ip: 10.9.0.10, public_ip: 10.26.28.84}]\n");
}

static void update_nat_mode(Life *life)
{
        update(life, "nat_mode: masquerade\n"
                     "addresses: [{ip: 192.168.100.12, hostname: other}]\n");
}

static void update_lease_time(Life *life)
{
        update(life, "dhcp_lease_time: 1h\n"
                     "addresses: [{ip: 192.168.100.13, public_ip: 10.26.28.86}]\n");
}

#define NAMES(rules) "filter: {egress: {policy: drop, rules: [" rules "]}}\n"

static void update_names(Life *life)
{
        update(life, NAMES("{action: accept, destination: a.test}, "
                           "{action: drop, destination: www.lab.test}"));
}

static void update_other_names(Life *life)
{
        update(life, NAMES("{action: accept, destination: lab.test}"));
}

static void update_no_names(Life *life)
{
        update(life, NAMES("{action: accept, destination: 10.0.0.0/8}"));
}

static void have_names(Life *life)
{
        have_bus_network(life);
        update_names(life);
        wait_done(life);
}

static void update_ipv6(Life *life)
{
        update(life, "ipv6_subnet: 'fd00:d::/64'\n");
}

static void update_no_ipv6(Life *life)
{
        update(life, "ipv6_subnet: ''\n");
}

static void have_ipv6(Life *life)
{
        have_bus_network(life);
        update_ipv6(life);
        wait_done(life);
}

static void update_state_dir(Life *life)
{
        g_autofree char *yaml = g_strdup_printf("state_dir: %s/moved\n", life->directory);
        update(life, yaml);
}

static void add_address(Life *life)
{
        put_entry(life, NEW_IP + 1, NEW_PUBLIC);
}

/* Its public address is somebody else's doing, and stays. */
static void add_address_there(Life *life)
{
        put_entry(life, NEW_IP + 1, OURS_PUBLIC);
}

static void remove_address(Life *life)
{
        network_remove_address(network_of(life), FIRST_IP, life_network_through, life);
}

static void have_bare_network(Life *life)
{
        g_autofree char *yaml = life_yaml(life);
        life_create(life, yaml);
        wait_done(life);
}

/* The first one, which changes the rules; one more, which is an element; and by name, which is
 * none. */
static void put_forward(Life *life, guint16 port, guint32 ip)
{
        const Forward forward = { .protocol = 6,
                                  .ports = { port, port },
                                  .ip = ip,
                                  .hostname = ip ? NULL : (char *)"nobody",
                                  .to_port = 22 };
        network_put_forward(network_of(life), forward_copy(&forward), life_network_through, life);
}

static void have_forwards(Life *life)
{
        have_bare_network(life);
        put_forward(life, 2222, NEW_IP);
        wait_done(life);
        put_forward(life, 2223, 0);
        wait_done(life);
}

static void add_first_forward(Life *life)
{
        put_forward(life, 2222, NEW_IP);
}

static void add_forward(Life *life)
{
        put_forward(life, 2224, NEW_IP + 1);
}

static void update_forwards(Life *life)
{
        update(life, "forwards: [{port: 2223, ip: 192.168.100.13}, {port: 2224, ip: other}]\n");
}

/* Of all and of one, whose values are others' as well or not. */
static void update_limits(Life *life)
{
        update(life,
               "nat_port_range: 50000-50099\nmax_connections: 100\nconnection_timeout: 10m\n"
               "addresses: [{ip: 192.168.100.13, public_ip: 10.26.28.86, max_connections: 5}]\n");
}

static void update_other_limits(Life *life)
{
        update(life, "nat_port_range: 60000-60099\nmax_connections: 5\nconnection_timeout: ''\n");
}

static void update_no_limits(Life *life)
{
        update(life, "nat_port_range: ''\nmax_connections: ''\nconnection_timeout: ''\n"
                     "addresses: [{ip: 192.168.100.13, public_ip: 10.26.28.86}]\n");
}

static void have_limits(Life *life)
{
        have_bare_network(life);
        update_limits(life);
        wait_done(life);
}

static void put_limited(Life *life, guint max_connections)
{
        const AddressEntry entry = {
                .ip = NEW_IP + 1,
                .limits = { .timeout_sec = max_connections, .max_connections = max_connections },
        };
        network_put_address(network_of(life), address_entry_copy(&entry), life_network_through,
                            life);
}

static void add_limited(Life *life)
{
        put_limited(life, 7);
}

static void have_limited(Life *life)
{
        have_bare_network(life);
        add_limited(life);
        wait_done(life);
}

static void change_limited(Life *life)
{
        put_limited(life, 8);
}

/* What its file says anew: a life that finds it edited and not applied does that itself. */
static void reload(Life *life)
{
        write_file(life, "dhcp_lease_time: 1h\ndns_entries: [{hostname: b.lab, ip: 10.1.1.2}]\n");
        manager_reload(life->manager, life_through, life);
}

/* Changes one network and makes another, all or nothing. */
static void load_two(Life *life)
{
        g_autofree char *text =
                g_strdup_printf("networks:\n"
                                "  - {interface: dut0, state_dir: %s/state, dhcp_lease_time: 1h}\n"
                                "  - {interface: dut1, subnet: 10.9.0.0/24, gateway_ip: 10.9.0.1,"
                                " state_dir: %s/state1}\n",
                                life->directory, life->directory);
        GPtrArray *configs = config_yaml_parse(text, strlen(text), NULL, NULL);

        g_assert_nonnull(configs);
        manager_create_all(life->manager, configs, life_through, life);
}

/* A network on a bridge of its own making, and its guests. */

static Network *bridge_network_of(const Life *life)
{
        return manager_find(life->manager, "br9");
}

static void create_bridge(Life *life)
{
        g_autofree char *text = g_strdup_printf("interface: br9\ncreate: bridge\nmtu: 1400\n"
                                                "subnet: 10.9.0.0/24\nstate_dir: %s/state\n",
                                                life->directory);
        GPtrArray *configs = config_yaml_parse(text, strlen(text), NULL, NULL);

        g_assert_nonnull(configs);
        manager_create_all(life->manager, configs, life_through, life);
}

static void have_bridge(Life *life)
{
        create_bridge(life);
        wait_done(life);
}

static void attached(Network *network, const AddressEntry *entry, const GError *error,
                     gpointer data)
{
        life_network_through(network, error, data);
}

static void attach_guest(Life *life)
{
        g_autoptr(Value) options = value_new_map();
        GuestWish *wish = guest_wish_new("vm-1", options, 0, NULL);

        network_attach_guest(bridge_network_of(life), wish, 0, attached, life);
}

static void detach_guest(Life *life)
{
        network_detach_guest(bridge_network_of(life), "vm-1", 0, life_network_through, life);
}

static void have_guest(Life *life)
{
        have_bridge(life);
        attach_guest(life);
        wait_done(life);
}

static void down_bridge(Life *life)
{
        network_down(bridge_network_of(life), life_network_through, life);
}

static void up_bridge(Life *life)
{
        network_up(bridge_network_of(life), life_network_through, life);
}

/* A network on a TAP of its own making. */

static Network *tap_network_of(const Life *life)
{
        return manager_find(life->manager, "tap9");
}

static void load_tap(Life *life, const char *owner)
{
        g_autofree char *text = g_strdup_printf("interface: tap9\ncreate: tap\nowner: %s\n"
                                                "subnet: 10.9.0.0/24\nstate_dir: %s/state\n",
                                                owner, life->directory);
        GPtrArray *configs = config_yaml_parse(text, strlen(text), NULL, NULL);

        g_assert_nonnull(configs);
        manager_create_all(life->manager, configs, life_through, life);
}

static void create_tap(Life *life)
{
        load_tap(life, "root");
}

static void have_tap(Life *life)
{
        create_tap(life);
        wait_done(life);
}

static void down_tap(Life *life)
{
        network_down(tap_network_of(life), life_network_through, life);
}

static void up_tap(Life *life)
{
        network_up(tap_network_of(life), life_network_through, life);
}

static void give_tap_away(Life *life)
{
        load_tap(life, "1000");
}

static const Scenario scenarios[] = {
        { "create-tap", nothing, create_tap, NULL, false },
        { "down-tap", have_tap, down_tap, up_tap, false },
        { "owner-of-tap", have_tap, give_tap_away, create_tap, false },
        { "create-bridge", nothing, create_bridge, NULL, false },
        { "attach-guest", have_bridge, attach_guest, detach_guest, true },
        { "detach-guest", have_guest, detach_guest, attach_guest, true },
        { "down-with-guest", have_guest, down_bridge, up_bridge, false },
        { "create", nothing, create, remove_it, false },
        { "up", have_file_network_down, up, down, false },
        { "down", have_bus_network, down, up, false },
        { "remove", have_bus_network, remove_it, NULL, false },
        { "remove-of-file", have_file_network, remove_it, NULL, false },
        { "update-subnet", have_bus_network, update_subnet, NULL, false },
        { "update-nat-mode", have_bus_network, update_nat_mode, NULL, true },
        { "update-state-dir", have_bus_network, update_state_dir, NULL, false },
        { "update-names", have_bus_network, update_names, NULL, false },
        { "update-other-names", have_names, update_other_names, NULL, false },
        { "update-no-names", have_names, update_no_names, NULL, false },
        { "remove-with-names", have_names, remove_it, NULL, false },
        { "update-ipv6", have_bus_network, update_ipv6, NULL, false },
        { "update-no-ipv6", have_ipv6, update_no_ipv6, NULL, false },
        { "remove-with-ipv6", have_ipv6, remove_it, NULL, false },
        { "update-of-file", have_file_network, update_lease_time, NULL, false },
        { "add-address", have_bare_network, add_address, NULL, true },
        { "add-address-there", have_bare_network, add_address_there, NULL, true },
        { "remove-address", have_bare_network, remove_address, NULL, true },
        { "add-first-forward", have_bare_network, add_first_forward, NULL, true },
        { "add-forward", have_forwards, add_forward, NULL, true },
        { "update-forwards", have_forwards, update_forwards, NULL, true },
        { "update-limits", have_bare_network, update_limits, NULL, false },
        { "update-other-limits", have_limits, update_other_limits, NULL, false },
        { "update-no-limits", have_limits, update_no_limits, NULL, false },
        { "add-first-limited", have_bare_network, add_limited, NULL, false },
        { "add-limited", have_limits, add_limited, NULL, false },
        { "change-limited", have_limited, change_limited, NULL, false },
        { "remove-with-limits", have_limits, remove_it, NULL, false },
        { "reload", have_file_network, reload, NULL, false },
        { "load-two", have_bus_network, load_two, NULL, false },
};

/* A life */

static void begin_life(Life *life, const char *directory)
{
        life_init(life, g_strdup(directory));
        life_start(life);
}

static void load(Life *life)
{
        manager_load(life->manager);
        life_wait_idle(life);
        run_for(20); /* a lease file that is read, a signal that is due */
}

static void arm(int at)
{
        shared->replied = false;
        shared->point = 0;
        die_at = at;
}

static void act(Life *life, const Scenario *scenario)
{
        life->done = false;
        scenario->act(life);
        wait_until(&life->done, 15000);
        shared->replied = true;
        life_wait_idle(life);
        run_for(20); /* what follows the reply */
        g_assert_no_error(life->error);
        die_at = NO_POINT;
}

/* Back to nothing, whatever there is. */
static void wipe(Life *life)
{
        if (network_of(life))
                life_remove(life);
        static const char *const others[] = { "dut1", "br9", "tap9" };
        for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
                Network *other = manager_find(life->manager, others[i]);
                life->done = false;
                if (other) {
                        manager_remove(life->manager, other, life_through, life);
                        wait_done(life);
                }
        }
        life->done = false;
        g_autofree char *command = g_strdup_printf(
                "cd %s; rm -rf etc/* run/*.removed state state1 moved", life->directory);
        g_free(host_output(command));
}

static void restore(Life *life, const Scenario *scenario)
{
        if (scenario->restore) {
                life->done = false;
                scenario->restore(life);
                wait_done(life);
        } else {
                wipe(life);
                scenario->prepare(life);
        }
}

static char *snapshot_path(const Life *life, const char *which, const Scenario *scenario)
{
        return g_strdup_printf("%s/%s-%s", life->directory, which, scenario->name);
}

static void keep(const Life *life, const char *which, const Scenario *scenario)
{
        g_autofree char *path = snapshot_path(life, which, scenario);
        g_autofree char *text = snapshot(life);
        g_assert_true(file_replace(path, text, -1, 0644, NULL));
}

static char *kept(const Life *life, const char *which, const Scenario *scenario)
{
        g_autofree char *path = snapshot_path(life, which, scenario);
        char *text = file_read(path, 1 << 20, NULL, NULL);
        g_assert_nonnull(text);
        return text;
}

/* The first life of a scenario: nobody is killed. */
static void live_first(Life *life, const Scenario *scenario)
{
        scenario->prepare(life);
        run_for(100); /* the leases are read */
        keep(life, "before", scenario);
        shared->dnsmasq = read_pid(life);
        act(life, scenario);
        run_for(100);
        keep(life, "after", scenario);
        wipe(life);
        scenario->prepare(life);
        shared->dnsmasq = read_pid(life);
}

/* The lines that are in one alone. The caller's. */
static char *differences(const char *wanted, const char *found, guint *ret_n)
{
        g_auto(GStrv) old_lines = g_strsplit(wanted, "\n", -1);
        g_auto(GStrv) new_lines = g_strsplit(found, "\n", -1);
        GString *text = g_string_new(NULL);

        *ret_n = 0;
        for (char **line = old_lines; *line; line++)
                if (!g_strv_contains((const char *const *)new_lines, *line) && ++*ret_n)
                        g_string_append_printf(text, "  gone: %s\n", *line);
        for (char **line = new_lines; *line; line++)
                if (!g_strv_contains((const char *const *)old_lines, *line) && ++*ret_n)
                        g_string_append_printf(text, "  come: %s\n", *line);
        return g_string_free(text, FALSE);
}

static void print_differences(const char *before, const char *after, const char *found)
{
        guint n_before, n_after;
        g_autofree char *from_before = differences(before, found, &n_before);
        g_autofree char *from_after = differences(after, found, &n_after);

        if (n_before < n_after)
                fprintf(stderr, "not as before:\n%s", from_before);
        else
                fprintf(stderr, "not as after:\n%s", from_after);
}

/* The order of tables is that of their coming. */
static bool same_lines(const char *a, const char *b)
{
        guint n;
        g_autofree char *text = strlen(a) == strlen(b) ? differences(a, b, &n) : NULL;
        return text && n == 0;
}

/* Whether what is left is as it may be. A lease file or a state may need a moment. */
static bool verify(Life *life, const Scenario *scenario, bool *ret_is_after)
{
        g_autofree char *before = kept(life, "before", scenario);
        g_autofree char *after = kept(life, "after", scenario);
        g_autofree char *found = NULL;

        for (int i = 0; i < 40; i++) {
                g_free(found);
                found = snapshot(life);
                *ret_is_after = same_lines(found, after);
                if (*ret_is_after || (same_lines(found, before) && !shared->replied))
                        return true;
                run_for(50);
        }
        fprintf(stderr, "%s, killed at point %d (%s)%s:\n", scenario->name, shared->point - 1,
                shared->last, shared->replied ? ", after the reply" : "");
        print_differences(before, after, found);
        return false;
}

static bool verify_dnsmasq(const Life *life, const Scenario *scenario)
{
        if (!scenario->keeps_dnsmasq || shared->dnsmasq == read_pid(life))
                return true;
        fprintf(stderr, "%s, killed at point %d (%s): another dnsmasq\n", scenario->name,
                shared->point - 1, shared->last);
        return false;
}

/* The lives, each a process of its own: 0 is the end of one that came to it. */

static int live_first_of_all(const Scenario *scenario, int at, const char *directory)
{
        Life life = { 0 };

        begin_life(&life, directory);
        live_first(&life, scenario);
        return 0;
}

/* Finds what the last one left, and goes on to its own death at @at. */
static int live_next(const Scenario *scenario, int at, const char *directory)
{
        Life life = { 0 };
        bool is_after;

        begin_life(&life, directory);
        load(&life);
        if (at > 0) {
                if (!verify(&life, scenario, &is_after) || !verify_dnsmasq(&life, scenario))
                        return 1;
                if (is_after) {
                        restore(&life, scenario);
                        shared->dnsmasq = read_pid(&life);
                }
        }
        arm(at);
        act(&life, scenario);
        wipe(&life);
        return 0;
}

/* Dies while it goes on with what the last one left. */
static int live_loading(const Scenario *scenario, int at, const char *directory)
{
        Life life = { 0 };

        begin_life(&life, directory);
        arm(at);
        load(&life);
        die_at = NO_POINT;
        return 0;
}

/* Comes to its end, and puts the start back. */
static int live_to_verify(const Scenario *scenario, int at, const char *directory)
{
        Life life = { 0 };
        bool is_after;

        begin_life(&life, directory);
        load(&life);
        if (!verify(&life, scenario, &is_after) || !verify_dnsmasq(&life, scenario))
                return 1;
        if (is_after)
                restore(&life, scenario);
        shared->dnsmasq = read_pid(&life);
        return 0;
}

static int live_to_wipe(const Scenario *scenario, int at, const char *directory)
{
        Life life = { 0 };

        begin_life(&life, directory);
        load(&life);
        wipe(&life);
        return 0;
}

typedef int (*Lived)(const Scenario *scenario, int at, const char *directory);

/* The status as waitpid(2) has it. */
static int fork_life(Lived lived, const Scenario *scenario, int at, const char *directory)
{
        int status;
        pid_t pid = fork();

        g_assert_cmpint(pid, >=, 0);
        if (pid == 0)
                _exit(lived(scenario, at, directory));
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        return status;
}

static bool was_killed(int status)
{
        return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static int n_kills;

static char *begin_scenario(const Scenario *scenario)
{
        char *directory = g_dir_make_tmp("test-kill-XXXXXX", NULL);
        g_autofree char *etc = g_build_filename(directory, "etc", NULL);

        host_make();
        namespace_add_veth("dut1", "board1");
        g_free(host_output("ip address add 10.26.28.78/32 dev up0"));
        g_assert_cmpint(g_mkdir(etc, 0755), ==, 0);
        g_assert_cmpint(fork_life(live_first_of_all, scenario, NO_POINT, directory), ==, 0);
        return directory;
}

static void end_scenario(const Scenario *scenario, const char *directory, int n)
{
        g_autofree char *command = g_strdup_printf("rm -r '%s'", directory);

        g_test_message("%s: %d kills", scenario->name, n);
        n_kills += n;
        g_assert_cmpint(n, >, 3);
        g_assert_cmpint(shared->n_strangers, ==, 0);
        host_delete();
        namespace_delete_link("dut1");
        g_free(host_output(command));
}

static void test_scenario(gconstpointer data)
{
        const Scenario *scenario = data;
        g_autofree char *directory = begin_scenario(scenario);
        int status, at = 0;

        while (was_killed(status = fork_life(live_next, scenario, at, directory)))
                g_assert_cmpint(++at, <, MAX_POINTS);
        g_assert_cmpint(status, ==, 0);
        end_scenario(scenario, directory, at);
}

/* Each life is killed in what the one before it has not come to the end of, one point later than
 * that one. The number of kills. */
static int kill_while_loading(const Scenario *scenario, const char *directory)
{
        int status, at = 0;

        while (was_killed(status = fork_life(live_loading, scenario, at, directory)))
                g_assert_cmpint(++at, <, MAX_POINTS);
        g_assert_cmpint(status, ==, 0);
        return at;
}

/* Killed in the middle, and again while that is put right. */
static void test_again_and_again(gconstpointer data)
{
        const Scenario *scenario = data;
        g_autofree char *directory = begin_scenario(scenario);
        int n = kill_while_loading(scenario, directory); /* where all is well */
        int status;

        g_assert_cmpint(fork_life(live_to_verify, scenario, NO_POINT, directory), ==, 0);
        for (int at = 2; was_killed(status = fork_life(live_next, scenario, at, directory));
             at += POINTS_APART) {
                n += 1 + kill_while_loading(scenario, directory);
                g_assert_cmpint(fork_life(live_to_verify, scenario, NO_POINT, directory), ==, 0);
        }
        g_assert_cmpint(status, ==, 0);
        g_assert_cmpint(fork_life(live_to_wipe, scenario, NO_POINT, directory), ==, 0);
        end_scenario(scenario, directory, n);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (geteuid() != 0 || !namespace_enter())
                return 77;
        g_log_set_always_fatal(G_LOG_LEVEL_ERROR); /* warnings are what is tested here */
        g_autoptr(GTestDBus) bus = g_test_dbus_new(G_TEST_DBUS_NONE);
        g_test_dbus_up(bus); /* a bus without NetworkManager and firewalld */
        g_setenv("DBUS_SYSTEM_BUS_ADDRESS", g_test_dbus_get_bus_address(bus), TRUE);
        shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                      0);
        g_assert_true(shared != MAP_FAILED);

        for (gsize i = 0; i < G_N_ELEMENTS(scenarios); i++) {
                g_autofree char *path = g_strdup_printf("/kill/%s", scenarios[i].name);
                g_autofree char *again = g_strdup_printf("/kill-again/%s", scenarios[i].name);
                g_test_add_data_func(path, &scenarios[i], test_scenario);
                g_test_add_data_func(again, &scenarios[i], test_again_and_again);
        }
        int status = g_test_run();
        printf("# %d kills\n", n_kills);
        g_test_dbus_stop(bus);
        return status;
}
