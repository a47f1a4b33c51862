/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The batch's bytes. Only the last message asks for an acknowledgement: the kernel reports every
 * message that fails unasked, and one answer instead of thousands cannot be lost for lack of room.
 */

#include "host/nft-batch.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include <libnftnl/common.h>

#include "util/error.h"

struct NftBatch {
        Netlink *netlink;
        GByteArray *bytes;
        gsize open;    /* where the message begins that may still grow; 0 = none */
        guint32 first; /* sequence number of the first message */
        GArray *types; /* guint16, one a message */
};

/* More than a header with its nfgenmsg takes. */
#define HEADER_ROOM 64

void *nft_checked(void *object)
{
        if (!object)
                g_error("libnftnl: out of memory");
        return object;
}

NftBatch *nft_batch_new(Netlink *netlink)
{
        NftBatch *batch = g_new(NftBatch, 1);

        *batch = (NftBatch){
                .netlink = netlink,
                .bytes = g_byte_array_new(),
                .types = g_array_new(FALSE, FALSE, sizeof(guint16)),
        };
        return batch;
}

void nft_batch_free(NftBatch *batch)
{
        if (!batch)
                return;

        g_array_unref(batch->types);
        g_byte_array_unref(batch->bytes);
        g_free(batch);
}

static void close_message(NftBatch *batch)
{
        if (batch->open == 0)
                return;

        const struct nlmsghdr *message = (const void *)(batch->bytes->data + batch->open);
        g_byte_array_set_size(batch->bytes, (guint)(batch->open + NLMSG_ALIGN(message->nlmsg_len)));
        batch->open = 0;
}

/* The end of the array, with @room bytes behind it; zero, since libmnl leaves its padding as it
 * was. */
static char *reserve(NftBatch *batch, gsize room)
{
        gsize end = batch->bytes->len;

        g_byte_array_set_size(batch->bytes, (guint)(end + room));
        return memset(batch->bytes->data + end, 0, room);
}

static void add_bracket(NftBatch *batch, struct nlmsghdr *(*build)(char *, uint32_t))
{
        gsize end = batch->bytes->len;
        const struct nlmsghdr *message =
                build(reserve(batch, HEADER_ROOM), netlink_next_seq(batch->netlink));

        g_byte_array_set_size(batch->bytes, (guint)(end + NLMSG_ALIGN(message->nlmsg_len)));
}

struct nlmsghdr *nft_batch_add(NftBatch *batch, guint16 type, guint16 family, guint16 flags)
{
        close_message(batch);
        if (batch->bytes->len == 0)
                add_bracket(batch, nftnl_batch_begin);

        guint32 seq = netlink_next_seq(batch->netlink);
        if (batch->types->len == 0)
                batch->first = seq;
        g_array_append_val(batch->types, type);
        batch->open = batch->bytes->len;
        return nftnl_nlmsg_build_hdr(reserve(batch, HEADER_ROOM + NFT_BATCH_ROOM), type, family,
                                     flags, seq);
}

static const char *attempt_name(guint16 type)
{
        switch (type) {
        case NFT_MSG_NEWTABLE:
                return "add a table";
        case NFT_MSG_DELTABLE:
                return "delete a table";
        case NFT_MSG_NEWCHAIN:
                return "add a chain";
        case NFT_MSG_DELCHAIN:
                return "delete a chain";
        case NFT_MSG_NEWRULE:
                return "add a rule";
        case NFT_MSG_DELRULE:
                return "delete a rule";
        case NFT_MSG_NEWSET:
                return "add a map";
        case NFT_MSG_DELSET:
                return "delete a map";
        case NFT_MSG_NEWOBJ:
                return "add a timeout";
        case NFT_MSG_DELOBJ:
                return "delete a timeout";
        case NFT_MSG_NEWSETELEM:
                return "add a mapping";
        case NFT_MSG_DELSETELEM:
                return "delete a mapping";
        }
        return "change it";
}

static const char *failed_name(const NftBatch *batch, guint32 seq)
{
        guint32 index = seq - batch->first;

        /* Else it was the commit as a whole. */
        return index < batch->types->len ? attempt_name(g_array_index(batch->types, guint16, index))
                                         : "change it";
}

static int send_bytes(NftBatch *batch, const char **ret_failed)
{
        guint32 last = batch->first + batch->types->len - 1;
        guint32 failed_seq = batch->first - 1;

        int r = netlink_send_batch(batch->netlink, batch->bytes->data, batch->bytes->len,
                                   batch->first, last, &failed_seq);
        if (r < 0 && ret_failed)
                *ret_failed = failed_name(batch, failed_seq);
        return r;
}

static void ask_for_answer(NftBatch *batch)
{
        struct nlmsghdr *message = (void *)(batch->bytes->data + batch->open);

        message->nlmsg_flags |= NLM_F_ACK;
        close_message(batch);
}

int nft_batch_send(NftBatch *batch, const char **ret_failed)
{
        if (batch->types->len == 0)
                return 0;

        ask_for_answer(batch);
        add_bracket(batch, nftnl_batch_end);
        return send_bytes(batch, ret_failed);
}

int nft_batch_check(NftBatch *batch)
{
        if (batch->types->len == 0)
                return 0;

        /* A batch without its end is looked at and then undone, as `nft --check` has it. */
        ask_for_answer(batch);
        return send_bytes(batch, NULL);
}

bool nft_batch_fail(int r, const char *failed, const char *object, GError **error)
{
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: cannot %s: %s%s", object,
                    failed, g_strerror(-r),
                    r == -EPERM ? " (another process owns it, or we lack CAP_NET_ADMIN)" : "");
        return false;
}
