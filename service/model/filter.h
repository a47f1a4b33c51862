/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a network's boards may begin towards the LAN (egress), and the LAN towards them (ingress):
 * the setting `filter`. */

#include <glib.h>
#include <stdbool.h>

#include "model/address.h"
#include "model/address6.h"
#include "model/filter-answers.h"
#include "model/port-range.h"
#include "model/value.h"

typedef enum FilterDirection {
        FILTER_EGRESS,
        FILTER_INGRESS,
        FILTER_DIRECTION_MAX,
} FilterDirection;

const char *filter_direction_to_string(FilterDirection direction);

typedef enum FilterAction {
        FILTER_ACCEPT,
        FILTER_DROP,
        FILTER_ACTION_MAX,
} FilterAction;

/* What a rule is about: what has no address in it is about both. */
typedef enum FilterFamily {
        FILTER_BOTH,
        FILTER_IPV4,
        FILTER_IPV6,
        FILTER_FAMILY_MAX,
} FilterFamily;

typedef struct FilterRule {
        FilterAction action;
        FilterFamily family;
        Subnet source, destination;    /* prefix 0: any */
        Subnet6 source6, destination6; /* the same for IPv6; of a rule of the other, any */
        char *name;      /* the destination by name, and all below it; NULL: no name */
        guint8 protocol; /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP (of IPv6, ICMPv6); 0: any */
        GArray *ports;   /* PortRange: of the destination; empty: any. Without protocol: of TCP and
                            UDP */
        bool log;
} FilterRule;

/* Of one direction. The first rule that a connection fits decides, else the policy. */
typedef struct FilterSide {
        bool given;
        FilterAction policy;
        GPtrArray *rules; /* FilterRule* */
} FilterSide;

typedef struct Filter {
        FilterSide sides[FILTER_DIRECTION_MAX];
} Filter;

/* Limits on what a client can make us hold. */
#define FILTER_MAX_RULES 1024 /* of a direction */
#define FILTER_MAX_PORTS 64   /* ranges of a rule */
#define FILTER_MAX_COST  4096 /* rules of the kernel's, of a direction */
#define FILTER_MAX_NAMES                                                                           \
        64 /* different ones; dnsmasq looks through all of them for each answer                    \
            */

/* How many rules of the kernel's @rule is; by name, one of each two: a name has two sets. */
guint filter_rule_cost(const FilterRule *rule);

/* Whether @rule is about @family, one of the two. By IPv6 a name is nobody's, since its answers are
 * not followed there: what accepts by name is not about it, and what drops by name drops whatever
 * address. */
bool filter_rule_is_of(const FilterRule *rule, FilterFamily family);

/* Whether it drops anything at all. */
bool filter_side_forbids(const FilterSide *side);

/* A rule of it that is about IPv6 alone, or NULL. */
const FilterRule *filter_side_find_ipv6(const FilterSide *side);

/* The names of its rules, each once, in their order; borrowed from it. Of NULL: none. */
GPtrArray *filter_names(const Filter *filter);
bool filter_has_names(const Filter *filter);
bool filter_equal_names(const Filter *a, const Filter *b);

/* One that allows all. */
Filter *filter_new(void);
/* One more rule at the end, which fits all; its owner is @side. */
FilterRule *filter_side_add_rule(FilterSide *side);

/* @value (a MAP) as the value of @key; one with nothing in it is NULL. INVALID_ARGS or
 * LIMIT_EXCEEDED, with key, value and position, else. */
bool filter_parse(const char *key, const Value *value, Filter **ret_filter, GError **error);
/* The same as a MAP; the caller's. NULL for NULL. */
Value *filter_to_value(const Filter *filter);
/* One rule of it. */
Value *filter_rule_to_value(const FilterRule *rule);

Filter *filter_copy(const Filter *filter); /* of NULL: NULL */
bool filter_equal(const Filter *a, const Filter *b);
void filter_free(Filter *filter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Filter, filter_free)

/* A connection by its first packet, with the board's private address. Host byte order. */
typedef struct FilterFlow {
        guint32 source, destination;
        guint8 protocol;
        guint16 port; /* of the destination */
        bool is_ipv6; /* from and to the two below, instead of those above */
        Address6 source6, destination6;
} FilterFlow;

/* What is known of names: what they have been answered with, and what entries are. NULL: nothing.
 */
typedef struct FilterKnown {
        const FilterAnswers *answers, *own;
} FilterKnown;

/* Whether it may be begun, a name being what @known has of it. Without a filter (NULL) it may. */
bool filter_allows(const Filter *filter, const FilterKnown *known, FilterDirection direction,
                   const FilterFlow *flow);
