/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the kernel has counted: the rules of a chain are dumped, and each counter goes to the
 * comment of its rule. */

#include "host/nft.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/udata.h>

#include "host/netlink.h"
#include "util/error.h"

typedef struct nftnl_rule NftRule;
typedef struct nftnl_expr_iter NftExpressionIter;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NftRule, nftnl_rule_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NftExpressionIter, nftnl_expr_iter_destroy)

typedef struct Reading {
        NftCounted counted;
        gpointer data;
} Reading;

static int take_comment(const struct nftnl_udata *note, void *data)
{
        const char *text = nftnl_udata_get(note);
        guint8 length = nftnl_udata_len(note);

        if (nftnl_udata_type(note) == NFTNL_UDATA_RULE_COMMENT && length > 0 &&
            text[length - 1] == '\0')
                *(const char **)data = text;
        return 0;
}

/* NULL: it has none. */
static const char *comment_of(const NftRule *rule)
{
        guint32 length;
        const void *notes = nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &length);
        const char *comment = NULL;

        if (notes)
                (void)nftnl_udata_parse(notes, length, take_comment, &comment); /* NULL then */
        return comment;
}

static int take_rule(const struct nlmsghdr *message, void *data)
{
        const Reading *reading = data;
        g_autoptr(NftRule) rule = nftnl_rule_alloc();

        if (!rule || nftnl_rule_nlmsg_parse(message, rule) < 0)
                return MNL_CB_OK;
        const char *comment = comment_of(rule);
        g_autoptr(NftExpressionIter) iter = nftnl_expr_iter_create(rule);
        for (struct nftnl_expr *expression;
             comment && iter && (expression = nftnl_expr_iter_next(iter));) {
                if (!g_str_equal(nftnl_expr_get_str(expression, NFTNL_EXPR_NAME), "counter"))
                        continue;
                reading->counted(comment, nftnl_expr_get_u64(expression, NFTNL_EXPR_CTR_PACKETS),
                                 nftnl_expr_get_u64(expression, NFTNL_EXPR_CTR_BYTES),
                                 reading->data);
        }
        return MNL_CB_OK;
}

bool nft_read_counters(Nft *nft, guint16 family, const char *table, const char *chain,
                       NftCounted counted, gpointer data, GError **error)
{
        char buffer[1024] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        g_autoptr(NftRule) rule = nftnl_rule_alloc();
        Reading reading = { counted, data };

        if (!rule)
                g_error("libnftnl: out of memory");
        nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, table);
        nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
        struct nlmsghdr *request =
                nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETRULE, family, NLM_F_DUMP, 0);
        nftnl_rule_nlmsg_build_payload(request, rule);
        int r = netlink_request(nft_netlink(nft), request, take_rule, &reading, NULL);
        if (r == 0)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: cannot read its counters: %s",
                    chain, g_strerror(-r));
        return false;
}
