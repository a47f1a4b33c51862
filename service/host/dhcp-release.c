/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One datagram. It goes by the loopback interface, as the server is the host's own, and is bound to
 * the network's for the server to know which one it is about. */

#include "host/dhcp-release.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model/address.h"
#include "util/error.h"

#define SERVER_PORT 67
#define BOOTREQUEST 1
#define ETHERNET    1
#define MAC_SIZE    6
#define COOKIE      0x63825363
#define RELEASE     7 /* option 53 */

typedef struct Packet {
        guint8 op, hardware, hardware_length, hops;
        guint32 id;
        guint16 seconds, flags;
        guint32 client, yours, next, relay;
        guint8 mac[16];
        guint8 names[64 + 128];
        guint32 cookie;
        guint8 options[64];
} __attribute__((packed)) Packet;

static Packet packet_of(guint32 server, guint32 address, const char *mac)
{
        const guint32 server_id = htonl(server);
        Packet packet = {
                .op = BOOTREQUEST,
                .hardware = ETHERNET,
                .hardware_length = MAC_SIZE,
                .id = g_random_int(),
                .client = htonl(address),
                .cookie = htonl(COOKIE),
                .options = { 53, 1, RELEASE, 54, sizeof server_id },
        };

        memcpy(packet.options + 5, &server_id, sizeof server_id);
        packet.options[5 + sizeof server_id] = 255;
        mac_to_bytes(mac, packet.mac);
        return packet;
}

static int send_to(const char *interface, guint32 server, const Packet *packet)
{
        const struct sockaddr_in to = { .sin_family = AF_INET,
                                        .sin_port = htons(SERVER_PORT),
                                        .sin_addr.s_addr = htonl(server) };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return -errno;
        bool sent = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
                               (socklen_t)strlen(interface)) == 0 &&
                    sendto(fd, packet, sizeof *packet, 0, (const struct sockaddr *)&to,
                           sizeof to) == sizeof *packet;
        int r = sent ? 0 : -errno;
        close(fd);
        return r;
}

bool dhcp_release(const char *interface, guint32 server, guint32 address, const char *mac,
                  GError **error)
{
        const Packet packet = packet_of(server, address, mac);
        char text[ADDRESS_TEXT_SIZE];

        int r = send_to(interface, server, &packet);
        if (r == 0)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "cannot end the lease of %s: %s",
                    address_format(address, text), g_strerror(-r));
        return false;
}
