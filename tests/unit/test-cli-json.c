/* SPDX-License-Identifier: GPL-2.0-or-later */

/* JSON that `dutnetctl --json` prints: any parser reads it, no terminal obeys it. */

#include "cli/json.h"

static void assert_json(Value *taken, const char *expected)
{
        g_autoptr(Value) value = taken;
        g_autofree char *json = json_format(value, JSON_LINE);
        g_assert_cmpstr(json, ==, expected);
}

static void test_strings(void)
{
        static const struct {
                const char *text, *json;
        } cases[] = {
                { "", "\"\"" },
                { "eth1", "\"eth1\"" },
                { "a\"b\\c/d", "\"a\\\"b\\\\c/d\"" },
                { "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
                { "\x01\x1b[31m\x7f", "\"\\u0001\\u001b[31m\\u007f\"" },
                { "\xc2\x9b"
                  "31m",
                  "\"\\u009b31m\"" },
                { "Prüfling €", "\"Prüfling €\"" },
                { "\xf0\x9f\x94\x8c", "\"\xf0\x9f\x94\x8c\"" },
                { "\xe2\x80\xa8\xe2\x80\xae", "\"\\u2028\\u202e\"" },
                { "a\xff\xc3", "\"a\xef\xbf\xbd\xef\xbf\xbd\"" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
                assert_json(value_new_text(cases[i].text), cases[i].json);
}

static void test_scalars(void)
{
        assert_json(value_new_bool(true), "true");
        assert_json(value_new_bool(false), "false");
        assert_json(value_new_number(0), "0");
        assert_json(value_new_number(G_MAXINT64), "9223372036854775807");
        assert_json(value_new_number(G_MININT64), "-9223372036854775808");
        assert_json(value_new_other("18446744073709551615"), "\"18446744073709551615\"");
}

static Value *lease_new(void)
{
        Value *lease = value_new_map();
        value_set(lease, "mac", value_new_text("02:00:00:00:00:01"));
        value_set(lease, "expiry", value_new_number(1700000000));
        return lease;
}

static void test_containers(void)
{
        assert_json(value_new_list(), "[]");
        assert_json(value_new_map(), "{}");

        Value *list = value_new_list();
        value_append(list, lease_new());
        value_append(list, value_new_list());
        value_append(list, value_new_bool(true));
        assert_json(list, "[{\"mac\": \"02:00:00:00:00:01\", \"expiry\": 1700000000}, [], true]");

        Value *map = value_new_map();
        value_set(map, "k\"\n", value_new_map());
        assert_json(map, "{\"k\\\"\\n\": {}}");
}

/* Keys stay in the service's order, so that output can be compared as text. */
static void test_order(void)
{
        Value *map = value_new_map();
        for (char key = 'z'; key >= 'a'; key--) {
                const char name[] = { key, '\0' };
                value_set(map, name, value_new_number(1));
        }
        g_autofree char *json = json_format(map, JSON_LINE);
        g_assert_true(g_str_has_prefix(json, "{\"z\": 1, \"y\": 1, "));
        g_assert_true(g_str_has_suffix(json, ", \"b\": 1, \"a\": 1}"));
        value_free(map);
}

static void test_indented(void)
{
        g_autoptr(Value) list = value_new_list();
        value_append(list, lease_new());
        value_append(list, value_new_list());

        g_autofree char *json = json_format(list, JSON_INDENTED);
        g_assert_cmpstr(json, ==,
                        "[\n"
                        "  {\n"
                        "    \"mac\": \"02:00:00:00:00:01\",\n"
                        "    \"expiry\": 1700000000\n"
                        "  },\n"
                        "  []\n"
                        "]");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/cli/json/strings-are-escaped", test_strings);
        g_test_add_func("/cli/json/scalars", test_scalars);
        g_test_add_func("/cli/json/containers", test_containers);
        g_test_add_func("/cli/json/keys-keep-their-order", test_order);
        g_test_add_func("/cli/json/indented", test_indented);
        return g_test_run();
}
