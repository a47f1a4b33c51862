/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The filter as a value, and what it says of one connection: the same that the kernel says of it by
 * the rules of ruleset-filter.c. Reading it is filter-parse.c's. */

#include "model/filter.h"

#include <netinet/in.h>

const char *filter_direction_to_string(FilterDirection direction)
{
        switch (direction) {
        case FILTER_EGRESS:
                return "egress";
        case FILTER_INGRESS:
                return "ingress";
        case FILTER_DIRECTION_MAX:
                break;
        }
        g_assert_not_reached();
}

static void rule_free(gpointer pointer)
{
        FilterRule *rule = pointer;

        g_array_unref(rule->ports);
        g_free(rule->name);
        g_free(rule);
}

Filter *filter_new(void)
{
        Filter *filter = g_new0(Filter, 1);

        for (guint i = 0; i < FILTER_DIRECTION_MAX; i++)
                filter->sides[i].rules = g_ptr_array_new_with_free_func(rule_free);
        return filter;
}

FilterRule *filter_side_add_rule(FilterSide *side)
{
        FilterRule *rule = g_new0(FilterRule, 1);

        rule->ports = g_array_new(FALSE, FALSE, sizeof(PortRange));
        g_ptr_array_add(side->rules, rule);
        return rule;
}

guint filter_rule_cost(const FilterRule *rule)
{
        guint protocols = rule->ports->len > 0 && rule->protocol == 0 ? 2 : 1;

        return MAX(rule->ports->len, 1) * protocols * (rule->log ? 2 : 1);
}

static gpointer rule_copy(gconstpointer pointer, gpointer data)
{
        const FilterRule *rule = pointer;
        FilterRule *copy = g_new(FilterRule, 1);

        *copy = *rule;
        copy->ports = g_array_copy(rule->ports);
        copy->name = g_strdup(rule->name);
        return copy;
}

Filter *filter_copy(const Filter *filter)
{
        if (!filter)
                return NULL;

        Filter *copy = g_new(Filter, 1);
        *copy = *filter;
        for (guint i = 0; i < FILTER_DIRECTION_MAX; i++) {
                copy->sides[i].rules = g_ptr_array_copy(filter->sides[i].rules, rule_copy, NULL);
                g_ptr_array_set_free_func(copy->sides[i].rules, rule_free);
        }
        return copy;
}

void filter_free(Filter *filter)
{
        if (!filter)
                return;
        for (guint i = 0; i < FILTER_DIRECTION_MAX; i++)
                if (filter->sides[i].rules)
                        g_ptr_array_unref(filter->sides[i].rules);
        g_free(filter);
}

static bool subnet_is_same(const Subnet *a, const Subnet *b)
{
        return a->network == b->network && a->prefix == b->prefix;
}

static bool ports_are_same(const GArray *a, const GArray *b)
{
        if (a->len != b->len)
                return false;
        for (guint i = 0; i < a->len; i++) {
                const PortRange *left = &g_array_index(a, PortRange, i);
                const PortRange *right = &g_array_index(b, PortRange, i);
                if (!port_range_equal(left, right))
                        return false;
        }
        return true;
}

static bool rule_is_same(const FilterRule *a, const FilterRule *b)
{
        return a->action == b->action && a->family == b->family &&
               subnet6_equal(&a->source6, &b->source6) &&
               subnet6_equal(&a->destination6, &b->destination6) &&
               subnet_is_same(&a->source, &b->source) &&
               subnet_is_same(&a->destination, &b->destination) && a->protocol == b->protocol &&
               a->log == b->log && ports_are_same(a->ports, b->ports) &&
               g_strcmp0(a->name, b->name) == 0;
}

static bool side_is_same(const FilterSide *a, const FilterSide *b)
{
        if (a->given != b->given || a->policy != b->policy || a->rules->len != b->rules->len)
                return false;
        for (guint i = 0; i < a->rules->len; i++)
                if (!rule_is_same(a->rules->pdata[i], b->rules->pdata[i]))
                        return false;
        return true;
}

bool filter_equal(const Filter *a, const Filter *b)
{
        if (!a || !b)
                return a == b;
        return side_is_same(&a->sides[FILTER_EGRESS], &b->sides[FILTER_EGRESS]) &&
               side_is_same(&a->sides[FILTER_INGRESS], &b->sides[FILTER_INGRESS]);
}

bool filter_rule_is_of(const FilterRule *rule, FilterFamily family)
{
        if (family == FILTER_IPV6)
                return rule->family != FILTER_IPV4 && (!rule->name || rule->action == FILTER_DROP);
        return rule->family != FILTER_IPV6;
}

bool filter_side_forbids(const FilterSide *side)
{
        if (side->given && side->policy == FILTER_DROP)
                return true;
        for (guint i = 0; i < side->rules->len; i++) {
                const FilterRule *rule = side->rules->pdata[i];
                if (rule->action == FILTER_DROP)
                        return true;
        }
        return false;
}

const FilterRule *filter_side_find_ipv6(const FilterSide *side)
{
        for (guint i = 0; i < side->rules->len; i++) {
                const FilterRule *rule = side->rules->pdata[i];
                if (rule->family == FILTER_IPV6)
                        return rule;
        }
        return NULL;
}

GPtrArray *filter_names(const Filter *filter)
{
        GPtrArray *names = g_ptr_array_new();
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

        for (guint i = 0; filter && i < FILTER_DIRECTION_MAX; i++)
                for (guint j = 0; j < filter->sides[i].rules->len; j++) {
                        const FilterRule *rule = filter->sides[i].rules->pdata[j];
                        if (rule->name && g_hash_table_add(seen, rule->name))
                                g_ptr_array_add(names, rule->name);
                }
        return names;
}

bool filter_has_names(const Filter *filter)
{
        g_autoptr(GPtrArray) names = filter_names(filter);

        return names->len > 0;
}

bool filter_equal_names(const Filter *a, const Filter *b)
{
        g_autoptr(GPtrArray) left = filter_names(a), right = filter_names(b);

        if (left->len != right->len)
                return false;
        for (guint i = 0; i < left->len; i++)
                if (!g_str_equal(left->pdata[i], right->pdata[i]))
                        return false;
        return true;
}

static bool fits_ports(const FilterRule *rule, const FilterFlow *flow)
{
        if (rule->ports->len == 0)
                return true;
        if (flow->protocol != IPPROTO_TCP && flow->protocol != IPPROTO_UDP)
                return false;
        for (guint i = 0; i < rule->ports->len; i++) {
                const PortRange *ports = &g_array_index(rule->ports, PortRange, i);
                if (port_range_contains(ports, flow->port))
                        return true;
        }
        return false;
}

static bool is_named(const FilterKnown *known, const char *name, guint32 address)
{
        return known && (filter_answers_have(known->answers, name, address) ||
                         filter_answers_have(known->own, name, address));
}

static bool fits_ends(const FilterRule *rule, const FilterKnown *known, const FilterFlow *flow)
{
        if (flow->is_ipv6)
                return subnet6_contains(&rule->source6, &flow->source6) &&
                       subnet6_contains(&rule->destination6, &flow->destination6);
        return subnet_contains(&rule->source, flow->source) &&
               subnet_contains(&rule->destination, flow->destination) &&
               (!rule->name || is_named(known, rule->name, flow->destination));
}

static bool fits_protocol(const FilterRule *rule, const FilterFlow *flow)
{
        guint8 icmp = flow->is_ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;

        return rule->protocol == 0 ||
               flow->protocol == (rule->protocol == IPPROTO_ICMP ? icmp : rule->protocol);
}

static bool fits(const FilterRule *rule, const FilterKnown *known, const FilterFlow *flow)
{
        return filter_rule_is_of(rule, flow->is_ipv6 ? FILTER_IPV6 : FILTER_IPV4) &&
               fits_ends(rule, known, flow) && fits_protocol(rule, flow) && fits_ports(rule, flow);
}

bool filter_allows(const Filter *filter, const FilterKnown *known, FilterDirection direction,
                   const FilterFlow *flow)
{
        const FilterSide *side = filter ? &filter->sides[direction] : NULL;

        if (!side || !side->given)
                return true;
        for (guint i = 0; i < side->rules->len; i++) {
                const FilterRule *rule = side->rules->pdata[i];
                if (fits(rule, known, flow))
                        return rule->action == FILTER_ACCEPT;
        }
        return side->policy == FILTER_ACCEPT;
}
