/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Names followed with a real dnsmasq as the name server, in a network namespace of the test's own
 * and with an /etc/resolv.conf and an /etc/hosts that only it sees. */

#include "host/resolver.h"

#include <arpa/inet.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model/address.h"
#include "namespace.h"

typedef struct Fixture {
        Resolver *resolver;
        ResolverName *name;
        GSubprocess *server;
        guint n_changes;
        bool changed;
} Fixture;

static void put_over(const char *path, const char *text)
{
        g_autofree char *copy = NULL;
        int fd = g_file_open_tmp("resolver-XXXXXX", &copy, NULL);

        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
        g_assert_cmpint(close(fd), ==, 0);
        g_assert_cmpint(mount(copy, path, NULL, MS_BIND, NULL), ==, 0);
        unlink(copy);
}

static void enter_files(void)
{
        g_assert_cmpint(unshare(CLONE_NEWNS), ==, 0);
        g_assert_cmpint(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), ==, 0);
        put_over("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:3 attempts:1\n");
        put_over("/etc/hosts", "10.0.0.9 listed.lab\n");
        put_over("/etc/nsswitch.conf", "hosts: files dns\n");
}

static bool answers(void)
{
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(53) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        bool connected = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
        close(fd);
        return connected;
}

static void stop_serving(Fixture *fixture)
{
        g_subprocess_force_exit(fixture->server);
        g_assert_true(g_subprocess_wait(fixture->server, NULL, NULL));
        g_clear_object(&fixture->server);
}

/* Of what there was before it knows nothing. */
static void serve(Fixture *fixture, const char *record, const char *second)
{
        GError *error = NULL;

        if (fixture->server)
                stop_serving(fixture);
        fixture->server = g_subprocess_new(
                G_SUBPROCESS_FLAGS_NONE, &error, "dnsmasq", "--keep-in-foreground",
                "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root", "--pid-file",
                "--local=/lab/", "--log-facility=/dev/null", record, second, NULL);
        g_assert_no_error(error);
        while (!answers())
                run_for(10);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
        fixture->resolver = resolver_new();
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        resolver_name_free(fixture->name);
        resolver_free(fixture->resolver);
        if (fixture->server)
                stop_serving(fixture);
}

static void on_changed(ResolverName *name, gpointer data)
{
        Fixture *fixture = data;

        fixture->n_changes++;
        fixture->changed = true;
}

static void follow(Fixture *fixture, const char *text)
{
        fixture->name = resolver_follow(fixture->resolver, text, on_changed, fixture);
        g_assert_cmpuint(fixture->n_changes, ==, 0);
}

static void wait_for_change(Fixture *fixture)
{
        fixture->changed = false;
        wait_until(&fixture->changed, 10000);
}

static void assert_address(const Fixture *fixture, const char *expected)
{
        char text[ADDRESS_TEXT_SIZE];
        guint32 address = resolver_name_address(fixture->name);

        g_assert_cmpstr(address ? address_format(address, text) : "none", ==, expected);
}

static void test_follows_by_ttl(Fixture *fixture, gconstpointer data)
{
        serve(fixture, "--host-record=board.lab,10.0.0.5,2", NULL);
        follow(fixture, "board.lab");
        wait_for_change(fixture);
        assert_address(fixture, "10.0.0.5");
        g_assert_null(resolver_name_fault(fixture->name));

        serve(fixture, "--host-record=board.lab,10.0.0.6,3600", NULL);
        wait_for_change(fixture);
        assert_address(fixture, "10.0.0.6");
        g_assert_cmpuint(fixture->n_changes, ==, 2);

        /* that answer holds for an hour */
        serve(fixture, "--host-record=board.lab,10.0.0.7,2", NULL);
        run_for(3000);
        assert_address(fixture, "10.0.0.6");
        g_assert_cmpuint(fixture->n_changes, ==, 2);

        /* unless the host is somewhere else; the second time while the first is being asked */
        resolver_ask_now(fixture->resolver);
        resolver_ask_now(fixture->resolver);
        wait_for_change(fixture);
        assert_address(fixture, "10.0.0.7");
}

static void test_a_name_that_goes_has_no_address(Fixture *fixture, gconstpointer data)
{
        serve(fixture, "--host-record=board.lab,10.0.0.5,2", NULL);
        follow(fixture, "board.lab");
        wait_for_change(fixture);
        serve(fixture, "--host-record=other.lab,10.0.0.5,2", NULL);
        wait_for_change(fixture);
        assert_address(fixture, "none");
        g_assert_cmpstr(resolver_name_fault(fixture->name), !=, NULL);

        serve(fixture, "--host-record=board.lab,10.0.0.5,2", NULL);
        wait_for_change(fixture);
        assert_address(fixture, "10.0.0.5");
        g_assert_null(resolver_name_fault(fixture->name));
}

static void test_while_nobody_can_be_asked_the_last_answer_holds(Fixture *fixture,
                                                                 gconstpointer data)
{
        serve(fixture, "--host-record=board.lab,10.0.0.5,2", NULL);
        follow(fixture, "board.lab");
        wait_for_change(fixture);
        stop_serving(fixture);
        wait_for_change(fixture);
        assert_address(fixture, "10.0.0.5");
        g_assert_cmpstr(resolver_name_fault(fixture->name), !=, NULL);

        serve(fixture, "--host-record=board.lab,10.0.0.8,2", NULL);
        wait_for_change(fixture);
        assert_address(fixture, "10.0.0.8");
        g_assert_null(resolver_name_fault(fixture->name));
}

static void test_of_several_it_keeps_its_own(Fixture *fixture, gconstpointer data)
{
        serve(fixture, "--host-record=board.lab,10.0.0.5,2", NULL);
        follow(fixture, "board.lab");
        wait_for_change(fixture);
        serve(fixture, "--host-record=board.lab,10.0.0.4,2", "--host-record=board.lab,10.0.0.5,2");
        run_for(4000);
        assert_address(fixture, "10.0.0.5");
}

static void test_the_hosts_own_file_counts(Fixture *fixture, gconstpointer data)
{
        follow(fixture, "listed.lab");
        wait_for_change(fixture);
        assert_address(fixture, "10.0.0.9");
}

static gboolean count(gpointer data)
{
        guint *n = data;

        ++*n;
        return G_SOURCE_CONTINUE;
}

/* The loop goes on, other names as well, and who is not interested any more is not told. */
static void test_a_silent_server_holds_nobody_up(Fixture *fixture, gconstpointer data)
{
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(53) };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        guint n_ticks = 0;

        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        g_assert_cmpint(bind(fd, (struct sockaddr *)&at, sizeof at), ==, 0);
        follow(fixture, "board.lab");
        ResolverName *silent = g_steal_pointer(&fixture->name);
        guint tick_id = g_timeout_add(10, count, &n_ticks);
        follow(fixture, "listed.lab");
        while (resolver_name_address(fixture->name) == 0)
                g_main_context_iteration(NULL, TRUE);
        assert_address(fixture, "10.0.0.9");
        g_assert_null(resolver_name_fault(silent));

        resolver_name_free(silent);
        fixture->n_changes = 0;
        run_for(3500); /* its time is over by then */
        g_assert_cmpuint(n_ticks, >, 100);
        g_assert_cmpuint(fixture->n_changes, ==, 0);
        g_source_remove(tick_id);
        close(fd);
}

int main(int argc, char **argv)
{
        if (!namespace_enter())
                return 77;
        enter_files();
        g_test_init(&argc, &argv, NULL);
#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)
        ADD("/resolver/follows-by-ttl", test_follows_by_ttl);
        ADD("/resolver/a-name-that-goes-has-no-address", test_a_name_that_goes_has_no_address);
        ADD("/resolver/while-nobody-can-be-asked-the-last-answer-holds",
            test_while_nobody_can_be_asked_the_last_answer_holds);
        ADD("/resolver/of-several-it-keeps-its-own", test_of_several_it_keeps_its_own);
        ADD("/resolver/the-hosts-own-file-counts", test_the_hosts_own_file_counts);
        ADD("/resolver/a-silent-server-holds-nobody-up", test_a_silent_server_holds_nobody_up);
#undef ADD
        return g_test_run();
}
