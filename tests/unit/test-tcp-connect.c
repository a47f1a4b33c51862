/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Two boards with the same address behind two interfaces with the same address, each in a network
 * namespace of its own: twins. */

#include "host/tcp-connect.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "host/ip-address.h"
#include "host/link.h"
#include "namespace.h"
#include "util/error.h"

#define HOST   0xc0a801fe /* 192.168.1.254 */
#define BOARD  0xc0a80101 /* 192.168.1.1 */
#define NOBODY 0xc0a80109 /* 192.168.1.9 */
#define PORT   22

/* A machine may be busy. */
#define PATIENCE_MS 20000
#define LIMIT_MS    10000

typedef struct Board {
        int namespace;
        int server; /* listens on PORT */
} Board;

typedef struct Fixture {
        Board first, second; /* behind dut1 and dut2 */
        int here;
} Fixture;

static void put_address(const char *interface, guint32 address, guint32 flags)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Netlink) rtnl = netlink_new(NETLINK_ROUTE, &error);
        Link link;

        g_assert_no_error(error);
        g_assert_cmpint(link_get(rtnl, interface, &link), ==, 0);
        const IpAddress item = {
                .index = link.index,
                .address = address,
                .broadcast = address | 0xff,
                .prefix = 24,
                .scope = RT_SCOPE_UNIVERSE,
                .flags = flags,
                .valid_sec = G_MAXUINT32,
                .preferred_sec = G_MAXUINT32,
        };
        ip_address_add(rtnl, &item, NULL, &error);
        g_assert_no_error(error);
        link_set_up(rtnl, interface, true, &error);
        g_assert_no_error(error);
}

static int server_new(void)
{
        const struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(PORT) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(bind(fd, (const struct sockaddr *)&name, sizeof name), ==, 0);
        g_assert_cmpint(listen(fd, 8), ==, 0);
        return fd;
}

/* @flags: of the host's address. */
static Board board_new(const char *outer, const char *inner, guint32 flags)
{
        Board board;
        int here = namespace_open();

        g_assert_true(namespace_enter());
        board.namespace = namespace_open();
        namespace_set(here);
        namespace_add_veth(outer, inner);
        namespace_move_link(inner, board.namespace);
        put_address(outer, HOST, flags);

        namespace_set(board.namespace);
        put_address(inner, BOARD, 0);
        board.server = server_new();
        namespace_set(here);
        close(here);
        return board;
}

static void board_free(const Board *board, const char *outer)
{
        close(board->server);
        close(board->namespace);
        if (if_nametoindex(outer) != 0)
                namespace_delete_link(outer);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
        fixture->first = board_new("dut1", "eth0", 0);
        fixture->second = board_new("dut2", "eth0", IFA_F_NOPREFIXROUTE);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        board_free(&fixture->first, "dut1");
        board_free(&fixture->second, "dut2");
}

/* What an attempt has come to. */
typedef struct Outcome {
        TcpConnect *attempt; /* freed in the callback, as an owner may */
        bool is_there;
        int fd;
        GError *error;
} Outcome;

static void on_done(int fd, const GError *error, gpointer data)
{
        Outcome *outcome = data;

        g_assert_false(outcome->is_there);
        outcome->is_there = true;
        outcome->fd = fd;
        outcome->error = error ? g_error_copy(error) : NULL;
        g_clear_pointer(&outcome->attempt, tcp_connect_free);
}

static TcpRoute route_by(const char *interface)
{
        return (TcpRoute){ interface, HOST, BOARD, PORT };
}

static Outcome try(const TcpRoute *route, guint timeout_ms)
{
        Outcome outcome = { .fd = -1 };

        outcome.attempt = tcp_connect_new(route, timeout_ms, on_done, &outcome, &outcome.error);
        if (!outcome.attempt)
                return outcome;
        g_assert_false(outcome.is_there); /* never from inside the call */
        wait_until(&outcome.is_there, PATIENCE_MS);
        return outcome;
}

static void assert_fails(const TcpRoute *route, guint timeout_ms, ServiceError code,
                         const char *words)
{
        Outcome outcome = try(route, timeout_ms);

        g_assert_cmpint(outcome.fd, ==, -1);
        g_assert_error(outcome.error, SERVICE_ERROR, (gint)code);
        g_assert_nonnull(strstr(outcome.error->message, words));
        g_clear_error(&outcome.error);
}

/* The other end of it, on @board alone. */
static int accept_from_host(const Board *board)
{
        struct sockaddr_in peer;
        socklen_t size = sizeof peer;
        struct pollfd server = { .fd = board->server, .events = POLLIN };

        /* Our end knows of the connection before the other. */
        g_assert_cmpint(poll(&server, 1, PATIENCE_MS), ==, 1);
        int fd = accept(board->server, (struct sockaddr *)&peer, &size);

        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpuint(ntohl(peer.sin_addr.s_addr), ==, HOST);
        return fd;
}

static void assert_no_connection(const Board *board)
{
        g_assert_cmpint(accept(board->server, NULL, NULL), ==, -1);
        g_assert_cmpint(errno, ==, EAGAIN);
}

static guint count_fds(void)
{
        g_autoptr(GDir) directory = g_dir_open("/proc/self/fd", 0, NULL);
        guint n = 0;

        while (g_dir_read_name(directory))
                n++;
        return n;
}

/* The first's route is the main one, the second has none; each leads to its own board. */
static void test_twins(Fixture *fixture, gconstpointer data)
{
        const char *const interfaces[] = { "dut1", "dut2" };
        const Board *boards[] = { &fixture->first, &fixture->second };

        for (guint i = 0; i < G_N_ELEMENTS(interfaces); i++) {
                TcpRoute route = route_by(interfaces[i]);
                Outcome outcome = try(&route, LIMIT_MS);
                g_assert_no_error(outcome.error);
                int other = accept_from_host(boards[i]);
                assert_no_connection(boards[1 - i]);
                close(other);
                close(outcome.fd);
        }
}

static void test_descriptor(Fixture *fixture, gconstpointer data)
{
        char interface[IFNAMSIZ], answer[4];
        socklen_t size = sizeof interface;
        TcpRoute route = route_by("dut2");
        Outcome outcome = try(&route, LIMIT_MS);

        g_assert_no_error(outcome.error);
        int other = accept_from_host(&fixture->second);
        g_assert_cmpint(fcntl(outcome.fd, F_GETFL) & O_NONBLOCK, ==, 0);
        g_assert_cmpint(fcntl(outcome.fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
        g_assert_cmpint(getsockopt(outcome.fd, SOL_SOCKET, SO_BINDTODEVICE, interface, &size), ==,
                        0);
        g_assert_cmpstr(interface, ==, "dut2");
        g_assert_cmpint(send(other, "pong", 4, 0), ==, 4);
        g_assert_cmpint(recv(outcome.fd, answer, sizeof answer, MSG_WAITALL), ==, 4);
        close(other);
        close(outcome.fd);
}

static void test_refused(Fixture *fixture, gconstpointer data)
{
        TcpRoute route = route_by("dut1");

        route.port = 23;
        assert_fails(&route, LIMIT_MS, SERVICE_ERROR_REFUSED, "192.168.1.1 port 23");
}

/* Nobody answers; the kernel itself gives up after three seconds. */
static void test_timed_out(Fixture *fixture, gconstpointer data)
{
        TcpRoute route = route_by("dut2");

        route.address = NOBODY;
        assert_fails(&route, 300, SERVICE_ERROR_TIMED_OUT, "192.168.1.9 port 22: no answer");
}

static void test_nobody_there(Fixture *fixture, gconstpointer data)
{
        TcpRoute route = route_by("dut1");

        route.address = NOBODY;
        assert_fails(&route, LIMIT_MS, SERVICE_ERROR_UNREACHABLE, "192.168.1.9 port 22");
}

static void test_no_way(Fixture *fixture, gconstpointer data)
{
        TcpRoute route = route_by("none0");
        assert_fails(&route, LIMIT_MS, SERVICE_ERROR_UNREACHABLE, "192.168.1.1 port 22");

        route = route_by("dut1");
        route.source = BOARD;
        assert_fails(&route, LIMIT_MS, SERVICE_ERROR_UNREACHABLE, "192.168.1.1 port 22");

        namespace_delete_link("dut2");
        route = route_by("dut2");
        assert_fails(&route, LIMIT_MS, SERVICE_ERROR_UNREACHABLE, "192.168.1.1 port 22");
        assert_no_connection(&fixture->first);
}

static void test_given_up(Fixture *fixture, gconstpointer data)
{
        guint before = count_fds();
        Outcome outcome = { .fd = -1 };
        TcpRoute route = route_by("dut1");

        route.address = NOBODY;
        outcome.attempt = tcp_connect_new(&route, 100, on_done, &outcome, &outcome.error);
        g_assert_no_error(outcome.error);
        g_assert_cmpuint(count_fds(), ==, before + 1);
        g_clear_pointer(&outcome.attempt, tcp_connect_free);
        g_assert_cmpuint(count_fds(), ==, before);
        run_for(150);
        g_assert_false(outcome.is_there);
}

/* All under way at the same time; every second one finds a server. */
static void test_many(Fixture *fixture, gconstpointer data)
{
        Outcome outcomes[64] = { 0 };
        guint before = count_fds();
        TcpRoute route = route_by("dut2");

        g_assert_cmpint(listen(fixture->second.server, G_N_ELEMENTS(outcomes)), ==, 0);
        for (guint i = 0; i < G_N_ELEMENTS(outcomes); i++) {
                Outcome *outcome = &outcomes[i];
                route.port = i % 2 ? PORT : PORT + 1;
                outcome->attempt =
                        tcp_connect_new(&route, LIMIT_MS, on_done, outcome, &outcome->error);
                g_assert_no_error(outcome->error);
        }
        for (guint i = 0; i < G_N_ELEMENTS(outcomes); i++) {
                Outcome *outcome = &outcomes[i];
                wait_until(&outcome->is_there, PATIENCE_MS);
                if (i % 2 == 0) {
                        g_assert_error(outcome->error, SERVICE_ERROR, SERVICE_ERROR_REFUSED);
                        g_clear_error(&outcome->error);
                        continue;
                }
                g_assert_no_error(outcome->error);
                close(accept_from_host(&fixture->second));
                close(outcome->fd);
        }
        g_assert_cmpuint(count_fds(), ==, before);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (!namespace_enter())
                return 77;
        ADD("/tcp-connect/reaches-the-board-of-its-interface", test_twins);
        ADD("/tcp-connect/descriptor-is-what-a-client-expects", test_descriptor);
        ADD("/tcp-connect/refused", test_refused);
        ADD("/tcp-connect/timed-out", test_timed_out);
        ADD("/tcp-connect/nobody-has-the-address", test_nobody_there);
        ADD("/tcp-connect/no-way", test_no_way);
        ADD("/tcp-connect/given-up", test_given_up);
        ADD("/tcp-connect/many-at-once", test_many);
        return g_test_run();
}
