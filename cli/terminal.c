/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Stdout's width and abilities, and the few styles that are used on it. Colour only on a terminal,
 * and not where NO_COLOR (https://no-color.org) or TERM=dumb say no. */

#include "cli/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80

static const char *style_sequence(Style style)
{
        switch (style) {
        case STYLE_PLAIN:
                return "";
        case STYLE_HEADING:
                return "\033[1m";
        case STYLE_GOOD:
                return "\033[1;32m";
        case STYLE_WARNING:
                return "\033[1;33m";
        case STYLE_BAD:
                return "\033[1;31m";
        case STYLE_FAINT:
                return "\033[2m";
        case STYLE_MAX:
                break;
        }
        return "";
}

static guint detect_width(void)
{
        struct winsize size;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
                return size.ws_col;
        return WIDTH_DEFAULT;
}

static bool colour_is_wanted(void)
{
        const char *no_color = getenv("NO_COLOR");
        const char *term = getenv("TERM");
        return (!no_color || !*no_color) && term && *term && !g_str_equal(term, "dumb");
}

Terminal terminal_detect(void)
{
        bool is_terminal = isatty(STDOUT_FILENO);
        return (Terminal){
                .width = is_terminal ? detect_width() : 0,
                .colour = is_terminal && colour_is_wanted(),
                .unicode = g_get_charset(NULL),
        };
}

void terminal_append(const Terminal *terminal, GString *out, Style style, const char *text)
{
        bool styled = terminal->colour && style != STYLE_PLAIN && *text;
        if (styled)
                g_string_append(out, style_sequence(style));
        g_string_append(out, text);
        if (styled)
                g_string_append(out, "\033[0m");
}
