/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Between the model's Value and D-Bus types. Judges nothing: what a key may hold is config.h's. */

#include "dbus/variant.h"

#include <errno.h>
#include <string.h>

static int read_value(sd_bus_message *message, Value **ret_value, GError **error);

static int read_number(sd_bus_message *message, char type, Value **ret_value)
{
        union {
                uint8_t y;
                int16_t n;
                uint16_t q;
                int32_t i;
                uint32_t u;
                int64_t x;
                uint64_t t;
        } number = { 0 };
        int r = sd_bus_message_read_basic(message, type, &number);
        gint64 value = type == 'y'   ? number.y
                       : type == 'n' ? number.n
                       : type == 'q' ? number.q
                       : type == 'i' ? number.i
                       : type == 'u' ? number.u
                       : type == 'x' ? number.x
                                     : (gint64)MIN(number.t, (uint64_t)G_MAXINT64);

        if (r >= 0)
                *ret_value = value_new_number(value);
        return r;
}

static int read_text(sd_bus_message *message, char type, Value **ret_value)
{
        const char *text;
        int r = sd_bus_message_read_basic(message, type, &text);
        if (r >= 0)
                *ret_value = value_new_text(text);
        return r;
}

static int read_bool(sd_bus_message *message, Value **ret_value)
{
        int boolean;
        int r = sd_bus_message_read_basic(message, 'b', &boolean);
        if (r >= 0)
                *ret_value = value_new_bool(boolean);
        return r;
}

static int read_list(sd_bus_message *message, const char *contents, Value **ret_value,
                     GError **error)
{
        g_autoptr(Value) list = value_new_list();
        int r = sd_bus_message_enter_container(message, 'a', contents);

        if (r < 0)
                return r;
        while ((r = sd_bus_message_at_end(message, 0)) == 0) {
                Value *item;
                r = read_value(message, &item, error);
                if (r < 0)
                        return r;
                value_append(list, item);
        }
        if (r < 0)
                return r;
        *ret_value = g_steal_pointer(&list);
        return sd_bus_message_exit_container(message);
}

static int read_variant(sd_bus_message *message, const char *contents, Value **ret_value,
                        GError **error)
{
        g_autoptr(Value) value = NULL;
        int r = sd_bus_message_enter_container(message, 'v', contents);

        if (r >= 0)
                r = read_value(message, &value, error);
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        if (r >= 0)
                *ret_value = g_steal_pointer(&value);
        return r;
}

static int read_entry(sd_bus_message *message, Value *map, GError **error)
{
        const char *key;
        Value *value;

        int r = sd_bus_message_read_basic(message, 's', &key);
        if (r < 0)
                return r;
        if (value_get(map, key)) {
                value_set_error(error, NULL, "%s: given twice", key);
                return -EINVAL;
        }
        r = read_value(message, &value, error);
        if (r >= 0)
                value_set(map, key, value);
        return r;
}

int variant_read_map(sd_bus_message *message, Value **ret_map, GError **error)
{
        g_autoptr(Value) map = value_new_map();
        int r = sd_bus_message_enter_container(message, 'a', "{sv}");

        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                r = read_entry(message, map, error);
                if (r >= 0)
                        r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        if (r >= 0)
                *ret_map = g_steal_pointer(&map);
        return r;
}

static int read_value(sd_bus_message *message, Value **ret_value, GError **error)
{
        const char *contents;
        char type;

        int r = sd_bus_message_peek_type(message, &type, &contents);
        if (r < 0)
                return r;
        if (type == 's' || type == 'o' || type == 'g')
                return read_text(message, type, ret_value);
        if (type == 'b')
                return read_bool(message, ret_value);
        if (strchr("ynqiuxt", type))
                return read_number(message, type, ret_value);
        if (type == 'v')
                return read_variant(message, contents, ret_value, error);
        if (type == 'a' && g_str_equal(contents, "{sv}"))
                return variant_read_map(message, ret_value, error);
        if (type == 'a' && contents[0] != '{')
                return read_list(message, contents, ret_value, error);

        g_autofree char *description =
                g_strdup_printf("a value of type %c%s", type, contents ? contents : "");
        *ret_value = value_new_other(description);
        return sd_bus_message_skip(message, NULL);
}

/* What the items of @list, the value of @key, are; an empty list has only its key to tell. */
static bool is_list_of_maps(const char *key, const Value *list)
{
        if (list->items->len > 0)
                return ((const Value *)list->items->pdata[0])->type == VALUE_MAP;
        return !g_str_equal(key, "dns_servers");
}

int variant_append_maps(sd_bus_message *message, const Value *list)
{
        int r = sd_bus_message_open_container(message, 'a', "a{sv}");

        for (guint i = 0; r >= 0 && i < list->items->len; i++)
                r = variant_append_map(message, list->items->pdata[i]);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static int append_texts(sd_bus_message *message, const Value *list)
{
        int r = sd_bus_message_open_container(message, 'a', "s");

        for (guint i = 0; r >= 0 && i < list->items->len; i++)
                r = sd_bus_message_append(message, "s",
                                          ((const Value *)list->items->pdata[i])->text);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static int append_container(sd_bus_message *message, const char *signature, const Value *value)
{
        int r = sd_bus_message_open_container(message, 'v', signature);

        if (r >= 0)
                r = g_str_equal(signature, "a{sv}")    ? variant_append_map(message, value)
                    : g_str_equal(signature, "aa{sv}") ? variant_append_maps(message, value)
                                                       : append_texts(message, value);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

/* Times are signed. */
static bool is_unsigned(const char *key)
{
        static const char *const keys[] = {
                "twin", "stratum", "mtu", "owner", "queues", "max_connections", NULL,
        };
        return g_strv_contains(keys, key);
}

static int append_variant(sd_bus_message *message, const char *key, const Value *value)
{
        switch (value->type) {
        case VALUE_TEXT:
                return sd_bus_message_append(message, "v", "s", value->text);
        case VALUE_BOOL:
                return sd_bus_message_append(message, "v", "b", (int)value->boolean);
        case VALUE_NUMBER:
                if (is_unsigned(key))
                        return sd_bus_message_append(message, "v", "u", (uint32_t)value->number);
                return sd_bus_message_append(message, "v", "x", (int64_t)value->number);
        case VALUE_MAP:
                return append_container(message, "a{sv}", value);
        case VALUE_LIST:
                return append_container(message, is_list_of_maps(key, value) ? "aa{sv}" : "as",
                                        value);
        case VALUE_OTHER:
        case VALUE_TYPE_MAX:
                break;
        }
        g_assert_not_reached();
}

int variant_append_map(sd_bus_message *message, const Value *map)
{
        int r = sd_bus_message_open_container(message, 'a', "{sv}");

        for (guint i = 0; r >= 0 && i < map->items->len; i++) {
                const char *key = ((const Value *)map->keys->pdata[i])->text;
                r = sd_bus_message_open_container(message, 'e', "sv");
                if (r >= 0)
                        r = sd_bus_message_append(message, "s", key);
                if (r >= 0)
                        r = append_variant(message, key, map->items->pdata[i]);
                if (r >= 0)
                        r = sd_bus_message_close_container(message);
        }
        return r < 0 ? r : sd_bus_message_close_container(message);
}
