/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Requests to the kernel over one netlink socket, and their answers.
 *
 * rtnetlink and nfnetlink work within sendmsg(2): when it returns, the answer is in the socket's
 * queue, so reading it does not block the loop. The receive timeout is a last guard against a
 * kernel that breaks this rule. Answers are told apart by sequence number: what an earlier, failed
 * exchange left in the queue is passed over.
 *
 * Lost answers (ENOBUFS) are never taken for success. Subscriptions are in netlink-monitor.c. */

#include "host/netlink.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <linux/netlink.h>

#include "util/error.h"

/* A dump that changes interrupt more often than this in a row is in a storm of them. */
#define DUMP_ATTEMPTS 10

/* The kernel fills no larger buffer than this in a dump. */
#define RECEIVE_SIZE 32768
/* Room for acknowledgements that are not read yet, some 1 kB each; a limit, not an allocation. */
#define QUEUE_SIZE (4 * 1024 * 1024)
/* Never reached: see above. */
#define ANSWER_TIMEOUT_SEC 5

struct Netlink {
        struct mnl_socket *socket;
        guint32 seq;
        void *buffer;    /* aligned for any message */
        gsize send_size; /* the largest message known to fit into the socket */
};

/* One request's way through its answers. */
typedef struct Answer {
        guint32 seq;
        mnl_cb_t receive; /* NULL once it has said to stop */
        void *data;
        bool ended;
        bool interrupted;
        int result;
        char *message;
} Answer;

/* A batch's. */
typedef struct BatchAnswer {
        guint32 begin_seq; /* a commit that fails is reported for the batch's first message */
        guint32 first_seq, last_seq;
        guint pending;
        bool lost;
        int result;
        guint32 failed_seq;
} BatchAnswer;

static void set_option(int fd, int option, int value)
{
        /* Older kernels know fewer of these; each only adds checks or texts. */
        (void)setsockopt(fd, SOL_NETLINK, option, &value, sizeof value);
}

static void set_buffer_size(int fd, int forced_option, int option, gsize size)
{
        int value = (int)MIN(size, (gsize)G_MAXINT / 2);

        /* The first ignores the host's limit and wants CAP_NET_ADMIN; where neither goes through,
         * the send or the receive itself reports the lack of room. */
        if (setsockopt(fd, SOL_SOCKET, forced_option, &value, sizeof value) < 0)
                (void)setsockopt(fd, SOL_SOCKET, option, &value, sizeof value);
}

static bool fail(int protocol, const char *attempt, GError **error)
{
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                    "netlink protocol %d: cannot %s: %s", protocol, attempt, g_strerror(errno));
        return false;
}

static bool open_socket(Netlink *netlink, int protocol, GError **error)
{
        const struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_SEC };

        netlink->socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);
        if (!netlink->socket)
                return fail(protocol, "open a socket", error);
        if (mnl_socket_bind(netlink->socket, 0, MNL_SOCKET_AUTOPID) < 0)
                return fail(protocol, "bind", error);

        int fd = mnl_socket_get_fd(netlink->socket);
        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0)
                return fail(protocol, "limit the time for an answer", error);
        set_option(fd, NETLINK_EXT_ACK, 1);
        set_option(fd, NETLINK_CAP_ACK, 1);
        set_option(fd, NETLINK_GET_STRICT_CHK, 1);
        set_buffer_size(fd, SO_RCVBUFFORCE, SO_RCVBUF, QUEUE_SIZE);
        return true;
}

Netlink *netlink_new(int protocol, GError **error)
{
        g_autoptr(Netlink) netlink = g_new0(Netlink, 1);

        netlink->buffer = g_malloc(RECEIVE_SIZE);
        if (!open_socket(netlink, protocol, error))
                return NULL;
        return g_steal_pointer(&netlink);
}

void netlink_free(Netlink *netlink)
{
        if (!netlink)
                return;
        if (netlink->socket)
                (void)mnl_socket_close(netlink->socket); /* nothing is left to write */
        g_free(netlink->buffer);
        g_free(netlink);
}

guint32 netlink_port(const Netlink *netlink)
{
        return mnl_socket_get_portid(netlink->socket);
}

guint32 netlink_next_seq(Netlink *netlink)
{
        /* 0 is the kernel's own messages'. */
        if (++netlink->seq == 0)
                netlink->seq = 1;
        return netlink->seq;
}

static int send_message(Netlink *netlink, const void *message, gsize length)
{
        int fd = mnl_socket_get_fd(netlink->socket);

        if (length > netlink->send_size) {
                set_buffer_size(fd, SO_SNDBUFFORCE, SO_SNDBUF, length + 4096);
                netlink->send_size = length;
        }
        while (mnl_socket_sendto(netlink->socket, message, length) < 0)
                if (errno != EINTR)
                        return -errno;
        return 0;
}

/* Reads one datagram of the kernel's into the buffer: its length, or a negative errno. */
static ssize_t receive_datagram(Netlink *netlink, int flags)
{
        for (;;) {
                struct sockaddr_nl sender = { 0 };
                struct iovec part = { .iov_base = netlink->buffer, .iov_len = RECEIVE_SIZE };
                struct msghdr header = {
                        .msg_name = &sender,
                        .msg_namelen = sizeof sender,
                        .msg_iov = &part,
                        .msg_iovlen = 1,
                };
                ssize_t n = recvmsg(mnl_socket_get_fd(netlink->socket), &header, flags);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (header.msg_namelen != sizeof sender || sender.nl_pid != 0)
                        continue; /* another process's */
                if (header.msg_flags & MSG_TRUNC)
                        return -EMSGSIZE;
                return n;
        }
}

static int take_text(const struct nlattr *attribute, void *data)
{
        const char **text = data;

        if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG &&
            mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
                *text = mnl_attr_get_str(attribute);
        return MNL_CB_OK;
}

static char *extended_text(const struct nlmsghdr *message)
{
        const struct nlmsgerr *report = mnl_nlmsg_get_payload(message);
        const char *text = NULL;
        gsize offset = sizeof *report;

        if (!(message->nlmsg_flags & NLM_F_ACK_TLVS))
                return NULL;
        if (!(message->nlmsg_flags & NLM_F_CAPPED))
                offset += MNL_ALIGN(report->msg.nlmsg_len) - sizeof report->msg;
        if (offset <= mnl_nlmsg_get_payload_len(message))
                (void)mnl_attr_parse(message, (unsigned)offset, take_text, &text); /* a help only */
        return g_strdup(text);
}

/* The errno of an NLMSG_ERROR (0: an acknowledgement) or NLMSG_DONE. */
static int reported_error(const struct nlmsghdr *message)
{
        if (mnl_nlmsg_get_payload_len(message) < sizeof(int))
                return message->nlmsg_type == NLMSG_DONE ? 0 : -EBADMSG;
        if (message->nlmsg_type == NLMSG_ERROR &&
            mnl_nlmsg_get_payload_len(message) < sizeof(struct nlmsgerr))
                return -EBADMSG;

        int error = *(const int *)mnl_nlmsg_get_payload(message);
        return error > 0 ? -error : error;
}

static void answer_end(Answer *answer, const struct nlmsghdr *message)
{
        int r = reported_error(message);

        answer->ended = true;
        if (answer->result == 0)
                answer->result = r;
        if (message->nlmsg_type == NLMSG_ERROR && r != -EBADMSG)
                answer->message = extended_text(message);
}

static void answer_take(Answer *answer, const struct nlmsghdr *message)
{
        if (message->nlmsg_seq != answer->seq)
                return;
        if (message->nlmsg_flags & NLM_F_DUMP_INTR)
                answer->interrupted = true;
        if (message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE) {
                answer_end(answer, message);
                return;
        }
        if (message->nlmsg_type < NLMSG_MIN_TYPE || !answer->receive)
                return;

        int r = answer->receive(message, answer->data);
        if (r < MNL_CB_STOP && answer->result == 0)
                answer->result = errno > 0 ? -errno : -EBADMSG;
        if (r <= MNL_CB_STOP)
                answer->receive = NULL; /* the rest is read, so that it is out of the way */
}

int netlink_request(Netlink *netlink, struct nlmsghdr *request, mnl_cb_t receive, void *data,
                    char **ret_message)
{
        Answer answer = {
                .seq = netlink_next_seq(netlink),
                .receive = receive,
                .data = data,
        };

        request->nlmsg_seq = answer.seq;
        int r = send_message(netlink, request, request->nlmsg_len);
        if (r < 0)
                return r;

        while (!answer.ended) {
                ssize_t n = receive_datagram(netlink, 0);
                if (n < 0)
                        return n == -EAGAIN ? -ETIMEDOUT : (int)n;
                int left = (int)n;
                const struct nlmsghdr *message = netlink->buffer;
                for (; mnl_nlmsg_ok(message, left) && !answer.ended;
                     message = mnl_nlmsg_next(message, &left))
                        answer_take(&answer, message);
        }

        g_autofree char *text = answer.message;
        if (ret_message)
                *ret_message = g_steal_pointer(&text);
        if (answer.result == 0 && answer.interrupted)
                return -EINTR;
        return answer.result;
}

int netlink_dump(Netlink *netlink, struct nlmsghdr *request, mnl_cb_t receive, void *data,
                 GArray *found)
{
        int r = -EINTR;

        for (guint attempt = 0; r == -EINTR && attempt < DUMP_ATTEMPTS; attempt++) {
                g_array_set_size(found, 0);
                r = netlink_request(netlink, request, receive, data, NULL);
        }
        return r;
}

static bool seq_is_between(guint32 seq, guint32 first, guint32 last)
{
        return seq - first <= last - first; /* across the wrap as well */
}

static guint count_acknowledged(const void *batch, gsize length, guint32 first_seq,
                                guint32 last_seq)
{
        guint n = 0;
        int left = (int)length;

        for (const struct nlmsghdr *message = batch; mnl_nlmsg_ok(message, left);
             message = mnl_nlmsg_next(message, &left))
                if ((message->nlmsg_flags & NLM_F_ACK) &&
                    seq_is_between(message->nlmsg_seq, first_seq, last_seq))
                        n++;
        return n;
}

static void batch_answer_take(BatchAnswer *answer, const struct nlmsghdr *message)
{
        if (message->nlmsg_type != NLMSG_ERROR)
                return;
        if (message->nlmsg_seq != answer->begin_seq &&
            !seq_is_between(message->nlmsg_seq, answer->first_seq, answer->last_seq))
                return;

        int r = reported_error(message);
        if (r == 0 && answer->pending > 0)
                answer->pending--;
        if (r < 0 && answer->result == 0) {
                answer->result = r;
                answer->failed_seq = message->nlmsg_seq;
        }
        if (r < 0)
                answer->pending = 0; /* the rest is only read out of the way */
}

/* Reads until nothing is pending and the queue is empty: errors of messages without NLM_F_ACK are
 * seen too. */
static int read_batch_answers(Netlink *netlink, BatchAnswer *answer)
{
        for (;;) {
                ssize_t n = receive_datagram(netlink, answer->pending > 0 ? 0 : MSG_DONTWAIT);
                if (n == -EAGAIN)
                        return answer->pending > 0 ? -ETIMEDOUT : 0;
                if (n == -ENOBUFS) {
                        answer->lost = true;
                        answer->pending = 0;
                        continue;
                }
                if (n < 0)
                        return (int)n;
                int left = (int)n;
                for (const struct nlmsghdr *message = netlink->buffer; mnl_nlmsg_ok(message, left);
                     message = mnl_nlmsg_next(message, &left))
                        batch_answer_take(answer, message);
        }
}

int netlink_send_batch(Netlink *netlink, const void *batch, gsize length, guint32 first_seq,
                       guint32 last_seq, guint32 *ret_failed_seq)
{
        if (length < sizeof(struct nlmsghdr) || length > G_MAXINT)
                return -EINVAL;

        BatchAnswer answer = {
                .begin_seq = ((const struct nlmsghdr *)batch)->nlmsg_seq,
                .first_seq = first_seq,
                .last_seq = last_seq,
                .pending = count_acknowledged(batch, length, first_seq, last_seq),
        };

        int r = send_message(netlink, batch, length);
        if (r < 0)
                return r;
        r = read_batch_answers(netlink, &answer);
        if (answer.result < 0) {
                if (ret_failed_seq)
                        *ret_failed_seq = answer.failed_seq;
                return answer.result;
        }
        if (r < 0)
                return r;
        return answer.lost ? -ENOBUFS : 0;
}
