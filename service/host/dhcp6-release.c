/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One datagram, to the servers' group on the interface, of which the host hears itself. It says
 * that a relay has passed it on: of a client that speaks for itself dnsmasq wants to know the MAC,
 * asks the link for it, and waits for half a second with all else (get_client_mac() of its
 * src/dhcp6.c). It comes from the client's address, so that the answer does not come back to the
 * server's own port. */

#include "host/dhcp6-release.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/error.h"

#define SERVER_PORT   547
#define RELEASE       8
#define RELAY_FORWARD 12
#define HEADER_SIZE   34 /* of a relay's message */

/* Options. */
#define CLIENT_ID     1
#define SERVER_ID     2
#define LASTING       3 /* IA_NA */
#define TEMPORARY     4 /* IA_TA */
#define ADDRESS       5
#define ELAPSED_TIME  8
#define RELAY_MESSAGE 9

static void put_u16(GByteArray *packet, guint16 value)
{
        guint16 bytes = GUINT16_TO_BE(value);
        g_byte_array_append(packet, (const guint8 *)&bytes, sizeof bytes);
}

static void put_u32(GByteArray *packet, guint32 value)
{
        guint32 bytes = GUINT32_TO_BE(value);
        g_byte_array_append(packet, (const guint8 *)&bytes, sizeof bytes);
}

static void put_option(GByteArray *packet, guint16 type, const guint8 *bytes, guint length)
{
        put_u16(packet, type);
        put_u16(packet, (guint16)length);
        g_byte_array_append(packet, bytes, length);
}

/* @text is "00:01:..."; what is not a number ends it. */
static void put_id(GByteArray *packet, guint16 type, const char *text)
{
        g_autoptr(GByteArray) id = g_byte_array_new();

        while (g_ascii_isxdigit(*text)) {
                char *end = NULL;
                guint8 byte = (guint8)g_ascii_strtoull(text, &end, 16);
                g_byte_array_append(id, &byte, 1);
                text = *end == ':' ? end + 1 : end;
        }
        put_option(packet, type, id->data, id->len);
}

static void put_lease(GByteArray *packet, const Lease *lease)
{
        g_autoptr(GByteArray) association = g_byte_array_new();
        guint8 address[sizeof lease->ip6 + 2 * sizeof(guint32)] = { 0 }; /* and two times */

        put_u32(association, lease->iaid);
        for (guint i = 0; i < 2 && !lease->is_temporary; i++)
                put_u32(association, 0); /* two more */
        memcpy(address, &lease->ip6, sizeof lease->ip6);
        put_option(association, ADDRESS, address, sizeof address);
        put_option(packet, lease->is_temporary ? TEMPORARY : LASTING, association->data,
                   association->len);
}

static GByteArray *packet_of(const char *server, const Lease *lease)
{
        const guint8 no_time[2] = { 0 };
        guint8 header[HEADER_SIZE] = { RELAY_FORWARD };
        GByteArray *packet = g_byte_array_new();
        g_autoptr(GByteArray) message = g_byte_array_new();

        put_u32(message, RELEASE << 24 | (g_random_int() & 0xffffff));
        put_id(message, CLIENT_ID, lease->duid);
        put_id(message, SERVER_ID, server);
        put_option(message, ELAPSED_TIME, no_time, sizeof no_time);
        put_lease(message, lease);
        memcpy(header + 2, &lease->ip6, sizeof lease->ip6);                     /* on which link */
        memcpy(header + 2 + sizeof lease->ip6, &lease->ip6, sizeof lease->ip6); /* whose */
        g_byte_array_append(packet, header, sizeof header);
        put_option(packet, RELAY_MESSAGE, message->data, message->len);
        return packet;
}

static int send_from(int fd, guint index, const Lease *lease, const GByteArray *packet)
{
        const int on = 1, interface = (int)index;
        struct sockaddr_in6 from = { .sin6_family = AF_INET6 };
        const struct sockaddr_in6 to = {
                .sin6_family = AF_INET6,
                .sin6_port = htons(SERVER_PORT),
                .sin6_addr.s6_addr = { 0xff, 2, [13] = 1, [15] = 2 }, /* ff02::1:2 */
                .sin6_scope_id = index,
        };

        memcpy(&from.sin6_addr, &lease->ip6, sizeof lease->ip6);
        bool sent =
                setsockopt(fd, SOL_IPV6, IPV6_TRANSPARENT, &on, sizeof on) == 0 &&
                setsockopt(fd, SOL_IPV6, IPV6_MULTICAST_IF, &interface, sizeof interface) == 0 &&
                bind(fd, (const struct sockaddr *)&from, sizeof from) == 0 &&
                sendto(fd, packet->data, packet->len, 0, (const struct sockaddr *)&to, sizeof to) ==
                        (ssize_t)packet->len;
        return sent ? 0 : -errno;
}

bool dhcp6_release(guint index, const char *server, const Lease *lease, GError **error)
{
        g_autoptr(GByteArray) packet = packet_of(server, lease);
        char text[ADDRESS6_TEXT_SIZE];
        int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        int r = fd < 0 ? -errno : send_from(fd, index, lease, packet);
        if (fd >= 0)
                close(fd);
        if (r == 0)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "cannot end the lease of %s: %s",
                    address6_format(&lease->ip6, text), g_strerror(-r));
        return false;
}
