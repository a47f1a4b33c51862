/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Quotes a user's text for an error message. Only for readers: nothing reads it back. */

#include "model/quote.h"

#include <glib.h>

/* Long enough for any value that could be right. */
#define QUOTE_MAX_CHARACTERS 80

static void append_character(GString *quoted, gunichar c)
{
        if (c == '"' || c == '\\')
                g_string_append_printf(quoted, "\\%c", (char)c);
        else if (c == '\n')
                g_string_append(quoted, "\\n");
        else if (c == '\t')
                g_string_append(quoted, "\\t");
        else if (c == ' ' || (g_unichar_isprint(c) && !g_unichar_isspace(c)))
                g_string_append_unichar(quoted, c);
        else
                g_string_append_printf(quoted, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
}

/* Appends what @text begins with, a character or a byte that is none; returns what follows. */
static const char *append_next(GString *quoted, const char *text)
{
        gunichar c = g_utf8_get_char_validated(text, -1);
        if (c == (gunichar)-1 || c == (gunichar)-2) {
                g_string_append_printf(quoted, "\\x%02x", (guchar)*text);
                return text + 1;
        }
        append_character(quoted, c);
        return g_utf8_next_char(text);
}

char *quote_text(const char *text)
{
        GString *quoted = g_string_new("\"");
        for (guint n = 0; *text && n < QUOTE_MAX_CHARACTERS; n++)
                text = append_next(quoted, text);
        g_string_append(quoted, *text ? "…\"" : "\"");
        return g_string_free(quoted, FALSE);
}
