/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One expression each: what it loads into the register, or does with it. A rule is a row of them.
 */

#include "host/nft-expression.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_nat.h>

#include "host/nft-batch.h"

/* As nft has it where nobody says another. */
#define LIMIT_BURST 5

static NftExpression *new_meta(guint32 key, guint16 place, guint32 reg)
{
        NftExpression *meta = nft_checked(nftnl_expr_alloc("meta"));

        nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, key);
        nftnl_expr_set_u32(meta, place, reg);
        return meta;
}

static NftExpression *new_payload(guint32 base, guint32 offset, guint32 length, guint32 reg)
{
        NftExpression *payload = nft_checked(nftnl_expr_alloc("payload"));

        nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_BASE, base);
        nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
        nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_LEN, length);
        nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_DREG, reg);
        return payload;
}

static NftExpression *new_ct(guint32 key)
{
        NftExpression *ct = nft_checked(nftnl_expr_alloc("ct"));

        nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_KEY, key);
        nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_DREG, NFT_REG_1);
        if (key == NFT_CT_ZONE)
                nftnl_expr_set_u8(ct, NFTNL_EXPR_CT_DIR, IP_CT_DIR_ORIGINAL);
        return ct;
}

static NftExpression *new_ct_set(guint32 key)
{
        NftExpression *ct = nft_checked(nftnl_expr_alloc("ct"));

        nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_KEY, key);
        nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_SREG, NFT_REG_1);
        if (key == NFT_CT_ZONE)
                nftnl_expr_set_u8(ct, NFTNL_EXPR_CT_DIR, IP_CT_DIR_ORIGINAL);
        return ct;
}

static NftExpression *new_number(const ExpressionValue *value, guint32 reg)
{
        NftExpression *immediate = nft_checked(nftnl_expr_alloc("immediate"));

        nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, reg);
        nftnl_expr_set(immediate, NFTNL_EXPR_IMM_DATA, value->bytes, value->length);
        return immediate;
}

static NftExpression *new_bitwise(const ExpressionValue *mask, const ExpressionValue *bits)
{
        NftExpression *bitwise = nft_checked(nftnl_expr_alloc("bitwise"));

        nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
        nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
        nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_LEN, mask->length);
        nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_MASK, mask->bytes, mask->length);
        nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_XOR, bits->bytes, mask->length);
        return bitwise;
}

static NftExpression *new_compare(guint32 operation, const ExpressionValue *value)
{
        NftExpression *compare = nft_checked(nftnl_expr_alloc("cmp"));

        nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
        nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, operation);
        nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, value->bytes, value->length);
        return compare;
}

static NftExpression *new_lookup(const char *name)
{
        NftExpression *lookup = nft_checked(nftnl_expr_alloc("lookup"));

        nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
        nftnl_expr_set_str(lookup, NFTNL_EXPR_LOOKUP_SET, name);
        return lookup;
}

static NftExpression *new_lookup_for(const char *name, LookupType type)
{
        NftExpression *lookup = new_lookup(name);

        if (type != LOOKUP_IN_SET)
                nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_DREG,
                                   type == LOOKUP_VERDICT ? NFT_REG_VERDICT : NFT_REG_1);
        return lookup;
}

static NftExpression *new_exclude(const char *name)
{
        NftExpression *lookup = new_lookup(name);

        nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
        return lookup;
}

static NftExpression *new_reset(void)
{
        NftExpression *expression = nft_checked(nftnl_expr_alloc("reject"));

        nftnl_expr_set_u32(expression, NFTNL_EXPR_REJECT_TYPE, NFT_REJECT_TCP_RST);
        nftnl_expr_set_u8(expression, NFTNL_EXPR_REJECT_CODE, 0);
        return expression;
}

static NftExpression *new_redirect(void)
{
        NftExpression *redirect = nft_checked(nftnl_expr_alloc("redir"));

        nftnl_expr_set_u32(redirect, NFTNL_EXPR_REDIR_REG_PROTO_MIN, NFT_REG_1);
        nftnl_expr_set_u32(redirect, NFTNL_EXPR_REDIR_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
        return redirect;
}

static NftExpression *new_address_type(guint32 flag)
{
        NftExpression *fib = nft_checked(nftnl_expr_alloc("fib"));

        nftnl_expr_set_u32(fib, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
        nftnl_expr_set_u32(fib, NFTNL_EXPR_FIB_FLAGS, flag);
        nftnl_expr_set_u32(fib, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
        return fib;
}

static NftExpression *new_nat(guint32 type, bool with_port)
{
        NftExpression *nat = nft_checked(nftnl_expr_alloc("nat"));

        nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_TYPE, type);
        nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4);
        nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
        if (with_port)
                nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_PROTO_MIN, NFT_REG32_01);
        return nat;
}

static NftExpression *new_masquerade(bool with_ports)
{
        NftExpression *masquerade = nft_checked(nftnl_expr_alloc("masq"));

        if (!with_ports)
                return masquerade;
        nftnl_expr_set_u32(masquerade, NFTNL_EXPR_MASQ_REG_PROTO_MIN, NFT_REG_1);
        nftnl_expr_set_u32(masquerade, NFTNL_EXPR_MASQ_REG_PROTO_MAX, NFT_REG32_01);
        nftnl_expr_set_u32(masquerade, NFTNL_EXPR_MASQ_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
        return masquerade;
}

/* The limit is the element's, whose key is in the register. */
static NftExpression *new_count(const char *set, guint32 limit)
{
        NftExpression *count = nft_checked(nftnl_expr_alloc("connlimit"));
        NftExpression *add = nft_checked(nftnl_expr_alloc("dynset"));

        nftnl_expr_set_u32(count, NFTNL_EXPR_CONNLIMIT_COUNT, limit);
        nftnl_expr_set_u32(count, NFTNL_EXPR_CONNLIMIT_FLAGS, NFT_CONNLIMIT_F_INV); /* over */
        nftnl_expr_set_u32(add, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_1);
        nftnl_expr_set_u32(add, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_ADD);
        nftnl_expr_set_str(add, NFTNL_EXPR_DYNSET_SET_NAME, set);
        nftnl_expr_set(add, NFTNL_EXPR_DYNSET_EXPR, count, 0); /* which owns it from now on */
        return add;
}

static NftExpression *new_set_timeout(const char *object)
{
        NftExpression *reference = nft_checked(nftnl_expr_alloc("objref"));

        nftnl_expr_set_u32(reference, NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_CT_TIMEOUT);
        nftnl_expr_set_str(reference, NFTNL_EXPR_OBJREF_IMM_NAME, object);
        return reference;
}

static NftExpression *new_verdict(gint32 code, const char *chain)
{
        NftExpression *immediate = nft_checked(nftnl_expr_alloc("immediate"));

        nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
        nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_VERDICT, (guint32)code);
        if (chain)
                nftnl_expr_set_str(immediate, NFTNL_EXPR_IMM_CHAIN, chain);
        return immediate;
}

static NftExpression *new_limit(guint32 packets_per_second)
{
        NftExpression *limit = nft_checked(nftnl_expr_alloc("limit"));

        nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_RATE, packets_per_second);
        nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_UNIT, 1); /* second */
        nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_BURST, LIMIT_BURST);
        nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
        return limit;
}

static NftExpression *new_log(const char *prefix)
{
        NftExpression *log = nft_checked(nftnl_expr_alloc("log"));

        nftnl_expr_set_str(log, NFTNL_EXPR_LOG_PREFIX, prefix);
        return log;
}

NftExpression *nft_expression_new(const Expression *expression)
{
        switch (expression->type) {
        case EXPRESSION_META:
                return new_meta(expression->meta.key, NFTNL_EXPR_META_DREG,
                                expression->meta.append ? NFT_REG32_01 : NFT_REG_1);
        case EXPRESSION_PAYLOAD:
                return new_payload(expression->payload.base, expression->payload.offset,
                                   expression->payload.length,
                                   expression->payload.append ? NFT_REG32_01 : NFT_REG_1);
        case EXPRESSION_CT:
                return new_ct(expression->ct_key);
        case EXPRESSION_NUMBER:
                return new_number(&expression->number.value,
                                  expression->number.append ? NFT_REG32_01 : NFT_REG_1);
        case EXPRESSION_ADDRESS_TYPE:
                return new_address_type(expression->address_flag);
        case EXPRESSION_BITWISE:
                return new_bitwise(&expression->bitwise.mask, &expression->bitwise.bits);
        case EXPRESSION_COMPARE:
                return new_compare(expression->compare.operation, &expression->compare.value);
        case EXPRESSION_LOOKUP:
                return new_lookup_for(expression->lookup.name, expression->lookup.type);
        case EXPRESSION_EXCLUDE:
                return new_exclude(expression->lookup.name);
        case EXPRESSION_COUNTER:
                return nft_checked(nftnl_expr_alloc("counter"));
        case EXPRESSION_SET_CT:
                return new_ct_set(expression->ct_key);
        case EXPRESSION_SET_META:
                return new_meta(expression->meta.key, NFTNL_EXPR_META_SREG, NFT_REG_1);
        case EXPRESSION_NOTRACK:
                return nft_checked(nftnl_expr_alloc("notrack"));
        case EXPRESSION_REDIRECT:
                return new_redirect();
        case EXPRESSION_NAT:
                return new_nat(expression->nat.type, expression->nat.with_port);
        case EXPRESSION_MASQUERADE:
                return new_masquerade(expression->masquerade_ports);
        case EXPRESSION_COUNT_CONNECTIONS:
                return new_count(expression->count.set, expression->count.limit);
        case EXPRESSION_SET_TIMEOUT:
                return new_set_timeout(expression->object);
        case EXPRESSION_RESET:
                return new_reset();
        case EXPRESSION_VERDICT:
                return new_verdict(expression->verdict.code, expression->verdict.chain);
        case EXPRESSION_LIMIT:
                return new_limit(expression->packets_per_second);
        case EXPRESSION_LOG:
                return new_log(expression->log_prefix);
        case EXPRESSION_TYPE_MAX:
                break;
        }
        g_assert_not_reached();
}
