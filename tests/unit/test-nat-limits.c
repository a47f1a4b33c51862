/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Limits as settings have them, and as the log does. */

#include "model/nat-limits.h"

#include <string.h>

#include "util/error.h"

static Value *text(const char *words)
{
        Value *value = value_new_text(words);

        value->plain = true;
        return value;
}

static void test_read(void)
{
        static const struct {
                Limit limit;
                const char *given, *printed; /* NULL: refused; "": none */
        } cases[] = {
                { LIMIT_NAT_PORTS, "49152-65535", "49152-65535" },
                { LIMIT_NAT_PORTS, "1", "1" },
                { LIMIT_NAT_PORTS, "7-7", "7" },
                { LIMIT_NAT_PORTS, "1-65535", "1-65535" },
                { LIMIT_NAT_PORTS, "", "" },
                { LIMIT_NAT_PORTS, "null", "" },
                { LIMIT_NAT_PORTS, "0-1", NULL },
                { LIMIT_NAT_PORTS, "2-1", NULL },
                { LIMIT_NAT_PORTS, "1-65536", NULL },
                { LIMIT_NAT_PORTS, "1-", NULL },
                { LIMIT_NAT_PORTS, "-1", NULL },
                { LIMIT_NAT_PORTS, "1 - 2", NULL },
                { LIMIT_NAT_PORTS, "any", NULL },
                { LIMIT_TIMEOUT, "1", "1s" },
                { LIMIT_TIMEOUT, "90s", "90s" },
                { LIMIT_TIMEOUT, "90S", "90s" },
                { LIMIT_TIMEOUT, "600", "10m" },
                { LIMIT_TIMEOUT, "120m", "2h" },
                { LIMIT_TIMEOUT, "48h", "2d" },
                { LIMIT_TIMEOUT, "30d", "30d" },
                { LIMIT_TIMEOUT, "2592000", "30d" },
                { LIMIT_TIMEOUT, "~", "" },
                { LIMIT_TIMEOUT, "0", NULL },
                { LIMIT_TIMEOUT, "0h", NULL },
                { LIMIT_TIMEOUT, "31d", NULL },
                { LIMIT_TIMEOUT, "2592001", NULL },
                { LIMIT_TIMEOUT, "18446744073709551617s", NULL },
                { LIMIT_TIMEOUT, "-5", NULL },
                { LIMIT_TIMEOUT, "5w", NULL },
                { LIMIT_TIMEOUT, "5 m", NULL },
                { LIMIT_TIMEOUT, "m", NULL },
                { LIMIT_CONNECTIONS, "1", "1" },
                { LIMIT_CONNECTIONS, "1000000", "1000000" },
                { LIMIT_CONNECTIONS, "", "" },
                { LIMIT_CONNECTIONS, "0", NULL },
                { LIMIT_CONNECTIONS, "1000001", NULL },
                { LIMIT_CONNECTIONS, "5k", NULL },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                const char *name = limit_to_string(cases[i].limit);
                g_autoptr(Value) value = text(cases[i].given);
                g_autoptr(GError) error = NULL;
                Limits limits = { { 5, 5 }, 5, 5 };
                const Limits before = limits;
                g_test_message("%s: %s", name, cases[i].given);
                bool good = limit_parse(&limits, cases[i].limit, value, &error);
                g_assert_cmpint(good, ==, cases[i].printed != NULL);
                for (Limit other = 0; other < LIMIT_MAX; other++)
                        if (!good || other != cases[i].limit)
                                g_assert_true(limit_equal(&limits, &before, other));
                if (!good) {
                        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
                        g_autofree char *start =
                                g_strdup_printf("%s: \"%s\" is not a ", name, cases[i].given);
                        g_assert_true(g_str_has_prefix(error->message, start));
                        continue;
                }
                g_assert_no_error(error);
                g_autoptr(Value) printed = limit_to_value(&limits, cases[i].limit);
                g_assert_cmpint(limit_is_given(&limits, cases[i].limit), ==, printed != NULL);
                g_autofree char *number = printed && printed->type == VALUE_NUMBER
                                                  ? g_strdup_printf("%d", (int)printed->number)
                                                  : NULL;
                g_assert_cmpstr(number    ? number
                                : printed ? printed->text
                                          : "",
                                ==, cases[i].printed);
        }
}

/* As it is over the bus: numbers, and texts that are no plain YAML. */
static void test_types(void)
{
        Limits limits = { 0 };
        g_autoptr(Value) number = value_new_number(600);
        g_autoptr(Value) word = value_new_text("600");
        g_autoptr(Value) list = value_new_list();

        g_assert_true(limit_parse(&limits, LIMIT_NAT_PORTS, number, NULL));
        g_assert_true(limit_parse(&limits, LIMIT_TIMEOUT, number, NULL));
        g_assert_true(limit_parse(&limits, LIMIT_CONNECTIONS, number, NULL));
        g_assert_cmpuint(limits.nat_ports.last, ==, 600);
        g_assert_cmpuint(limits.timeout_sec, ==, 600);
        g_assert_cmpuint(limits.max_connections, ==, 600);
        g_assert_true(limit_parse(&limits, LIMIT_TIMEOUT, word, NULL));
        g_assert_false(limit_parse(&limits, LIMIT_CONNECTIONS, word, NULL));
        for (Limit limit = 0; limit < LIMIT_MAX; limit++)
                g_assert_false(limit_parse(&limits, limit, list, NULL));
}

static void test_all(void)
{
        g_autoptr(Value) map = value_new_map();
        g_autoptr(Value) back = value_new_map();
        g_autoptr(GError) error = NULL;
        Limits limits = { .timeout_sec = 7 };

        value_set(map, "max_connections", value_new_number(3));
        value_set(map, "something", value_new_text("else"));
        g_assert_true(limits_parse(&limits, map, &error));
        g_assert_no_error(error);
        limits_put(&limits, back);
        g_assert_cmpuint(back->items->len, ==, 2);
        g_assert_cmpstr(value_get(back, "connection_timeout")->text, ==, "7s");
        value_set(map, "nat_port_range", value_new_text("x"));
        g_assert_false(limits_parse(&limits, map, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
}

static void test_words(void)
{
        static const Limits some[] = {
                { .timeout_sec = 0 },
                { { 49152, 65535 }, 0, 0 },
                { .timeout_sec = LIMIT_TIMEOUT_MAX_SEC },
                { .max_connections = LIMIT_CONNECTIONS_MAX },
                { { 1, 1 }, 1, 1 },
        };
        static const char *const bad[] = {
                "",      ",",       ",,",    ",0",         "1,0,0,0",
                "x,0,0", "2-1,0,0", ",-1,0", ",0,1000001", ",2592001,0",
        };

        for (guint i = 0; i < G_N_ELEMENTS(some); i++) {
                g_autofree char *word = limits_to_word(&some[i]);
                Limits back;
                g_assert_null(strchr(word, ' '));
                g_assert_true(limits_from_word(word, &back));
                g_assert_true(limits_equal(&back, &some[i]));
                g_assert_cmpint(limits_are_given(&back), ==, i > 0);
        }
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
                Limits back;
                g_assert_false(limits_from_word(bad[i], &back));
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/nat-limits/read-and-printed", test_read);
        g_test_add_func("/nat-limits/types", test_types);
        g_test_add_func("/nat-limits/all-of-them", test_all);
        g_test_add_func("/nat-limits/words-of-the-log", test_words);
        return g_test_run();
}
