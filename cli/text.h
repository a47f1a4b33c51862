/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Text for a reader at a terminal. */

#include <glib.h>
#include <stdbool.h>

/* @text on one line, safe to print: control characters, those that change the direction of
 * writing, and all that is not UTF-8 are escaped. The caller's. */
char *text_escape(const char *text);
/* The same, with newlines and tabs as they are. */
char *text_escape_lines(const char *text);

/* How many columns @text (escaped) takes. */
guint text_width(const char *text);
/* @text cut to @width columns, with an ellipsis where something is missing. The caller's. */
char *text_cut(const char *text, guint width, bool unicode);

/* How long from @now_sec to @expiry_sec, in its two largest units ("11h 32min"); "never" for 0. The
 * caller's. */
char *text_remaining(gint64 expiry_sec, gint64 now_sec);

/* @n with commas between the thousands. The caller's. */
char *text_count(guint n);
