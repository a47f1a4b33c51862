/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Answers come from another process, maybe of another version: what is missing or of another type
 * is read as empty. */

#include "cli/map.h"

#include <inttypes.h>

const char *map_get_text(const Value *map, const char *key)
{
        const Value *value = map->type == VALUE_MAP ? value_get(map, key) : NULL;
        return value && value->type == VALUE_TEXT ? value->text : "";
}

char *map_print_number(const Value *map, const char *key)
{
        const Value *value = map->type == VALUE_MAP ? value_get(map, key) : NULL;
        bool is_number = value && value->type == VALUE_NUMBER;

        return is_number ? g_strdup_printf("%" PRId64, value->number) : NULL;
}

const Value *map_get_list(const Value *map, const char *key)
{
        const Value *value = map->type == VALUE_MAP ? value_get(map, key) : NULL;
        return value && value->type == VALUE_LIST ? value : NULL;
}

Value *list_name_fields(const Value *list, const char *const *keys)
{
        Value *named = value_new_list();
        for (guint i = 0; i < list->items->len; i++) {
                const Value *fields = g_ptr_array_index(list->items, i);
                Value *map = value_new_map();
                guint n = fields->type == VALUE_LIST ? fields->items->len : 0;
                for (guint k = 0; k < n && keys[k]; k++)
                        value_set(map, keys[k], value_copy(g_ptr_array_index(fields->items, k)));
                value_append(named, map);
        }
        return named;
}
