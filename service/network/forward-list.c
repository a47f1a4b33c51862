/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The list as a value. Nobody is asked here, and nothing is put. */

#include "network/forward-list.h"

static void led_free(gpointer data)
{
        LedForward *led = data;

        forward_free(led->forward);
        g_free(led->fault);
        g_free(led);
}

GPtrArray *forward_list_new(void)
{
        return g_ptr_array_new_with_free_func(led_free);
}

void forward_list_add(GPtrArray *list, const Forward *forward, guint32 ip, const char *fault)
{
        LedForward *led = g_new(LedForward, 1);

        *led = (LedForward){ forward_copy(forward), ip, g_strdup(fault) };
        g_ptr_array_add(list, led);
}

const LedForward *forward_list_find(const GPtrArray *list, const Forward *forward)
{
        for (guint i = 0; list && i < list->len; i++) {
                const LedForward *led = list->pdata[i];
                if (forward_is_same(led->forward, forward))
                        return led;
        }
        return NULL;
}

GPtrArray *forward_list_copy_without(const GPtrArray *list, const Forward *forward)
{
        GPtrArray *copy = forward_list_new();

        for (guint i = 0; list && i < list->len; i++) {
                const LedForward *led = list->pdata[i];
                if (!forward || !forward_is_same(led->forward, forward))
                        forward_list_add(copy, led->forward, led->ip, led->fault);
        }
        return copy;
}

const char *forward_list_fault(const GPtrArray *list)
{
        for (guint i = 0; list && i < list->len; i++) {
                const LedForward *led = list->pdata[i];
                if (led->fault)
                        return led->fault;
        }
        return NULL;
}

static ForwardRoute route_of(const LedForward *led)
{
        return (ForwardRoute){ led->forward, led->fault ? 0 : led->ip };
}

GArray *forward_list_routes(const GPtrArray *list)
{
        GArray *routes = g_array_new(FALSE, FALSE, sizeof(ForwardRoute));

        for (guint i = 0; list && i < list->len; i++) {
                ForwardRoute route = route_of(list->pdata[i]);
                g_array_append_val(routes, route);
        }
        return routes;
}

static bool has_same_route(const GPtrArray *list, const LedForward *led)
{
        const LedForward *other = forward_list_find(list, led->forward);

        return other && other->forward->to_port == led->forward->to_port &&
               route_of(other).ip == route_of(led).ip;
}

GArray *forward_list_difference(const GPtrArray *list, const GPtrArray *other)
{
        GArray *routes = g_array_new(FALSE, FALSE, sizeof(ForwardRoute));

        for (guint i = 0; list && i < list->len; i++) {
                ForwardRoute route = route_of(list->pdata[i]);
                if (route.ip != 0 && !has_same_route(other, list->pdata[i]))
                        g_array_append_val(routes, route);
        }
        return routes;
}
