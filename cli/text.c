/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Text for a reader at a terminal: what comes over the bus (host names, errors, file names in them)
 * must not move the cursor, change colours or turn the writing round. Where letters are combining
 * or double width, columns count, not bytes. */

#include "cli/text.h"

#include <string.h>

static bool is_printable(gunichar c)
{
        if (c < 0x20 || (c >= 0x7f && c < 0xa0))
                return false;

        switch (g_unichar_type(c)) {
        case G_UNICODE_FORMAT: /* writing direction, invisible letters */
        case G_UNICODE_LINE_SEPARATOR:
        case G_UNICODE_PARAGRAPH_SEPARATOR:
        case G_UNICODE_PRIVATE_USE:
        case G_UNICODE_SURROGATE:
        case G_UNICODE_UNASSIGNED:
                return false;
        default:
                return true;
        }
}

static void append_escaped(GString *out, gunichar c)
{
        if (c == '\n')
                g_string_append(out, "\\n");
        else if (c == '\t')
                g_string_append(out, "\\t");
        else if (c < 0x100)
                g_string_append_printf(out, "\\x%02x", c);
        else
                g_string_append_printf(out, "\\u%04x", c);
}

static char *escape(const char *text, const char *allowed)
{
        GString *out = g_string_new(NULL);
        for (const char *p = text; *p;) {
                gunichar c = g_utf8_get_char_validated(p, -1);
                if (c == (gunichar)-1 || c == (gunichar)-2) {
                        append_escaped(out, (guchar)*p++);
                        continue;
                }

                if (is_printable(c) || (c < 0x80 && strchr(allowed, (char)c)))
                        g_string_append_unichar(out, c);
                else
                        append_escaped(out, c);
                p = g_utf8_next_char(p);
        }
        return g_string_free(out, FALSE);
}

char *text_escape(const char *text)
{
        return escape(text, "");
}

char *text_escape_lines(const char *text)
{
        return escape(text, "\n\t");
}

static guint character_width(gunichar c)
{
        if (g_unichar_iszerowidth(c))
                return 0;
        return g_unichar_iswide(c) ? 2 : 1;
}

guint text_width(const char *text)
{
        guint width = 0;
        for (const char *p = text; *p; p = g_utf8_next_char(p))
                width += character_width(g_utf8_get_char(p));
        return width;
}

char *text_cut(const char *text, guint width, bool unicode)
{
        if (text_width(text) <= width)
                return g_strdup(text);

        const char *ellipsis = unicode ? "…" : "~";
        guint left = width > 0 ? width - 1 : 0;
        const char *p = text;
        for (; *p; p = g_utf8_next_char(p)) {
                guint next = character_width(g_utf8_get_char(p));
                if (next > left)
                        break;
                left -= next;
        }
        g_autofree char *kept = g_strndup(text, (gsize)(p - text));
        return g_strconcat(kept, width > 0 ? ellipsis : "", NULL);
}

char *text_remaining(gint64 expiry_sec, gint64 now_sec)
{
        if (expiry_sec == 0)
                return g_strdup("never");

        gint64 left = expiry_sec - now_sec;
        if (left <= 0)
                return g_strdup("now");

        gint64 days = left / 86400, hours = left / 3600 % 24, minutes = left / 60 % 60;
        if (days > 0)
                return g_strdup_printf("%" G_GINT64_FORMAT "d %" G_GINT64_FORMAT "h", days, hours);
        if (hours > 0)
                return g_strdup_printf("%" G_GINT64_FORMAT "h %" G_GINT64_FORMAT "min", hours,
                                       minutes);
        if (minutes > 0)
                return g_strdup_printf("%" G_GINT64_FORMAT "min %" G_GINT64_FORMAT "s", minutes,
                                       left % 60);
        return g_strdup_printf("%" G_GINT64_FORMAT "s", left);
}

char *text_count(guint n)
{
        GString *out = g_string_new(NULL);
        g_string_printf(out, "%u", n);
        for (gssize i = (gssize)out->len - 3; i > 0; i -= 3)
                g_string_insert_c(out, i, ',');
        return g_string_free(out, FALSE);
}
