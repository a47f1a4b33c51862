/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Verbs whose subject is YAML: into the service, out of it, and judged without it. `check` and
 * `export` use the service's own reader and writer, so that they cannot disagree with it. */

#include <stdio.h>
#include <string.h>

#include "cli/error.h"
#include "cli/json.h"
#include "cli/map.h"
#include "cli/text-file.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "model/config-yaml.h"
#include "model/config.h"

/* The service knows the text alone: "3:7: …", or without a position. */
static void name_file(GError **error, const char *path)
{
        if (!error || !g_error_matches(*error, CLI_ERROR, CLI_ERROR_INPUT))
                return;

        bool has_position = g_regex_match_simple("^[0-9]+:[0-9]+: ", (*error)->message, 0, 0);
        g_prefix_error(error, has_position ? "%s:" : "%s: ", text_file_name(path));
}

static bool contains_text(const Value *list, const char *text)
{
        for (guint i = 0; i < list->items->len; i++) {
                const Value *item = g_ptr_array_index(list->items, i);
                if (item->type == VALUE_TEXT && g_str_equal(item->text, text))
                        return true;
        }
        return false;
}

/* Which networks there are now at @paths, and in which state. */
static bool print_created(Command *command, const Value *paths, GError **error)
{
        g_autoptr(Value) networks = NULL;
        if (!command_list_networks(command, &networks, error))
                return false;

        g_autoptr(Value) created = value_new_list();
        for (guint i = 0; i < networks->items->len; i++) {
                const Value *network = g_ptr_array_index(networks->items, i);
                if (contains_text(paths, map_get_text(network, "path")))
                        value_append(created, value_copy(network));
        }

        if (command->json) {
                command_print_json(created);
                return true;
        }
        for (guint i = 0; i < created->items->len; i++) {
                const Value *network = g_ptr_array_index(created->items, i);
                g_autofree char *interface = text_escape(map_get_text(network, "interface"));
                g_autofree char *state = text_escape(map_get_text(network, "state"));
                printf("%s: %s\n", interface, state);
        }
        return true;
}

bool verb_create(Command *command, GError **error)
{
        const char *path = command->arguments[0];
        g_autofree char *text = text_file_read(path, error);
        if (!text)
                return false;

        g_autoptr(Value) paths = NULL;
        if (!command_call_manager(command, "LoadConfig", &paths, error, "s", text)) {
                name_file(error, path);
                return false;
        }
        return command_check_answer(paths, VALUE_LIST, error) &&
               print_created(command, paths, error);
}

/* @settings as a file has them (the caller's): what a file makes stays, so it has no `transient`.
 */
static Value *without_transient(const Value *settings)
{
        Value *copy = value_new_map();
        for (guint i = 0; i < settings->items->len; i++) {
                const Value *key = g_ptr_array_index(settings->keys, i);
                if (!g_str_equal(key->text, "transient"))
                        value_set(copy, key->text,
                                  value_copy(g_ptr_array_index(settings->items, i)));
        }
        return copy;
}

bool verb_check(Command *command, GError **error)
{
        const char *path = command->arguments[0];
        g_autofree char *text = text_file_read(path, error);
        if (!text)
                return false;

        g_autoptr(GPtrArray) configs =
                config_yaml_parse(text, strlen(text), text_file_name(path), error);
        if (!configs)
                return false;

        g_autoptr(Value) all = value_new_list();
        for (guint i = 0; i < configs->len; i++) {
                g_autoptr(Value) settings = config_to_value(g_ptr_array_index(configs, i), true);
                value_append(all, without_transient(settings));
        }
        if (command->json) {
                command_print_json(all);
                return true;
        }
        for (guint i = 0; i < all->items->len; i++)
                printf("%s: %s: valid\n", text_file_name(path),
                       map_get_text(g_ptr_array_index(all->items, i), "interface"));
        return true;
}

/* The settings in force of the network at @path; the caller's. */
static Value *read_settings(Command *command, const char *path, GError **error)
{
        g_autoptr(Value) status = NULL;
        if (!command_call_path(command, path, NETWORK_INTERFACE, "GetStatus", &status, error,
                               NULL) ||
            !command_check_answer(status, VALUE_MAP, error))
                return NULL;

        const Value *settings = value_get(status, "settings");
        if (!settings || settings->type != VALUE_MAP) {
                g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED,
                            "the service does not tell its settings");
                return NULL;
        }

        return without_transient(settings);
}

/* One network as a bare mapping, which is also what -i asks for; several as a list. */
static char *print_settings(const Value *all, bool json)
{
        if (json)
                return json_format(all->items->len == 1 ? g_ptr_array_index(all->items, 0) : all,
                                   JSON_INDENTED);
        if (all->items->len == 1)
                return config_yaml_print(g_ptr_array_index(all->items, 0));
        return config_yaml_print_list(all->items);
}

bool verb_export(Command *command, GError **error)
{
        g_autoptr(Value) networks = NULL;
        if (!command_list_networks(command, &networks, error))
                return false;

        g_autoptr(Value) all = value_new_list();
        for (guint i = 0; i < networks->items->len; i++) {
                const Value *network = g_ptr_array_index(networks->items, i);
                Value *settings = read_settings(command, map_get_text(network, "path"), error);
                if (!settings)
                        return false;
                value_append(all, settings);
        }

        g_autofree char *text = print_settings(all, command->json);
        command_print(text);
        if (!g_str_has_suffix(text, "\n"))
                command_print("\n");
        return true;
}
