/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Half of the library that is loaded into each dnsmasq that dnsmasq.c starts. The kernel tells
 * dnsmasq of every address and route of the host that comes or goes; with bind-dynamic it then
 * lists all addresses of the host, whichever NIC has got one. With sixty networks, each one that
 * came had sixty of them do that, several times. Here its socket gets a filter, and it is told of
 * what it does something about: addresses of its own NIC, where alone it has sockets, and routes
 * after which it asks its servers again (nl_async() in dnsmasq's src/netlink.c). Without this
 * library it hears all of it and does the same. */

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/dnsmasq-preload.h"

#define EXPORTED __attribute__((visibility("default")))

#define IN_HEADER(member)  offsetof(struct nlmsghdr, member)
#define IN_ADDRESS(member) (NLMSG_HDRLEN + offsetof(struct ifaddrmsg, member))
#define IN_ROUTE(member)   (NLMSG_HDRLEN + offsetof(struct rtmsg, member))

#define TOLD   UINT32_MAX
#define UNTOLD 0

#define LOAD(size, offset)              BPF_STMT(BPF_LD | (size) | BPF_ABS, offset)
#define JUMP(condition, value, yes, no) BPF_JUMP(BPF_JMP | (condition) | BPF_K, value, yes, no)
#define RETURN(verdict)                 BPF_STMT(BPF_RET | BPF_K, verdict)

/* An answer has NLM_F_MULTI, however many messages of it are in one packet. The filter reads
 * numbers as the network has them; messages have them as the host does. */
static void attach_filter(int fd, unsigned index)
{
        struct sock_filter code[] = {
                LOAD(BPF_H, IN_HEADER(nlmsg_flags)),
                JUMP(BPF_JSET, htons(NLM_F_MULTI), 0, 1),
                RETURN(TOLD),

                LOAD(BPF_H, IN_HEADER(nlmsg_type)),
                JUMP(BPF_JEQ, htons(RTM_DELROUTE), 0, 1),
                RETURN(UNTOLD),
                JUMP(BPF_JEQ, htons(RTM_NEWROUTE), 7, 0), /* to its part below */
                JUMP(BPF_JEQ, htons(RTM_NEWADDR), 2, 0),
                JUMP(BPF_JEQ, htons(RTM_DELADDR), 1, 0),
                RETURN(TOLD),

                LOAD(BPF_W, IN_ADDRESS(ifa_index)),
                JUMP(BPF_JEQ, htonl(index), 0, 1),
                RETURN(TOLD),
                RETURN(UNTOLD),

                LOAD(BPF_B, IN_ROUTE(rtm_type)),
                JUMP(BPF_JEQ, RTN_UNICAST, 1, 0),
                RETURN(UNTOLD),
                LOAD(BPF_B, IN_ROUTE(rtm_scope)),
                JUMP(BPF_JEQ, RT_SCOPE_LINK, 1, 0),
                RETURN(UNTOLD),
                LOAD(BPF_B, IN_ROUTE(rtm_table)),
                JUMP(BPF_JEQ, RT_TABLE_MAIN, 2, 0),
                JUMP(BPF_JEQ, RT_TABLE_LOCAL, 1, 0),
                RETURN(UNTOLD),
                RETURN(TOLD),
        };
        const struct sock_fprog program = { sizeof code / sizeof *code, code };

        /* Refused: as without it. */
        (void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static bool is_told_of_changes(int fd, const struct sockaddr *address, socklen_t size)
{
        const struct sockaddr_nl *netlink = (const void *)address;
        socklen_t protocol_size = sizeof(int);
        int protocol = -1;

        return size >= sizeof *netlink && netlink->nl_family == AF_NETLINK &&
               netlink->nl_groups != 0 &&
               getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &protocol_size) == 0 &&
               protocol == NETLINK_ROUTE;
}

/* From before it hears anything. */
EXPORTED int bind(int fd, const struct sockaddr *address, socklen_t size)
{
        const char *index = getenv(DNSMASQ_INDEX_VARIABLE);

        if (index && is_told_of_changes(fd, address, size))
                attach_filter(fd, (unsigned)strtoul(index, NULL, 10));
        return (int)syscall(SYS_bind, fd, address, size);
}
