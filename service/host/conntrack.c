/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Finds connections by ctnetlink, and ends them. The kernel is given a filter with the dump
 * (CTA_FILTER, Linux 5.8), so that of a hundred thousand entries only those that may count are
 * copied; older kernels dump all, and each entry is looked at here in any case. An entry is deleted
 * by its original tuple and its id: one that has taken its place meanwhile is another's. */

#include "host/conntrack-private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "host/netlink.h"

/* The kernel's CTA_FILTER_F_CTA_IP_*, which its header does not export. */
#define FILTER_IP_SRC (1 << 0)
#define FILTER_IP_DST (1 << 1)

#define ATTEMPTS_MAX 10

struct Conntrack {
        Netlink *netlink;
};

/* What it takes to delete an entry. */
typedef struct Found {
        GBytes *tuple; /* the whole attribute CTA_TUPLE_ORIG, a zone of this direction included */
        guint32 id;    /* as the kernel wrote it */
        guint16 zone;
        bool has_zone;
} Found;

/* A search on its way. */
typedef struct Run {
        const ConntrackSearch *search;
        GArray *found; /* Found */
} Run;

static void found_clear(gpointer pointer)
{
        Found *found = pointer;

        g_bytes_unref(found->tuple);
}

Conntrack *conntrack_new(GError **error)
{
        Netlink *netlink = netlink_new(NETLINK_NETFILTER, error);
        if (!netlink)
                return NULL;

        Conntrack *conntrack = g_new(Conntrack, 1);
        *conntrack = (Conntrack){ .netlink = netlink };
        return conntrack;
}

void conntrack_free(Conntrack *conntrack)
{
        if (!conntrack)
                return;

        netlink_free(conntrack->netlink);
        g_free(conntrack);
}

static struct nlmsghdr *put_header(char *buffer, const ConntrackSearch *search, guint16 type,
                                   guint16 flags)
{
        struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
        message->nlmsg_type = (guint16)(NFNL_SUBSYS_CTNETLINK << 8 | type);
        message->nlmsg_flags = (guint16)(NLM_F_REQUEST | flags);

        struct nfgenmsg *header = mnl_nlmsg_put_extra_header(message, sizeof *header);
        header->nfgen_family = search->family ? search->family : NFPROTO_IPV4;
        header->version = NFNETLINK_V0;
        return message;
}

static bool end_matches(guint32 wanted, guint32 address)
{
        return wanted == 0 || wanted == address;
}

static bool ends_match(const ConntrackEnds *wanted, const ConntrackEntry *entry)
{
        return end_matches(wanted->original_src, entry->original.src) &&
               end_matches(wanted->original_dst, entry->original.dst) &&
               end_matches(wanted->reply_src, entry->reply.src) &&
               end_matches(wanted->reply_dst, entry->reply.dst);
}

static bool is_searched(const ConntrackSearch *search, const ConntrackEntry *entry)
{
        return (entry->mark & search->mask) == search->mark && ends_match(&search->ends, entry) &&
               (!search->judge || search->judge(entry, search->data));
}

static int take_entry(const struct nlmsghdr *message, void *data)
{
        Run *run = data;
        ConntrackEntry entry;

        if (!conntrack_entry_read(message, &entry) || !is_searched(run->search, &entry))
                return MNL_CB_OK;
        const Found found = {
                .tuple = g_bytes_new(mnl_attr_get_payload(entry.original.attribute),
                                     mnl_attr_get_payload_len(entry.original.attribute)),
                .id = entry.id,
                .zone = entry.zone,
                .has_zone = entry.has_zone,
        };
        g_array_append_val(run->found, found);
        return MNL_CB_OK;
}

static void put_tuple(struct nlmsghdr *message, guint16 type, guint32 src, guint32 dst)
{
        struct nlattr *tuple = mnl_attr_nest_start(message, type);
        struct nlattr *ip = mnl_attr_nest_start(message, CTA_TUPLE_IP);

        if (src != 0)
                mnl_attr_put_u32(message, CTA_IP_V4_SRC, src);
        if (dst != 0)
                mnl_attr_put_u32(message, CTA_IP_V4_DST, dst);
        mnl_attr_nest_end(message, ip);
        mnl_attr_nest_end(message, tuple);
}

static guint32 filter_flags(guint32 src, guint32 dst)
{
        return (src != 0 ? FILTER_IP_SRC : 0) | (dst != 0 ? FILTER_IP_DST : 0);
}

static int dump_entries(Conntrack *conntrack, const ConntrackSearch *search, mnl_cb_t each,
                        void *data)
{
        char buffer[512] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        const ConntrackEnds *wanted = &search->ends;
        struct nlmsghdr *request = put_header(buffer, search, IPCTNL_MSG_CT_GET, NLM_F_DUMP);

        put_tuple(request, CTA_TUPLE_ORIG, wanted->original_src, wanted->original_dst);
        put_tuple(request, CTA_TUPLE_REPLY, wanted->reply_src, wanted->reply_dst);
        struct nlattr *filter = mnl_attr_nest_start(request, CTA_FILTER);
        mnl_attr_put_u32(request, CTA_FILTER_ORIG_FLAGS,
                         filter_flags(wanted->original_src, wanted->original_dst));
        mnl_attr_put_u32(request, CTA_FILTER_REPLY_FLAGS,
                         filter_flags(wanted->reply_src, wanted->reply_dst));
        mnl_attr_nest_end(request, filter);
        if (search->mask != 0) {
                mnl_attr_put_u32(request, CTA_MARK, htonl(search->mark));
                mnl_attr_put_u32(request, CTA_MARK_MASK, htonl(search->mask));
        }
        return netlink_request(conntrack->netlink, request, each, data, NULL);
}

static int delete_entry(Conntrack *conntrack, const ConntrackSearch *search, const Found *found)
{
        char buffer[1024] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        gsize length;
        const void *tuple = g_bytes_get_data(found->tuple, &length);
        struct nlmsghdr *request = put_header(buffer, search, IPCTNL_MSG_CT_DELETE, NLM_F_ACK);

        if (length > sizeof buffer / 2)
                return -EMSGSIZE;
        mnl_attr_put(request, CTA_TUPLE_ORIG | NLA_F_NESTED, length, tuple);
        if (found->has_zone)
                mnl_attr_put_u16(request, CTA_ZONE, found->zone);
        mnl_attr_put_u32(request, CTA_ID, found->id);
        return netlink_request(conntrack->netlink, request, NULL, NULL, NULL);
}

int conntrack_end(Conntrack *conntrack, const ConntrackSearch *search, guint *n)
{
        g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(Found));
        Run run = { search, found };
        int r = -EINTR;

        g_array_set_clear_func(found, found_clear);
        for (guint i = 0; i < ATTEMPTS_MAX && r == -EINTR; i++) {
                g_array_set_size(found, 0);
                r = dump_entries(conntrack, search, take_entry, &run);
        }
        if (r < 0)
                return r;
        for (guint i = 0; i < found->len; i++) {
                r = delete_entry(conntrack, search, &g_array_index(found, Found, i));
                if (r < 0 && r != -ENOENT)
                        return r;
                *n += r == 0;
        }
        return 0;
}

static int show_entry(const struct nlmsghdr *message, void *data)
{
        const ConntrackSearch *search = data;
        ConntrackEntry entry;

        if (conntrack_entry_read(message, &entry))
                (void)is_searched(search, &entry); /* its answer does not matter */
        return MNL_CB_OK;
}

int conntrack_show(Conntrack *conntrack, ConntrackSearch *search)
{
        int r = dump_entries(conntrack, search, show_entry, search);

        return r == -EINTR ? 0 : r;
}
