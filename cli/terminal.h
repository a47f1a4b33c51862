/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What stdout can show. */

#include <glib.h>
#include <stdbool.h>

typedef struct Terminal {
        guint width;  /* in columns; 0: no limit, not a terminal */
        bool colour;  /* escape sequences may be written */
        bool unicode; /* the locale's letters are UTF-8 */
} Terminal;

typedef enum Style {
        STYLE_PLAIN,
        STYLE_HEADING,
        STYLE_GOOD,
        STYLE_WARNING,
        STYLE_BAD,
        STYLE_FAINT,
        STYLE_MAX,
} Style;

/* Stdout as it is now. Call after setlocale(3). */
Terminal terminal_detect(void);

/* Appends @text in @style; without colour, the text alone. @text must be safe (text_escape()). */
void terminal_append(const Terminal *terminal, GString *out, Style style, const char *text);
