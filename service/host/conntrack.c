/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Finds connections by ctnetlink, and ends them. The kernel is given a filter with the dump
 * (CTA_FILTER, Linux 5.8), so that of a hundred thousand entries only those that may count are
 * copied; older kernels dump all, and each entry is looked at here in any case. An entry is deleted
 * by its original tuple and its id: one that has taken its place meanwhile is another's. */

#include "host/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "host/conntrack-entry.h"
#include "host/netlink.h"
#include "util/error.h"

/* The kernel's CTA_FILTER_F_CTA_IP_*, which its header does not export. */
#define FILTER_IP_SRC (1 << 0)
#define FILTER_IP_DST (1 << 1)

#define ATTEMPTS_MAX 10

struct Conntrack {
        Netlink *netlink;
};

/* The addresses that are looked for; 0 = any. Network byte order. */
typedef struct Ends {
        guint32 original_src, original_dst;
        guint32 reply_src, reply_dst;
} Ends;

/* What it takes to delete an entry. */
typedef struct Found {
        GBytes *tuple; /* the whole attribute CTA_TUPLE_ORIG, a zone of this direction included */
        guint32 id;    /* as the kernel wrote it */
        guint16 zone;
        bool has_zone;
} Found;

typedef struct Search {
        Ends wanted;
        guint32 mark, mask;              /* of the connection's mark; 0 = any */
        GHashTable *untranslated_to;     /* NULL, or the addresses */
        const Subnet *untranslated_from; /* NULL, or whose hosts' */
        GHashTable *public_of;           /* NULL, or the mappings: ip -> public_ip */
        GHashTable *ips;                 /* NULL, or whose */
        const Subnet *judged;            /* NULL, or whose connections the two are asked about */
        ConntrackJudge judge;
        const Subnet
                *led; /* NULL, or whose connections by another address the next is asked about */
        bool unled;   /* or those that are not translated */
        ConntrackFlowJudge flow_judge;
        gpointer judge_data;
        GArray *found; /* Found */
} Search;

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

static struct nlmsghdr *put_header(char *buffer, guint16 type, guint16 flags)
{
        struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
        message->nlmsg_type = (guint16)(NFNL_SUBSYS_CTNETLINK << 8 | type);
        message->nlmsg_flags = (guint16)(NLM_F_REQUEST | flags);

        struct nfgenmsg *header = mnl_nlmsg_put_extra_header(message, sizeof *header);
        header->nfgen_family = NFPROTO_IPV4;
        header->version = NFNETLINK_V0;
        return message;
}

static bool end_matches(guint32 wanted, guint32 address)
{
        return wanted == 0 || wanted == address;
}

static bool ends_match(const Ends *wanted, const ConntrackEntry *entry)
{
        return end_matches(wanted->original_src, entry->original.src) &&
               end_matches(wanted->original_dst, entry->original.dst) &&
               end_matches(wanted->reply_src, entry->reply.src) &&
               end_matches(wanted->reply_dst, entry->reply.dst);
}

static gpointer key_of(guint32 address)
{
        return GUINT_TO_POINTER(ntohl(address));
}

static bool is_untranslated_to(GHashTable *addresses, const ConntrackEntry *entry)
{
        return entry->original.dst == entry->reply.src &&
               g_hash_table_contains(addresses, key_of(entry->original.dst));
}

static bool is_untranslated_from(const Subnet *subnet, const ConntrackEntry *entry)
{
        return entry->original.src == entry->reply.dst && entry->original.dst == entry->reply.src &&
               subnet_contains(subnet, ntohl(entry->original.src)) &&
               !subnet_contains(subnet, ntohl(entry->original.dst));
}

static bool is_mapping(GHashTable *public_of, guint32 ip, guint32 public_ip)
{
        gpointer mapped = g_hash_table_lookup(public_of, key_of(ip));

        return mapped && mapped == key_of(public_ip);
}

static bool is_judged_to_end(const Search *search, const ConntrackEntry *entry)
{
        Connection connection;

        return conntrack_entry_get_connection(entry, search->judged, &connection) &&
               search->judge(&connection, search->judge_data);
}

static bool is_sentenced(const Search *search, const ConntrackEntry *entry)
{
        const ConntrackFlow flow = {
                .source = ntohl(entry->original.src),
                .protocol = entry->original.protocol,
                .asked = ntohl(entry->original.dst),
                .asked_port = ntohs(entry->original.dst_port),
                .destination = ntohl(entry->reply.src),
                .port = ntohs(entry->reply.src_port),
                .is_answered = entry->status & IPS_SEEN_REPLY,
        };

        return search->flow_judge(&flow, search->judge_data);
}

static bool is_led_to_end(const Search *search, const ConntrackEntry *entry)
{
        return entry->original.dst != entry->reply.src &&
               subnet_contains(search->led, ntohl(entry->reply.src)) && is_sentenced(search, entry);
}

static bool is_unled_to_end(const Search *search, const ConntrackEntry *entry)
{
        return entry->original.dst == entry->reply.src && entry->original.src == entry->reply.dst &&
               is_sentenced(search, entry);
}

static bool is_searched(const Search *search, const ConntrackEntry *entry)
{
        if ((entry->mark & search->mask) != search->mark)
                return false;
        if (search->untranslated_to && !is_untranslated_to(search->untranslated_to, entry))
                return false;
        if (search->untranslated_from && !is_untranslated_from(search->untranslated_from, entry))
                return false;
        if (search->public_of &&
            !is_mapping(search->public_of, entry->reply.src, entry->original.dst) &&
            !is_mapping(search->public_of, entry->original.src, entry->reply.dst))
                return false;
        if (search->ips && !g_hash_table_contains(search->ips, key_of(entry->original.src)) &&
            !g_hash_table_contains(search->ips, key_of(entry->reply.src)))
                return false;
        if (search->judged && !is_judged_to_end(search, entry))
                return false;
        if (search->led && !is_led_to_end(search, entry))
                return false;
        if (search->unled && !is_unled_to_end(search, entry))
                return false;
        return ends_match(&search->wanted, entry);
}

static int take_entry(const struct nlmsghdr *message, void *data)
{
        Search *search = data;
        ConntrackEntry entry;

        if (!conntrack_entry_read(message, &entry) || !is_searched(search, &entry))
                return MNL_CB_OK;
        const Found found = {
                .tuple = g_bytes_new(mnl_attr_get_payload(entry.original.attribute),
                                     mnl_attr_get_payload_len(entry.original.attribute)),
                .id = entry.id,
                .zone = entry.zone,
                .has_zone = entry.has_zone,
        };
        g_array_append_val(search->found, found);
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

static int dump_entries(Conntrack *conntrack, Search *search, mnl_cb_t each)
{
        char buffer[512] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        const Ends *wanted = &search->wanted;
        struct nlmsghdr *request = put_header(buffer, IPCTNL_MSG_CT_GET, NLM_F_DUMP);

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
        return netlink_request(conntrack->netlink, request, each, search, NULL);
}

static int delete_entry(Conntrack *conntrack, const Found *found)
{
        char buffer[1024] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        gsize length;
        const void *tuple = g_bytes_get_data(found->tuple, &length);
        struct nlmsghdr *request = put_header(buffer, IPCTNL_MSG_CT_DELETE, NLM_F_ACK);

        if (length > sizeof buffer / 2)
                return -EMSGSIZE;
        mnl_attr_put(request, CTA_TUPLE_ORIG | NLA_F_NESTED, length, tuple);
        if (found->has_zone)
                mnl_attr_put_u16(request, CTA_ZONE, found->zone);
        mnl_attr_put_u32(request, CTA_ID, found->id);
        return netlink_request(conntrack->netlink, request, NULL, NULL, NULL);
}

/* Ends what is searched for; entries that end by themselves meanwhile do not count. */
static int end_searched(Conntrack *conntrack, Search *search, guint *n)
{
        g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(Found));
        int r = -EINTR;

        search->found = found;
        g_array_set_clear_func(found, found_clear);
        for (guint i = 0; i < ATTEMPTS_MAX && r == -EINTR; i++) {
                g_array_set_size(found, 0);
                r = dump_entries(conntrack, search, take_entry);
        }
        if (r < 0)
                return r;
        for (guint i = 0; i < found->len; i++) {
                r = delete_entry(conntrack, &g_array_index(found, Found, i));
                if (r < 0 && r != -ENOENT)
                        return r;
                *n += r == 0;
        }
        return 0;
}

static int end_matching(Conntrack *conntrack, const Ends *wanted, guint *n)
{
        Search search = { .wanted = *wanted };

        return end_searched(conntrack, &search, n);
}

bool conntrack_end_mapping(Conntrack *conntrack, guint32 ip, guint32 public_ip, guint *ret_n,
                           GError **error)
{
        const Ends inbound = { .original_dst = htonl(public_ip), .reply_src = htonl(ip) };
        const Ends outbound = { .original_src = htonl(ip), .reply_dst = htonl(public_ip) };
        guint n = 0;

        int r = end_matching(conntrack, &inbound, &n);
        if (r == 0)
                r = end_matching(conntrack, &outbound, &n);
        if (r < 0) {
                g_autofree char *private_text = address_to_string(ip);
                g_autofree char *public_text = address_to_string(public_ip);
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "%s: cannot end the connections of public address %s: %s", private_text,
                            public_text, g_strerror(-r));
                return false;
        }
        if (ret_n)
                *ret_n = n;
        return true;
}

static bool end_one_mapping(Conntrack *conntrack, GHashTable *public_of, GError **error)
{
        GHashTableIter iter;
        gpointer ip, public_ip;

        g_hash_table_iter_init(&iter, public_of);
        return !g_hash_table_iter_next(&iter, &ip, &public_ip) ||
               conntrack_end_mapping(conntrack, GPOINTER_TO_UINT(ip), GPOINTER_TO_UINT(public_ip),
                                     NULL, error);
}

bool conntrack_end_mappings(Conntrack *conntrack, GHashTable *public_of, GError **error)
{
        Search search = { .public_of = public_of };
        guint n = 0;

        if (g_hash_table_size(public_of) <= 1)
                return end_one_mapping(conntrack, public_of, error);
        int r = end_searched(conntrack, &search, &n);
        if (r == 0)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                    "cannot end the connections of %u public addresses: %s",
                    g_hash_table_size(public_of), g_strerror(-r));
        return false;
}

/* Of one address the kernel finds them sooner than we do. */
static int end_address(Conntrack *conntrack, guint32 ip, guint32 mark, guint32 mask)
{
        Search from = { .wanted = { .original_src = htonl(ip) }, .mark = mark, .mask = mask };
        Search to = { .wanted = { .reply_src = htonl(ip) }, .mark = mark, .mask = mask };
        guint n = 0;

        int r = end_searched(conntrack, &from, &n);
        return r < 0 ? r : end_searched(conntrack, &to, &n);
}

bool conntrack_end_addresses(Conntrack *conntrack, GHashTable *ips, guint32 mark, guint32 mask,
                             GError **error)
{
        Search search = { .ips = ips, .mark = mark, .mask = mask };
        GHashTableIter iter;
        gpointer ip = NULL;
        guint n = 0;

        g_hash_table_iter_init(&iter, ips);
        if (!g_hash_table_iter_next(&iter, &ip, NULL))
                return true;
        int r = g_hash_table_size(ips) == 1
                        ? end_address(conntrack, GPOINTER_TO_UINT(ip), mark, mask)
                        : end_searched(conntrack, &search, &n);
        if (r == 0)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                    "cannot end the connections of %u guests: %s", g_hash_table_size(ips),
                    g_strerror(-r));
        return false;
}

bool conntrack_end_marked(Conntrack *conntrack, guint32 mark, guint32 mask, GError **error)
{
        Search search = { .mark = mark, .mask = mask };
        guint n = 0;

        int r = end_searched(conntrack, &search, &n);
        if (r == 0)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                    "cannot end the connections of mark 0x%08x: %s", mark, g_strerror(-r));
        return false;
}

bool conntrack_end_untranslated(Conntrack *conntrack, const GArray *ips, GError **error)
{
        g_autoptr(GHashTable) set = g_hash_table_new(NULL, NULL);
        Search search = { .untranslated_to = set };
        guint n = 0;

        if (ips->len == 0)
                return true;
        for (guint i = 0; i < ips->len; i++)
                g_hash_table_add(set, GUINT_TO_POINTER(g_array_index(ips, guint32, i)));
        if (ips->len == 1) /* the kernel finds them sooner than we do */
                search.wanted.original_dst = search.wanted.reply_src =
                        htonl(g_array_index(ips, guint32, 0));

        int r = end_searched(conntrack, &search, &n);
        if (r == 0)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                    "cannot end old connections to public addresses: %s", g_strerror(-r));
        return false;
}

bool conntrack_end_untranslated_from(Conntrack *conntrack, const ConntrackScope *scope,
                                     GError **error)
{
        Search search = { .untranslated_from = &scope->subnet,
                          .mark = scope->mark,
                          .mask = scope->mask };
        guint n = 0;

        int r = end_searched(conntrack, &search, &n);
        if (r == 0)
                return true;
        g_autofree char *text = subnet_to_string(&scope->subnet);
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                    "cannot end connections from %s that are not translated: %s", text,
                    g_strerror(-r));
        return false;
}

static bool fail(const ConntrackScope *scope, const char *attempt, int r, GError **error)
{
        g_autofree char *text = subnet_to_string(&scope->subnet);

        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                    "cannot %s the connections of %s: %s", attempt, text, g_strerror(-r));
        return false;
}

bool conntrack_end_judged(Conntrack *conntrack, const ConntrackScope *scope,
                          ConntrackJudge is_to_end, gpointer data, guint *ret_n, GError **error)
{
        Search search = { .judged = &scope->subnet,
                          .judge = is_to_end,
                          .judge_data = data,
                          .mark = scope->mark,
                          .mask = scope->mask };
        guint n = 0;

        int r = end_searched(conntrack, &search, &n);
        if (r < 0)
                return fail(scope, "end", r, error);
        if (ret_n)
                *ret_n = n;
        return true;
}

bool conntrack_end_led(Conntrack *conntrack, const ConntrackScope *scope,
                       ConntrackFlowJudge is_to_end, gpointer data, GError **error)
{
        Search search = { .led = &scope->subnet,
                          .flow_judge = is_to_end,
                          .judge_data = data,
                          .mark = scope->mark,
                          .mask = scope->mask };
        guint n = 0;

        int r = end_searched(conntrack, &search, &n);
        return r == 0 || fail(scope, "end", r, error);
}

bool conntrack_end_unled(Conntrack *conntrack, ConntrackFlowJudge is_to_end, gpointer data,
                         GError **error)
{
        Search search = { .unled = true, .flow_judge = is_to_end, .judge_data = data };
        guint n = 0;

        int r = end_searched(conntrack, &search, &n);
        if (r == 0)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                    "cannot end old connections to forwarded ports: %s", g_strerror(-r));
        return false;
}

/* Nothing is found, so that nothing ends. */
static int show_entry(const struct nlmsghdr *message, void *data)
{
        const Search *search = data;
        ConntrackEntry entry;

        if (conntrack_entry_read(message, &entry))
                (void)is_searched(search, &entry);
        return MNL_CB_OK;
}

bool conntrack_for_each(Conntrack *conntrack, const ConntrackScope *scope, ConntrackJudge visit,
                        gpointer data, GError **error)
{
        Search search = { .judged = &scope->subnet,
                          .judge = visit,
                          .judge_data = data,
                          .mark = scope->mark,
                          .mask = scope->mask };

        int r = dump_entries(conntrack, &search, show_entry);
        return r >= 0 || r == -EINTR || fail(scope, "read", r, error);
}
