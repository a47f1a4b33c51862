/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The real chronyd on virtual interfaces, in a network namespace of the test's own: started, known
 * again by a second object, replaced for another configuration, ended; two beside each other on one
 * address. */

#include "host/chrony.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/rtnetlink.h>

#include "host/chrony-socket.h"
#include "host/ip-address.h"
#include "host/link.h"
#include "model/chrony-conf.h"
#include "namespace.h"

#define GATEWAY 0xc0a86401u

typedef struct Fixture {
        char *run_dir;
        NetworkConfig *config;
        Chrony *chrony;
        bool done;
        char *error; /* of the last request; NULL = none */
        bool ended;
        char *reason;
} Fixture;

static void on_ended(const char *reason, gpointer data)
{
        Fixture *fixture = data;

        fixture->ended = true;
        g_free(fixture->reason);
        fixture->reason = g_strdup(reason);
}

static void on_done(const GError *error, gpointer data)
{
        Fixture *fixture = data;

        g_assert_false(fixture->done);
        fixture->done = true;
        g_free(fixture->error);
        fixture->error = error ? g_strdup(error->message) : NULL;
}

static void add_gateway(const char *interface, const char *peer)
{
        g_autoptr(Netlink) rtnl = netlink_new(NETLINK_ROUTE, NULL);
        Link link;

        namespace_add_veth(interface, peer);
        g_assert_true(link_set_up(rtnl, interface, true, NULL));
        g_assert_true(link_set_up(rtnl, peer, true, NULL));
        g_assert_cmpint(link_get(rtnl, interface, &link), ==, 0);
        const IpAddress address = { .index = link.index, .address = GATEWAY, .prefix = 24 };
        g_assert_true(ip_address_add(rtnl, &address, NULL, NULL));
}

static void set_up(Fixture *fixture, gconstpointer data)
{
        g_autoptr(Value) settings = value_new_map();

        add_gateway("dut0", "peer0");
        value_set(settings, "interface", value_new_text("dut0"));
        fixture->run_dir = g_dir_make_tmp("chrony-XXXXXX", NULL);
        fixture->config = config_new(settings, CONFIG_SOURCE_BUS, NULL);
        g_assert_nonnull(fixture->config);
        fixture->chrony = chrony_new("dut0", fixture->run_dir, on_ended, fixture);
}

static void start_on(Fixture *fixture, const char *interface, bool vouches)
{
        const ChronyFacts facts = {
                .interface = interface,
                .pid_file = chrony_pid_file(fixture->chrony),
                .vouches = vouches,
        };

        fixture->done = false;
        chrony_start(fixture->chrony, chrony_conf_text(fixture->config, &facts), GATEWAY,
                     CHRONY_PORT, on_done, fixture);
        g_assert_false(fixture->done);
        wait_until(&fixture->done, 6000);
}

static void start(Fixture *fixture, bool vouches)
{
        start_on(fixture, "dut0", vouches);
        g_assert_cmpstr(fixture->error, ==, NULL);
        g_assert_true(chrony_is_running(fixture->chrony));
}

static void stop(Fixture *fixture)
{
        fixture->done = false;
        chrony_stop(fixture->chrony, on_done, fixture);
        g_assert_false(fixture->done);
        wait_until(&fixture->done, 6000);
        g_assert_cmpstr(fixture->error, ==, NULL);
        g_assert_false(chrony_is_running(fixture->chrony));
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        stop(fixture);
        chrony_free(fixture->chrony);
        g_assert_cmpint(rmdir(fixture->run_dir), ==, 0); /* nothing is left in it */
        namespace_delete_link("dut0");
        config_free(fixture->config);
        g_free(fixture->run_dir);
        g_free(fixture->error);
        g_free(fixture->reason);
}

/* By chronyd's own file. */
static pid_t pid_of(const Fixture *fixture)
{
        g_autofree char *text = NULL;

        return g_file_get_contents(chrony_pid_file(fixture->chrony), &text, NULL, NULL) ? atoi(text)
                                                                                        : 0;
}

static void begin_another_life(Fixture *fixture)
{
        chrony_free(fixture->chrony);
        run_for(20);
        fixture->chrony = chrony_new("dut0", fixture->run_dir, on_ended, fixture);
}

static void test_start_and_stop(Fixture *fixture, gconstpointer data)
{
        start(fixture, true);
        pid_t pid = pid_of(fixture);
        g_assert_true(chrony_socket_is_bound(pid, GATEWAY, CHRONY_PORT));
        g_assert_false(chrony_socket_is_bound(pid, GATEWAY, CHRONY_PORT + 1));
        g_assert_false(chrony_socket_is_bound(pid, GATEWAY + 1, CHRONY_PORT));
        g_assert_false(chrony_socket_is_bound(getpid(), GATEWAY, CHRONY_PORT));

        start(fixture, true); /* runs already */
        g_assert_cmpint(pid_of(fixture), ==, pid);
        stop(fixture);
        g_assert_cmpint(kill(pid, 0), <, 0);
        stop(fixture); /* none runs */
        g_assert_false(fixture->ended);
}

static void test_replaced(Fixture *fixture, gconstpointer data)
{
        start(fixture, true);
        pid_t pid = pid_of(fixture);
        start(fixture, false);
        g_assert_cmpint(pid_of(fixture), !=, pid);
        g_assert_cmpint(kill(pid, 0), <, 0);
        g_assert_false(fixture->ended);
}

static void test_adopted(Fixture *fixture, gconstpointer data)
{
        start(fixture, true);
        pid_t pid = pid_of(fixture);
        begin_another_life(fixture);
        g_assert_cmpint(kill(pid, 0), ==, 0);
        start(fixture, true);
        g_assert_cmpint(pid_of(fixture), ==, pid);
        begin_another_life(fixture);
        start(fixture, false);
        g_assert_cmpint(pid_of(fixture), !=, pid);
        g_assert_cmpint(kill(pid, 0), <, 0);
}

static void test_stop_ends_the_one_left(Fixture *fixture, gconstpointer data)
{
        start(fixture, true);
        pid_t pid = pid_of(fixture);
        begin_another_life(fixture);
        stop(fixture);
        run_for(20);
        g_assert_cmpint(kill(pid, 0), <, 0);
}

/* A crash between the start and the note of its number. */
static void test_unnumbered_is_found(Fixture *fixture, gconstpointer data)
{
        g_autofree char *note = g_build_filename(fixture->run_dir, "dut0.chronyd", NULL);
        g_autofree char *text = NULL;

        start(fixture, true);
        pid_t pid = pid_of(fixture);
        g_assert_true(g_file_get_contents(note, &text, NULL, NULL));
        g_autofree char *unnumbered = g_strconcat("0 0", strchr(text, '\n'), NULL);
        g_assert_true(g_file_set_contents(note, unnumbered, -1, NULL));
        begin_another_life(fixture);
        start(fixture, true);
        g_assert_cmpint(pid_of(fixture), ==, pid);
}

static void test_decoy_survives(Fixture *fixture, gconstpointer data)
{
        static const char *const argv[] = { "/bin/sleep", "1000", NULL };
        g_autofree char *note = g_build_filename(fixture->run_dir, "dut0.chronyd", NULL);
        GPid decoy = 0;

        g_assert_true(g_spawn_async(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &decoy,
                                    NULL));
        g_autofree char *text = g_strdup_printf("%d 12345\nport 123\n", decoy);
        g_assert_true(g_file_set_contents(note, text, -1, NULL));
        stop(fixture);
        g_assert_cmpint(kill(decoy, 0), ==, 0);
        g_assert_true(g_file_set_contents(note, "not a note", -1, NULL));
        start(fixture, true);
        g_assert_cmpint(pid_of(fixture), !=, decoy);
        g_assert_cmpint(kill(decoy, SIGKILL), ==, 0);
}

static void test_two_on_one_address(Fixture *fixture, gconstpointer data)
{
        Fixture other = { 0 };

        start(fixture, true);
        add_gateway("dut1", "peer1");
        other.run_dir = g_dir_make_tmp("chrony-XXXXXX", NULL);
        other.config = config_copy(fixture->config);
        other.chrony = chrony_new("dut1", other.run_dir, on_ended, &other);
        start_on(&other, "dut1", true);
        g_assert_cmpstr(other.error, ==, NULL);
        g_assert_cmpint(pid_of(&other), !=, pid_of(fixture));
        g_assert_true(chrony_socket_is_bound(pid_of(&other), GATEWAY, CHRONY_PORT));
        stop(&other);
        chrony_free(other.chrony);
        config_free(other.config);
        g_assert_cmpint(rmdir(other.run_dir), ==, 0);
        g_free(other.run_dir);
        namespace_delete_link("dut1");
}

static void test_port_in_use(Fixture *fixture, gconstpointer data)
{
        const struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_port = htons(CHRONY_PORT),
                .sin_addr.s_addr = htonl(GATEWAY),
        };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        g_assert_cmpint(bind(fd, (const struct sockaddr *)&address, sizeof address), ==, 0);
        start_on(fixture, "dut0", true);
        g_assert_nonnull(fixture->error);
        g_test_message("%s", fixture->error);
        g_assert_nonnull(strstr(fixture->error, "dut0: chronyd"));
        g_assert_false(chrony_is_running(fixture->chrony));
        g_assert_false(fixture->ended);
        close(fd);
        start(fixture, true);
}

static void test_death_is_told(Fixture *fixture, gconstpointer data)
{
        start(fixture, true);
        g_assert_cmpint(kill(pid_of(fixture), SIGKILL), ==, 0);
        wait_until(&fixture->ended, 1000);
        g_assert_nonnull(strstr(fixture->reason, "chronyd was ended by signal 9"));
        g_assert_false(chrony_is_running(fixture->chrony));
        start(fixture, true);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (!namespace_enter())
                return 77;
        ADD("/chrony/start-and-stop", test_start_and_stop);
        ADD("/chrony/replaced-for-another-configuration", test_replaced);
        ADD("/chrony/adopted-by-the-next-life", test_adopted);
        ADD("/chrony/stop-ends-the-one-left", test_stop_ends_the_one_left);
        ADD("/chrony/unnumbered-is-found", test_unnumbered_is_found);
        ADD("/chrony/decoy-in-note-survives", test_decoy_survives);
        ADD("/chrony/two-on-one-address", test_two_on_one_address);
        ADD("/chrony/port-in-use", test_port_in_use);
        ADD("/chrony/death-is-told", test_death_is_told);
        return g_test_run();
}
