/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Which network a guest is attached to, and the call. */

#include "cli/guest-call.h"

#include <unistd.h>

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

/* The path of the one called @interface; NULL. Borrowed. */
static const char *path_of(const Value *networks, const char *interface)
{
        for (guint i = 0; i < networks->items->len; i++) {
                const Value *network = networks->items->pdata[i];
                if (g_str_equal(map_get_text(network, "interface"), interface))
                        return map_get_text(network, "path");
        }
        return NULL;
}

/* Whether guests can be on it: not on a NIC, as far as can be seen from here. What is not there may
 * be a bridge when it comes. */
static bool takes_guests(const Command *command, const Value *network)
{
        const char *interface = map_get_text(network, "interface");
        g_autofree char *link = g_build_filename("/sys/class/net", interface, NULL);
        g_autofree char *bridge = g_build_filename(link, "bridge", NULL);

        return command->host || access(link, F_OK) < 0 || access(bridge, F_OK) == 0;
}

/* Those of @networks (the caller's). */
static Value *with_guests(const Command *command, const Value *networks)
{
        Value *list = value_new_list();

        for (guint i = 0; i < networks->items->len; i++)
                if (takes_guests(command, networks->items->pdata[i]))
                        value_append(list, value_copy(networks->items->pdata[i]));
        return list;
}

/* Sets the path of the network that guests are on, NULL where there is none: the one of the
 * environment, if that says anything; else the one of that name; else the only one that can be
 * meant. */
static bool choose(Command *command, const Microvm *microvm, char **ret_path, GError **error)
{
        g_autoptr(Value) networks = NULL;

        if (!command_list_networks(command, &networks, error))
                return false;
        const char *path = path_of(networks, microvm->bridge);
        g_autoptr(Value) possible = with_guests(command, networks);
        if (!path && !microvm->given && possible->items->len > 1)
                return command_fail_ambiguous(possible, error);
        if (!path && !microvm->given && possible->items->len == 1)
                path = map_get_text(possible->items->pdata[0], "path");
        *ret_path = g_strdup(path);
        return true;
}

/* Another caller may have made it meanwhile, as a boot that starts several guests does. */
static bool make_network(Command *command, const Microvm *microvm, char **ret_path, GError **error)
{
        g_autoptr(Value) settings = microvm_settings(microvm);
        g_autoptr(Value) path = NULL;
        g_autoptr(GError) refusal = NULL;

        if (command_call_settings(command, MANAGER_PATH, "CreateNetwork", NULL, settings, &path,
                                  &refusal)) {
                if (!command_check_answer(path, VALUE_TEXT, error))
                        return false;
                *ret_path = g_strdup(path->text);
                return true;
        }
        g_autoptr(Value) networks = NULL;
        if (!command_list_networks(command, &networks, NULL) ||
            !path_of(networks, microvm->bridge)) {
                g_propagate_error(error, g_steal_pointer(&refusal));
                return false;
        }
        *ret_path = g_strdup(path_of(networks, microvm->bridge));
        return true;
}

bool guest_find_network(Command *command, bool may_make, char **ret_path, GError **error)
{
        g_autofree char *interface = NULL;
        g_autofree char *path = NULL;
        Microvm microvm;

        if (command->interface)
                return command_find_network(command, &interface, ret_path, error);
        microvm_read(&microvm);
        if (!choose(command, &microvm, &path, error))
                return false;
        if (!path && may_make)
                return make_network(command, &microvm, ret_path, error);
        if (!path) {
                g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED,
                            "%s: there is no network on this interface", microvm.bridge);
                return false;
        }
        *ret_path = g_steal_pointer(&path);
        return true;
}

bool guest_attach(Command *command, const char *id, char **ret_path, Value **ret_guest,
                  GError **error)
{
        g_autoptr(Value) options = options_new(command, error);
        g_autofree char *path = NULL;

        if (!options || !guest_find_network(command, true, &path, error) ||
            !command_call_settings(command, path, "AttachGuest", id, options, ret_guest, error) ||
            !command_check_answer(*ret_guest, VALUE_MAP, error))
                return false;
        *ret_path = g_steal_pointer(&path);
        return true;
}
