/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The calls that verbs share, which network they are about, and how answers are printed. Knows no
 * verb. */

#include "cli/command.h"

#include <stdarg.h>
#include <stdio.h>

#include "cli/error.h"
#include "cli/json.h"
#include "cli/map.h"
#include "cli/signals.h"

void command_clear(Command *command)
{
        g_clear_pointer(&command->connection, connection_free);
        g_clear_pointer(&command->name, g_free);
}

bool command_connect(Command *command, GError **error)
{
        if (!command->connection)
                command->connection =
                        connection_new(command->host, !command->no_ask_password, error);
        return command->connection;
}

static void set_unsendable(const char *member, int r, GError **error)
{
        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "%s cannot be called: %s", member,
                    g_strerror(-r));
}

static bool call(Command *command, const char *path, const char *interface, const char *member,
                 Value **ret_answer, GError **error, const char *types, va_list arguments)
{
        if (!command_connect(command, error))
                return false;

        g_autoptr(sd_bus_message) message =
                connection_new_call(command->connection, path, interface, member);
        int r = types ? sd_bus_message_appendv(message, types, arguments) : 0;
        if (r < 0) {
                set_unsendable(member, r, error);
                return false;
        }
        return connection_call(command->connection, message, command->verb->flags & VERB_CHANGES,
                               ret_answer, error);
}

bool command_fail_ambiguous(const Value *networks, GError **error)
{
        if (networks->items->len == 0) {
                g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "there is no network");
                return false;
        }

        g_autoptr(GString) names = g_string_new(NULL);
        for (guint i = 0; i < networks->items->len; i++) {
                const Value *network = g_ptr_array_index(networks->items, i);
                g_string_append_printf(names, "%s%s", i > 0 ? ", " : "",
                                       map_get_text(network, "interface"));
        }
        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED,
                    "there are several networks, choose one with -i: %s", names->str);
        return false;
}

bool command_list_networks(Command *command, Value **ret_networks, GError **error)
{
        static const char *const keys[] = { "interface", "state", "path", NULL };

        g_autoptr(Value) answer = NULL;
        if (!command_call_manager(command, "ListNetworks", &answer, error, NULL))
                return false;
        if (!command_check_answer(answer, VALUE_LIST, error))
                return false;

        g_autoptr(Value) networks = list_name_fields(answer, keys);
        if (!command->interface) {
                *ret_networks = g_steal_pointer(&networks);
                return true;
        }

        g_autofree char *interface = NULL;
        g_autofree char *path = NULL;
        if (!command_find_network(command, &interface, &path, error))
                return false;
        for (guint i = 0; i < networks->items->len; i++) {
                const Value *network = g_ptr_array_index(networks->items, i);
                if (g_str_equal(map_get_text(network, "path"), path)) {
                        *ret_networks = value_new_list();
                        value_append(*ret_networks, value_copy(network));
                        return true;
                }
        }
        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "%s: there is no network on this interface",
                    command->interface);
        return false;
}

bool command_find_network(Command *command, char **ret_interface, char **ret_path, GError **error)
{
        if (command->interface) {
                g_autoptr(Value) path = NULL;
                if (!command_call_manager(command, "GetNetwork", &path, error, "s",
                                          command->interface))
                        return false;
                if (!command_check_answer(path, VALUE_TEXT, error))
                        return false;
                *ret_interface = g_strdup(command->interface);
                *ret_path = g_strdup(path->text);
                return true;
        }

        g_autoptr(Value) networks = NULL;
        if (!command_list_networks(command, &networks, error))
                return false;
        if (networks->items->len != 1)
                return command_fail_ambiguous(networks, error);

        const Value *network = g_ptr_array_index(networks->items, 0);
        *ret_interface = g_strdup(map_get_text(network, "interface"));
        *ret_path = g_strdup(map_get_text(network, "path"));
        return true;
}

void command_resolve_name(Command *command, bool starts_service)
{
        if (!command->interface || !command_connect(command, NULL))
                return;

        g_autoptr(Value) path = NULL;
        g_autoptr(sd_bus_message) call = connection_new_call(command->connection, MANAGER_PATH,
                                                             MANAGER_INTERFACE, "GetNetwork");
        int r = sd_bus_message_append(call, "s", command->interface);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(call, starts_service);
        if (r < 0 || !connection_call(command->connection, call, false, &path, NULL) ||
            path->type != VALUE_TEXT)
                return;

        char *name = signals_interface_of(path->text);
        if (!name)
                return;
        g_free(command->name);
        command->name = name;
        command->interface = name;
}

bool command_call_manager(Command *command, const char *member, Value **ret_answer, GError **error,
                          const char *types, ...)
{
        va_list arguments;
        va_start(arguments, types);
        bool done = call(command, MANAGER_PATH, MANAGER_INTERFACE, member, ret_answer, error, types,
                         arguments);
        va_end(arguments);
        return done;
}

bool command_call_network(Command *command, const char *member, Value **ret_answer, GError **error,
                          const char *types, ...)
{
        g_autofree char *interface = NULL;
        g_autofree char *path = NULL;
        if (!command_find_network(command, &interface, &path, error))
                return false;

        va_list arguments;
        va_start(arguments, types);
        bool done =
                call(command, path, NETWORK_INTERFACE, member, ret_answer, error, types, arguments);
        va_end(arguments);
        return done;
}

bool command_call_path(Command *command, const char *path, const char *interface,
                       const char *member, Value **ret_answer, GError **error, const char *types,
                       ...)
{
        va_list arguments;
        va_start(arguments, types);
        bool done = call(command, path, interface, member, ret_answer, error, types, arguments);
        va_end(arguments);
        return done;
}

bool command_call_settings(Command *command, const char *path, const char *member,
                           const char *argument, const Value *settings, Value **ret_answer,
                           GError **error)
{
        bool is_manager = g_str_equal(path, MANAGER_PATH);
        const char *interface = is_manager ? MANAGER_INTERFACE : NETWORK_INTERFACE;

        if (!command_connect(command, error))
                return false;

        g_autoptr(sd_bus_message) message =
                connection_new_call(command->connection, path, interface, member);
        int r = argument ? sd_bus_message_append(message, "s", argument) : 0;
        if (r < 0) {
                set_unsendable(member, r, error);
                return false;
        }
        return message_append_settings(message, settings, error) &&
               connection_call(command->connection, message, command->verb->flags & VERB_CHANGES,
                               ret_answer, error);
}

bool command_check_answer(const Value *answer, ValueType type, GError **error)
{
        if (answer->type == type)
                return true;

        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED,
                    "the service's answer is %s where %s was expected",
                    value_type_to_string(answer->type), value_type_to_string(type));
        return false;
}

void command_print(const char *text)
{
        fputs(text, stdout);
}

void command_print_json(const Value *value)
{
        g_autofree char *text = json_format(value, JSON_INDENTED);
        puts(text);
}
