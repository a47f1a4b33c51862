/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A tree of values as YAML text, in block style. Texts are always quoted, so that none is taken for
 * a null or a truth value when it is read again. */

#include "model/config-yaml.h"

#include <string.h>

#define INDENT 2

static void print_text(GString *out, const char *text)
{
        g_string_append_c(out, '"');
        for (const char *p = text; *p; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);
                if (c == '"' || c == '\\')
                        g_string_append_printf(out, "\\%c", (char)c);
                else if (c >= 0x20 && c < 0x7f)
                        g_string_append_c(out, (char)c);
                else
                        g_string_append_printf(out, "\\U%08x", c);
        }
        g_string_append_c(out, '"');
}

static void print_key(GString *out, const char *key)
{
        bool is_word = *key && strspn(key, "abcdefghijklmnopqrstuvwxyz_") == strlen(key);
        if (is_word)
                g_string_append(out, key);
        else
                print_text(out, key);
        g_string_append_c(out, ':');
}

static void print_block(GString *out, const Value *value, guint indent, bool on_line);

static bool is_block(const Value *value)
{
        return value->items && value->items->len > 0;
}

static void print_scalar(GString *out, const Value *value)
{
        switch (value->type) {
        case VALUE_TEXT:
        case VALUE_OTHER:
                print_text(out, value->text);
                break;
        case VALUE_BOOL:
                g_string_append(out, value->boolean ? "true" : "false");
                break;
        case VALUE_NUMBER:
                g_string_append_printf(out, "%" G_GINT64_FORMAT, value->number);
                break;
        case VALUE_LIST:
                g_string_append(out, "[]");
                break;
        case VALUE_MAP:
                g_string_append(out, "{}");
                break;
        case VALUE_TYPE_MAX:
                break;
        }
        g_string_append_c(out, '\n');
}

static void print_map_item(GString *out, const Value *map, guint i, guint indent)
{
        const Value *key = g_ptr_array_index(map->keys, i);
        const Value *item = g_ptr_array_index(map->items, i);

        print_key(out, key->text);
        if (is_block(item)) {
                g_string_append_c(out, '\n');
                print_block(out, item, indent + INDENT, false);
                return;
        }
        g_string_append_c(out, ' ');
        print_scalar(out, item);
}

static void print_list_item(GString *out, const Value *item, guint indent)
{
        g_string_append(out, "- ");
        if (is_block(item))
                print_block(out, item, indent + INDENT, true);
        else
                print_scalar(out, item);
}

/* A list or mapping that is not empty; with @on_line its first item goes on the line begun. */
static void print_block(GString *out, const Value *value, guint indent, bool on_line)
{
        for (guint i = 0; i < value->items->len; i++) {
                if (i > 0 || !on_line)
                        g_string_append_printf(out, "%*s", (int)indent, "");
                if (value->type == VALUE_MAP)
                        print_map_item(out, value, i, indent);
                else
                        print_list_item(out, g_ptr_array_index(value->items, i), indent);
        }
}

static void print_value(GString *out, const Value *value)
{
        if (is_block(value))
                print_block(out, value, 0, false);
        else
                print_scalar(out, value);
}

char *config_yaml_print(const Value *settings)
{
        GString *out = g_string_new(NULL);
        print_value(out, settings);
        return g_string_free(out, FALSE);
}

char *config_yaml_print_list(const GPtrArray *settings)
{
        GString *out = g_string_new(settings->len > 0 ? "networks:\n" : "networks: []\n");
        for (guint i = 0; i < settings->len; i++) {
                g_string_append_printf(out, "%*s", INDENT, "");
                print_list_item(out, g_ptr_array_index(settings, i), INDENT);
        }
        return g_string_free(out, FALSE);
}
