/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Networks by interface: their properties, and their leases by address. Entries are not among what
 * is compared: they change by calls alone, which the service has to be there for. Pure. */

#include "cli/picture.h"

#include "cli/json.h"
#include "cli/map.h"

typedef struct Portrait {
        Value *properties;  /* MAP, without lists */
        GHashTable *leases; /* ip -> Value* (MAP) */
} Portrait;

struct Picture {
        GHashTable *networks; /* interface -> Portrait* */
};

typedef struct Report {
        SignalHandler report; /* NULL: nobody is told */
        gpointer data;
        const char *interface;
} Report;

/* Takes @arguments. */
static void tell(const Report *report, const char *member, Value *arguments)
{
        const Signal signal = { member, report->interface, arguments };
        if (report->report)
                report->report(&signal, report->data);
        value_free(arguments);
}

static bool is_equal(const Value *a, const Value *b)
{
        if (!a || !b)
                return a == b;

        g_autofree char *a_text = json_format(a, JSON_LINE);
        g_autofree char *b_text = json_format(b, JSON_LINE);
        return g_str_equal(a_text, b_text);
}

static GHashTable *lease_table_new(void)
{
        return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)value_free);
}

static Portrait *portrait_new(void)
{
        Portrait *portrait = g_new(Portrait, 1);
        *portrait = (Portrait){
                .properties = value_new_map(),
                .leases = lease_table_new(),
        };
        return portrait;
}

static void portrait_free(gpointer data)
{
        Portrait *portrait = data;
        value_free(portrait->properties);
        g_hash_table_unref(portrait->leases);
        g_free(portrait);
}

static Portrait *find_or_add(Picture *picture, const char *interface)
{
        Portrait *portrait = g_hash_table_lookup(picture->networks, interface);
        if (!portrait) {
                portrait = portrait_new();
                g_hash_table_insert(picture->networks, g_strdup(interface), portrait);
        }
        return portrait;
}

static void put_lease(GHashTable *leases, const Value *lease)
{
        g_hash_table_replace(leases, g_strdup(map_get_text(lease, "ip")), value_copy(lease));
}

/* Differences */

static void take_properties(Portrait *portrait, const Value *properties, const Report *report)
{
        Value *changed = value_new_map();
        for (guint i = 0; properties->keys && i < properties->items->len; i++) {
                const Value *value = g_ptr_array_index(properties->items, i);
                const char *key = ((const Value *)g_ptr_array_index(properties->keys, i))->text;
                if (value->type == VALUE_LIST ||
                    is_equal(value_get(portrait->properties, key), value))
                        continue;
                value_set(changed, key, value_copy(value));
                value_set(portrait->properties, key, value_copy(value));
        }

        bool is_changed = changed->items->len > 0;
        Value *arguments = value_new_map();
        value_set(arguments, "interface_name", value_new_text(NETWORK_INTERFACE));
        value_set(arguments, "properties", changed);
        value_set(arguments, "invalidated", value_new_list());
        if (is_changed)
                tell(report, "PropertiesChanged", arguments);
        else
                value_free(arguments);
}

static void tell_lease(const Report *report, const char *member, const Value *lease)
{
        Value *arguments = value_new_map();
        value_set(arguments, "lease", value_copy(lease));
        tell(report, member, arguments);
}

static bool is_of_one_board(const Value *a, const Value *b)
{
        return a && b && g_str_equal(map_get_text(a, "mac"), map_get_text(b, "mac"));
}

/* First what has gone, as the service does. */
static void take_leases(Portrait *portrait, const Value *list, const Report *report)
{
        g_autoptr(GHashTable) before = g_steal_pointer(&portrait->leases);
        GHashTableIter iter;
        gpointer ip, lease;

        portrait->leases = lease_table_new();
        for (guint i = 0; i < list->items->len; i++)
                put_lease(portrait->leases, g_ptr_array_index(list->items, i));

        g_hash_table_iter_init(&iter, before);
        while (g_hash_table_iter_next(&iter, &ip, &lease))
                if (!is_of_one_board(g_hash_table_lookup(portrait->leases, ip), lease))
                        tell_lease(report, "LeaseRemoved", lease);

        for (guint i = 0; i < list->items->len; i++) {
                const Value *new = g_ptr_array_index(list->items, i);
                const Value *old = g_hash_table_lookup(before, map_get_text(new, "ip"));
                if (!is_of_one_board(old, new))
                        tell_lease(report, "LeaseAdded", new);
                else if (!is_equal(old, new))
                        tell_lease(report, "LeaseChanged", new);
        }
}

static void take_network(Portrait *portrait, const Value *properties, const Report *report)
{
        take_properties(portrait, properties, report);
        const Value *leases = map_get_list(properties, "Leases");
        if (leases)
                take_leases(portrait, leases, report);
}

static void tell_network(const Report *report, const char *member, const char *path,
                         const Value *interfaces)
{
        Value *arguments = value_new_map();
        value_set(arguments, "path", value_new_text(path));
        value_set(arguments, "interfaces", value_copy(interfaces));
        tell(report, member, arguments);
}

/* One object of GetManagedObjects; its interface, where it is a network. */
static char *take_object(Picture *picture, const char *path, const Value *interfaces,
                         Report *report)
{
        const Value *properties =
                interfaces->type == VALUE_MAP ? value_get(interfaces, NETWORK_INTERFACE) : NULL;
        g_autofree char *interface = signals_interface_of(path);
        if (!properties || properties->type != VALUE_MAP || !interface)
                return NULL;

        bool is_new = !g_hash_table_contains(picture->networks, interface);
        report->interface = interface;
        if (is_new)
                tell_network(report, "InterfacesAdded", path, interfaces);
        take_network(find_or_add(picture, interface), properties, report);
        return g_steal_pointer(&interface);
}

static void drop_others(Picture *picture, GHashTable *present, Report *report)
{
        GHashTableIter iter;
        gpointer interface;

        g_hash_table_iter_init(&iter, picture->networks);
        while (g_hash_table_iter_next(&iter, &interface, NULL)) {
                if (g_hash_table_contains(present, interface))
                        continue;
                g_autofree char *path = signals_path_of(interface);
                g_autoptr(Value) interfaces = value_new_list();
                value_append(interfaces, value_new_text(NETWORK_INTERFACE));
                report->interface = interface;
                tell_network(report, "InterfacesRemoved", path, interfaces);
                g_hash_table_iter_remove(&iter);
        }
}

/* The whole */

Picture *picture_new(void)
{
        Picture *picture = g_new(Picture, 1);
        picture->networks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, portrait_free);
        return picture;
}

void picture_free(Picture *picture)
{
        if (!picture)
                return;

        g_hash_table_unref(picture->networks);
        g_free(picture);
}

void picture_apply(Picture *picture, const Signal *signal)
{
        if (!signal->interface)
                return;
        if (g_str_equal(signal->member, "InterfacesRemoved")) {
                g_hash_table_remove(picture->networks, signal->interface);
                return;
        }

        static const Report nobody = { 0 };
        bool is_new = g_str_equal(signal->member, "InterfacesAdded");
        Portrait *portrait = is_new ? find_or_add(picture, signal->interface)
                                    : g_hash_table_lookup(picture->networks, signal->interface);
        if (!portrait)
                return; /* gone, or not read yet */

        const Value *lease = value_get(signal->arguments, "lease");
        const Value *properties = value_get(signal->arguments, "properties");
        const Value *interfaces = value_get(signal->arguments, "interfaces");
        if (interfaces && interfaces->type == VALUE_MAP)
                properties = value_get(interfaces, NETWORK_INTERFACE);

        if (lease && g_str_equal(signal->member, "LeaseRemoved"))
                g_hash_table_remove(portrait->leases, map_get_text(lease, "ip"));
        else if (lease)
                put_lease(portrait->leases, lease);
        else if (properties && properties->type == VALUE_MAP)
                take_network(portrait, properties, &nobody);
}

void picture_update(Picture *picture, const Value *objects, SignalHandler report, gpointer data)
{
        g_autoptr(GHashTable) present =
                g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        Report to = { .report = report, .data = data };

        for (guint i = 0; objects->keys && i < objects->items->len; i++) {
                const char *path = ((const Value *)g_ptr_array_index(objects->keys, i))->text;
                char *interface =
                        take_object(picture, path, g_ptr_array_index(objects->items, i), &to);
                if (interface)
                        g_hash_table_add(present, interface);
        }
        drop_others(picture, present, &to);
}
