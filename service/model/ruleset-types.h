/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The values that a Ruleset is made of, for those who copy them (host/nft-objects.c) or print them.
 * Numbers are the kernel's: NFPROTO_*, NFT_*, NF_*. Every expression works on one register: a load
 * (META, PAYLOAD, CT, NUMBER, ADDRESS_TYPE) fills it, BITWISE and LOOKUP change it, COMPARE,
 * NAT, REDIRECT and what sets something use it. A load that is appended goes behind what the
 * register has, as a concatenation's second part does. */

#include <glib.h>
#include <linux/netfilter/nf_tables.h>
#include <stdbool.h>

#include "model/ruleset.h"

typedef enum ExpressionType {
        EXPRESSION_META,
        EXPRESSION_PAYLOAD,
        EXPRESSION_CT,
        EXPRESSION_NUMBER,
        EXPRESSION_ADDRESS_TYPE, /* what the host's routes say of an address: RTN_* */
        EXPRESSION_BITWISE,      /* and, then exclusive or */
        EXPRESSION_COMPARE,
        EXPRESSION_LOOKUP,  /* no such element ends the rule */
        EXPRESSION_EXCLUDE, /* such an element ends the rule */
        EXPRESSION_COUNTER,
        EXPRESSION_LIMIT, /* more than so many packets a second end the rule */
        EXPRESSION_LOG,
        EXPRESSION_COUNT_CONNECTIONS, /* of what is in the register, in a set; no more than its
                                         limit end the rule */
        EXPRESSION_SET_TIMEOUT,       /* an object's, where it is of the packet's protocol */
        EXPRESSION_SET_CT,            /* NFT_CT_MARK or NFT_CT_ZONE */
        EXPRESSION_SET_META,          /* NFT_META_MARK */
        EXPRESSION_NOTRACK,
        EXPRESSION_NAT,        /* to the address in the register, and the port behind it */
        EXPRESSION_REDIRECT,   /* to the port in the register */
        EXPRESSION_MASQUERADE, /* with ports from that in the register to that behind it, or any */
        EXPRESSION_RESET,      /* dropped, and answered by TCP's RST */
        EXPRESSION_VERDICT,
        EXPRESSION_TYPE_MAX,
} ExpressionType;

/* What an element is good for. */
typedef enum LookupType {
        LOOKUP_IN_SET,  /* that it is there */
        LOOKUP_VALUE,   /* its value, for the register */
        LOOKUP_VERDICT, /* its verdict */
} LookupType;

/* As the register has it: network byte order for a packet's fields, the host's for the rest. */
typedef struct ExpressionValue {
        guint8 bytes[16];
        guint length;
} ExpressionValue;

typedef struct Expression {
        ExpressionType type;
        union {
                struct {
                        guint32 key; /* NFT_META_* */
                        bool append;
                } meta;
                struct {
                        guint32 base; /* NFT_PAYLOAD_* */
                        guint32 offset;
                        guint32 length;
                        bool append;
                } payload;
                guint32 address_flag; /* NFTA_FIB_F_SADDR or NFTA_FIB_F_DADDR: of which one */
                guint32 ct_key;       /* NFT_CT_*; the zone is that of the original direction */
                struct {
                        ExpressionValue value;
                        bool append;
                } number;
                struct {
                        ExpressionValue mask, bits; /* of the same length */
                } bitwise;
                struct {
                        guint32 operation; /* NFT_CMP_* */
                        ExpressionValue value;
                } compare;
                struct {
                        char *name;
                        LookupType type;
                } lookup;
                struct {
                        guint32 type; /* NFT_NAT_* */
                        bool with_port;
                } nat;
                bool masquerade_ports;
                struct {
                        char *set;
                        guint32 limit;
                } count;
                char *object;
                struct {
                        gint32 code;       /* NF_* or NFT_* */
                        const char *chain; /* NFT_GOTO, NFT_JUMP: where to; its table has it */
                } verdict;
                guint32 packets_per_second;
                char log_prefix[48];
        };
} Expression;

typedef struct RulesetRule {
        GArray *expressions; /* Expression */
        char *comment;       /* NULL: none */
} RulesetRule;

typedef struct RulesetChain {
        char *name;
        const char *type; /* "filter", "nat" or "route"; NULL: reached by jumps alone */
        guint32 hook;     /* NF_INET_* or NF_ARP_* */
        gint32 priority;
        GPtrArray *rules; /* RulesetRule* */
} RulesetChain;

/* An IPv4 address and, in a map, the one that it leads to; host byte order. */
typedef struct RulesetElement {
        guint32 key;
        guint32 value;
} RulesetElement;

typedef enum RulesetMapType {
        MAP_ADDRESSES,          /* to an address */
        MAP_ADDRESS_SET,        /* no map: addresses alone */
        MAP_PLACE_SET,          /* no map: addresses, each with an interface */
        MAP_INTERFACE_VERDICTS, /* from an interface to the chain that is jumped to */
        MAP_MARK_VERDICTS,      /* from a mark */
        MAP_ANSWERS,            /* no map: addresses that others add to, up to a limit */
        MAP_PORT_SET,           /* no map: ports */
        MAP_PORT_TARGETS,       /* from a port to an address and a port */
        MAP_PORT_SOURCE_SET,    /* no map: ports, each with a subnet of sources */
        MAP_PORT_SOURCE_TARGETS,
        MAP_ADDRESS_JUMPS, /* from an address to the chain that is jumped to */
        MAP_ADDRESS_GOTOS, /* the same, and gone to */
        MAP_COUNTED,       /* no map: addresses, each with its connections, that rules add */
        MAP_TYPE_MAX,
} RulesetMapType;

/* How many addresses a set of answers holds. It has the flag timeout, though none of its elements
 * has one: without it the kernel makes the hash for all of them at once, and not as they come. It
 * looks for what has timed out as seldom as can be. */
#define ANSWERS_SIZE    65536
#define ANSWERS_GC_DAYS 1
#define ANSWERS_GC_MSEC (ANSWERS_GC_DAYS * 24 * 60 * 60 * 1000)

/* How many a set of those that are counted holds: a rule counts no more than these. Those that have
 * no connection go by themselves. */
#define COUNTED_SIZE 65536

/* An element that has a name in it. */
typedef struct RulesetPlace {
        guint32 number;     /* address or mark; 0 where the key has none */
        char interface[16]; /* "" where the key has none */
        char *chain;        /* NULL: no map */
} RulesetPlace;

/* A port of the host and where it leads to. */
typedef struct RulesetPort {
        guint16 port;
        Subnet from; /* where the key has one */
        guint32 ip;  /* not of a set */
        guint16 to_port;
} RulesetPort;

typedef struct RulesetMap {
        RulesetMapType type;
        char *name;
        bool whole;       /* in a table with parts of others: it is ours, and what is here is all
                             that is to be in it, but for what others or rules have added */
        GArray *elements; /* RulesetElement, where the keys are addresses alone */
        GArray *places;   /* RulesetPlace, of those with a name in them */
        GArray *ports;    /* RulesetPort, of those of ports */
} RulesetMap;

/* A `ct timeout` object: how long a connection of @protocol is remembered without a packet, in the
 * states that are not 0. In seconds. */
typedef struct RulesetTimeout {
        char *name;
        guint8 protocol;            /* IPPROTO_TCP or IPPROTO_UDP */
        guint32 established;        /* TCP */
        guint32 unreplied, replied; /* UDP */
} RulesetTimeout;

typedef struct RulesetTable {
        guint16 family; /* NFPROTO_* */
        char *name;
        bool shared;       /* others have their parts in it: what is here is not all of it */
        GPtrArray *maps;   /* RulesetMap* */
        GArray *timeouts;  /* RulesetTimeout */
        GPtrArray *chains; /* RulesetChain*, policy accept */
} RulesetTable;

struct Ruleset {
        GPtrArray *tables; /* RulesetTable* */
};

/* The two maps of the 1:1 mappings, which host/nft.c changes by element, and a twin's third. */
#define MAP_PUBLIC_TO_PRIVATE "public_to_private"
#define MAP_PRIVATE_TO_PUBLIC "private_to_public"
#define SET_PUBLIC            "public_addresses"
