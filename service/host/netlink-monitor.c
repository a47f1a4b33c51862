/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Subscriptions to the kernel's netlink notifications. A monitor hands messages on as they are and
 * keeps no state; what was lost (ENOBUFS) its user reads again. Requests are in netlink.c. */

#include "host/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <stddef.h>
#include <sys/socket.h>

#include <linux/filter.h>

#include "util/error.h"

#define RECEIVE_SIZE 32768
/* Notifications that wait for the loop; a limit, not an allocation. */
#define QUEUE_SIZE (1024 * 1024)
/* Datagrams taken in one turn, so that a storm does not starve the rest of the loop. */
#define DATAGRAMS_A_TURN 32

struct NetlinkMonitor {
        guint n_refs; /* the owner's, and a running dispatch's: a callback may free the monitor */
        struct mnl_socket *socket;
        guint source;
        void *buffer; /* aligned for any message */
        void (*receive)(const struct nlmsghdr *message, gpointer data);
        void (*overrun)(gpointer data);
        gpointer data;
        bool freed;
};

static void monitor_unref(NetlinkMonitor *monitor)
{
        if (--monitor->n_refs > 0)
                return;
        if (monitor->socket)
                (void)mnl_socket_close(monitor->socket); /* nothing is left to write */
        g_free(monitor->buffer);
        g_free(monitor);
}

/* The length of one datagram of the kernel's, 0 for somebody else's, or a negative errno. */
static ssize_t receive_datagram(NetlinkMonitor *monitor)
{
        struct sockaddr_nl sender = { 0 };
        struct iovec part = { .iov_base = monitor->buffer, .iov_len = RECEIVE_SIZE };
        struct msghdr header = {
                .msg_name = &sender,
                .msg_namelen = sizeof sender,
                .msg_iov = &part,
                .msg_iovlen = 1,
        };
        ssize_t n = recvmsg(mnl_socket_get_fd(monitor->socket), &header, MSG_DONTWAIT);

        if (n < 0)
                return errno == EINTR ? 0 : -errno;
        if (header.msg_flags & MSG_TRUNC)
                return -ENOBUFS; /* lost as well */
        return sender.nl_pid == 0 ? n : 0;
}

static void take_datagram(NetlinkMonitor *monitor, gsize length)
{
        int left = (int)length;

        for (const struct nlmsghdr *message = monitor->buffer;
             !monitor->freed && mnl_nlmsg_ok(message, left);
             message = mnl_nlmsg_next(message, &left))
                if (message->nlmsg_type >= NLMSG_MIN_TYPE)
                        monitor->receive(message, monitor->data);
}

static gboolean on_readable(int fd, GIOCondition condition, gpointer data)
{
        NetlinkMonitor *monitor = data;
        bool overrun = false;

        monitor->n_refs++;
        for (guint i = 0; i < DATAGRAMS_A_TURN && !monitor->freed; i++) {
                ssize_t n = receive_datagram(monitor);
                if (n == -EAGAIN)
                        break;
                if (n < 0)
                        overrun = true; /* ENOBUFS, ENOMEM: something is missing in either case */
                else
                        take_datagram(monitor, (gsize)n);
        }
        if (overrun && !monitor->freed && monitor->overrun)
                monitor->overrun(monitor->data);

        bool go_on = !monitor->freed;
        monitor_unref(monitor);
        return go_on ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

NetlinkMonitor *netlink_monitor_new(int protocol, guint groups,
                                    void (*receive)(const struct nlmsghdr *message, gpointer data),
                                    void (*overrun)(gpointer data), gpointer data, GError **error)
{
        g_autoptr(NetlinkMonitor) monitor = g_new0(NetlinkMonitor, 1);
        const int size = QUEUE_SIZE;

        monitor->n_refs = 1;
        monitor->receive = receive;
        monitor->overrun = overrun;
        monitor->data = data;
        monitor->buffer = g_malloc(RECEIVE_SIZE);
        monitor->socket = mnl_socket_open2(protocol, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (!monitor->socket || mnl_socket_bind(monitor->socket, groups, MNL_SOCKET_AUTOPID) < 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "netlink protocol %d: cannot subscribe to notifications: %s", protocol,
                            g_strerror(errno));
                return NULL;
        }

        int fd = mnl_socket_get_fd(monitor->socket);
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
                (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size); /* overrun tells */
        monitor->source = g_unix_fd_add(fd, G_IO_IN | G_IO_ERR, on_readable, monitor);
        return g_steal_pointer(&monitor);
}

/* A filter of the socket's, so that ten thousand changes of ours cost us nothing and do not make an
 * overrun. One datagram tells of one request, or of one transaction: its first message's port
 * stands for all of them. */
bool netlink_monitor_ignore(NetlinkMonitor *monitor, const guint32 *ports, guint n_ports,
                            GError **error)
{
        g_autofree struct sock_filter *code = g_new0(struct sock_filter, n_ports + 3);
        const struct sock_fprog program = { .len = (unsigned short)(n_ports + 3), .filter = code };
        guint n = 0;

        g_assert(n_ports < 250); /* a jump's reach */
        code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                 offsetof(struct nlmsghdr, nlmsg_pid));
        for (guint i = 0; i < n_ports; i++) /* loads are big-endian, whatever the host is */
                code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(ports[i]),
                                                         (guint8)(n_ports - i), 0);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, G_MAXUINT32);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
        if (setsockopt(mnl_socket_get_fd(monitor->socket), SOL_SOCKET, SO_ATTACH_FILTER, &program,
                       sizeof program) == 0)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                    "cannot leave our own changes out of the notifications: %s", g_strerror(errno));
        return false;
}

void netlink_monitor_free(NetlinkMonitor *monitor)
{
        if (!monitor)
                return;
        monitor->freed = true;
        g_clear_handle_id(&monitor->source, g_source_remove);
        monitor_unref(monitor);
}
