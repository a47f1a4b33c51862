/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The options are texts, and numbers where they are some: what is a valid one is the service's to
 * judge. */

#include "cli/limit-options.h"

#include "cli/map.h"

void limit_options_put(const LimitOptions *options, Value *settings)
{
        for (Limit limit = 0; limit < LIMIT_MAX; limit++) {
                const char *text = options->texts[limit];
                guint64 number;
                if (!text)
                        continue;
                bool is_number = g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &number, NULL);
                value_set(settings, limit_to_string(limit),
                          is_number ? value_new_number((gint64)number) : value_new_text(text));
        }
}

char *limits_text(const Value *map)
{
        const char *ports = map_get_text(map, limit_to_string(LIMIT_NAT_PORTS));
        const char *timeout = map_get_text(map, limit_to_string(LIMIT_TIMEOUT));
        g_autofree char *connections = map_print_number(map, limit_to_string(LIMIT_CONNECTIONS));
        g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);

        if (*ports)
                g_ptr_array_add(parts, g_strdup_printf("ports %s", ports));
        if (*timeout)
                g_ptr_array_add(parts, g_strdup_printf("timeout %s", timeout));
        if (connections)
                g_ptr_array_add(parts, g_strdup_printf("%s connections", connections));
        g_ptr_array_add(parts, NULL);
        return g_strjoinv(", ", (char **)parts->pdata);
}
