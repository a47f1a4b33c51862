/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Connections on the loopback interface, all of whose 127.0.0.0/8 is there. */

#include "cli/port-probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model/address.h"

/* A machine may be busy; what is found is found within milliseconds otherwise. */
#define PATIENCE_MS 20000

/* A bound socket that does not listen yet: connections are refused. *@port 0: any. */
static int server_new(const char *text, guint16 *port)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        guint32 address;
        g_assert_cmpint(fd, >=, 0);
        g_assert_true(address_parse(text, &address));

        struct sockaddr_in name = {
                .sin_family = AF_INET,
                .sin_port = htons(*port),
                .sin_addr.s_addr = htonl(address),
        };
        socklen_t size = sizeof name;
        g_assert_cmpint(bind(fd, (struct sockaddr *)&name, size), ==, 0);
        g_assert_cmpint(getsockname(fd, (struct sockaddr *)&name, &size), ==, 0);
        *port = ntohs(name.sin_port);
        return fd;
}

static void assert_no_connection(int server)
{
        g_assert_cmpint(accept(server, NULL, NULL), ==, -1);
        g_assert_cmpint(errno, ==, EAGAIN);
}

static void set_addresses(PortProbe *probe, const char *first, const char *second)
{
        g_autoptr(GHashTable) addresses = g_hash_table_new(g_str_hash, g_str_equal);
        if (first)
                g_hash_table_add(addresses, (gpointer)first);
        if (second)
                g_hash_table_add(addresses, (gpointer)second);
        port_probe_set_addresses(probe, addresses);
}

static char *wait_for_answer(PortProbe *probe)
{
        for (;;) {
                struct pollfd pollfd = { .fd = port_probe_fd(probe), .events = POLLIN };
                int r = poll(&pollfd, 1, PATIENCE_MS);
                g_assert_cmpint(r, ==, 1);
                char *answer = port_probe_dispatch(probe);
                if (answer)
                        return answer;
        }
}

static PortProbe *probe_new(const char *interface, guint16 port)
{
        g_autoptr(GError) error = NULL;
        PortProbe *probe = port_probe_new(interface, port, &error);
        g_assert_no_error(error);
        return probe;
}

static void test_found(void)
{
        guint16 port = 0;
        int server = server_new("127.0.0.3", &port);
        g_assert_cmpint(listen(server, 8), ==, 0);

        g_autoptr(PortProbe) probe = probe_new("lo", port);
        set_addresses(probe, "127.0.0.2", "127.0.0.3");
        g_autofree char *answer = wait_for_answer(probe);
        g_assert_cmpstr(answer, ==, "127.0.0.3");
        close(server);
}

static void test_opened_later(void)
{
        guint16 port = 0;
        int server = server_new("127.0.0.3", &port);
        g_autoptr(PortProbe) probe = probe_new("lo", port);
        set_addresses(probe, "127.0.0.3", NULL);
        for (guint i = 0; i < 3; i++)
                g_assert_null(port_probe_dispatch(probe));

        g_assert_cmpint(listen(server, 8), ==, 0);
        g_autofree char *answer = wait_for_answer(probe);
        g_assert_cmpstr(answer, ==, "127.0.0.3");
        close(server);
}

/* It does not wait for the next turn. */
static void test_hurry(void)
{
        guint16 port = 0;
        int server = server_new("127.0.0.3", &port);
        g_autoptr(PortProbe) probe = probe_new("lo", port);
        set_addresses(probe, "127.0.0.3", NULL);
        g_assert_null(port_probe_dispatch(probe));
        g_assert_null(port_probe_dispatch(probe));

        port_probe_hurry(probe, "127.0.0.2"); /* none of them */
        port_probe_hurry(probe, "127.0.0.3");
        struct pollfd pollfd = { .fd = port_probe_fd(probe), .events = POLLIN };
        g_assert_cmpint(poll(&pollfd, 1, 0), ==, 1);
        close(server);
}

static void test_replaced(void)
{
        guint16 port = 0;
        int old = server_new("127.0.0.3", &port);
        int new = server_new("127.0.0.4", &port);
        g_assert_cmpint(listen(old, 8), ==, 0);
        g_assert_cmpint(listen(new, 8), ==, 0);

        g_autoptr(PortProbe) probe = probe_new("lo", port);
        set_addresses(probe, "127.0.0.3", NULL);
        set_addresses(probe, "127.0.0.4", "not an address");
        g_autofree char *answer = wait_for_answer(probe);
        g_assert_cmpstr(answer, ==, "127.0.0.4");
        assert_no_connection(old);
        close(old);
        close(new);
}

/* What is being tried is dropped with its address. */
static void test_emptied(void)
{
        guint16 port = 0;
        int server = server_new("127.0.0.3", &port);
        g_assert_cmpint(listen(server, 8), ==, 0);

        g_autoptr(PortProbe) probe = probe_new("lo", port);
        set_addresses(probe, "127.0.0.3", NULL);
        (void)port_probe_dispatch(probe); /* begins to connect */
        set_addresses(probe, NULL, NULL);
        g_assert_null(port_probe_dispatch(probe));
        struct pollfd pollfd = { .fd = port_probe_fd(probe), .events = POLLIN };
        g_assert_cmpint(poll(&pollfd, 1, 0), ==, 0);
        close(server);
}

/* The address is there, but not behind that interface. */
static void test_nowhere_else(void)
{
        guint16 port = 0;
        int server = server_new("127.0.0.3", &port);
        g_assert_cmpint(listen(server, 8), ==, 0);

        g_autoptr(PortProbe) probe = probe_new("none0", port);
        set_addresses(probe, "127.0.0.3", NULL);
        g_assert_null(port_probe_dispatch(probe));
        g_assert_null(port_probe_dispatch(probe));
        assert_no_connection(server);
        close(server);
}

/* More than there may be connections at a time, most of them without an answer. */
static void test_many(void)
{
        guint16 port = 0;
        int server = server_new("127.0.0.3", &port);
        g_assert_cmpint(listen(server, 8), ==, 0);

        g_autoptr(GHashTable) addresses =
                g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (guint i = 0; i < 2000; i++)
                g_hash_table_add(addresses, address_to_string(0x7f010000 + i));
        g_hash_table_add(addresses, g_strdup("127.0.0.3"));

        g_autoptr(PortProbe) probe = probe_new("lo", port);
        port_probe_set_addresses(probe, addresses);
        g_autofree char *answer = wait_for_answer(probe);
        g_assert_cmpstr(answer, ==, "127.0.0.3");
        close(server);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/cli/port-probe/finds-the-one-that-answers", test_found);
        g_test_add_func("/cli/port-probe/tries-again", test_opened_later);
        g_test_add_func("/cli/port-probe/hurries", test_hurry);
        g_test_add_func("/cli/port-probe/tries-the-addresses-given-last", test_replaced);
        g_test_add_func("/cli/port-probe/drops-what-is-not-wanted-any-more", test_emptied);
        g_test_add_func("/cli/port-probe/connects-by-the-interface-alone", test_nowhere_else);
        g_test_add_func("/cli/port-probe/takes-turns", test_many);
        return g_test_run();
}
