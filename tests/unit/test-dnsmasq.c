/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The real dnsmasq on a virtual interface, in a network namespace of the test's own: started,
 * reloaded, known again by a second object, ended; and what is not ours left alone. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/rtnetlink.h>

#include "host/dnsmasq-build.h"
#include "host/dnsmasq.h"
#include "host/ip-address.h"
#include "host/link.h"
#include "model/dnsmasq-conf.h"
#include "namespace.h"

#define GATEWAY 0xc0a86401u

typedef struct Fixture {
        char *state_dir;
        NetworkConfig *config;
        FileWatches *watches;
        Dnsmasq *dnsmasq;
        bool done;
        char *error; /* of the last request; NULL = none */
        bool ended;
        char *reason;
} Fixture;

static void on_ended(Dnsmasq *dnsmasq, const char *reason, gpointer data)
{
        Fixture *fixture = data;

        fixture->ended = true;
        fixture->reason = g_strdup(reason);
}

static void on_done(const GError *error, gpointer data)
{
        Fixture *fixture = data;

        g_assert_false(fixture->done);
        fixture->done = true;
        g_clear_pointer(&fixture->error, g_free);
        fixture->error = error ? g_strdup(error->message) : NULL;
}

static void add_gateway(void)
{
        g_autoptr(Netlink) rtnl = netlink_new(NETLINK_ROUTE, NULL);
        Link link;

        namespace_add_veth("dut0", "peer0");
        g_assert_true(link_set_up(rtnl, "dut0", true, NULL));
        g_assert_true(link_set_up(rtnl, "peer0", true, NULL));
        g_assert_cmpint(link_get(rtnl, "dut0", &link), ==, 0);
        const IpAddress address = { .index = link.index, .address = GATEWAY, .prefix = 24 };
        g_assert_true(ip_address_add(rtnl, &address, NULL, NULL));
}

static void write_files(Fixture *fixture)
{
        const DnsmasqFacts facts = {
                .interface = fixture->config->interface,
                .state_dir = fixture->state_dir,
                .dns_port = 53,
        };
        g_autofree char *conf = dnsmasq_conf_text(fixture->config, &facts);
        g_autofree char *hosts = dnsmasq_hosts_text(fixture->config->entries, NULL);
        g_autofree char *names = dnsmasq_dns_text(fixture->config->entries);

        g_assert_true(dnsmasq_write(fixture->dnsmasq, conf, hosts, names, NULL));
}

static void set_up(Fixture *fixture, gconstpointer data)
{
        g_autoptr(Value) settings = value_new_map();
        g_autoptr(GError) error = NULL;

        add_gateway();
        value_set(settings, "interface", value_new_text("dut0"));
        fixture->state_dir = g_dir_make_tmp("dnsmasq-XXXXXX", NULL);
        fixture->config = config_new(settings, CONFIG_SOURCE_BUS, &error);
        g_assert_no_error(error);
        fixture->watches = file_watches_new(&error);
        g_assert_no_error(error);
        fixture->dnsmasq =
                dnsmasq_new("dut0", fixture->state_dir, fixture->watches, on_ended, fixture);
        write_files(fixture);
}

static void start(Fixture *fixture)
{
        fixture->done = false;
        dnsmasq_start(fixture->dnsmasq, on_done, fixture);
        g_assert_false(fixture->done);
        wait_until(&fixture->done, 6000);
}

static void stop(Fixture *fixture)
{
        fixture->done = false;
        dnsmasq_stop(fixture->dnsmasq, on_done, fixture);
        g_assert_false(fixture->done);
        wait_until(&fixture->done, 6000);
        g_assert_cmpstr(fixture->error, ==, NULL);
        g_assert_false(dnsmasq_is_running(fixture->dnsmasq));
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;

        stop(fixture);
        dnsmasq_free(fixture->dnsmasq);
        file_watches_free(fixture->watches);
        g_assert_true(dnsmasq_remove_files(fixture->state_dir, &error));
        g_assert_no_error(error);
        g_assert_false(g_file_test(fixture->state_dir, G_FILE_TEST_EXISTS));
        namespace_delete_link("dut0");
        config_free(fixture->config);
        g_free(fixture->state_dir);
        g_free(fixture->error);
        g_free(fixture->reason);
}

static char *pid_path(const Fixture *fixture)
{
        return g_build_filename(fixture->state_dir, "dnsmasq.pid", NULL);
}

static pid_t pid_of(const Fixture *fixture)
{
        g_autofree char *path = pid_path(fixture);
        g_autofree char *text = NULL;

        return g_file_get_contents(path, &text, NULL, NULL) ? atoi(text) : 0;
}

/* Asks for the address of @name; 0 where there is no answer with one. */
static guint32 ask(const char *name)
{
        guint8 packet[512] = { 0x12, 0x34, 0x01, 0x00, 0x00, 0x01 };
        const struct sockaddr_in server = {
                .sin_family = AF_INET,
                .sin_port = htons(53),
                .sin_addr.s_addr = htonl(GATEWAY),
        };
        const struct timeval timeout = { .tv_sec = 1 };
        gsize length = 12, size = strlen(name);
        guint32 address = 0;

        packet[length++] = (guint8)size;
        memcpy(packet + length, name, size);
        length += size + 1;
        packet[length + 1] = 1; /* A */
        packet[length + 3] = 1; /* IN */
        length += 4;

        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), ==, 0);
        g_assert_cmpint(connect(fd, (const struct sockaddr *)&server, sizeof server), ==, 0);
        g_assert_cmpint(send(fd, packet, length, 0), ==, (ssize_t)length);
        ssize_t n = recv(fd, packet, sizeof packet, 0);
        close(fd);
        if (n >= (ssize_t)length + 16 && packet[7] > 0)
                memcpy(&address, packet + length + 12, sizeof address);
        return ntohl(address);
}

static void add_name(Fixture *fixture, const char *name, const char *ip)
{
        entries_put_dns(fixture->config->entries, dns_entry_from_text(name, ip, NULL));
        write_files(fixture);
}

static void test_start_reload_stop(Fixture *fixture, gconstpointer data)
{
        gint64 begin = g_get_monotonic_time();

        add_name(fixture, "first", "10.0.0.1");
        start(fixture);
        g_assert_cmpstr(fixture->error, ==, NULL);
        g_test_message("ready after %" G_GINT64_FORMAT " us", g_get_monotonic_time() - begin);
        g_assert_true(dnsmasq_is_running(fixture->dnsmasq));
        g_assert_cmphex(ask("first"), ==, 0x0a000001);

        pid_t pid = pid_of(fixture);
        add_name(fixture, "second", "10.0.0.2");
        dnsmasq_reload(fixture->dnsmasq);
        run_for(100);
        g_assert_cmphex(ask("second"), ==, 0x0a000002);
        for (guint i = 0; i < 1000; i++)
                dnsmasq_reload(fixture->dnsmasq);
        add_name(fixture, "third", "10.0.0.3");
        dnsmasq_reload(fixture->dnsmasq);
        run_for(100);
        g_assert_cmphex(ask("third"), ==, 0x0a000003);
        g_assert_cmpint(pid_of(fixture), ==, pid);

        start(fixture); /* runs already */
        g_assert_cmpstr(fixture->error, ==, NULL);
        g_assert_cmpint(pid_of(fixture), ==, pid);
        stop(fixture);
        g_assert_cmpint(kill(pid, 0), <, 0);
        stop(fixture); /* none runs */
        g_assert_false(fixture->ended);
}

static void test_reload_while_starting(Fixture *fixture, gconstpointer data)
{
        fixture->done = false;
        dnsmasq_start(fixture->dnsmasq, on_done, fixture);
        for (guint i = 0; i < 50 && !fixture->done; i++) {
                dnsmasq_reload(fixture->dnsmasq);
                g_main_context_iteration(NULL, TRUE);
        }
        wait_until(&fixture->done, 6000);
        g_assert_cmpstr(fixture->error, ==, NULL);
        run_for(50);
        g_assert_true(dnsmasq_is_running(fixture->dnsmasq));
}

static void test_adopted(Fixture *fixture, gconstpointer data)
{
        start(fixture);
        pid_t pid = pid_of(fixture);
        dnsmasq_free(fixture->dnsmasq);
        run_for(20);
        g_assert_cmpint(kill(pid, 0), ==, 0);

        fixture->dnsmasq =
                dnsmasq_new("dut0", fixture->state_dir, fixture->watches, on_ended, fixture);
        start(fixture);
        g_assert_cmpstr(fixture->error, ==, NULL);
        g_assert_cmpint(pid_of(fixture), ==, pid);
        add_name(fixture, "later", "10.0.0.4");
        dnsmasq_reload(fixture->dnsmasq);
        run_for(100);
        g_assert_cmphex(ask("later"), ==, 0x0a000004);
}

static void test_replaced(Fixture *fixture, gconstpointer data)
{
        start(fixture);
        pid_t pid = pid_of(fixture);
        dnsmasq_free(fixture->dnsmasq);

        fixture->dnsmasq =
                dnsmasq_new("dut0", fixture->state_dir, fixture->watches, on_ended, fixture);
        fixture->config->dhcp_range_end--;
        write_files(fixture);
        start(fixture);
        g_assert_cmpstr(fixture->error, ==, NULL);
        g_assert_cmpint(pid_of(fixture), !=, pid);
        g_assert_false(fixture->ended);
        g_assert_cmpint(kill(pid, 0), <, 0);
}

/* A crash between the start and the note of it: the next life ends what it finds. */
static void test_unrecorded_is_replaced(Fixture *fixture, gconstpointer data)
{
        g_autofree char *record = g_build_filename(fixture->state_dir, "dnsmasq.started", NULL);

        start(fixture);
        pid_t pid = pid_of(fixture);
        dnsmasq_free(fixture->dnsmasq);
        g_assert_cmpint(unlink(record), ==, 0);

        fixture->dnsmasq =
                dnsmasq_new("dut0", fixture->state_dir, fixture->watches, on_ended, fixture);
        start(fixture);
        g_assert_cmpstr(fixture->error, ==, NULL);
        g_assert_cmpint(pid_of(fixture), !=, pid);
}

static void test_stop_ends_the_one_left(Fixture *fixture, gconstpointer data)
{
        start(fixture);
        pid_t pid = pid_of(fixture);
        dnsmasq_free(fixture->dnsmasq);

        fixture->dnsmasq =
                dnsmasq_new("dut0", fixture->state_dir, fixture->watches, on_ended, fixture);
        stop(fixture);
        run_for(20);
        g_assert_cmpint(kill(pid, 0), <, 0);
}

static void test_decoy_survives(Fixture *fixture, gconstpointer data)
{
        static const char *const argv[] = { "/bin/sleep", "1000", NULL };
        g_autofree char *path = pid_path(fixture);
        GPid decoy = 0;

        g_assert_true(g_spawn_async(NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL,
                                    NULL, &decoy, NULL));
        g_autofree char *text = g_strdup_printf("%d\n", decoy);
        g_assert_true(g_file_set_contents(path, text, -1, NULL));
        stop(fixture);
        g_assert_true(g_file_set_contents(path, text, -1, NULL));
        start(fixture);
        g_assert_cmpstr(fixture->error, ==, NULL);
        g_assert_cmpint(pid_of(fixture), !=, decoy);

        g_assert_cmpint(waitpid(decoy, NULL, WNOHANG), ==, 0);
        g_assert_cmpint(kill(decoy, SIGKILL), ==, 0);
        g_assert_cmpint(waitpid(decoy, NULL, 0), ==, decoy);
}

static void test_port_in_use(Fixture *fixture, gconstpointer data)
{
        const struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_port = htons(53),
                .sin_addr.s_addr = htonl(GATEWAY),
        };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        g_assert_cmpint(bind(fd, (const struct sockaddr *)&address, sizeof address), ==, 0);
        start(fixture);
        g_assert_nonnull(fixture->error);
        g_test_message("%s", fixture->error);
        g_assert_nonnull(strstr(fixture->error, "dut0"));
        g_assert_nonnull(strstr(fixture->error, "in use"));
        g_assert_false(fixture->ended);
        g_assert_false(dnsmasq_is_running(fixture->dnsmasq));
        close(fd);
        start(fixture);
        g_assert_cmpstr(fixture->error, ==, NULL);
}

static void test_wrong_configuration(Fixture *fixture, gconstpointer data)
{
        g_assert_true(dnsmasq_write(fixture->dnsmasq, "no-such-option\n", NULL, NULL, NULL));
        start(fixture);
        g_assert_nonnull(strstr(fixture->error, "configuration"));
}

static void test_death_is_told(Fixture *fixture, gconstpointer data)
{
        start(fixture);
        g_assert_cmpint(kill(pid_of(fixture), SIGKILL), ==, 0);
        wait_until(&fixture->ended, 1000);
        g_assert_nonnull(strstr(fixture->reason, "signal 9"));
        g_assert_false(dnsmasq_is_running(fixture->dnsmasq));
        dnsmasq_reload(fixture->dnsmasq);
        start(fixture);
        g_assert_cmpstr(fixture->error, ==, NULL);
}

static void test_free_answers_what_waits(Fixture *fixture, gconstpointer data)
{
        fixture->done = false;
        dnsmasq_start(fixture->dnsmasq, on_done, fixture);
        dnsmasq_free(fixture->dnsmasq);
        g_assert_true(fixture->done);
        g_assert_nonnull(fixture->error);
        fixture->dnsmasq =
                dnsmasq_new("dut0", fixture->state_dir, fixture->watches, on_ended, fixture);
}

static void test_requests_in_a_row(Fixture *fixture, gconstpointer data)
{
        dnsmasq_start(fixture->dnsmasq, NULL, NULL);
        dnsmasq_stop(fixture->dnsmasq, NULL, NULL);
        start(fixture);
        g_assert_cmpstr(fixture->error, ==, NULL);
        g_assert_true(dnsmasq_is_running(fixture->dnsmasq));
        g_assert_false(fixture->ended);
}

static void run(const char *command)
{
        int status = -1;

        g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, &status, NULL));
        g_assert_cmpint(status, ==, 0);
}

/* How often it has gone to sleep, and so how often it was woken. */
static guint64 count_sleeps(const Fixture *fixture)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/status", pid_of(fixture));
        g_autofree char *text = NULL;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        const char *line = strstr(text, "\nvoluntary_ctxt_switches:");
        g_assert_nonnull(line);
        return g_ascii_strtoull(strchr(line, ':') + 1, NULL, 10);
}

static void hear_with(Fixture *fixture, const char *library)
{
        g_autoptr(Netlink) rtnl = netlink_new(NETLINK_ROUTE, NULL);
        Link link;

        g_assert_cmpint(link_get(rtnl, "dut0", &link), ==, 0);
        dnsmasq_set_preload(fixture->dnsmasq, library, link.index);
        add_name(fixture, "board", "10.0.0.7");
        start(fixture);
        g_assert_cmpstr(fixture->error, ==, NULL);
        run_for(200);
}

/* Another network comes and goes, with all its addresses and routes. */
static void change_another(void)
{
        run("ip address add 192.168.77.1/24 dev peer0 noprefixroute");
        run("ip route add 192.168.77.0/24 dev peer0 table 18945");
        run("ip address add fd00::1/64 dev peer0 nodad noprefixroute");
        run("ip route delete 192.168.77.0/24 dev peer0 table 18945");
        run("ip address delete 192.168.77.1/24 dev peer0");
        run("ip address delete fd00::1/64 dev peer0");
        run_for(100);
}

/* An address that is taken away and put back is served again, and one more as well. */
static void change_own(void)
{
        g_assert_cmphex(ask("board"), ==, 0x0a000007);
        run("ip address delete 192.168.100.1/24 dev dut0");
        run_for(100);
        run("ip address add 192.168.99.1/24 dev dut0");
        run("ip address add 192.168.100.1/24 dev dut0");
        run_for(200);
        g_assert_cmphex(ask("board"), ==, 0x0a000007);
}

static void test_hears_of_its_nic(Fixture *fixture, gconstpointer data)
{
        hear_with(fixture, DNSMASQ_PRELOAD);
        guint64 before = count_sleeps(fixture);
        change_another();
        g_assert_cmpuint(count_sleeps(fixture), ==, before);
        change_own();
        g_assert_cmpuint(count_sleeps(fixture), >, before);

        before = count_sleeps(fixture); /* it asks its servers again then */
        run("ip route add 192.168.78.0/24 dev peer0 scope link");
        run_for(100);
        g_assert_cmpuint(count_sleeps(fixture), >, before);
}

static void test_hears_of_all(Fixture *fixture, gconstpointer data)
{
        hear_with(fixture, "/nowhere/dnsmasq-preload.so");
        guint64 before = count_sleeps(fixture);
        change_another();
        g_assert_cmpuint(count_sleeps(fixture), >, before);
        change_own();
}

/* One that is there and no library: the loader says so, and goes on. */
static void test_hears_with_rubbish(Fixture *fixture, gconstpointer data)
{
        g_autofree char *path = g_build_filename(g_get_tmp_dir(), "rubbish.so", NULL);

        g_assert_true(g_file_set_contents(path, "rubbish", -1, NULL));
        hear_with(fixture, path);
        change_own();
        (void)unlink(path); /* in a directory for such */
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

/* What distributions' dnsmasq say, and the one that is here. */
static void test_build(void)
{
        static const struct {
                const char *text;
                bool has;
        } cases[] = {
                { "Dnsmasq version 2.90\nCompile time options: IPv6 ipset nftset auth\n\nThis\n",
                  true },
                { "Compile time options: IPv6 ipset nftset\n", true },
                { "Compile time options: IPv6 ipset no-nftset auth\n", false },
                { "Compile time options: IPv6 ipset auth\n", false },
                { "", false },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
                g_assert_cmpint(dnsmasq_build_has_nftset(cases[i].text), ==, cases[i].has);
}

typedef struct Asked {
        guint n;
        bool good;
        bool done;
} Asked;

static void on_checked(const GError *error, gpointer data)
{
        Asked *asked = data;

        asked->good = !error;
        asked->done = ++asked->n == 3;
}

static void test_build_of_host(void)
{
        g_autoptr(DnsmasqBuild) build = dnsmasq_build_new();
        Asked asked = { 0 };

        dnsmasq_build_check_nftset(build, on_checked, &asked);
        dnsmasq_build_check_nftset(build, on_checked, &asked); /* while the first one waits */
        g_assert_cmpuint(asked.n, ==, 0);
        for (gint64 end = g_get_monotonic_time() + 5 * G_TIME_SPAN_SECOND;
             asked.n < 2 && g_get_monotonic_time() < end;)
                (void)g_main_context_iteration(NULL, FALSE);
        g_assert_cmpuint(asked.n, ==, 2);
        g_assert_true(asked.good);
        dnsmasq_build_check_nftset(build, on_checked, &asked); /* it is known by now */
        g_assert_true(asked.done);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (!namespace_enter())
                return 77;
        ADD("/dnsmasq/start-reload-stop", test_start_reload_stop);
        ADD("/dnsmasq/reload-while-starting", test_reload_while_starting);
        ADD("/dnsmasq/adopted-by-the-next-life", test_adopted);
        ADD("/dnsmasq/replaced-for-another-configuration", test_replaced);
        ADD("/dnsmasq/unrecorded-is-replaced", test_unrecorded_is_replaced);
        ADD("/dnsmasq/stop-ends-the-one-left", test_stop_ends_the_one_left);
        ADD("/dnsmasq/decoy-in-pidfile-survives", test_decoy_survives);
        ADD("/dnsmasq/port-in-use", test_port_in_use);
        ADD("/dnsmasq/wrong-configuration", test_wrong_configuration);
        ADD("/dnsmasq/death-is-told", test_death_is_told);
        ADD("/dnsmasq/free-answers-what-waits", test_free_answers_what_waits);
        ADD("/dnsmasq/requests-in-a-row", test_requests_in_a_row);
        ADD("/dnsmasq/hears-of-its-nic", test_hears_of_its_nic);
        ADD("/dnsmasq/hears-of-all-without-the-library", test_hears_of_all);
        ADD("/dnsmasq/hears-of-all-with-rubbish", test_hears_with_rubbish);
        g_test_add_func("/dnsmasq/build", test_build);
        g_test_add_func("/dnsmasq/build/of-host", test_build_of_host);
        return g_test_run();
}
