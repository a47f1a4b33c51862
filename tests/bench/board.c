/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The NIC and its namespace are made by ip(8): nothing here is measured. */

#include "bench/board.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "bench/bench.h"
#include "bench/program.h"

#define INSIDE "eth0"

struct Board {
        char *name;
};

Board *board_new(const char *name)
{
        Board *board = g_new0(Board, 1);

        board->name = g_strdup(name);
        program_run("ip netns add bench-%s", name);
        program_run("ip link add %s type veth peer name " INSIDE " address " BOARD_MAC
                    " netns bench-%s",
                    name, name);
        program_run("ip -n bench-%s link set " INSIDE " up", name);
        program_run("ip link set %s up", name);
        return board;
}

void board_free(Board *board)
{
        if (!board)
                return;
        program_run("ip link delete %s", board->name);
        program_run("ip netns delete bench-%s", board->name);
        g_free(board->name);
        g_free(board);
}

static int open_namespace(const char *path)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                bench_die("%s: %s", path, g_strerror(errno));
        return fd;
}

static int packet_socket_here(void)
{
        struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
        int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        address.sll_ifindex = (int)if_nametoindex(INSIDE);
        if (fd < 0 || address.sll_ifindex == 0 ||
            bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                bench_die("a packet socket on " INSIDE ": %s", g_strerror(errno));
        return fd;
}

int board_packet_socket(const Board *board)
{
        g_autofree char *path = g_strdup_printf("/run/netns/bench-%s", board->name);
        int there = open_namespace(path), here = open_namespace("/proc/thread-self/ns/net");

        if (setns(there, CLONE_NEWNET) < 0)
                bench_die("%s: %s", path, g_strerror(errno));
        int fd = packet_socket_here();
        if (setns(here, CLONE_NEWNET) < 0)
                bench_die("the way back from %s: %s", path, g_strerror(errno));
        close(there);
        close(here);
        return fd;
}
