/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The kernel dumps the sockets of a protocol and family that are in one of the states asked for. A
 * socket of IPv6 takes IPv4 as well unless it is told not to. */

#include "host/listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdbool.h>

#include "host/netlink.h"
#include "util/error.h"

#define ATTEMPTS_MAX 10

struct Listeners {
        Netlink *netlink;
};

typedef struct Search {
        const PortRange *ports;
        GArray *found;
} Search;

Listeners *listeners_new(GError **error)
{
        Netlink *netlink = netlink_new(NETLINK_SOCK_DIAG, error);
        if (!netlink)
                return NULL;

        Listeners *listeners = g_new(Listeners, 1);
        *listeners = (Listeners){ .netlink = netlink };
        return listeners;
}

void listeners_free(Listeners *listeners)
{
        if (!listeners)
                return;
        netlink_free(listeners->netlink);
        g_free(listeners);
}

static bool takes_only_ipv6(const struct nlmsghdr *message)
{
        const struct nlattr *attribute;

        mnl_attr_for_each (attribute, message, sizeof(struct inet_diag_msg)) {
                if (mnl_attr_get_type(attribute) == INET_DIAG_SKV6ONLY &&
                    mnl_attr_get_payload_len(attribute) >= sizeof(guint8))
                        return mnl_attr_get_u8(attribute) != 0;
        }
        return false;
}

/* Whether the socket takes IPv4, and by which address. */
static bool read_address(const struct nlmsghdr *message, const struct inet_diag_msg *socket,
                         guint32 *ret_address)
{
        const __be32 *words = socket->id.idiag_src;

        if (socket->idiag_family == AF_INET) {
                *ret_address = ntohl(words[0]);
                return true;
        }
        *ret_address = ntohl(words[3]);
        if (words[0] != 0 || words[1] != 0)
                return false;
        if (words[2] == htonl(0xffff)) /* ::ffff:10.0.0.1 */
                return true;
        return words[2] == 0 && words[3] == 0 && !takes_only_ipv6(message);
}

static int take_socket(const struct nlmsghdr *message, void *data)
{
        Search *search = data;
        const struct inet_diag_msg *socket = mnl_nlmsg_get_payload(message);
        Listener listener = { 0 };

        if (mnl_nlmsg_get_payload_len(message) < sizeof *socket)
                return MNL_CB_OK;
        listener.port = ntohs(socket->id.idiag_sport);
        listener.index = socket->id.idiag_if;
        if (port_range_contains(search->ports, listener.port) &&
            read_address(message, socket, &listener.address))
                g_array_append_val(search->found, listener);
        return MNL_CB_OK;
}

static int dump(Listeners *listeners, guint8 family, guint8 protocol, Search *search)
{
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
        request->nlmsg_type = SOCK_DIAG_BY_FAMILY;
        request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;

        struct inet_diag_req_v2 *wanted = mnl_nlmsg_put_extra_header(request, sizeof *wanted);
        wanted->sdiag_family = family;
        wanted->sdiag_protocol = protocol;
        wanted->idiag_states = 1u << (protocol == IPPROTO_TCP ? TCP_LISTEN : TCP_CLOSE);

        guint n_before = search->found->len;
        int r = -EINTR;
        for (guint i = 0; i < ATTEMPTS_MAX && r == -EINTR; i++) {
                g_array_set_size(search->found, n_before);
                r = netlink_request(listeners->netlink, request, take_socket, search, NULL);
        }
        return r;
}

GArray *listeners_find(Listeners *listeners, guint8 protocol, const PortRange *ports,
                       GError **error)
{
        static const guint8 families[] = { AF_INET, AF_INET6 };
        g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(Listener));
        Search search = { .ports = ports, .found = found };

        for (guint i = 0; i < G_N_ELEMENTS(families); i++) {
                int r = dump(listeners, families[i], protocol, &search);
                if (r == 0 || r == -ENOENT || r == -EOPNOTSUPP) /* built without it */
                        continue;
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "cannot read the host's %s sockets: %s",
                            protocol == IPPROTO_TCP ? "TCP" : "UDP", g_strerror(-r));
                return NULL;
        }
        return g_steal_pointer(&found);
}
