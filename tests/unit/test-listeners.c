/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Sockets of this process, in a network namespace of its own, as the kernel tells of them. */

#include "host/listeners.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "namespace.h"

#define PORT 2222

typedef struct Case {
        int type;            /* SOCK_STREAM or SOCK_DGRAM */
        const char *address; /* of IPv4, or of IPv6 with a colon in it */
        bool only_ipv6;
        const char *found; /* NULL: it takes no IPv4 */
} Case;

static int open_socket(const Case *c)
{
        bool is_ipv6 = strchr(c->address, ':');
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(PORT) };
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
        const int only = c->only_ipv6;
        int fd = socket(is_ipv6 ? AF_INET6 : AF_INET, c->type | SOCK_CLOEXEC, 0);

        g_assert_cmpint(fd, >=, 0);
        if (is_ipv6) {
                g_assert_cmpint(inet_pton(AF_INET6, c->address, &in6.sin6_addr), ==, 1);
                g_assert_cmpint(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only), ==,
                                0);
                g_assert_cmpint(bind(fd, (struct sockaddr *)&in6, sizeof in6), ==, 0);
        } else {
                g_assert_cmpint(inet_pton(AF_INET, c->address, &in.sin_addr), ==, 1);
                g_assert_cmpint(bind(fd, (struct sockaddr *)&in, sizeof in), ==, 0);
        }
        return fd;
}

static GArray *find(Listeners *listeners, guint8 protocol, guint16 first, guint16 last)
{
        g_autoptr(GError) error = NULL;
        const PortRange ports = { first, last };
        GArray *found = listeners_find(listeners, protocol, &ports, &error);

        g_assert_no_error(error);
        return found;
}

static guint count(Listeners *listeners, guint8 protocol, guint16 first, guint16 last)
{
        g_autoptr(GArray) found = find(listeners, protocol, first, last);

        return found->len;
}

static void test_found(void)
{
        static const Case cases[] = {
                { SOCK_STREAM, "0.0.0.0", false, "0.0.0.0" },
                { SOCK_STREAM, "127.0.0.1", false, "127.0.0.1" },
                { SOCK_STREAM, "::", false, "0.0.0.0" },
                { SOCK_STREAM, "::", true, NULL },
                { SOCK_STREAM, "::1", false, NULL },
                { SOCK_STREAM, "::ffff:127.0.0.1", false, "127.0.0.1" },
                { SOCK_DGRAM, "0.0.0.0", false, "0.0.0.0" },
                { SOCK_DGRAM, "::", false, "0.0.0.0" },
                { SOCK_DGRAM, "::", true, NULL },
        };
        g_autoptr(GError) error = NULL;
        g_autoptr(Listeners) listeners = listeners_new(&error);

        g_assert_no_error(error);
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                const Case *c = &cases[i];
                guint8 protocol = c->type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
                guint8 other = protocol == IPPROTO_TCP ? IPPROTO_UDP : IPPROTO_TCP;
                int fd = open_socket(c);

                if (c->type == SOCK_STREAM) { /* bound alone, it takes nothing */
                        g_assert_cmpuint(count(listeners, protocol, PORT, PORT), ==, 0);
                        g_assert_cmpint(listen(fd, 1), ==, 0);
                }
                g_autoptr(GArray) found = find(listeners, protocol, PORT - 1, PORT + 1);
                g_assert_cmpuint(found->len, ==, c->found ? 1 : 0);
                if (c->found) {
                        const Listener *listener = &g_array_index(found, Listener, 0);
                        g_assert_cmpuint(listener->address, ==, ntohl(inet_addr(c->found)));
                        g_assert_cmpuint(listener->port, ==, PORT);
                        g_assert_cmpuint(listener->index, ==, 0);
                }
                g_assert_cmpuint(count(listeners, protocol, PORT + 1, 65535), ==, 0);
                g_assert_cmpuint(count(listeners, other, 1, 65535), ==, 0);
                close(fd);
        }
}

/* What is bound to an interface says so; who only sends to somebody waits for nobody else. */
static void test_bound(void)
{
        static const Case any = { SOCK_DGRAM, "0.0.0.0", false, NULL };
        struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = htons(9) };
        g_autoptr(GError) error = NULL;
        g_autoptr(Listeners) listeners = listeners_new(&error);
        int fd = open_socket(&any);

        g_assert_no_error(error);
        g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), ==, 0);
        g_autoptr(GArray) found = find(listeners, IPPROTO_UDP, PORT, PORT);
        g_assert_cmpuint(found->len, ==, 1);
        g_assert_cmpuint(g_array_index(found, Listener, 0).index, ==, if_nametoindex("lo"));

        peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        g_assert_cmpint(connect(fd, (struct sockaddr *)&peer, sizeof peer), ==, 0);
        g_assert_cmpuint(count(listeners, IPPROTO_UDP, PORT, PORT), ==, 0);
        close(fd);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (!namespace_enter())
                return 77;
        g_test_add_func("/listeners/found", test_found);
        g_test_add_func("/listeners/bound", test_bound);
        return g_test_run();
}
