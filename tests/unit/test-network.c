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
#include "namespace.h"
#include "network-life.h"
#include "network/steps.h"
#include "util/error.h"
#include "util/file.h"

#define STEPS 13
/* Beside a step's number: of a network whose subnet the host routes already. */
#define TWIN 100

static const char *const step_names[STEPS] = {
        "interface",  "claim",  "probe",  "hand-over",        "firewall",
        "forwarding", "link",   "routes", "public addresses", "other firewalls",
        "dnsmasq",    "guests", "time",
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

static bool is_twin(gconstpointer data)
{
        int number = GPOINTER_TO_INT(data);

        return number >= TWIN && number < TWIN + STEPS;
}

static void set_up(Life *life, gconstpointer data)
{
        life_init(life, g_dir_make_tmp("test-network-XXXXXX", &life->error));
        life->has_ipv6 = true;
        g_assert_no_error(life->error);
        g_assert_cmpint(g_mkdir(life->config_dir, 0755), ==, 0);

        fail_at = -1;
        file_sync_code = directory_sync_code = 0;
        undoing = false;
        n_started = 0;
        host_make();
        if (is_twin(data))
                g_free(host_output("ip route add 192.168.100.0/24 via 10.26.28.1"));
        life_start(life);
}

static void tear_down(Life *life, gconstpointer data)
{
        life_end(life);
        host_delete();
        g_autofree char *command = g_strdup_printf("rm -rf '%s'", life->directory);
        g_free(host_output(command));
        life_clear(life);
}

static void create(Life *life)
{
        g_autofree char *text = life_yaml(life);
        life_create(life, text);
}

static bool is_gone(const char *path)
{
        return !g_file_test(path, G_FILE_TEST_EXISTS);
}

static void assert_no_files(const Life *life)
{
        g_autofree char *files = host_output("true");
        g_autofree char *state = g_build_filename(life->directory, "state", NULL);
        g_autofree char *command = g_strdup_printf("find '%s' '%s' -type f ! -name lock",
                                                   life->run_dir, life->lib_dir);
        g_free(files);
        files = host_output(command);
        g_assert_cmpstr(files, ==, "");
        g_assert_true(is_gone(state));
}

static void test_fails_at(Life *life, gconstpointer data)
{
        g_autofree char *before = host_dump();

        fail_at = GPOINTER_TO_INT(data) % TWIN;
        create(life);
        g_assert_error(life->error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        g_assert_nonnull(strstr(life->error->message, step_names[fail_at]));
        g_assert_nonnull(strstr(life->error->message, "made to fail"));
        g_assert_null(manager_find(life->manager, "dut0"));

        g_autofree char *after = host_dump();
        assert_same(before, after);
        assert_no_files(life);
}

/* All that is kept of it in files: dnsmasq's own aside. */
static char *files(const Life *life)
{
        g_autofree char *command = g_strdup_printf(
                "cd '%s' && find run lib state -type f ! -name 'dnsmasq.[lps]*' | sort |"
                " xargs tail -n +1",
                life->directory);
        return host_output(command);
}

static void test_creation_cannot_be_saved(Life *life, gconstpointer data)
{
        int *code = (int *)data;
        g_autofree char *before = host_dump();

        *code = EIO;
        create(life);
        *code = 0;
        g_assert_error(life->error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        g_assert_nonnull(strstr(life->error->message, g_strerror(EIO)));
        g_assert_nonnull(strstr(life->error->message, "networks"));
        g_assert_null(manager_find(life->manager, "dut0"));
        g_autofree char *after = host_dump();
        assert_same(before, after);
        assert_no_files(life);
}

static void test_change_cannot_be_saved(Life *life, gconstpointer data)
{
        int *code = (int *)data;
        g_autofree char *old_text = life_yaml(life);
        g_autofree char *text =
                g_strconcat(old_text, "  - {ip: 192.168.100.12, public_ip: 10.26.28.85}\n",
                            "dhcp_lease_time: 5m\n", NULL);

        create(life);
        g_assert_no_error(life->error);
        g_autofree char *before = host_dump();
        g_autofree char *files_before = files(life);
        *code = EIO;
        life_create(life, text);
        *code = 0;
        g_assert_error(life->error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
        g_assert_nonnull(strstr(life->error->message, g_strerror(EIO)));
        g_clear_error(&life->error);
        g_autofree char *after = host_dump();
        g_autofree char *files_after = files(life);
        assert_same(before, after);
        g_assert_cmpstr(files_after, ==, files_before);
        const Network *network = manager_find(life->manager, "dut0");
        g_assert_cmpint(network_state(network), ==, NETWORK_ACTIVE);
        g_assert_cmpuint(entries_n_addresses(network_config(network)->entries), ==, 2);

        life_create(life, text);
        g_assert_no_error(life->error);
        g_assert_cmpuint(entries_n_addresses(network_config(network)->entries), ==, 3);
        life_remove(life);
        assert_no_files(life);
}

static void test_up_and_removed(Life *life, gconstpointer data)
{
        g_autofree char *before = host_dump();

        create(life);
        g_assert_no_error(life->error);
        g_assert_cmpint(n_started, ==, STEPS);
        Network *network = manager_find(life->manager, "dut0");
        g_assert_cmpint(network_state(network), ==, NETWORK_ACTIVE);
        g_assert_cmpstr(network_upstream(network), ==, "up0");

        g_autofree char *up = host_dump();
        g_assert_nonnull(strstr(up, "10.26.28.84/32"));
        g_assert_nonnull(strstr(up, "10.26.28.77/24"));
        g_assert_null(strstr(up, "172.16.9.9"));
        g_assert_nonnull(strstr(up, "192.168.100.1/24"));
        g_assert_nonnull(strstr(up, "ipv4/conf/dut0/forwarding:1"));
        g_assert_nonnull(strstr(up, "ipv4/conf/up0/forwarding:1"));
        g_assert_nonnull(strstr(up, "ipv4/conf/lo/forwarding:0"));

        life_remove(life);
        g_autofree char *after = host_dump();
        assert_same(before, after);
        assert_no_files(life);
}

static void test_forwarding_that_was_on_stays(Life *life, gconstpointer data)
{
        g_free(host_output("echo 1 >/proc/sys/net/ipv4/conf/up0/forwarding"));
        g_autofree char *before = host_dump();

        create(life);
        g_assert_no_error(life->error);
        life_remove(life);
        g_autofree char *after = host_dump();
        assert_same(before, after);
}

static char *read_pid(const Life *life)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *path = g_build_filename(life->directory, "state", "dnsmasq.pid", NULL);
        char *text = file_read(path, 100, NULL, &error);
        g_assert_no_error(error);
        return text;
}

static void wait_active(Life *life)
{
        for (int i = 0; i < 100; i++) {
                Network *network = manager_find(life->manager, "dut0");
                if (network && network_state(network) == NETWORK_ACTIVE)
                        return;
                run_for(20);
        }
        g_error("the network did not become active");
}

static guint32 public_ip_of(const Life *life, guint32 ip)
{
        const Network *network = manager_find(life->manager, "dut0");
        return entries_find_ip(network_config(network)->entries, ip)->public_ip;
}

/* What the pool chose is what it chose, in this life and in the next one; the addresses that the
 * host has are its own. */
static void test_pool(Life *life, gconstpointer data)
{
        g_autofree char *before = host_dump();
        g_autofree char *old_text = life_yaml(life);
        g_autofree char *text = g_strconcat(old_text, "  - {ip: 192.168.100.12, public_ip: auto}\n",
                                            "public_pool: 10.26.28.75-10.26.28.79\n", NULL);
        AddressEntry entry = { .ip = 0xc0a8640d, .public_auto = true };

        life_create(life, text);
        g_assert_no_error(life->error);
        for (entry.ip = 0xc0a8640d; entry.ip < 0xc0a86411; entry.ip++) { /* one too many */
                life->done = false;
                network_put_address(manager_find(life->manager, "dut0"), address_entry_copy(&entry),
                                    life_network_through, life);
                wait_until(&life->done, 5000);
                if (life->error)
                        break;
        }
        g_assert_cmphex(entry.ip, ==, 0xc0a86410);
        g_assert_error(life->error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED);
        g_clear_error(&life->error);
        guint32 chosen[4];
        for (guint i = 0; i < G_N_ELEMENTS(chosen); i++) {
                chosen[i] = public_ip_of(life, 0xc0a8640c + i);
                g_assert_cmphex(chosen[i], >=, 0x0a1a1c4b);
                g_assert_cmphex(chosen[i], <=, 0x0a1a1c4f);
                g_assert_cmphex(chosen[i], !=, 0x0a1a1c4d); /* on up0, and an entry's by name */
        }
        g_autofree char *up = host_dump();
        life_end(life);

        life_start(life);
        manager_load(life->manager);
        wait_active(life);
        for (guint i = 0; i < G_N_ELEMENTS(chosen); i++)
                g_assert_cmphex(public_ip_of(life, 0xc0a8640c + i), ==, chosen[i]);
        g_autofree char *adopted = host_dump();
        assert_same(up, adopted);

        life_remove(life);
        g_autofree char *after = host_dump();
        assert_same(before, after);
        assert_no_files(life);
}

/* A second life finds network, entries and process as the first one left them, and gives back what
 * the first one found. */
static void test_adopted(Life *life, gconstpointer data)
{
        g_autofree char *before = host_dump();
        AddressEntry entry = { 0xc0a8640c, (char *)"02:00:00:00:00:12", (char *)"third",
                               0x0a1a1c55 };

        create(life);
        g_assert_no_error(life->error);
        life->done = false;
        network_put_address(manager_find(life->manager, "dut0"), address_entry_copy(&entry),
                            life_network_through, life);
        wait_until(&life->done, 5000);
        g_assert_no_error(life->error);
        g_autofree char *up = host_dump();
        g_autofree char *pid = read_pid(life);
        life_end(life);

        life_start(life);
        manager_load(life->manager);
        wait_active(life);
        Network *network = manager_find(life->manager, "dut0");
        g_assert_cmpstr(network_origin(network), ==, "bus");
        g_assert_nonnull(entries_find_mac(network_config(network)->entries, "02:00:00:00:00:12"));
        g_autofree char *adopted = host_dump();
        g_autofree char *adopted_pid = read_pid(life);
        assert_same(up, adopted);
        g_assert_cmpstr(adopted_pid, ==, pid);

        life_remove(life);
        g_autofree char *after = host_dump();
        assert_same(before, after);
        assert_no_files(life);
}

/* The life that dies: this program again, in the same namespace. */
static int live_and_die(const char *how, int at, const char *directory)
{
        Life life = { 0 };

        life_init(&life, g_strdup(directory));
        life.has_ipv6 = true;
        life_start(&life);
        if (g_str_equal(how, "--die-creating"))
                die_at = at;
        create(&life);
        g_assert_no_error(life.error);
        die_undoing_at = at;
        life.done = false;
        network_down(manager_find(life.manager, "dut0"), life_network_through, &life);
        wait_until(&life.done, 10000);
        return 1; /* it should have died */
}

static void let_die(Life *life, const char *how, int at)
{
        g_autofree char *number = g_strdup_printf("%d", at);
        const char *argv[] = { "/proc/self/exe", how, number, life->directory, NULL };
        int status = -1;

        life_end(life);
        g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL,
                                   NULL, &status, &life->error));
        g_assert_no_error(life->error);
        g_assert_cmpint(status, ==, 0);
        life_start(life);
        manager_load(life->manager);
        life_wait_idle(life);
}

/* Killed while it makes a network that nobody was told of: the next daemon undoes it. */
static void test_killed_creating(Life *life, gconstpointer data)
{
        g_autofree char *before = host_dump();

        let_die(life, "--die-creating", GPOINTER_TO_INT(data) % TWIN);
        g_assert_null(manager_find(life->manager, "dut0"));
        g_autofree char *after = host_dump();
        assert_same(before, after);
        assert_no_files(life);
}

/* Killed while it takes one down: the next daemon goes on with that. */
static void test_killed_taking_down(Life *life, gconstpointer data)
{
        g_autofree char *before = host_dump();

        let_die(life, "--die-taking-down", GPOINTER_TO_INT(data) % TWIN);
        Network *network = manager_find(life->manager, "dut0");
        g_assert_nonnull(network);
        g_assert_cmpint(network_state(network), ==, NETWORK_INACTIVE);
        g_autofree char *after = host_dump();
        assert_same(before, after);
        life_remove(life);
        assert_no_files(life);
}

static void put_file(const Life *life, const char *name, const char *text)
{
        g_autofree char *path = g_build_filename(life->directory, name, NULL);
        g_assert_true(file_replace(path, text, -1, 0644, NULL));
}

/* Power is lost in the middle of a change: @data says whether its first file was in its place. */
static void test_power_lost_while_changing(Life *life, gconstpointer data)
{
        bool committed = GPOINTER_TO_INT(data);

        create(life);
        life->done = false;
        network_down(manager_find(life->manager, "dut0"), life_network_through, life);
        wait_until(&life->done, 10000);
        life_end(life);
        g_autofree char *command = g_strdup_printf("rm '%s'/*", life->run_dir);
        g_free(host_output(command));
        put_file(life, "state/entries.log.next", "+d new.lab 10.1.1.1\n");
        if (!committed)
                put_file(life, "lib/networks/dut0.yaml.next", "interface: dut0\n");

        life_start(life);
        manager_load(life->manager);
        wait_active(life);
        const NetworkConfig *config = network_config(manager_find(life->manager, "dut0"));
        g_assert_cmpint(entries_find_hostname(config->entries, "new.lab") != NULL, ==, committed);
        g_assert_cmpuint(entries_n_addresses(config->entries), ==, 2);
        g_autofree char *find = g_strdup_printf("find '%s' -name '*.next'", life->directory);
        g_autofree char *left = host_output(find);
        g_assert_cmpstr(left, ==, "");
        life_remove(life);
        assert_no_files(life);
}

/* Another daemon must not touch what this one has. */
static void test_one_daemon(Life *life, gconstpointer data)
{
        g_autoptr(GError) error = NULL;

        run_for(100); /* GIO's shared connection hangs where its first user is cancelled */
        g_assert_null(host_new(life->run_dir, life->lib_dir, true, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED);
}

/* The interface is another one of the same name before anybody has looked. */
static void test_quick_replug(Life *life, gconstpointer data)
{
        create(life);
        g_assert_no_error(life->error);
        namespace_delete_link("dut0");
        namespace_add_veth("dut0", "board0");
        run_for(300);
        wait_active(life);
        g_autofree char *up = host_dump();
        g_assert_nonnull(strstr(up, "192.168.100.1/24"));
        life_remove(life);
}

/* The interface goes and comes back. */
static void test_waits(Life *life, gconstpointer data)
{
        create(life);
        g_assert_no_error(life->error);
        Network *network = manager_find(life->manager, "dut0");
        namespace_delete_link("dut0");
        for (int i = 0; i < 100 && network_state(network) != NETWORK_WAITING; i++)
                run_for(20);
        g_assert_cmpint(network_state(network), ==, NETWORK_WAITING);
        namespace_add_veth("dut0", "board0");
        wait_active(life);
        life_remove(life);
}

/* dnsmasq dies: another one serves soon. */
static void test_dnsmasq_comes_back(Life *life, gconstpointer data)
{
        create(life);
        g_assert_no_error(life->error);
        g_autofree char *pid = read_pid(life);
        g_assert_cmpint(kill((pid_t)atoi(pid), SIGKILL), ==, 0);

        wait_until(&life->was_degraded, 1000);
        wait_active(life);
        g_autofree char *new_pid = read_pid(life);
        g_assert_cmpstr(new_pid, !=, pid);
        life_remove(life);
}

/* The default route moves to another interface: everything follows. */
static void test_upstream_moves(Life *life, gconstpointer data)
{
        create(life);
        g_assert_no_error(life->error);
        Network *network = manager_find(life->manager, "dut0");
        namespace_add_veth("up1", "lan1");
        g_free(host_output(
                "ip link set up1 up; ip link set lan1 up; ip address add 10.99.0.2/24 dev up1;"
                "ip address delete 10.26.28.77/24 dev up0;" /* cannot be on both */
                "ip route replace default via 10.99.0.1"));
        for (int i = 0; i < 100 && strcmp(network_upstream(network), "up1") != 0; i++)
                run_for(20);
        g_assert_cmpstr(network_upstream(network), ==, "up1");
        run_for(500);
        g_autofree char *moved = host_dump();
        g_assert_nonnull(strstr(moved, "ipv4/conf/up1/forwarding:1"));
        g_assert_nonnull(strstr(moved, "ipv4/conf/up0/forwarding:0"));
        g_assert_nonnull(strstr(moved, "up1    inet 10.26.28.84/32"));
        life_remove(life);
        namespace_delete_link("up1");
}

#define TEST(path, data, function) g_test_add(path, Life, data, set_up, function, tear_down)

static void add_tests_of_steps(const char *prefix, int twin)
{
        for (int i = 0; i < STEPS; i++) {
                g_autofree char *failing =
                        g_strdup_printf("/network/%sundone-when-%s-fails", prefix, step_names[i]);
                g_autofree char *creating = g_strdup_printf("/network/%sundone-when-killed-at-%s",
                                                            prefix, step_names[i]);
                g_autofree char *taking_down = g_strdup_printf(
                        "/network/%sdown-when-killed-at-undo-of-%s", prefix, step_names[i]);
                TEST(failing, GINT_TO_POINTER(twin + i), test_fails_at);
                TEST(creating, GINT_TO_POINTER(twin + i), test_killed_creating);
                TEST(taking_down, GINT_TO_POINTER(twin + STEPS - 1 - i), test_killed_taking_down);
        }
}

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

        add_tests_of_steps("", 0);
        add_tests_of_steps("twin-", TWIN);
        TEST("/network/undone-when-its-file-cannot-be-synced", &file_sync_code,
             test_creation_cannot_be_saved);
        TEST("/network/undone-when-its-directory-cannot-be-synced", &directory_sync_code,
             test_creation_cannot_be_saved);
        TEST("/network/change-undone-when-a-file-cannot-be-synced", &file_sync_code,
             test_change_cannot_be_saved);
        TEST("/network/change-undone-when-a-directory-cannot-be-synced", &directory_sync_code,
             test_change_cannot_be_saved);
        TEST("/network/change-dropped-when-power-is-lost-before-it-counts", GINT_TO_POINTER(false),
             test_power_lost_while_changing);
        TEST("/network/change-ended-when-power-is-lost-after-it-counts", GINT_TO_POINTER(true),
             test_power_lost_while_changing);
        TEST("/network/one-daemon-at-a-time", NULL, test_one_daemon);
        TEST("/network/quick-replug-is-noticed", NULL, test_quick_replug);
        TEST("/network/removed-as-it-was", NULL, test_up_and_removed);
        TEST("/network/forwarding-that-was-on-stays-on", NULL, test_forwarding_that_was_on_stays);
        TEST("/network/adopted-by-the-next-daemon", NULL, test_adopted);
        TEST("/network/pool-s-choices-are-kept", NULL, test_pool);
        TEST("/network/waits-for-its-interface", NULL, test_waits);
        TEST("/network/dnsmasq-comes-back", NULL, test_dnsmasq_comes_back);
        TEST("/network/upstream-moves", NULL, test_upstream_moves);
        int status = g_test_run();
        g_test_dbus_stop(bus); /* ends it; down() would wait for a connection that GIO keeps */
        return status;
}
