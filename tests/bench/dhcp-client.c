/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Whole Ethernet frames over a packet socket: a board without an address has no other way, and a
 * DISCOVER can be sent as often as a fine measure needs. */

#include "bench/dhcp-client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/samples.h"

#define SEND_EVERY_NS 1000000
#define DEADLINE_NS   G_GINT64_CONSTANT(10000000000)

#define SERVER_PORT 67
#define CLIENT_PORT 68

#define OP_REQUEST     1
#define OP_REPLY       2
#define FLAG_BROADCAST 0x8000
#define MAGIC          0x63825363
#define OPTION_TYPE    53
#define OPTION_END     255
#define TYPE_DISCOVER  1
#define TYPE_OFFER     2

/* RFC 2131; type is option 53, which servers send first. */
typedef struct DhcpMessage {
        uint8_t op, hardware_type, hardware_length, hops;
        uint32_t transaction;
        uint16_t seconds, flags;
        uint32_t client_ip, your_ip, server_ip, relay_ip;
        uint8_t client_mac[16];
        char server_name[64], boot_file[128];
        uint32_t magic;
        uint8_t type_option, type_length, type, end;
} __attribute__((packed)) DhcpMessage;

typedef struct Frame {
        struct ether_header ethernet;
        struct iphdr ip;
        struct udphdr udp;
        DhcpMessage dhcp;
} __attribute__((packed)) Frame;

struct DhcpClient {
        int fd;
        uint8_t mac[ETH_ALEN];
        Frame discover;
        GThread *thread;
        gint64 offered; /* by the thread; read when it has ended. 0: never */
};

/* @header: a struct iphdr, at any address. */
static uint16_t checksum(const void *header)
{
        uint16_t words[sizeof(struct iphdr) / 2];
        uint32_t sum = 0;

        memcpy(words, header, sizeof(words));
        for (guint i = 0; i < G_N_ELEMENTS(words); i++)
                sum += words[i];
        sum = (sum & 0xffff) + (sum >> 16);
        return (uint16_t) ~(sum + (sum >> 16));
}

/* The UDP checksum is left out, as IPv4 allows. */
static Frame make_discover(const uint8_t *mac)
{
        Frame frame = {
                .ethernet.ether_type = htons(ETHERTYPE_IP),
                .ip = { .version = 4,
                        .ihl = 5,
                        .tot_len = htons(sizeof(Frame) - sizeof(struct ether_header)),
                        .ttl = 64,
                        .protocol = IPPROTO_UDP,
                        .daddr = INADDR_BROADCAST },
                .udp = { .source = htons(CLIENT_PORT),
                         .dest = htons(SERVER_PORT),
                         .len = htons(sizeof(struct udphdr) + sizeof(DhcpMessage)) },
                .dhcp = { .op = OP_REQUEST,
                          .hardware_type = 1,
                          .hardware_length = ETH_ALEN,
                          .flags = htons(FLAG_BROADCAST),
                          .magic = htonl(MAGIC),
                          .type_option = OPTION_TYPE,
                          .type_length = 1,
                          .type = TYPE_DISCOVER,
                          .end = OPTION_END },
        };

        memset(frame.ethernet.ether_dhost, 0xff, ETH_ALEN);
        memcpy(frame.ethernet.ether_shost, mac, ETH_ALEN);
        memcpy(frame.dhcp.client_mac, mac, ETH_ALEN);
        frame.ip.check = checksum(&frame.ip);
        return frame;
}

DhcpClient *dhcp_client_new(const Board *board)
{
        DhcpClient *client = g_new0(DhcpClient, 1);
        client->fd = board_packet_socket(board);
        const struct ether_addr *mac = ether_aton(BOARD_MAC);
        memcpy(client->mac, mac, ETH_ALEN);
        client->discover = make_discover(client->mac);
        return client;
}

void dhcp_client_free(DhcpClient *client)
{
        if (!client)
                return;
        if (client->thread)
                g_thread_join(client->thread);
        close(client->fd);
        g_free(client);
}

static bool is_offer(const DhcpClient *client, const Frame *frame, ssize_t size)
{
        return size >= (ssize_t)sizeof(*frame) && frame->ip.protocol == IPPROTO_UDP &&
               frame->udp.dest == htons(CLIENT_PORT) && frame->dhcp.op == OP_REPLY &&
               frame->dhcp.transaction == client->discover.dhcp.transaction &&
               frame->dhcp.type_option == OPTION_TYPE && frame->dhcp.type == TYPE_OFFER;
}

/* Reads all that is there. */
static bool receive_offer(const DhcpClient *client)
{
        union {
                Frame frame;
                uint8_t bytes[2048];
        } buffer;
        ssize_t size;

        while ((size = recv(client->fd, &buffer, sizeof(buffer), 0)) >= 0)
                if (is_offer(client, &buffer.frame, size))
                        return true;
        return false;
}

static gpointer discover_in_thread(gpointer data)
{
        DhcpClient *client = data;
        struct pollfd poll_fd = { .fd = client->fd, .events = POLLIN };
        gint64 start = clock_now(), next = start;

        for (gint64 now = start; now - start < DEADLINE_NS; now = clock_now()) {
                if (now >= next) {
                        /* Before the link is up it is lost, like any other. */
                        (void)!send(client->fd, &client->discover, sizeof(client->discover), 0);
                        next = now + SEND_EVERY_NS;
                }
                struct timespec rest = { .tv_nsec = next - now };
                if (ppoll(&poll_fd, 1, &rest, NULL) > 0 && receive_offer(client)) {
                        client->offered = clock_now();
                        break;
                }
        }
        return NULL;
}

void dhcp_client_start(DhcpClient *client)
{
        (void)receive_offer(client); /* what came for an earlier run */
        client->discover.dhcp.transaction++;
        client->offered = 0;
        client->thread = g_thread_new("dhcp-client", discover_in_thread, client);
}

gint64 dhcp_client_wait(DhcpClient *client)
{
        g_thread_join(g_steal_pointer(&client->thread));
        if (!client->offered)
                bench_die("no DHCP offer");
        return client->offered;
}
