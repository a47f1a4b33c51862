/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Values as JSON. */

#include "model/value.h"

typedef enum JsonLayout {
        JSON_INDENTED, /* a line for each item, two spaces a level */
        JSON_LINE,     /* all on one line */
        JSON_LAYOUT_MAX,
} JsonLayout;

/* @value as JSON (RFC 8259), keys in the order in which they are in it; no newline at the end. Of a
 * type that JSON has no name for: its description, as a string. The caller's. */
char *json_format(const Value *value, JsonLayout layout);
