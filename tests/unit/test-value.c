/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The tree of values: keys replaced and found, copies that stand alone, positions in errors. */

#include "model/value.h"

#include "util/error.h"

static void test_map(void)
{
        g_autoptr(Value) map = value_new_map();
        value_set(map, "a", value_new_text("1"));
        value_set(map, "b", value_new_bool(true));
        value_set(map, "a", value_new_number(3));

        g_assert_cmpuint(map->keys->len, ==, 2);
        g_assert_cmpint(value_get(map, "a")->number, ==, 3);
        g_assert_true(value_get(map, "b")->boolean);
        g_assert_null(value_get(map, "c"));
}

/* Large enough that one comparison a key would show. */
static void test_large_map(void)
{
        enum { N = 50000 };
        g_autoptr(Value) map = value_new_map();
        for (guint i = 0; i < N; i++) {
                g_autofree char *key = g_strdup_printf("key-%u", i);
                value_set(map, key, value_new_number(i));
        }
        value_set(map, "key-7", value_new_number(-7));

        g_assert_cmpuint(map->keys->len, ==, N);
        g_assert_cmpint(value_get(map, "key-7")->number, ==, -7);
        g_assert_cmpint(value_get(map, "key-49999")->number, ==, 49999);

        g_autoptr(Value) copy = value_copy(map);
        g_assert_cmpint(value_get(copy, "key-7")->number, ==, -7);
        g_assert_null(value_get(copy, "key-50000"));
}

static void test_copy(void)
{
        g_autoptr(Value) map = value_new_map();
        Value *list = value_new_list();
        value_append(list, value_new_text("x"));
        value_append(list, value_new_other("a file descriptor"));
        value_set(map, "list", list);
        list->line = 4;

        g_autoptr(Value) copy = value_copy(map);
        g_clear_pointer(&map, value_free);

        const Value *copied = value_get(copy, "list");
        const Value *first = g_ptr_array_index(copied->items, 0);
        g_assert_cmpuint(copied->line, ==, 4);
        g_assert_cmpuint(copied->items->len, ==, 2);
        g_assert_cmpstr(first->text, ==, "x");
}

static void test_null(void)
{
        static const struct {
                const char *text;
                bool is_null;
        } cases[] = {
                { "", true }, { "~", true }, { "null", true }, { "NULL", true }, { "nil", false },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Value) value = value_new_text(cases[i].text);
                g_assert_false(value_is_null(value));
                value->plain = true;
                g_assert_cmpint(value_is_null(value), ==, cases[i].is_null);
        }
}

static void test_errors(void)
{
        static const char *const known[] = { "hostname", "ip" };
        g_autoptr(GError) error = NULL;
        g_autoptr(Value) map = value_new_map();
        Value *key = value_new_text("hostnam");
        key->line = 3;
        key->column = 5;
        value_set_at(map, key, value_new_text("x\ny"));

        g_assert_false(value_check_keys(map, "dns_entries: ", known, G_N_ELEMENTS(known), &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
        g_assert_cmpstr(error->message, ==,
                        "3:5: dns_entries: unknown key \"hostnam\" with the value \"x\\ny\"; "
                        "did you mean \"hostname\"?");
        g_clear_error(&error);

        value_set_error(&error, NULL, "%s", "no place");
        g_assert_cmpstr(error->message, ==, "no place");
        value_prefix_error(&error, key, "in a file: ");
        g_assert_cmpstr(error->message, ==, "3:5: in a file: no place");
        value_set_error(NULL, NULL, "%s", "nobody listens");
}

static void test_describe(void)
{
        g_autoptr(Value) map = value_new_map();
        value_set(map, "a", value_new_text("\x1b"));
        value_set(map, "b", value_new_bool(false));
        value_set(map, "c", value_new_number(-5));
        value_set(map, "d", value_new_list());
        value_set(map, "e", value_new_other("an object path"));
        static const char *const descriptions[] = { "\"\\x1b\"", "false", "-5", "a list",
                                                    "an object path" };

        for (guint i = 0; i < map->items->len; i++) {
                g_autofree char *description = value_describe(g_ptr_array_index(map->items, i));
                g_assert_cmpstr(description, ==, descriptions[i]);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/value/map", test_map);
        g_test_add_func("/value/large-map", test_large_map);
        g_test_add_func("/value/copy", test_copy);
        g_test_add_func("/value/null", test_null);
        g_test_add_func("/value/errors", test_errors);
        g_test_add_func("/value/describe", test_describe);
        return g_test_run();
}
