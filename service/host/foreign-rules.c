/* SPDX-License-Identifier: GPL-2.0-or-later */

/* iptables-nft refuses to show a chain that has an expression it does not write itself, so a rule
 * here is exactly: meta iifname, cmp, meta oifname, cmp, counter, immediate accept; the names are
 * compared up to and with their NUL. Our mark is the comment in the rule's user data, which
 * iptables-nft shows as `-m comment`; what iptables-restore has made of it since, a match called
 * comment, counts as well. */

#include "host/foreign-rules.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_comment.h>
#include <string.h>

#include <libnftnl/expr.h>
#include <libnftnl/udata.h>

#include "host/nft-batch.h"

#define COMMENT "jumpstarter"

typedef struct nftnl_expr_iter NftExpressionIter;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NftExpressionIter, nftnl_expr_iter_destroy)

static void add_name(struct nftnl_rule *rule, guint32 key, const char *name)
{
        struct nftnl_expr *meta = nft_checked(nftnl_expr_alloc("meta"));
        nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, key);
        nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, NFT_REG_1);
        nftnl_rule_add_expr(rule, meta);

        struct nftnl_expr *compare = nft_checked(nftnl_expr_alloc("cmp"));
        nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
        nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
        nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, name, (guint32)strlen(name) + 1);
        nftnl_rule_add_expr(rule, compare);
}

static void add_comment(struct nftnl_rule *rule)
{
        struct nftnl_udata_buf *buffer = nft_checked(nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN));

        nftnl_udata_put_strz(buffer, NFTNL_UDATA_RULE_COMMENT, COMMENT);
        nftnl_rule_set_data(rule, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(buffer),
                            nftnl_udata_buf_len(buffer));
        nftnl_udata_buf_free(buffer);
}

struct nftnl_rule *foreign_rule_new(const ForeignPath *path)
{
        struct nftnl_rule *rule = nft_checked(nftnl_rule_alloc());

        add_name(rule, NFT_META_IIFNAME, path->from);
        add_name(rule, NFT_META_OIFNAME, path->to);
        nftnl_rule_add_expr(rule, nft_checked(nftnl_expr_alloc("counter")));

        struct nftnl_expr *accept = nft_checked(nftnl_expr_alloc("immediate"));
        nftnl_expr_set_u32(accept, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
        nftnl_expr_set_u32(accept, NFTNL_EXPR_IMM_VERDICT, NF_ACCEPT);
        nftnl_rule_add_expr(rule, accept);

        add_comment(rule);
        return rule;
}

static bool is_called(const struct nftnl_expr *expression, const char *name)
{
        return expression && g_str_equal(nftnl_expr_get_str(expression, NFTNL_EXPR_NAME), name);
}

/* The next two expressions are of the interface's name, in full. */
static bool take_name(NftExpressionIter *iter, guint32 key, const char *name)
{
        const struct nftnl_expr *meta = nftnl_expr_iter_next(iter);
        if (!is_called(meta, "meta") || nftnl_expr_get_u32(meta, NFTNL_EXPR_META_KEY) != key)
                return false;

        const struct nftnl_expr *compare = nftnl_expr_iter_next(iter);
        if (!is_called(compare, "cmp") ||
            nftnl_expr_get_u32(compare, NFTNL_EXPR_CMP_OP) != NFT_CMP_EQ)
                return false;

        guint32 length;
        const char *value = nftnl_expr_get(compare, NFTNL_EXPR_CMP_DATA, &length);
        return value && memchr(value, '\0', length) && g_str_equal(value, name);
}

static bool is_our_comment(const struct nftnl_expr *match)
{
        guint32 length;
        const struct xt_comment_info *info = nftnl_expr_get(match, NFTNL_EXPR_MT_INFO, &length);

        return g_str_equal(nftnl_expr_get_str(match, NFTNL_EXPR_MT_NAME), "comment") && info &&
               length >= sizeof COMMENT && memcmp(info->comment, COMMENT, sizeof COMMENT) == 0;
}

static bool has_our_comment(const struct nftnl_rule *rule)
{
        guint32 length;
        const char *data = nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &length);
        const struct nftnl_udata *attribute;

        if (!data)
                return false;
        nftnl_udata_for_each_data(data, length, attribute)
        {
                if (nftnl_udata_type(attribute) == NFTNL_UDATA_RULE_COMMENT)
                        return nftnl_udata_len(attribute) == sizeof COMMENT &&
                               memcmp(nftnl_udata_get(attribute), COMMENT, sizeof COMMENT) == 0;
        }
        return false;
}

ForeignMatch foreign_rule_match(const struct nftnl_rule *rule, const ForeignPath *path)
{
        g_autoptr(NftExpressionIter) iter = nft_checked(nftnl_expr_iter_create(rule));
        bool ours = has_our_comment(rule);

        if (!take_name(iter, NFT_META_IIFNAME, path->from) ||
            !take_name(iter, NFT_META_OIFNAME, path->to))
                return FOREIGN_MATCH_NONE;

        const struct nftnl_expr *next = nftnl_expr_iter_next(iter);
        if (is_called(next, "match") && is_our_comment(next)) {
                ours = true;
                next = nftnl_expr_iter_next(iter);
        }
        if (!is_called(next, "counter"))
                return FOREIGN_MATCH_NONE;

        next = nftnl_expr_iter_next(iter);
        if (!is_called(next, "immediate") ||
            nftnl_expr_get_u32(next, NFTNL_EXPR_IMM_VERDICT) != NF_ACCEPT ||
            nftnl_expr_iter_next(iter))
                return FOREIGN_MATCH_NONE;
        return ours ? FOREIGN_MATCH_OURS : FOREIGN_MATCH_OTHERS;
}

bool foreign_rule_jumps_to(const struct nftnl_rule *rule, const char *chain)
{
        g_autoptr(NftExpressionIter) iter = nft_checked(nftnl_expr_iter_create(rule));
        const struct nftnl_expr *expression;

        while ((expression = nftnl_expr_iter_next(iter))) {
                if (!is_called(expression, "immediate"))
                        continue;
                const char *target = nftnl_expr_get_str(expression, NFTNL_EXPR_IMM_CHAIN);
                if (target && g_str_equal(target, chain))
                        return true;
        }
        return false;
}
