/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A user's text inside a message. */

/* @text in double quotes, safe to log and to print on a terminal: control characters, quotes,
 * backslashes and all that is not UTF-8 are escaped, and a long text is cut with an ellipsis. The
 * caller's. */
char *quote_text(const char *text);
