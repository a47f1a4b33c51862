/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Arguments of bus messages to values and back. Reading takes any type, so that a newer service's
 * new keys are shown by an older command; writing knows the types of the contract alone. */

#include "cli/message.h"

#include <string.h>

#include "cli/error.h"

static Value *fail_value(int r, GError **error)
{
        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "the answer cannot be read: %s",
                    r < 0 ? g_strerror(-r) : "an argument is missing");
        return NULL;
}

static bool fail(int r, GError **error)
{
        (void)fail_value(r, error); /* NULL */
        return false;
}

/* What sd_bus_message_read_basic() stores, by type. */
typedef union Basic {
        guint8 y;
        int b;
        gint16 n;
        guint16 q;
        gint32 i;
        guint32 u;
        gint64 x;
        guint64 t;
        double d;
        const char *s;
} Basic;

static Value *value_of_unsigned(guint64 number)
{
        if (number <= G_MAXINT64)
                return value_new_number((gint64)number);

        g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, number);
        return value_new_other(text);
}

static Value *value_of_double(double number)
{
        char text[G_ASCII_DTOSTR_BUF_SIZE];
        return value_new_other(g_ascii_dtostr(text, sizeof text, number));
}

static Value *read_basic(sd_bus_message *message, char type, GError **error)
{
        Basic basic = { .x = 0 };
        int r = sd_bus_message_read_basic(message, type, &basic);
        if (r <= 0)
                return fail_value(r, error);

        switch (type) {
        case SD_BUS_TYPE_STRING:
        case SD_BUS_TYPE_OBJECT_PATH:
        case SD_BUS_TYPE_SIGNATURE:
                return value_new_text(basic.s);
        case SD_BUS_TYPE_BOOLEAN:
                return value_new_bool(basic.b);
        case SD_BUS_TYPE_BYTE:
                return value_new_number(basic.y);
        case SD_BUS_TYPE_INT16:
                return value_new_number(basic.n);
        case SD_BUS_TYPE_UINT16:
                return value_new_number(basic.q);
        case SD_BUS_TYPE_INT32:
                return value_new_number(basic.i);
        case SD_BUS_TYPE_UINT32:
                return value_new_number(basic.u);
        case SD_BUS_TYPE_INT64:
                return value_new_number(basic.x);
        case SD_BUS_TYPE_UINT64:
                return value_of_unsigned(basic.t);
        case SD_BUS_TYPE_DOUBLE:
                return value_of_double(basic.d);
        default:
                return value_new_other("a file descriptor");
        }
}

/* Items up to the end of the open container. */
static bool read_items(sd_bus_message *message, Value *list, GError **error)
{
        for (;;) {
                int r = sd_bus_message_at_end(message, false);
                if (r < 0)
                        return fail(r, error);
                if (r > 0)
                        return true;

                Value *item = message_read_value(message, error);
                if (!item)
                        return false;
                value_append(list, item);
        }
}

/* One pair of the open dictionary, whose pairs are of type @contents ("{sv}"); 0 at its end. */
static int read_pair(sd_bus_message *message, const char *contents, Value *map, GError **error)
{
        g_autofree char *types = g_strndup(contents + 1, strlen(contents) - 2);
        int r = sd_bus_message_enter_container(message, SD_BUS_TYPE_DICT_ENTRY, types);
        if (r == 0)
                return 0;
        if (r < 0) {
                (void)fail(r, error);
                return r;
        }

        g_autoptr(Value) key = message_read_value(message, error);
        g_autoptr(Value) item = key ? message_read_value(message, error) : NULL;
        if (!item)
                return -EBADMSG;

        g_autofree char *name = key->text ? g_strdup(key->text) : value_describe(key);
        value_set(map, name, g_steal_pointer(&item));
        (void)sd_bus_message_exit_container(message); /* it is read to its end */
        return 1;
}

static bool read_pairs(sd_bus_message *message, const char *contents, Value *map, GError **error)
{
        for (;;) {
                int r = read_pair(message, contents, map, error);
                if (r <= 0)
                        return r == 0;
        }
}

static Value *read_container(sd_bus_message *message, char type, const char *contents,
                             GError **error)
{
        bool is_map = type == SD_BUS_TYPE_ARRAY && contents[0] == SD_BUS_TYPE_DICT_ENTRY_BEGIN;
        int r = sd_bus_message_enter_container(message, type, contents);
        if (r <= 0)
                return fail_value(r, error);

        g_autoptr(Value) value = NULL;
        if (type == SD_BUS_TYPE_VARIANT) {
                value = message_read_value(message, error);
                if (!value)
                        return NULL;
        } else {
                value = is_map ? value_new_map() : value_new_list();
                bool whole = is_map ? read_pairs(message, contents, value, error)
                                    : read_items(message, value, error);
                if (!whole)
                        return NULL;
        }

        (void)sd_bus_message_exit_container(message); /* it is read to its end */
        return g_steal_pointer(&value);
}

Value *message_read_value(sd_bus_message *message, GError **error)
{
        char type;
        const char *contents;
        int r = sd_bus_message_peek_type(message, &type, &contents);
        if (r <= 0)
                return fail_value(r, error);

        if (contents)
                return read_container(message, type, contents, error);
        return read_basic(message, type, error);
}

static int append_map(sd_bus_message *message, const Value *map);

static int append_texts(sd_bus_message *message, const Value *list)
{
        int r = sd_bus_message_open_container(message, SD_BUS_TYPE_ARRAY, "s");
        for (guint i = 0; r >= 0 && i < list->items->len; i++) {
                const Value *item = g_ptr_array_index(list->items, i);
                r = sd_bus_message_append_basic(message, SD_BUS_TYPE_STRING,
                                                item->text ? item->text : "");
        }
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static int append_maps(sd_bus_message *message, const Value *list)
{
        int r = sd_bus_message_open_container(message, SD_BUS_TYPE_ARRAY, "a{sv}");
        for (guint i = 0; r >= 0 && i < list->items->len; i++)
                r = append_map(message, g_ptr_array_index(list->items, i));
        return r < 0 ? r : sd_bus_message_close_container(message);
}

/* Only an empty list does not tell what it is a list of. */
static bool is_list_of_maps(const char *key, const Value *list)
{
        if (list->items->len == 0)
                return !g_str_equal(key, "dns_servers");

        const Value *first = g_ptr_array_index(list->items, 0);
        return first->type == VALUE_MAP;
}

static const char *variant_type(const char *key, const Value *value)
{
        switch (value->type) {
        case VALUE_BOOL:
                return "b";
        case VALUE_NUMBER:
                return "x";
        case VALUE_LIST:
                return is_list_of_maps(key, value) ? "aa{sv}" : "as";
        case VALUE_MAP:
                return "a{sv}";
        case VALUE_TEXT:
        case VALUE_OTHER:
        case VALUE_TYPE_MAX:
                break;
        }
        return "s";
}

static int append_contents(sd_bus_message *message, const char *type, const Value *value)
{
        switch (value->type) {
        case VALUE_BOOL:
                return sd_bus_message_append(message, "b", (int)value->boolean);
        case VALUE_NUMBER:
                return sd_bus_message_append(message, "x", value->number);
        case VALUE_LIST:
                return g_str_equal(type, "as") ? append_texts(message, value)
                                               : append_maps(message, value);
        case VALUE_MAP:
                return append_map(message, value);
        case VALUE_TEXT:
        case VALUE_OTHER:
        case VALUE_TYPE_MAX:
                break;
        }
        return sd_bus_message_append(message, "s", value->text);
}

static int append_pair(sd_bus_message *message, const char *key, const Value *value)
{
        const char *type = variant_type(key, value);
        int r = sd_bus_message_open_container(message, SD_BUS_TYPE_DICT_ENTRY, "sv");
        if (r >= 0)
                r = sd_bus_message_append(message, "s", key);
        if (r >= 0)
                r = sd_bus_message_open_container(message, SD_BUS_TYPE_VARIANT, type);
        if (r >= 0)
                r = append_contents(message, type, value);
        if (r >= 0)
                r = sd_bus_message_close_container(message);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static int append_map(sd_bus_message *message, const Value *map)
{
        int r = sd_bus_message_open_container(message, SD_BUS_TYPE_ARRAY, "{sv}");
        for (guint i = 0; r >= 0 && i < map->items->len; i++) {
                const Value *key = g_ptr_array_index(map->keys, i);
                r = append_pair(message, key->text, g_ptr_array_index(map->items, i));
        }
        return r < 0 ? r : sd_bus_message_close_container(message);
}

bool message_append_settings(sd_bus_message *message, const Value *settings, GError **error)
{
        int r = append_map(message, settings);
        if (r >= 0)
                return true;

        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "the settings cannot be sent: %s",
                    g_strerror(-r));
        return false;
}
