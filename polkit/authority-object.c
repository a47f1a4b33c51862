/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One table of details: what is copied, compared and told to polkit is the same. */

#include "polkit/authority-object.h"

#include <stddef.h>

static const struct {
        const char *name;
        size_t offset;
} details[] = {
        { "interface", offsetof(AuthorityObject, interface) },
        { "subnet", offsetof(AuthorityObject, subnet) },
        { "address", offsetof(AuthorityObject, address) },
        { "port", offsetof(AuthorityObject, port) },
        { "protocol", offsetof(AuthorityObject, protocol) },
        { "guest", offsetof(AuthorityObject, guest) },
        { "owner", offsetof(AuthorityObject, owner) },
};

/* The text of the @nth detail. */
static const char *get(const AuthorityObject *object, guint nth)
{
        const void *field = (const char *)object + details[nth].offset; /* aligned as its type is */

        return *(const char *const *)field;
}

static void object_clear(gpointer data)
{
        for (guint i = 0; i < G_N_ELEMENTS(details); i++)
                g_free((char *)get(data, i));
}

static AuthorityObject object_copy(const AuthorityObject *object)
{
        return (AuthorityObject){
                .interface = g_strdup(object->interface),
                .subnet = g_strdup(object->subnet),
                .address = g_strdup(object->address),
                .port = g_strdup(object->port),
                .protocol = g_strdup(object->protocol),
                .guest = g_strdup(object->guest),
                .owner = g_strdup(object->owner),
        };
}

GArray *authority_objects_copy(const AuthorityObject *objects, guint n)
{
        GArray *copy = g_array_new(FALSE, FALSE, sizeof *objects);

        g_array_set_clear_func(copy, object_clear);
        for (guint i = 0; i < n; i++) {
                AuthorityObject object = object_copy(&objects[i]);
                g_array_append_val(copy, object);
        }
        return copy;
}

static bool object_equal(const AuthorityObject *a, const AuthorityObject *b)
{
        for (guint i = 0; i < G_N_ELEMENTS(details); i++)
                if (g_strcmp0(get(a, i), get(b, i)) != 0)
                        return false;
        return true;
}

bool authority_objects_equal(const GArray *copy, const AuthorityObject *objects, guint n)
{
        if (copy->len != n)
                return false;
        for (guint i = 0; i < n; i++)
                if (!object_equal(&g_array_index(copy, AuthorityObject, i), &objects[i]))
                        return false;
        return true;
}

int authority_object_append(const AuthorityObject *object, const char *member, sd_bus_message *call)
{
        int r = sd_bus_message_open_container(call, 'a', "{ss}");

        for (guint i = 0; r >= 0 && i < G_N_ELEMENTS(details); i++)
                if (get(object, i))
                        r = sd_bus_message_append(call, "{ss}", details[i].name, get(object, i));
        if (r >= 0)
                r = sd_bus_message_append(call, "{ss}", "verb", member);
        return r < 0 ? r : sd_bus_message_close_container(call);
}
