/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A packet(7) socket on one interface, whose filter lets DHCP requests through alone, so the daemon
 * does not wake for anything else. Packets begin with the IP header (SOCK_DGRAM). */

#include "host/dhcp-watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model/address.h"
#include "util/error.h"

#define DHCP_SERVER_PORT 67

/* Offsets in a BOOTP message (RFC 951, section 3), behind the 8 bytes of the UDP header. */
#define UDP_HEADER_SIZE 8
#define BOOTP_OP        0
#define BOOTP_HTYPE     1
#define BOOTP_HLEN      2
#define BOOTP_CHADDR    28
#define BOOTREQUEST     1

#define IP_PROTOCOL 9
#define IP_FRAGMENT 6

/* More than the longest IP header, UDP and BOOTP up to the client's address. */
#define CAPTURE_SIZE 128

struct DhcpWatch {
        int fd;
        guint source_id;
        DhcpAsked asked;
        gpointer data;
};

/* UDP, not a later fragment, to the server's port. */
static int attach_filter(int fd)
{
        struct sock_filter filter[] = {
                BPF_STMT(BPF_LD | BPF_B | BPF_ABS, IP_PROTOCOL),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
                BPF_STMT(BPF_LD | BPF_H | BPF_ABS, IP_FRAGMENT),
                BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 4, 0),
                BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
                BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DHCP_SERVER_PORT, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, CAPTURE_SIZE),
                BPF_STMT(BPF_RET | BPF_K, 0),
        };
        struct sock_fprog program = { .len = G_N_ELEMENTS(filter), .filter = filter };

        return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

/* The client's hardware address in the packet; false where it is not an Ethernet DHCP request. */
static bool parse(const guint8 *packet, gsize length, char ret_mac[static MAC_TEXT_SIZE])
{
        if (length < 20)
                return false;
        gsize offset = (gsize)(packet[0] & 0xf) * 4 + UDP_HEADER_SIZE;
        if (length < offset + BOOTP_CHADDR + ETH_ALEN)
                return false;

        const guint8 *bootp = packet + offset;
        const guint8 *mac = bootp + BOOTP_CHADDR;
        if (bootp[BOOTP_OP] != BOOTREQUEST || bootp[BOOTP_HTYPE] != 1 ||
            bootp[BOOTP_HLEN] != ETH_ALEN)
                return false;
        g_snprintf(ret_mac, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
                   mac[3], mac[4], mac[5]);
        return true;
}

/* One packet a wake-up: @asked may free the watch. */
static gboolean readable(int fd, GIOCondition condition, gpointer data)
{
        DhcpWatch *watch = data;
        guint8 packet[CAPTURE_SIZE];
        struct sockaddr_ll from;
        socklen_t size = sizeof from;
        char mac[MAC_TEXT_SIZE];

        ssize_t n = recvfrom(fd, packet, sizeof packet, 0, (struct sockaddr *)&from, &size);
        if (n > 0 && from.sll_pkttype != PACKET_OUTGOING && parse(packet, (gsize)n, mac))
                watch->asked(mac, watch->data);
        return G_SOURCE_CONTINUE;
}

static bool fail(GError **error, const char *attempt)
{
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "cannot %s for DHCP requests: %s",
                    attempt, g_strerror(errno));
        return false;
}

static bool listen_on(DhcpWatch *watch, guint index, GError **error)
{
        struct sockaddr_ll address = {
                .sll_family = AF_PACKET,
                .sll_protocol = htons(ETH_P_IP),
                .sll_ifindex = (int)index,
        };

        /* Protocol 0: nothing arrives before the filter is there. */
        watch->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (watch->fd < 0)
                return fail(error, "open a socket");
        if (attach_filter(watch->fd) < 0)
                return fail(error, "set a filter");
        if (bind(watch->fd, (struct sockaddr *)&address, sizeof address) < 0)
                return fail(error, "listen");
        return true;
}

DhcpWatch *dhcp_watch_new(guint index, DhcpAsked asked, gpointer data, GError **error)
{
        g_autoptr(DhcpWatch) watch = g_new0(DhcpWatch, 1);

        watch->asked = asked;
        watch->data = data;
        if (!listen_on(watch, index, error))
                return NULL;
        watch->source_id = g_unix_fd_add(watch->fd, G_IO_IN, readable, watch);
        return g_steal_pointer(&watch);
}

void dhcp_watch_free(DhcpWatch *watch)
{
        if (!watch)
                return;
        if (watch->source_id)
                g_source_remove(watch->source_id);
        if (watch->fd >= 0)
                close(watch->fd);
        g_free(watch);
}
