/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The rules that lead to twins, as the kernel lists them, and as it goes through them, while twins
 * come and go in any order. */

#include "network/twin-rules.h"

#include <stdlib.h>
#include <string.h>

#include "host/route-rule.h"
#include "model/twin.h"
#include "namespace.h"

#define SEED 20250301

/* The most rules of ours that a packet of any twin passes, however many twins there are. */
#define MOST_PASSED 40

static const guint numbers[] = { 1,   2,   3,   4,   5,   15,  16,  17,  31,   32,   33,   47,  48,
                                 62,  63,  64,  65,  79,  127, 128, 129, 191,  192,  255,  256, 257,
                                 511, 512, 513, 767, 768, 959, 960, 961, 1008, 1020, 1022, 1023 };

typedef struct Fixture {
        Netlink *rtnl;
        bool there[TWIN_NUMBER_MAX + 1];
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;

        namespace_add_veth("left", "right");
        fixture->rtnl = netlink_new(NETLINK_ROUTE, &error);
        g_assert_no_error(error);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        namespace_delete_link("left");
        netlink_free(fixture->rtnl);
}

static GArray *list(Fixture *fixture)
{
        g_autoptr(GError) error = NULL;
        GArray *rules = route_rule_list(fixture->rtnl, 0, &error);

        g_assert_no_error(error);
        return rules;
}

static void put(Fixture *fixture, guint number, const char *interface)
{
        g_autoptr(GError) error = NULL;

        g_assert_true(twin_rules_put(fixture->rtnl, number, interface, &error));
        g_assert_no_error(error);
        fixture->there[number] = true;
}

static void take(Fixture *fixture, guint number)
{
        g_autoptr(GError) error = NULL;

        g_assert_true(twin_rules_remove(fixture->rtnl, number, &error));
        g_assert_no_error(error);
        fixture->there[number] = false;
}

static bool matches(const RouteRule *rule, guint32 mark, const char *input, const char *interface)
{
        bool all = ((rule->mark ^ mark) & rule->mask) == 0 &&
                   (rule->input[0] == '\0' || g_str_equal(rule->input, input)) &&
                   (rule->interface[0] == '\0' || g_str_equal(rule->interface, interface));

        return all != rule->inverted;
}

static const RouteRule *find(const GArray *rules, guint32 preference)
{
        for (guint i = 0; i < rules->len; i++)
                if (g_array_index(rules, RouteRule, i).preference == preference)
                        return &g_array_index(rules, RouteRule, i);
        return NULL;
}

/* The table that the kernel comes to first, by @rules in their order (0: none), and how many of
 * them it passes until then. */
static guint32 walk(const GArray *rules, guint32 mark, const char *input, const char *interface,
                    guint *ret_passed)
{
        guint passed = 0;
        guint32 table = 0;

        for (guint i = 0; i < rules->len && table == 0; i++, passed++) {
                const RouteRule *rule = &g_array_index(rules, RouteRule, i);
                if (!matches(rule, mark, input, interface))
                        continue;
                const RouteRule *target = rule->target ? find(rules, rule->target) : NULL;
                table = rule->table;
                if (target) /* looked at next */
                        i = (guint)(target - (const RouteRule *)(void *)rules->data) - 1;
        }
        *ret_passed = passed;
        return table;
}

static void is_right(Fixture *fixture)
{
        g_autoptr(GArray) rules = list(fixture);
        guint n = 0, n_own = 0, passed;

        for (guint number = 1; number <= TWIN_NUMBER_MAX; number++) {
                guint32 wanted = fixture->there[number] ? twin_table(number) : 0;
                guint32 table = walk(rules, twin_mark(number) | 5, "up0", "", &passed);
                g_assert_cmpuint(table, ==, wanted);
                if (wanted)
                        g_assert_cmpuint(passed, <=, MOST_PASSED);
                n += wanted != 0;
        }
        for (guint i = 0; i < rules->len; i++)
                n_own += g_array_index(rules, RouteRule, i).table != 0;
        g_assert_cmpuint(n_own, ==, 2 * n);
        g_assert_cmpuint(rules->len - n_own, <=, n ? 4 + TWIN_BLOCK_LEVELS * n : 0);

        /* What is forwarded and has no mark of ours, and whether its source is on a NIC. */
        g_assert_cmpuint(walk(rules, 0x3fffff, "raw1", "", &passed), ==, 0);
        g_assert_cmpuint(passed, <=, 4);
        g_assert_cmpuint(walk(rules, 0, "up0", "left", &passed), ==, 0);
        g_assert_cmpuint(passed, <=, 4);
}

/* In an order that is different each time, and the same again. */
static void shuffle(GRand *random, guint *order, guint n)
{
        for (guint i = n - 1; i > 0; i--) {
                guint j = (guint)g_rand_int_range(random, 0, (gint32)i + 1);
                guint kept = order[i];
                order[i] = order[j];
                order[j] = kept;
        }
}

static void test_any_order(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GRand) random = g_rand_new_with_seed(SEED);
        guint order[G_N_ELEMENTS(numbers)];

        memcpy(order, numbers, sizeof order);
        for (guint round = 0; round < 2; round++) {
                shuffle(random, order, G_N_ELEMENTS(order));
                for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
                        put(fixture, order[i], "left");
                        is_right(fixture);
                        if (i >= 3 && i % 3 == 0) { /* some go, and come back */
                                take(fixture, order[i - 3]);
                                is_right(fixture);
                                put(fixture, order[i - 3], "left");
                        }
                }
                shuffle(random, order, G_N_ELEMENTS(order));
                for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
                        take(fixture, order[i]);
                        take(fixture, order[i]); /* gone already */
                        is_right(fixture);
                }
                g_autoptr(GArray) left = list(fixture);
                g_assert_cmpuint(left->len, ==, 0);
        }
}

static void test_many(Fixture *fixture, gconstpointer data)
{
        for (guint i = 0; i < TWIN_NUMBER_MAX; i += 2)
                put(fixture, TWIN_NUMBER_MAX - i, "left");
        put(fixture, 512, "left");
        is_right(fixture);
        for (guint number = 1; number <= TWIN_NUMBER_MAX; number++)
                if (fixture->there[number])
                        take(fixture, number);
        is_right(fixture);
}

/* By the NIC that it has now, which may have had another name. */
static void test_interface(Fixture *fixture, gconstpointer data)
{
        guint passed;

        put(fixture, 7, "before");
        put(fixture, 7, "left");
        put(fixture, 8, "other");
        g_autoptr(GArray) rules = list(fixture);
        g_assert_cmpuint(walk(rules, 0, "lo", "left", &passed), ==, twin_table(7));
        g_assert_cmpuint(walk(rules, 0, "lo", "before", &passed), ==, 0);
        g_assert_cmpuint(walk(rules, 0, "lo", "other", &passed), ==, twin_table(8));
        is_right(fixture);
        take(fixture, 8);
        take(fixture, 7);
}

/* Each rule that somebody takes away is missed by those that need it, and comes back. */
static void test_repair(Fixture *fixture, gconstpointer data)
{
        put(fixture, 63, "left");
        put(fixture, 1, "left");
        g_autoptr(GArray) rules = list(fixture);
        for (guint i = 0; i < rules->len; i++) {
                g_autoptr(GError) error = NULL;
                g_assert_true(route_rule_delete(fixture->rtnl, &g_array_index(rules, RouteRule, i),
                                                &error));
                g_assert_no_error(error);
                bool first = twin_rules_are_there(fixture->rtnl, 1, "left");
                bool last = twin_rules_are_there(fixture->rtnl, 63, "left");
                g_assert_true(!first || !last);
                if (!first)
                        put(fixture, 1, "left");
                if (!last)
                        put(fixture, 63, "left");
                is_right(fixture);
        }
        g_autoptr(GArray) again = list(fixture);
        g_assert_cmpuint(again->len, ==, rules->len);
        take(fixture, 63);
        take(fixture, 1);
}

/* What an earlier version, or somebody with our number, has left between ours. */
static void test_leftovers(Fixture *fixture, gconstpointer data)
{
        const RouteRule left[] = {
                { .preference = TWIN_RULES + 7, .target = 0x4e00, .mask = TWIN_MARK_MASK },
                { .preference = 0x4e00 },
                { .preference = twin_table(3),
                  .table = twin_table(3),
                  .mark = twin_mark(3),
                  .mask = TWIN_MARK_MASK },
        };

        for (guint i = 0; i < G_N_ELEMENTS(left); i++)
                g_assert_true(route_rule_add(fixture->rtnl, &left[i], NULL));
        put(fixture, 3, "left");
        is_right(fixture);
        g_autoptr(GArray) rules = list(fixture);
        g_assert_null(find(rules, 0x4e00));
        take(fixture, 3);
}

/* The kernel's own walk. */
static void leads_to(const char *how, guint32 table)
{
        g_autofree char *command = g_strdup_printf("ip route get 192.168.100.5 %s", how);
        g_autofree char *wanted = g_strdup_printf(" table %u ", table);
        g_autofree char *said = NULL, *complaint = NULL;

        g_assert_true(g_spawn_command_line_sync(command, &said, &complaint, NULL, NULL));
        if (table ? !strstr(said, wanted) : strstr(said, " table ") != NULL)
                g_error("%s: %s%s", command, said, complaint);
}

static void run(const char *command)
{
        g_autoptr(GError) error = NULL;
        int status;

        g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, &status, &error));
        g_assert_no_error(error);
        g_assert_cmpint(status, ==, 0);
}

static void test_kernel(Fixture *fixture, gconstpointer data)
{
        static const guint some[] = { 1, 4, 16, 63, 64, 257, 1023 };

        run("ip link set left up");
        run("ip address add 192.168.99.1/24 dev left");
        run("ip route add default via 192.168.99.2");
        for (guint i = 0; i < G_N_ELEMENTS(some); i++) {
                g_autofree char *route = g_strdup_printf(
                        "ip route add 192.168.100.0/24 dev left table %u", twin_table(some[i]));
                run(route);
                put(fixture, some[i], i == 3 ? "left" : "elsewhere");
        }
        for (guint i = 0; i < G_N_ELEMENTS(some); i++) {
                g_autofree char *how = g_strdup_printf("mark %u", twin_mark(some[i]) | 1);
                leads_to(how, twin_table(some[i]));
        }
        leads_to("", 0);
        leads_to("mark 1", 0);
        leads_to("mark 0x800000", 0); /* number 2, who is not there */
        leads_to("oif left", 0);      /* the default route is by it */
        run("ip route delete default");
        leads_to("oif left", twin_table(63));
        for (guint i = 0; i < G_N_ELEMENTS(some); i++)
                take(fixture, some[i]);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (!namespace_enter())
                return 77;
#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)
        ADD("/twin-rules/any-order", test_any_order);
        ADD("/twin-rules/many", test_many);
        ADD("/twin-rules/interface", test_interface);
        ADD("/twin-rules/repair", test_repair);
        ADD("/twin-rules/leftovers", test_leftovers);
        ADD("/twin-rules/kernel", test_kernel);
        return g_test_run();
}
