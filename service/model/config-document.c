/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The three forms of a document: a bare mapping is one network; `networks:` is a list of them; in a
 * Jumpstarter exporter file, known by `export:`, some items are ours and the others are none of
 * our business. Pure walking of a tree: each network is judged by config_new(). */

#include "model/config-document.h"

#define TYPE_SUFFIX ".DutNetwork"

typedef struct Collection {
        GPtrArray *configs;     /* NetworkConfig*, owned */
        GHashTable *interfaces; /* of the configs */
} Collection;

static void free_config(gpointer config)
{
        config_free(config);
}

static bool collect(Collection *collection, const Value *settings, GError **error)
{
        g_autoptr(NetworkConfig) config = config_new(settings, CONFIG_SOURCE_FILE, error);
        if (!config)
                return false;

        if (g_hash_table_contains(collection->interfaces, config->interface)) {
                const Value *name = value_get(settings, "interface");
                value_set_error(error, name ? name : value_get(settings, "match"),
                                "interface: \"%s\" has two networks", config->interface);
                return false;
        }
        g_hash_table_add(collection->interfaces, config->interface);
        g_ptr_array_add(collection->configs, g_steal_pointer(&config));
        return true;
}

static bool collect_list(Collection *collection, const Value *document, GError **error)
{
        static const char *const known[] = { "networks" };

        if (!value_check_keys(document, "", known, G_N_ELEMENTS(known), error))
                return false;

        const Value *list = value_get(document, "networks");
        if (list->type != VALUE_LIST) {
                g_autofree char *got = value_describe(list);
                value_set_error(error, list, "networks: %s is not a list of networks", got);
                return false;
        }
        for (guint i = 0; i < list->items->len; i++)
                if (!collect(collection, g_ptr_array_index(list->items, i), error))
                        return false;
        return true;
}

static bool is_ours(const Value *item)
{
        const Value *type = item->type == VALUE_MAP ? value_get(item, "type") : NULL;
        return type && type->type == VALUE_TEXT && g_str_has_suffix(type->text, TYPE_SUFFIX);
}

static bool collect_exporter(Collection *collection, const Value *document, GError **error)
{
        const Value *export = value_get(document, "export");
        if (export->type != VALUE_MAP) {
                g_autofree char *got = value_describe(export);
                value_set_error(error, export, "export: %s is not a mapping of drivers", got);
                return false;
        }

        for (guint i = 0; i < export->items->len; i++) {
                const Value *item = g_ptr_array_index(export->items, i);
                if (!is_ours(item))
                        continue;

                const Value *settings = value_get(item, "config");
                if (!settings) {
                        value_set_error(error, item, "config: is missing beside the type");
                        return false;
                }
                if (!collect(collection, settings, error))
                        return false;
        }
        return true;
}

static bool collect_document(Collection *collection, const Value *document, GError **error)
{
        if (document->type == VALUE_MAP && value_get(document, "networks"))
                return collect_list(collection, document, error);
        if (document->type == VALUE_MAP && value_get(document, "export"))
                return collect_exporter(collection, document, error);
        return collect(collection, document, error);
}

GPtrArray *config_list_from_document(const Value *document, GError **error)
{
        g_autoptr(GPtrArray) configs = g_ptr_array_new_with_free_func(free_config);
        g_autoptr(GHashTable) interfaces = g_hash_table_new(g_str_hash, g_str_equal);
        Collection collection = { .configs = configs, .interfaces = interfaces };

        if (!collect_document(&collection, document, error))
                return NULL;
        if (configs->len == 0) {
                value_set_error(error, document, "there is no network in it");
                return NULL;
        }
        return g_steal_pointer(&configs);
}
