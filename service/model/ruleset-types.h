/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The values that a Ruleset is made of, for those who copy them (host/nft-objects.c) or print them.
 * Numbers are the kernel's: NFPROTO_*, NFT_*, NF_*. Every expression works on one register: a load
 * (META, PAYLOAD, CT) fills it, BITWISE and LOOKUP change it, COMPARE and NAT use it. */

#include <glib.h>
#include <linux/netfilter/nf_tables.h>

#include "model/ruleset.h"

typedef enum ExpressionType {
        EXPRESSION_META,
        EXPRESSION_PAYLOAD, /* from the network header */
        EXPRESSION_CT,
        EXPRESSION_BITWISE, /* and */
        EXPRESSION_COMPARE,
        EXPRESSION_LOOKUP, /* no such element ends the rule */
        EXPRESSION_COUNTER,
        EXPRESSION_NAT, /* to the address in the register */
        EXPRESSION_MASQUERADE,
        EXPRESSION_VERDICT,
        EXPRESSION_TYPE_MAX,
} ExpressionType;

/* As the register has it: network byte order for a packet's fields, the host's for the rest. */
typedef struct ExpressionValue {
        guint8 bytes[16];
        guint length;
} ExpressionValue;

typedef struct Expression {
        ExpressionType type;
        union {
                guint32 meta_key; /* NFT_META_* */
                struct {
                        guint32 offset;
                        guint32 length;
                } payload;
                guint32 ct_key; /* NFT_CT_* */
                ExpressionValue mask;
                struct {
                        guint32 operation; /* NFT_CMP_* */
                        ExpressionValue value;
                } compare;
                const char *map;  /* a literal */
                guint32 nat_type; /* NFT_NAT_* */
                gint32 verdict;   /* NF_* or NFT_* */
        };
} Expression;

typedef struct RulesetRule {
        GArray *expressions; /* Expression */
} RulesetRule;

typedef struct RulesetChain {
        const char *name; /* a literal */
        const char *type; /* "filter" or "nat" */
        guint32 hook;     /* NF_INET_* or NF_ARP_* */
        gint32 priority;
        GPtrArray *rules; /* RulesetRule* */
} RulesetChain;

/* From IPv4 address to IPv4 address, host byte order. */
typedef struct RulesetElement {
        guint32 key;
        guint32 value;
} RulesetElement;

typedef struct RulesetMap {
        const char *name; /* a literal */
        GArray *elements; /* RulesetElement */
} RulesetMap;

typedef struct RulesetTable {
        guint16 family; /* NFPROTO_* */
        char *name;
        GPtrArray *maps;   /* RulesetMap* */
        GPtrArray *chains; /* RulesetChain*, policy accept */
} RulesetTable;

struct Ruleset {
        GPtrArray *tables; /* RulesetTable* */
};

/* The two maps of the 1:1 mappings, which host/nft.c changes by element. */
#define MAP_PUBLIC_TO_PRIVATE "public_to_private"
#define MAP_PRIVATE_TO_PUBLIC "private_to_public"
