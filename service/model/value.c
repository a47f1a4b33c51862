/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The tree of values. Judges nothing: whether a value suits a key is config-keys.c's. A mapping
 * that grows past a handful of keys gets a hash table, so that none is quadratic to build. */

#include "model/value.h"

#include "model/nearest.h"
#include "model/quote.h"
#include "util/error.h"

/* Up to here looking at each key is quicker than hashing. */
#define MAP_MAX_UNINDEXED 16

const char *value_type_to_string(ValueType type)
{
        switch (type) {
        case VALUE_TEXT:
                return "text";
        case VALUE_BOOL:
                return "a truth value";
        case VALUE_NUMBER:
                return "a number";
        case VALUE_LIST:
                return "a list";
        case VALUE_MAP:
                return "a mapping";
        case VALUE_OTHER:
                return "something else";
        case VALUE_TYPE_MAX:
                break;
        }
        return "unknown";
}

static Value *value_new(ValueType type)
{
        Value *value = g_new0(Value, 1);
        value->type = type;
        return value;
}

Value *value_new_text(const char *text)
{
        Value *value = value_new(VALUE_TEXT);
        value->text = g_strdup(text);
        return value;
}

Value *value_new_bool(bool boolean)
{
        Value *value = value_new(VALUE_BOOL);
        value->boolean = boolean;
        return value;
}

Value *value_new_number(gint64 number)
{
        Value *value = value_new(VALUE_NUMBER);
        value->number = number;
        return value;
}

Value *value_new_other(const char *description)
{
        Value *value = value_new(VALUE_OTHER);
        value->text = g_strdup(description);
        return value;
}

static void free_value(gpointer value)
{
        value_free(value);
}

Value *value_new_list(void)
{
        Value *value = value_new(VALUE_LIST);
        value->items = g_ptr_array_new_with_free_func(free_value);
        return value;
}

Value *value_new_map(void)
{
        Value *value = value_new(VALUE_MAP);
        value->items = g_ptr_array_new_with_free_func(free_value);
        value->keys = g_ptr_array_new_with_free_func(free_value);
        return value;
}

static gpointer copy_value(gconstpointer value, gpointer data)
{
        return value_copy(value);
}

Value *value_copy(const Value *value)
{
        Value *copy = g_new(Value, 1);
        *copy = *value;
        copy->text = g_strdup(value->text);
        copy->index = NULL;
        if (value->items)
                copy->items = g_ptr_array_copy(value->items, copy_value, NULL);
        if (value->keys)
                copy->keys = g_ptr_array_copy(value->keys, copy_value, NULL);
        return copy;
}

void value_free(Value *value)
{
        if (!value)
                return;

        g_clear_pointer(&value->index, g_hash_table_unref);
        g_clear_pointer(&value->items, g_ptr_array_unref);
        g_clear_pointer(&value->keys, g_ptr_array_unref);
        g_free(value->text);
        g_free(value);
}

void value_append(Value *list, Value *item)
{
        g_ptr_array_add(list->items, item);
}

static const char *key_at(const Value *map, guint position)
{
        const Value *key = g_ptr_array_index(map->keys, position);
        return key->text;
}

static bool map_find(const Value *map, const char *key, guint *ret_position)
{
        if (map->index) {
                gpointer position;
                if (!g_hash_table_lookup_extended(map->index, key, NULL, &position))
                        return false;
                *ret_position = GPOINTER_TO_UINT(position);
                return true;
        }

        for (guint i = 0; i < map->keys->len; i++)
                if (g_str_equal(key_at(map, i), key)) {
                        *ret_position = i;
                        return true;
                }
        return false;
}

/* Brings the index up to the last key, once there are enough of them. */
static void map_index(Value *map)
{
        if (map->keys->len <= MAP_MAX_UNINDEXED)
                return;
        if (!map->index)
                map->index = g_hash_table_new(g_str_hash, g_str_equal);
        for (guint i = g_hash_table_size(map->index); i < map->keys->len; i++)
                g_hash_table_insert(map->index, (gpointer)key_at(map, i), GUINT_TO_POINTER(i));
}

void value_set(Value *map, const char *key, Value *item)
{
        value_set_at(map, value_new_text(key), item);
}

void value_set_at(Value *map, Value *key, Value *item)
{
        guint position;
        if (map_find(map, key->text, &position)) {
                value_free(key);
                value_free(g_ptr_array_index(map->items, position));
                g_ptr_array_index(map->items, position) = item;
                return;
        }

        g_ptr_array_add(map->keys, key);
        g_ptr_array_add(map->items, item);
        map_index(map);
}

const Value *value_get(const Value *map, const char *key)
{
        guint position;
        return map_find(map, key, &position) ? g_ptr_array_index(map->items, position) : NULL;
}

bool value_is_null(const Value *value)
{
        static const char *const words[] = { "", "~", "null", "Null", "NULL", NULL };

        return value->type == VALUE_TEXT && value->plain && g_strv_contains(words, value->text);
}

bool value_get_truth(const Value *value, bool *ret_truth)
{
        static const char *const yes[] = { "true", "True", "TRUE", "yes", "Yes",
                                           "YES",  "on",   "On",   "ON",  NULL };
        static const char *const no[] = { "false", "False", "FALSE", "no",  "No",
                                          "NO",    "off",   "Off",   "OFF", NULL };

        bool is_word = value->type == VALUE_TEXT && value->plain;
        if (value->type == VALUE_BOOL)
                *ret_truth = value->boolean;
        else if (is_word && g_strv_contains(yes, value->text))
                *ret_truth = true;
        else if (is_word && g_strv_contains(no, value->text))
                *ret_truth = false;
        else
                return false;
        return true;
}

bool value_get_number(const Value *value, guint64 min, guint64 max, guint *ret_number)
{
        guint64 number;

        if (value->type == VALUE_TEXT) {
                if (!value->plain ||
                    !g_ascii_string_to_unsigned(value->text, 10, min, max, &number, NULL))
                        return false;
        } else if (value->type == VALUE_NUMBER && value->number >= 0) {
                number = (guint64)value->number;
        } else {
                return false;
        }
        if (number < min || number > max)
                return false;
        *ret_number = (guint)number;
        return true;
}

char *value_describe(const Value *value)
{
        switch (value->type) {
        case VALUE_TEXT:
                return quote_text(value->text);
        case VALUE_BOOL:
                return g_strdup(value->boolean ? "true" : "false");
        case VALUE_NUMBER:
                return g_strdup_printf("%" G_GINT64_FORMAT, value->number);
        case VALUE_OTHER:
                return g_strdup(value->text);
        case VALUE_LIST:
        case VALUE_MAP:
        case VALUE_TYPE_MAX:
                break;
        }
        return g_strdup(value_type_to_string(value->type));
}

void value_set_error(GError **error, const Value *value, const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        g_autofree char *message = g_strdup_vprintf(format, arguments);
        va_end(arguments);

        g_set_error_literal(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS, message);
        value_prefix_error(error, value, "%s", "");
}

void value_prefix_error(GError **error, const Value *value, const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        g_autofree char *message = g_strdup_vprintf(format, arguments);
        va_end(arguments);

        g_prefix_error(error, "%s", message);
        if (value && value->line > 0)
                g_prefix_error(error, "%u:%u: ", value->line, value->column);
}

static bool is_one_of(const char *text, const char *const *words, guint n)
{
        for (guint i = 0; i < n; i++)
                if (g_str_equal(text, words[i]))
                        return true;
        return false;
}

bool value_check_keys(const Value *map, const char *context, const char *const *known, guint n,
                      GError **error)
{
        for (guint i = 0; i < map->keys->len; i++) {
                const Value *key = g_ptr_array_index(map->keys, i);
                if (is_one_of(key->text, known, n))
                        continue;

                g_autofree char *name = quote_text(key->text);
                g_autofree char *got = value_describe(g_ptr_array_index(map->items, i));
                const char *nearest = nearest_match(key->text, known, n);
                value_set_error(error, key->line > 0 ? key : map,
                                "%sunknown key %s with the value %s%s%s%s", context, name, got,
                                nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                                nearest ? "\"?" : "");
                return false;
        }
        return true;
}
