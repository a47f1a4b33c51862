/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Which network a guest is attached to, and the call. */

#include "cli/guest-call.h"

#include "cli/error.h"
#include "cli/map.h"
#include "cli/microvm.h"

static bool add_number(const Command *command, const char *key, const char *text, Value *options,
                       GError **error)
{
        gint64 number;

        if (!text)
                return true;
        if (g_ascii_string_to_signed(text, 10, 0, G_MAXUINT32, &number, NULL)) {
                value_set(options, key, value_new_number(number));
                return true;
        }
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "%s: --%s: \"%s\" is not a number",
                    command->verb->name, key, text);
        return false;
}

static void add_text(const char *key, const char *text, Value *options)
{
        if (text)
                value_set(options, key, value_new_text(text));
}

/* The caller's; NULL with an error. */
static Value *options_new(const Command *command, GError **error)
{
        g_autoptr(Value) options = value_new_map();

        add_text("ip", command->ip, options);
        add_text("mac", command->mac, options);
        add_text("public_ip", command->public_ip, options);
        limit_options_put(&command->limits, options);
        if (!add_number(command, "mtu", command->guest.mtu, options, error) ||
            !add_number(command, "queues", command->guest.queues, options, error) ||
            !add_number(command, "owner", command->guest.owner, options, error))
                return NULL;
        return g_steal_pointer(&options);
}

/* The path of the one called @interface, or of the only one; NULL. Borrowed. */
static const char *path_among(const Value *networks, const char *interface)
{
        for (guint i = 0; i < networks->items->len; i++) {
                const Value *network = networks->items->pdata[i];
                if (!interface || g_str_equal(map_get_text(network, "interface"), interface))
                        return map_get_text(network, "path");
        }
        return NULL;
}

static bool make_network(Command *command, const Microvm *microvm, char **ret_path, GError **error)
{
        g_autoptr(Value) settings = microvm_settings(microvm);
        g_autoptr(Value) path = NULL;

        if (!command_call_settings(command, MANAGER_PATH, "CreateNetwork", NULL, settings, &path,
                                   error) ||
            !command_check_answer(path, VALUE_TEXT, error))
                return false;
        *ret_path = g_strdup(path->text);
        return true;
}

static bool find_network(Command *command, char **ret_path, GError **error)
{
        g_autofree char *interface = NULL;
        g_autoptr(Value) networks = NULL;
        Microvm microvm;

        if (command->interface)
                return command_find_network(command, &interface, ret_path, error);
        microvm_read(&microvm);
        if (!command_list_networks(command, &networks, error))
                return false;
        const char *path = path_among(networks, microvm.bridge);
        if (!path && !microvm.given && networks->items->len > 1)
                return command_fail_ambiguous(networks, error);
        if (!path && !microvm.given)
                path = path_among(networks, NULL);
        if (!path)
                return make_network(command, &microvm, ret_path, error);
        *ret_path = g_strdup(path);
        return true;
}

bool guest_attach(Command *command, const char *id, char **ret_path, Value **ret_guest,
                  GError **error)
{
        g_autoptr(Value) options = options_new(command, error);
        g_autofree char *path = NULL;

        if (!options || !find_network(command, &path, error) ||
            !command_call_settings(command, path, "AttachGuest", id, options, ret_guest, error) ||
            !command_check_answer(*ret_guest, VALUE_MAP, error))
                return false;
        *ret_path = g_steal_pointer(&path);
        return true;
}
