/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A twin has two rules of its own: by its mark, and for sockets that are bound to its NIC. The
 * others are no twin's and lead nowhere: they spare packets the walk along what is not for them
 * (model/twin.h). None of them is needed for a packet to arrive, so they come and go in any order;
 * a rule whose target is not there is passed over. Who needs which is told by the kernel's own
 * list, in which other lives' twins are as well, not by what is loaded here. */

#include "network/twin-rules.h"

#include "host/route-rule.h"
#include "model/twin.h"

#define HOST_ITSELF "lo"

static const RouteRule around[] = {
        { .preference = TWIN_RULE_BEFORE, .target = TWIN_RULE_AFTER, .mask = TWIN_MARK_MASK },
        { .preference = TWIN_RULE_AFTER },
        { .preference = TWIN_BOUND_BEFORE,
          .target = TWIN_BOUND_AFTER,
          .input = HOST_ITSELF,
          .inverted = true },
        { .preference = TWIN_BOUND_AFTER },
};

/* The rules that are wanted, by preference: there is one of each. */
static GHashTable *rules_new(void)
{
        return g_hash_table_new_full(NULL, NULL, NULL, g_free);
}

static void want(GHashTable *wanted, const RouteRule *rule)
{
        g_hash_table_insert(wanted, GUINT_TO_POINTER(rule->preference),
                            g_memdup2(rule, sizeof *rule));
}

static bool is_wanted(GHashTable *wanted, const RouteRule *rule)
{
        const RouteRule *same = g_hash_table_lookup(wanted, GUINT_TO_POINTER(rule->preference));

        return same && route_rule_equal(same, rule);
}

static void want_own(GHashTable *wanted, guint number, const char *interface)
{
        RouteRule by_mark = { .preference = twin_mark_rule(number),
                              .table = twin_table(number),
                              .mark = twin_mark(number),
                              .mask = TWIN_MARK_MASK };
        RouteRule bound = { .preference = twin_bound_rule(number), .table = twin_table(number) };

        g_strlcpy(bound.interface, interface, sizeof bound.interface);
        want(wanted, &by_mark);
        want(wanted, &bound);
}

/* The first rule of what comes after a block: that of the largest block which begins there. */
static guint32 rule_behind(guint end)
{
        guint level = 0;

        while (end % twin_block_size(level) != 0)
                level++;
        return twin_block_rule(end, level);
}

/* What leads past others to @number, and others past it. */
static void want_guides(GHashTable *wanted, guint number)
{
        for (guint i = 0; i < G_N_ELEMENTS(around); i++)
                want(wanted, &around[i]);
        for (guint level = 0; level < TWIN_BLOCK_LEVELS; level++) {
                guint size = twin_block_size(level);
                guint first = number - number % size;
                const RouteRule past = { .preference = twin_block_rule(first, level),
                                         .target = rule_behind(first + size),
                                         .mark = twin_mark(first),
                                         .mask = ~(twin_mark(size) - 1),
                                         .inverted = true };
                want(wanted, &past);
        }
}

/* What is there of @number (0: nobody) and of all guides, and is not wanted, goes; what is wanted
 * and not there comes. */
static bool exchange(Netlink *rtnl, const GArray *there, guint number, GHashTable *wanted,
                     GError **error)
{
        GHashTableIter iter;
        gpointer rule;

        for (guint i = 0; i < there->len; i++) {
                const RouteRule *old = &g_array_index(there, RouteRule, i);
                guint owner = twin_of_table(old->table);
                if (is_wanted(wanted, old))
                        (void)g_hash_table_remove(wanted, GUINT_TO_POINTER(old->preference));
                else if ((owner == number || owner == 0) && !route_rule_delete(rtnl, old, error))
                        return false;
        }
        g_hash_table_iter_init(&iter, wanted);
        while (g_hash_table_iter_next(&iter, NULL, &rule))
                if (!route_rule_add(rtnl, rule, error))
                        return false;
        return true;
}

static void want_guides_of_others(GHashTable *wanted, const GArray *there, guint number)
{
        for (guint i = 0; i < there->len; i++) {
                guint other = twin_of_table(g_array_index(there, RouteRule, i).table);
                if (other != 0 && other != number)
                        want_guides(wanted, other);
        }
}

bool twin_rules_put(Netlink *rtnl, guint number, const char *interface, GError **error)
{
        g_autoptr(GHashTable) wanted = rules_new();
        g_autoptr(GArray) there = route_rule_list(rtnl, 0, error);

        if (!there)
                return false;
        want_guides_of_others(wanted, there, number);
        want_guides(wanted, number);
        want_own(wanted, number, interface);
        return exchange(rtnl, there, number, wanted, error);
}

bool twin_rules_remove(Netlink *rtnl, guint number, GError **error)
{
        g_autoptr(GHashTable) wanted = rules_new();
        g_autoptr(GArray) there = route_rule_list(rtnl, 0, error);

        if (!there)
                return false;
        want_guides_of_others(wanted, there, number);
        return exchange(rtnl, there, number, wanted, error);
}

bool twin_rules_are_there(Netlink *rtnl, guint number, const char *interface)
{
        g_autoptr(GHashTable) wanted = rules_new();
        g_autoptr(GArray) there = route_rule_list(rtnl, 0, NULL);

        want_guides(wanted, number);
        want_own(wanted, number, interface);
        for (guint i = 0; there && i < there->len; i++) {
                const RouteRule *rule = &g_array_index(there, RouteRule, i);
                if (is_wanted(wanted, rule))
                        (void)g_hash_table_remove(wanted, GUINT_TO_POINTER(rule->preference));
        }
        return !there || g_hash_table_size(wanted) == 0;
}
