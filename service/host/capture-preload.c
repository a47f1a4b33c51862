/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A library of its own, loaded into the tcpdump that capture.c starts. tcpdump has no capability
 * there, so it cannot make packet sockets: it gets the one that it has inherited. Without this
 * library it therefore captures nothing. It also ends with the service, whose death it would not
 * notice on a silent wire.
 *
 * The kernel hands packets over in blocks, when one is full or a time has passed, which tcpdump
 * sets to a second and has no option for. Its --immediate-mode hands over each by itself instead,
 * and loses packets where it has to be fast. Here the time becomes short. */

#include <fcntl.h>
#include <linux/if_packet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/capture-preload.h"

/* Of socket(2)'s type; the rest are flags. */
#define TYPE_MASK 0xf
/* How old the packets of a block become before they are handed over. */
#define BLOCK_MS 20

#define EXPORTED __attribute__((visibility("default")))

/* Each time a duplicate: libpcap closes what it has got. */
static int inherited_socket(void)
{
        return fcntl(CAPTURE_SOCKET_FD, F_DUPFD_CLOEXEC, CAPTURE_SOCKET_FD + 1);
}

EXPORTED int socket(int domain, int type, int protocol)
{
        if (domain == AF_PACKET && (type & TYPE_MASK) == SOCK_RAW)
                return inherited_socket();
        return (int)syscall(SYS_socket, domain, type, protocol);
}

static int real_setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
        return (int)syscall(SYS_setsockopt, fd, level, option, value, size);
}

EXPORTED int setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
        struct tpacket_req3 ring;

        if (level != SOL_PACKET || option != PACKET_RX_RING || size != sizeof ring)
                return real_setsockopt(fd, level, option, value, size);
        memcpy(&ring, value, sizeof ring);
        ring.tp_retire_blk_tov = BLOCK_MS;
        return real_setsockopt(fd, level, option, &ring, sizeof ring);
}

__attribute__((constructor)) static void end_with_parent(void)
{
        const char *parent = getenv(CAPTURE_PARENT_VARIABLE);

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* cannot fail: it is a signal */
        if (parent && getppid() != (pid_t)strtol(parent, NULL, 10))
                _exit(EXIT_FAILURE); /* it was quicker */
}
