/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Looking into answers whose shape is not certain. */

#include "model/value.h"

/* The text of @key in @map; "" where there is none. Borrowed. */
const char *map_get_text(const Value *map, const char *key);
/* The number of @key in @map as text (the caller's); NULL where there is none. */
char *map_print_number(const Value *map, const char *key);
/* The list of @key in @map, or NULL. Borrowed. */
const Value *map_get_list(const Value *map, const char *key);
/* Each item of @list, lists of texts themselves (`a(ss)`), as a MAP with @keys, in their order
 * (NULL-terminated). The caller's. */
Value *list_name_fields(const Value *list, const char *const *keys);
