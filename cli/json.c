/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Values to JSON text. Output is UTF-8; beyond what JSON asks for, all control characters are
 * escaped, so that it is safe on a terminal as well. Does not read JSON. */

#include "cli/json.h"

static void append_character(GString *out, gunichar c)
{
        switch (c) {
        case '"':
                g_string_append(out, "\\\"");
                return;
        case '\\':
                g_string_append(out, "\\\\");
                return;
        case '\b':
                g_string_append(out, "\\b");
                return;
        case '\f':
                g_string_append(out, "\\f");
                return;
        case '\n':
                g_string_append(out, "\\n");
                return;
        case '\r':
                g_string_append(out, "\\r");
                return;
        case '\t':
                g_string_append(out, "\\t");
                return;
        }

        bool hidden = c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
                      (c < 0x10000 && g_unichar_type(c) == G_UNICODE_FORMAT);
        if (hidden)
                g_string_append_printf(out, "\\u%04x", c);
        else
                g_string_append_unichar(out, c);
}

static void append_text(GString *out, const char *text)
{
        g_string_append_c(out, '"');
        for (const char *p = text; *p;) {
                gunichar c = g_utf8_get_char_validated(p, -1);
                bool whole = c != (gunichar)-1 && c != (gunichar)-2;
                append_character(out, whole ? c : 0xfffd);
                p = whole ? g_utf8_next_char(p) : p + 1;
        }
        g_string_append_c(out, '"');
}

static void append_break(GString *out, JsonLayout layout, guint depth)
{
        if (layout == JSON_INDENTED)
                g_string_append_printf(out, "\n%*s", (int)depth * 2, "");
}

static void append_value(GString *out, const Value *value, JsonLayout layout, guint depth);

/* A list, or a mapping where it has keys. */
static void append_items(GString *out, const Value *value, JsonLayout layout, guint depth)
{
        for (guint i = 0; i < value->items->len; i++) {
                if (i > 0)
                        g_string_append(out, layout == JSON_LINE ? ", " : ",");
                append_break(out, layout, depth + 1);
                if (value->keys) {
                        const Value *key = g_ptr_array_index(value->keys, i);
                        append_text(out, key->text);
                        g_string_append(out, ": ");
                }
                append_value(out, g_ptr_array_index(value->items, i), layout, depth + 1);
        }
        if (value->items->len > 0)
                append_break(out, layout, depth);
}

static void append_value(GString *out, const Value *value, JsonLayout layout, guint depth)
{
        switch (value->type) {
        case VALUE_TEXT:
        case VALUE_OTHER:
                append_text(out, value->text);
                return;
        case VALUE_BOOL:
                g_string_append(out, value->boolean ? "true" : "false");
                return;
        case VALUE_NUMBER:
                g_string_append_printf(out, "%" G_GINT64_FORMAT, value->number);
                return;
        case VALUE_LIST:
                g_string_append_c(out, '[');
                append_items(out, value, layout, depth);
                g_string_append_c(out, ']');
                return;
        case VALUE_MAP:
                g_string_append_c(out, '{');
                append_items(out, value, layout, depth);
                g_string_append_c(out, '}');
                return;
        case VALUE_TYPE_MAX:
                break;
        }
        g_assert_not_reached();
}

char *json_format(const Value *value, JsonLayout layout)
{
        GString *out = g_string_new(NULL);
        append_value(out, value, layout, 0);
        return g_string_free(out, FALSE);
}
