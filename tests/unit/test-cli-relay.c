/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The relay in a thread of its own, between pipes and a TCP connection on the loopback interface.
 */

#include "cli/relay.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/error.h"

/* A machine may be busy. */
#define PATIENCE_SEC 20
/* More than any buffer on the way. */
#define LARGE (8 * 1024 * 1024)

typedef struct Fixture {
        int peer;    /* the other end of the connection */
        int in, out; /* what the relay reads from is written to, and the other way round */
        int socket_fd, in_fd, out_fd; /* the relay's own */
        GThread *thread;
        GError *error;
} Fixture;

static void connect_pair(int *ret_fd, int *ret_peer)
{
        struct sockaddr_in name = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof name;
        int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        g_assert_cmpint(bind(server, (struct sockaddr *)&name, size), ==, 0);
        g_assert_cmpint(listen(server, 1), ==, 0);
        g_assert_cmpint(getsockname(server, (struct sockaddr *)&name, &size), ==, 0);
        g_assert_cmpint(connect(fd, (struct sockaddr *)&name, size), ==, 0);
        *ret_peer = accept(server, NULL, NULL);
        g_assert_cmpint(*ret_peer, >=, 0);
        *ret_fd = fd;
        close(server);
}

static gpointer run(gpointer data)
{
        Fixture *fixture = data;
        bool done = relay_run(fixture->socket_fd, fixture->in_fd, fixture->out_fd, &fixture->error);

        g_assert_cmpint(done, ==, !fixture->error);
        close(fixture->socket_fd);
        close(fixture->in_fd);
        close(fixture->out_fd);
        return NULL;
}

static void set_up(Fixture *fixture, gconstpointer data)
{
        int in[2], out[2];

        g_assert_cmpint(pipe(in), ==, 0);
        g_assert_cmpint(pipe(out), ==, 0);
        connect_pair(&fixture->socket_fd, &fixture->peer);
        fixture->in_fd = in[0];
        fixture->in = in[1];
        fixture->out = out[0];
        fixture->out_fd = out[1];
        fixture->thread = g_thread_new("relay", run, fixture);
}

static void close_it(int *fd)
{
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

/* The relay's own end, which does not need ours. */
static void assert_ends(Fixture *fixture, const char *words)
{
        g_thread_join(g_steal_pointer(&fixture->thread));
        if (!words) {
                g_assert_no_error(fixture->error);
                return;
        }
        g_assert_error(fixture->error, CLI_ERROR, CLI_ERROR_FAILED);
        g_assert_nonnull(strstr(fixture->error->message, words));
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        g_assert_null(fixture->thread);
        close_it(&fixture->peer);
        close_it(&fixture->in);
        close_it(&fixture->out);
        g_clear_error(&fixture->error);
}

static void send_text(int fd, const char *text)
{
        g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
}

static void assert_text(int fd, const char *text)
{
        char buffer[100];

        for (size_t at = 0; at < strlen(text);) {
                ssize_t n = read(fd, buffer, strlen(text) - at);
                g_assert_cmpint(n, >, 0);
                g_assert_cmpmem(buffer, (gsize)n, text + at, (gsize)n);
                at += (size_t)n;
        }
}

static void assert_end(int fd)
{
        char byte;
        g_assert_cmpint(read(fd, &byte, 1), ==, 0);
}

/* What @i of a large amount is, everywhere another. */
static char byte_at(guint32 i)
{
        return (char)(i * 2654435761u >> 24);
}

/* Writes the large amount to the descriptor, and ends it. */
static gpointer write_large(gpointer data)
{
        int fd = GPOINTER_TO_INT(data);
        g_autofree char *bytes = g_malloc(LARGE);

        for (guint32 i = 0; i < LARGE; i++)
                bytes[i] = byte_at(i);
        for (size_t at = 0; at < LARGE;) {
                ssize_t n = write(fd, bytes + at, LARGE - at);
                g_assert_cmpint(n, >, 0);
                at += (size_t)n;
        }
        return NULL;
}

static void assert_large(int fd)
{
        g_autofree char *bytes = g_malloc(LARGE);
        size_t at = 0;

        for (ssize_t n; at < LARGE; at += (size_t)n) {
                n = read(fd, bytes + at, LARGE - at);
                g_assert_cmpint(n, >, 0);
        }
        for (guint32 i = 0; i < LARGE; i++)
                if (bytes[i] != byte_at(i))
                        g_error("byte %u is another", i);
}

static void test_both_ways(Fixture *fixture, gconstpointer data)
{
        for (guint i = 0; i < 3; i++) {
                send_text(fixture->in, "up");
                assert_text(fixture->peer, "up");
                send_text(fixture->peer, "down");
                assert_text(fixture->out, "down");
        }
        close_it(&fixture->in);
        close_it(&fixture->peer);
        assert_ends(fixture, NULL);
}

/* The end of stdin is the peer's to see; it goes on answering as long as it likes. */
static void test_input_ends(Fixture *fixture, gconstpointer data)
{
        send_text(fixture->in, "question");
        close_it(&fixture->in);
        assert_text(fixture->peer, "question");
        assert_end(fixture->peer);
        for (guint i = 0; i < 3; i++) {
                send_text(fixture->peer, "answer");
                assert_text(fixture->out, "answer");
        }
        close_it(&fixture->peer);
        assert_end(fixture->out);
        assert_ends(fixture, NULL);
}

/* The peer has nothing to say from the start, and takes all. */
static void test_peer_ends_first(Fixture *fixture, gconstpointer data)
{
        g_assert_cmpint(shutdown(fixture->peer, SHUT_WR), ==, 0);
        assert_end(fixture->out);
        GThread *writer = g_thread_new("up", write_large, GINT_TO_POINTER(fixture->in));
        assert_large(fixture->peer);
        g_thread_join(writer);
        close_it(&fixture->in);
        assert_end(fixture->peer);
        assert_ends(fixture, NULL);
}

/* Stdin stays open, as a terminal does. */
static void test_peer_closes(Fixture *fixture, gconstpointer data)
{
        send_text(fixture->peer, "bye");
        close_it(&fixture->peer);
        assert_text(fixture->out, "bye");
        assert_end(fixture->out);
        assert_ends(fixture, NULL);
}

static void test_large(Fixture *fixture, gconstpointer data)
{
        GThread *up = g_thread_new("up", write_large, GINT_TO_POINTER(fixture->in));
        GThread *down = g_thread_new("down", write_large, GINT_TO_POINTER(fixture->peer));

        /* Nobody reads what comes down until all has gone up. */
        assert_large(fixture->peer);
        assert_large(fixture->out);
        g_thread_join(up);
        g_thread_join(down);
        close_it(&fixture->in);
        close_it(&fixture->peer);
        assert_ends(fixture, NULL);
}

static void test_reader_goes(Fixture *fixture, gconstpointer data)
{
        send_text(fixture->peer, "hello");
        assert_text(fixture->out, "hello");
        close_it(&fixture->out);
        send_text(fixture->in, "thanks");
        assert_text(fixture->peer, "thanks");
        assert_ends(fixture, NULL);
        assert_end(fixture->peer);
}

static void test_more_for_nobody(Fixture *fixture, gconstpointer data)
{
        close_it(&fixture->out);
        send_text(fixture->peer, "hello");
        assert_ends(fixture, "standard output");
}

/* A peer that waits for the end, and then closes. */
static gpointer wait_for_end(gpointer data)
{
        assert_end(GPOINTER_TO_INT(data));
        close(GPOINTER_TO_INT(data));
        return NULL;
}

static void test_unreadable_input(void)
{
        g_autoptr(GError) error = NULL;
        int fd, peer, null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

        connect_pair(&fd, &peer);
        GThread *thread = g_thread_new("peer", wait_for_end, GINT_TO_POINTER(peer));
        g_assert_false(relay_run(fd, null_fd, null_fd, &error));
        g_assert_error(error, CLI_ERROR, CLI_ERROR_FAILED);
        g_assert_nonnull(strstr(error->message, "standard input"));
        g_thread_join(thread);
        close(fd);
        close(null_fd);
}

static void reset(Fixture *fixture)
{
        const struct linger at_once = { .l_onoff = 1 };

        g_assert_cmpint(setsockopt(fixture->peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once),
                        ==, 0);
        close_it(&fixture->peer);
}

static void test_reset(Fixture *fixture, gconstpointer data)
{
        send_text(fixture->peer, "last words");
        assert_text(fixture->out, "last words");
        reset(fixture);
        assert_ends(fixture, "the connection");
        assert_end(fixture->out);
}

/* What came before is delivered, though what goes up is lost, and stdout takes its time. */
static void test_reset_under_way(Fixture *fixture, gconstpointer data)
{
        const gsize size = 100 * 1000; /* a full pipe, and the rest in the relay */
        g_autofree char *sent = g_strnfill(size, 'x');
        g_autofree char *got = g_malloc(size);
        struct pollfd peer = { .fd = fixture->peer, .events = POLLIN };
        int n_waiting = 1;

        g_assert_cmpint(write(fixture->peer, sent, size), ==, (gssize)size);
        send_text(fixture->in, "unread");
        g_assert_cmpint(poll(&peer, 1, PATIENCE_SEC * 1000), ==, 1);
        close_it(&fixture->peer); /* with unread bytes: a reset */
        send_text(fixture->in, "more");
        while (n_waiting > 0) {
                g_assert_cmpint(ioctl(fixture->in, FIONREAD, &n_waiting), ==, 0);
                g_thread_yield();
        }
        for (gsize at = 0; at < size;) {
                ssize_t n = read(fixture->out, got + at, size - at);
                g_assert_cmpint(n, >, 0);
                at += (gsize)n;
        }
        g_assert_cmpmem(got, size, sent, size);
        assert_end(fixture->out);
        assert_ends(fixture, "the connection");
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        (void)signal(SIGPIPE, SIG_IGN);
        alarm(3 * PATIENCE_SEC); /* rather than hang */
        ADD("/cli/relay/both-ways", test_both_ways);
        ADD("/cli/relay/end-of-input-is-half-a-close", test_input_ends);
        ADD("/cli/relay/peer-that-ends-first-gets-all", test_peer_ends_first);
        ADD("/cli/relay/peer-that-closes-ends-it", test_peer_closes);
        ADD("/cli/relay/loses-nothing", test_large);
        ADD("/cli/relay/reader-that-goes-ends-it", test_reader_goes);
        ADD("/cli/relay/more-for-nobody-is-an-error", test_more_for_nobody);
        ADD("/cli/relay/reset-is-an-error", test_reset);
        ADD("/cli/relay/delivers-what-came-before-a-reset", test_reset_under_way);
        g_test_add_func("/cli/relay/unreadable-input-leaves-no-peer-waiting",
                        test_unreadable_input);
        return g_test_run();
}
