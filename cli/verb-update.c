/* SPDX-License-Identifier: GPL-2.0-or-later */

/* `update`: settings from the command line or from a file, typed as the reference has them. What
 * does not look like its type goes as text, and the service says what is wrong with it. */

#include <string.h>

#include "cli/assignments.h"
#include "cli/error.h"
#include "cli/map.h"
#include "cli/text-file.h"
#include "cli/verbs.h"
#include "model/config-yaml.h"
#include "model/config.h"

static bool is_one_of(const char *const *words, const char *text)
{
        return g_strv_contains(words, text);
}

static Value *read_bool(const char *text)
{
        static const char *const yes[] = { "true", "yes", "on", NULL };
        static const char *const no[] = { "false", "no", "off", NULL };

        if (is_one_of(yes, text))
                return value_new_bool(true);
        return is_one_of(no, text) ? value_new_bool(false) : value_new_text(text);
}

static Value *read_number(const char *text)
{
        guint64 number;

        return g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &number, NULL)
                       ? value_new_number((gint64)number)
                       : value_new_text(text);
}

/* Texts between commas. */
static Value *read_list(const char *text)
{
        Value *list = value_new_list();
        g_auto(GStrv) items = g_strsplit(text, ",", -1);
        for (guint i = 0; items[i]; i++)
                value_append(list, value_new_text(g_strstrip(items[i])));
        return list;
}

static Value *read_setting(const char *verb, const char *key, const char *text, GError **error)
{
        static const char *const bools[] = {
                "dhcp_enabled",   "dhcp_ping_check", "dns_intercept",
                "local_ntp",      "dhcp_force",      "take_default_route",
                "enable_tcpdump", "isolate_guests",  NULL
        };
        static const char *const entry_lists[] = { "addresses", "dns_entries", "forwards", NULL };

        bool is_empty_list = !*text || g_str_equal(text, "[]");
        if (is_one_of(bools, key))
                return read_bool(text);
        if (g_str_equal(key, "mtu") || g_str_equal(key, "max_connections"))
                return read_number(text);
        if (g_str_equal(key, "dns_servers"))
                return is_empty_list ? value_new_list() : read_list(text);
        if (!is_one_of(entry_lists, key))
                return value_new_text(text);
        if (is_empty_list)
                return value_new_list();

        g_set_error(
                error, CLI_ERROR, CLI_ERROR_USAGE,
                "%s: \"%s\" can only be emptied here; entries are changed one by one, or from a "
                "file",
                verb, key);
        return NULL;
}

/* The one of @configs that is meant: of the interface given, else the only one. */
static const NetworkConfig *choose(const GPtrArray *configs, const char *interface,
                                   const char *path, GError **error)
{
        for (guint i = 0; i < configs->len; i++) {
                const NetworkConfig *config = g_ptr_array_index(configs, i);
                if (interface ? g_str_equal(config->interface, interface) : configs->len == 1)
                        return config;
        }

        if (interface)
                g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED,
                            "%s: there is no network on %s in it", text_file_name(path), interface);
        else
                g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED,
                            "%s: there are several networks in it, choose one with -i",
                            text_file_name(path));
        return NULL;
}

/* The keys that the file gives, and the interface that they are for. */
static bool read_file(const Command *command, Value *settings, char **ret_interface, GError **error)
{
        const char *path = command->arguments[0];
        g_autofree char *text = text_file_read(path, error);
        if (!text)
                return false;

        g_autoptr(GPtrArray) configs =
                config_yaml_parse(text, strlen(text), text_file_name(path), error);
        if (!configs)
                return false;

        const NetworkConfig *config = choose(configs, command->interface, path, error);
        if (!config)
                return false;

        g_autoptr(Value) given = config_to_value(config, false);
        for (guint i = 0; i < given->items->len; i++) {
                const Value *key = g_ptr_array_index(given->keys, i);
                if (!g_str_equal(key->text, "interface"))
                        value_set(settings, key->text,
                                  value_copy(g_ptr_array_index(given->items, i)));
        }
        *ret_interface = g_strdup(config->interface);
        return true;
}

bool verb_update(Command *command, GError **error)
{
        g_autoptr(Value) settings = value_new_map();
        g_autofree char *file_interface = NULL;
        bool is_file = command->n_arguments == 1 && !strchr(command->arguments[0], '=');
        if (is_file && !read_file(command, settings, &file_interface, error))
                return false;
        if (!is_file && !assignments_read(command, read_setting, settings, error))
                return false;

        if (file_interface)
                command->interface = file_interface;
        g_autofree char *interface = NULL;
        g_autofree char *path = NULL;
        bool found = command_find_network(command, &interface, &path, error);
        command->interface = NULL; /* it was borrowed from here */
        return found && command_call_settings(command, path, "Update", NULL, settings, NULL, error);
}
