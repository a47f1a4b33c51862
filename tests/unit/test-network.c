/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The life of networks on a real kernel, in a network namespace of the test's own: each step is
 * made to fail once, and the host must then be what it was; a daemon that is gone without a word
 * must find its network again as it left it. The linker's --wrap puts the test between the steps
 * and what runs them. */

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "host/link.h"
#include "model/config-yaml.h"
#include "namespace.h"
#include "network/manager.h"
#include "network/steps.h"
#include "util/error.h"
#include "util/file.h"

#define STEPS 8

static const char *const step_names[STEPS] = {
        "claim",      "hand-over",        "firewall",        "link",
        "forwarding", "public addresses", "other firewalls", "dnsmasq",
};

/* The step to fail, counted in starts; -1: none. */
static int fail_at = -1;
static int n_started;

void __real_step_done(Network *network, GError *error);
void __wrap_step_done(Network *network, GError *error);
void __real_steps_undo(Network *network, StepRunDone done);
void __wrap_steps_undo(Network *network, StepRunDone done);

static bool undoing;

/* What every sync of a file, of a directory fails with; 0: none does. */
static int file_sync_code, directory_sync_code;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_fdatasync(int fd)
{
        errno = file_sync_code;
        return file_sync_code ? -1 : __real_fdatasync(fd);
}

int __wrap_fsync(int fd)
{
        errno = directory_sync_code;
        return directory_sync_code ? -1 : __real_fsync(fd);
}

/* The step to die at, in a life of its own; -1: none. */
static int die_at = -1, die_undoing_at = -1;
static int n_undone;

static void die_if_due(void)
{
        if (!undoing && n_started == die_at)
                _exit(0);
        if (undoing && n_undone++ == die_undoing_at)
                _exit(0);
}

void __wrap_steps_undo(Network *network, StepRunDone done)
{
        undoing = true;
        __real_steps_undo(network, done);
}

void __wrap_step_done(Network *network, GError *error)
{
        die_if_due();
        if (!undoing && !error && n_started++ == fail_at)
                error = g_error_new(SERVICE_ERROR, SERVICE_ERROR_FAILED, "made to fail");
        __real_step_done(network, error);
}

typedef struct Fixture {
        char *directory, *run_dir, *lib_dir, *config_dir;
        const char *config_dirs[2];
        Host *host;
        Manager *manager;
        GError *error;
        bool done;
} Fixture;

static bool was_degraded;

static void note_changed(Network *network, NetworkProperty properties, gpointer data)
{
        was_degraded |= network_state(network) == NETWORK_DEGRADED;
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

static void ignore_network(Network *network, gpointer data)
{
}

static const ManagerEvents events = {
        .network = { note_changed, ignore_lease, ignore_address, ignore_dns },
        .added = ignore_network,
        .removed = ignore_network,
};

/* What a command prints, without the counters and numbers that change by themselves. */
static char *output_of(const char *command)
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

/* Everything of this namespace that a network touches. */
static char *dump(void)
{
        return output_of(
                "ip -o -4 address | sed 's/valid_lft.*//'; ip -o link | sed 's/qdisc [a-z]* //';"
                "ip -4 route; ip rule; nft list ruleset | sed 's/packets.*bytes [0-9]*//';"
                "cd /proc/sys/net;"
                "grep -H . ipv4/conf/*/forwarding ipv4/conf/*/send_redirects"
                " ipv4/conf/*/accept_redirects ipv4/conf/*/rp_filter"
                " ipv6/conf/*/accept_ra ipv6/conf/*/accept_redirects");
}

/* Fails with the lines that are in one dump alone. */
static void assert_same(const char *before, const char *after)
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

static void start_life(Fixture *fixture)
{
        fixture->host = host_new(fixture->run_dir, fixture->lib_dir, true, &fixture->error);
        g_assert_no_error(fixture->error);
        fixture->manager =
                manager_new(fixture->host, fixture->config_dirs, &events, NULL, &fixture->error);
        g_assert_no_error(fixture->error);
}

/* The daemon goes without a word to the host. */
static void end_life(Fixture *fixture)
{
        g_clear_pointer(&fixture->manager, manager_free);
        g_clear_pointer(&fixture->host, host_free);
}

static void set_directory(Fixture *fixture, char *directory)
{
        fixture->directory = directory;
        fixture->run_dir = g_build_filename(fixture->directory, "run", NULL);
        fixture->lib_dir = g_build_filename(fixture->directory, "lib", NULL);
        fixture->config_dir = g_build_filename(fixture->directory, "etc", NULL);
        fixture->config_dirs[0] = fixture->config_dir;
}

static void set_up(Fixture *fixture, gconstpointer data)
{
        set_directory(fixture, g_dir_make_tmp("test-network-XXXXXX", &fixture->error));
        g_assert_no_error(fixture->error);
        g_assert_cmpint(g_mkdir(fixture->config_dir, 0755), ==, 0);

        fail_at = -1;
        file_sync_code = directory_sync_code = 0;
        undoing = false;
        was_degraded = false;
        n_started = 0;
        namespace_add_veth("dut0", "board0");
        namespace_add_veth("up0", "lan0");
        g_free(output_of(
                "ip link set up0 up; ip link set lan0 up; ip link set board0 up;"
                "ip address add 10.26.28.2/24 dev up0;"
                "ip route add default via 10.26.28.1;"
                "ip link set dut0 up;"
                "ip route add 172.30.0.0/16 dev dut0 metric 77;"
                "ip address add 172.16.9.9/24 dev dut0;"
                "ip route add 172.31.0.0/16 via 172.16.9.1 dev dut0;" /* to be given back */
                "ip address add 10.26.28.77/24 dev up0")); /* a public address to be left */
        start_life(fixture);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        end_life(fixture);
        namespace_delete_link("dut0");
        namespace_delete_link("up0");
        g_autofree char *command = g_strdup_printf("rm -rf '%s'", fixture->directory);
        g_free(output_of(command));
        g_clear_error(&fixture->error);
        g_free(fixture->directory);
        g_free(fixture->run_dir);
        g_free(fixture->lib_dir);
        g_free(fixture->config_dir);
}

static char *yaml(const Fixture *fixture)
{
        return g_strdup_printf(
                "interface: dut0\n"
                "nat_mode: 1to1\n"
                "state_dir: %s/state\n"
                "addresses:\n"
                "  - {ip: 192.168.100.10, mac: '02:00:00:00:00:10', public_ip: 10.26.28.84}\n"
                "  - {ip: 192.168.100.11, public_ip: 10.26.28.77}\n",
                fixture->directory);
}

static void through(const GPtrArray *networks, const GError *error, gpointer data)
{
        Fixture *fixture = data;
        fixture->error = error ? g_error_copy(error) : NULL;
        fixture->done = true;
}

/* What LoadConfig does. */
static void load(Fixture *fixture, const char *text)
{
        g_autoptr(GError) error = NULL;
        GPtrArray *configs = config_yaml_parse(text, strlen(text), NULL, &error);

        g_assert_no_error(error);
        fixture->done = false;
        manager_create_all(fixture->manager, configs, through, fixture);
        wait_until(&fixture->done, 10000);
}

static void create(Fixture *fixture)
{
        g_autofree char *text = yaml(fixture);
        load(fixture, text);
}

static void remove_network(Fixture *fixture)
{
        fixture->done = false;
        manager_remove(fixture->manager, manager_find(fixture->manager, "dut0"), through, fixture);
        wait_until(&fixture->done, 10000);
        g_assert_no_error(fixture->error);
}

static bool is_gone(const char *path)
{
        return !g_file_test(path, G_FILE_TEST_EXISTS);
}

static void assert_no_files(const Fixture *fixture)
{
        g_autofree char *files = output_of("true");
        g_autofree char *state = g_build_filename(fixture->directory, "state", NULL);
        g_autofree char *command = g_strdup_printf("find '%s' '%s' -type f ! -name lock",
                                                   fixture->run_dir, fixture->lib_dir);
        g_free(files);
        files = output_of(command);
        g_assert_cmpstr(files, ==, "");
        g_assert_true(is_gone(state));
}

static void test_fails_at(Fixture *fixture, gconstpointer data)
{
        g_autofree char *before = dump();

        fail_at = GPOINTER_TO_INT(data);
        create(fixture);
        g_assert_error(fixture->error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        g_assert_nonnull(strstr(fixture->error->message, step_names[fail_at]));
        g_assert_nonnull(strstr(fixture->error->message, "made to fail"));
        g_assert_null(manager_find(fixture->manager, "dut0"));

        g_autofree char *after = dump();
        assert_same(before, after);
        assert_no_files(fixture);
}

/* All that is kept of it in files: dnsmasq's own aside. */
static char *files(const Fixture *fixture)
{
        g_autofree char *command = g_strdup_printf(
                "cd '%s' && find run lib state -type f ! -name 'dnsmasq.[lps]*' | sort |"
                " xargs tail -n +1",
                fixture->directory);
        return output_of(command);
}

static void test_creation_cannot_be_saved(Fixture *fixture, gconstpointer data)
{
        int *code = (int *)data;
        g_autofree char *before = dump();

        *code = EIO;
        create(fixture);
        *code = 0;
        g_assert_error(fixture->error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        g_assert_nonnull(strstr(fixture->error->message, g_strerror(EIO)));
        g_assert_nonnull(strstr(fixture->error->message, "networks"));
        g_assert_null(manager_find(fixture->manager, "dut0"));
        g_autofree char *after = dump();
        assert_same(before, after);
        assert_no_files(fixture);
}

static void test_change_cannot_be_saved(Fixture *fixture, gconstpointer data)
{
        int *code = (int *)data;
        g_autofree char *old_text = yaml(fixture);
        g_autofree char *text =
                g_strconcat(old_text, "  - {ip: 192.168.100.12, public_ip: 10.26.28.85}\n",
                            "dhcp_lease_time: 5m\n", NULL);

        create(fixture);
        g_assert_no_error(fixture->error);
        g_autofree char *before = dump();
        g_autofree char *files_before = files(fixture);
        *code = EIO;
        load(fixture, text);
        *code = 0;
        g_assert_error(fixture->error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        g_assert_nonnull(strstr(fixture->error->message, g_strerror(EIO)));
        g_clear_error(&fixture->error);
        g_autofree char *after = dump();
        g_autofree char *files_after = files(fixture);
        assert_same(before, after);
        g_assert_cmpstr(files_after, ==, files_before);
        const Network *network = manager_find(fixture->manager, "dut0");
        g_assert_cmpint(network_state(network), ==, NETWORK_ACTIVE);
        g_assert_cmpuint(entries_n_addresses(network_config(network)->entries), ==, 2);

        load(fixture, text);
        g_assert_no_error(fixture->error);
        g_assert_cmpuint(entries_n_addresses(network_config(network)->entries), ==, 3);
        remove_network(fixture);
        assert_no_files(fixture);
}

static void test_up_and_removed(Fixture *fixture, gconstpointer data)
{
        g_autofree char *before = dump();

        create(fixture);
        g_assert_no_error(fixture->error);
        g_assert_cmpint(n_started, ==, STEPS);
        Network *network = manager_find(fixture->manager, "dut0");
        g_assert_cmpint(network_state(network), ==, NETWORK_ACTIVE);
        g_assert_cmpstr(network_upstream(network), ==, "up0");

        g_autofree char *up = dump();
        g_assert_nonnull(strstr(up, "10.26.28.84/32"));
        g_assert_nonnull(strstr(up, "10.26.28.77/24"));
        g_assert_null(strstr(up, "172.16.9.9"));
        g_assert_nonnull(strstr(up, "192.168.100.1/24"));
        g_assert_nonnull(strstr(up, "ipv4/conf/dut0/forwarding:1"));
        g_assert_nonnull(strstr(up, "ipv4/conf/up0/forwarding:1"));
        g_assert_nonnull(strstr(up, "ipv4/conf/lo/forwarding:0"));

        remove_network(fixture);
        g_autofree char *after = dump();
        assert_same(before, after);
        assert_no_files(fixture);
}

static void test_forwarding_that_was_on_stays(Fixture *fixture, gconstpointer data)
{
        g_free(output_of("echo 1 >/proc/sys/net/ipv4/conf/up0/forwarding"));
        g_autofree char *before = dump();

        create(fixture);
        g_assert_no_error(fixture->error);
        remove_network(fixture);
        g_autofree char *after = dump();
        assert_same(before, after);
}

static char *read_pid(const Fixture *fixture)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *path = g_build_filename(fixture->directory, "state", "dnsmasq.pid", NULL);
        char *text = file_read(path, 100, NULL, &error);
        g_assert_no_error(error);
        return text;
}

static void wait_active(Fixture *fixture)
{
        for (int i = 0; i < 100; i++) {
                Network *network = manager_find(fixture->manager, "dut0");
                if (network && network_state(network) == NETWORK_ACTIVE)
                        return;
                run_for(20);
        }
        g_error("the network did not become active");
}

static void added_entry(Network *network, const GError *error, gpointer data)
{
        through(NULL, error, data);
}

/* A second life finds network, entries and process as the first one left them, and gives back what
 * the first one found. */
static void test_adopted(Fixture *fixture, gconstpointer data)
{
        g_autofree char *before = dump();
        AddressEntry entry = { 0xc0a8640c, (char *)"02:00:00:00:00:12", (char *)"third",
                               0x0a1a1c55 };

        create(fixture);
        g_assert_no_error(fixture->error);
        fixture->done = false;
        network_put_address(manager_find(fixture->manager, "dut0"), address_entry_copy(&entry),
                            added_entry, fixture);
        wait_until(&fixture->done, 5000);
        g_assert_no_error(fixture->error);
        g_autofree char *up = dump();
        g_autofree char *pid = read_pid(fixture);
        end_life(fixture);

        start_life(fixture);
        manager_load(fixture->manager);
        wait_active(fixture);
        Network *network = manager_find(fixture->manager, "dut0");
        g_assert_cmpstr(network_origin(network), ==, "bus");
        g_assert_nonnull(entries_find_mac(network_config(network)->entries, "02:00:00:00:00:12"));
        g_autofree char *adopted = dump();
        g_autofree char *adopted_pid = read_pid(fixture);
        assert_same(up, adopted);
        g_assert_cmpstr(adopted_pid, ==, pid);

        remove_network(fixture);
        g_autofree char *after = dump();
        assert_same(before, after);
        assert_no_files(fixture);
}

static void through_down(Network *network, const GError *error, gpointer data)
{
        through(NULL, error, data);
}

/* The life that dies: this program again, in the same namespace. */
static int live_and_die(const char *how, int at, const char *directory)
{
        Fixture fixture = { 0 };

        set_directory(&fixture, g_strdup(directory));
        start_life(&fixture);
        if (g_str_equal(how, "--die-creating"))
                die_at = at;
        create(&fixture);
        g_assert_no_error(fixture.error);
        die_undoing_at = at;
        fixture.done = false;
        network_down(manager_find(fixture.manager, "dut0"), through_down, &fixture);
        wait_until(&fixture.done, 10000);
        return 1; /* it should have died */
}

static void let_die(Fixture *fixture, const char *how, int at)
{
        g_autofree char *number = g_strdup_printf("%d", at);
        const char *argv[] = { "/proc/self/exe", how, number, fixture->directory, NULL };
        int status = -1;

        end_life(fixture);
        g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL,
                                   NULL, &status, &fixture->error));
        g_assert_no_error(fixture->error);
        g_assert_cmpint(status, ==, 0);
        start_life(fixture);
        manager_load(fixture->manager);
        for (int i = 0; i < 250 && manager_is_busy(fixture->manager); i++)
                run_for(20);
        g_assert_false(manager_is_busy(fixture->manager));
}

/* Killed while it makes a network that nobody was told of: the next daemon undoes it. */
static void test_killed_creating(Fixture *fixture, gconstpointer data)
{
        g_autofree char *before = dump();

        let_die(fixture, "--die-creating", GPOINTER_TO_INT(data));
        g_assert_null(manager_find(fixture->manager, "dut0"));
        g_autofree char *after = dump();
        assert_same(before, after);
        assert_no_files(fixture);
}

/* Killed while it takes one down: the next daemon goes on with that. */
static void test_killed_taking_down(Fixture *fixture, gconstpointer data)
{
        g_autofree char *before = dump();

        let_die(fixture, "--die-taking-down", GPOINTER_TO_INT(data));
        Network *network = manager_find(fixture->manager, "dut0");
        g_assert_nonnull(network);
        g_assert_cmpint(network_state(network), ==, NETWORK_INACTIVE);
        g_autofree char *after = dump();
        assert_same(before, after);
        remove_network(fixture);
        assert_no_files(fixture);
}

/* Another daemon must not touch what this one has. */
static void test_one_daemon(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;

        run_for(100); /* GIO's shared connection hangs where its first user is cancelled */
        g_assert_null(host_new(fixture->run_dir, fixture->lib_dir, true, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
}

/* The interface is another one of the same name before anybody has looked. */
static void test_quick_replug(Fixture *fixture, gconstpointer data)
{
        create(fixture);
        g_assert_no_error(fixture->error);
        namespace_delete_link("dut0");
        namespace_add_veth("dut0", "board0");
        run_for(300);
        wait_active(fixture);
        g_autofree char *up = dump();
        g_assert_nonnull(strstr(up, "192.168.100.1/24"));
        remove_network(fixture);
}

/* The interface goes and comes back. */
static void test_waits(Fixture *fixture, gconstpointer data)
{
        create(fixture);
        g_assert_no_error(fixture->error);
        Network *network = manager_find(fixture->manager, "dut0");
        namespace_delete_link("dut0");
        for (int i = 0; i < 100 && network_state(network) != NETWORK_WAITING; i++)
                run_for(20);
        g_assert_cmpint(network_state(network), ==, NETWORK_WAITING);
        namespace_add_veth("dut0", "board0");
        wait_active(fixture);
        remove_network(fixture);
}

/* dnsmasq dies: another one serves soon. */
static void test_dnsmasq_comes_back(Fixture *fixture, gconstpointer data)
{
        create(fixture);
        g_assert_no_error(fixture->error);
        g_autofree char *pid = read_pid(fixture);
        g_assert_cmpint(kill((pid_t)atoi(pid), SIGKILL), ==, 0);

        wait_until(&was_degraded, 1000);
        wait_active(fixture);
        g_autofree char *new_pid = read_pid(fixture);
        g_assert_cmpstr(new_pid, !=, pid);
        remove_network(fixture);
}

/* The default route moves to another interface: everything follows. */
static void test_upstream_moves(Fixture *fixture, gconstpointer data)
{
        create(fixture);
        g_assert_no_error(fixture->error);
        Network *network = manager_find(fixture->manager, "dut0");
        namespace_add_veth("up1", "lan1");
        g_free(output_of(
                "ip link set up1 up; ip link set lan1 up; ip address add 10.99.0.2/24 dev up1;"
                "ip address delete 10.26.28.77/24 dev up0;" /* cannot be on both */
                "ip route replace default via 10.99.0.1"));
        for (int i = 0; i < 100 && strcmp(network_upstream(network), "up1") != 0; i++)
                run_for(20);
        g_assert_cmpstr(network_upstream(network), ==, "up1");
        run_for(500);
        g_autofree char *moved = dump();
        g_assert_nonnull(strstr(moved, "ipv4/conf/up1/forwarding:1"));
        g_assert_nonnull(strstr(moved, "ipv4/conf/up0/forwarding:0"));
        g_assert_nonnull(strstr(moved, "up1    inet 10.26.28.84/32"));
        remove_network(fixture);
        namespace_delete_link("up1");
}

#define TEST(path, data, function) g_test_add(path, Fixture, data, set_up, function, tear_down)

int main(int argc, char **argv)
{
        if (argc == 4 && g_str_has_prefix(argv[1], "--die-"))
                return live_and_die(argv[1], atoi(argv[2]), argv[3]);
        g_test_init(&argc, &argv, NULL);
        if (geteuid() != 0 || !namespace_enter())
                return 77;
        g_log_set_always_fatal(G_LOG_LEVEL_ERROR); /* warnings are what is tested here */
        g_autoptr(GTestDBus) bus = g_test_dbus_new(G_TEST_DBUS_NONE);
        g_test_dbus_up(bus); /* a bus without NetworkManager and firewalld */
        g_setenv("DBUS_SYSTEM_BUS_ADDRESS", g_test_dbus_get_bus_address(bus), TRUE);

        for (int i = 0; i < STEPS; i++) {
                g_autofree char *path =
                        g_strdup_printf("/network/undone-when-%s-fails", step_names[i]);
                TEST(path, GINT_TO_POINTER(i), test_fails_at);
        }
        for (int i = 0; i < STEPS; i++) {
                g_autofree char *creating =
                        g_strdup_printf("/network/undone-when-killed-at-%s", step_names[i]);
                g_autofree char *taking_down =
                        g_strdup_printf("/network/down-when-killed-at-undo-of-%s", step_names[i]);
                TEST(creating, GINT_TO_POINTER(i), test_killed_creating);
                TEST(taking_down, GINT_TO_POINTER(STEPS - 1 - i), test_killed_taking_down);
        }
        TEST("/network/undone-when-its-file-cannot-be-synced", &file_sync_code,
             test_creation_cannot_be_saved);
        TEST("/network/undone-when-its-directory-cannot-be-synced", &directory_sync_code,
             test_creation_cannot_be_saved);
        TEST("/network/change-undone-when-a-file-cannot-be-synced", &file_sync_code,
             test_change_cannot_be_saved);
        TEST("/network/change-undone-when-a-directory-cannot-be-synced", &directory_sync_code,
             test_change_cannot_be_saved);
        TEST("/network/one-daemon-at-a-time", NULL, test_one_daemon);
        TEST("/network/quick-replug-is-noticed", NULL, test_quick_replug);
        TEST("/network/removed-as-it-was", NULL, test_up_and_removed);
        TEST("/network/forwarding-that-was-on-stays-on", NULL, test_forwarding_that_was_on_stays);
        TEST("/network/adopted-by-the-next-daemon", NULL, test_adopted);
        TEST("/network/waits-for-its-interface", NULL, test_waits);
        TEST("/network/dnsmasq-comes-back", NULL, test_dnsmasq_comes_back);
        TEST("/network/upstream-moves", NULL, test_upstream_moves);
        int status = g_test_run();
        g_test_dbus_stop(bus); /* ends it; down() would wait for a connection that GIO keeps */
        return status;
}
