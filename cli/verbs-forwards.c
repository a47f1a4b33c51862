/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Verbs about ports of the host that lead to boards. What is a port that can be had is the
 * service's to judge; how a forward is written on a command line is said here. */

#include <string.h>

#include "cli/error.h"
#include "cli/map.h"
#include "cli/verbs.h"
#include "cli/view.h"

static bool fail(GError **error, const char *verb, const char *word, const char *complaint)
{
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "%s: \"%s\" %s", verb, word, complaint);
        return false;
}

static bool is_ports(const char *text)
{
        return *text && text[strspn(text, "0123456789-")] == '\0';
}

/* "2222", "udp/2000-2010". */
static bool read_ports(const Command *command, const char *word, Value *forward, GError **error)
{
        const char *slash = strchr(word, '/');
        const char *ports = slash ? slash + 1 : word;
        g_autofree char *protocol =
                slash ? g_strndup(word, (gsize)(slash - word)) : g_strdup("tcp");

        if (!is_ports(ports) || !(g_str_equal(protocol, "tcp") || g_str_equal(protocol, "udp")))
                return fail(error, command->verb->name, word,
                            "is not [tcp|udp/]PORT or [tcp|udp/]PORT-PORT");
        value_set(forward, "protocol", value_new_text(protocol));
        value_set(forward, "port", value_new_text(ports));
        return true;
}

/* "192.168.100.10", "board:22", "board:3000-3010". */
static bool read_target(const Command *command, const char *word, Value *forward, GError **error)
{
        const char *colon = strrchr(word, ':');
        g_autofree char *ip = colon ? g_strndup(word, (gsize)(colon - word)) : g_strdup(word);

        if (!*ip || (colon && !is_ports(colon + 1)))
                return fail(error, command->verb->name, word, "is not IP[:PORT] or NAME[:PORT]");
        value_set(forward, "ip", value_new_text(ip));
        if (colon)
                value_set(forward, "to_port", value_new_text(colon + 1));
        return true;
}

static bool call(Command *command, const char *member, Value *forward, GError **error)
{
        g_autofree char *interface = NULL;
        g_autofree char *path = NULL;

        if (command->from)
                value_set(forward, "from", value_new_text(command->from));
        return command_find_network(command, &interface, &path, error) &&
               command_call_settings(command, path, member, NULL, forward, NULL, error);
}

bool verb_add_forward(Command *command, GError **error)
{
        g_autoptr(Value) forward = value_new_map();

        return read_ports(command, command->arguments[0], forward, error) &&
               read_target(command, command->arguments[1], forward, error) &&
               call(command, "AddForward", forward, error);
}

bool verb_remove_forward(Command *command, GError **error)
{
        g_autoptr(Value) forward = value_new_map();

        return read_ports(command, command->arguments[0], forward, error) &&
               call(command, "RemoveForward", forward, error);
}

bool verb_forwards(Command *command, GError **error)
{
        g_autofree char *interface = NULL;
        g_autofree char *path = NULL;
        g_autoptr(Value) forwards = NULL;
        g_autoptr(GString) out = g_string_new(NULL);

        if (!command_find_network(command, &interface, &path, error) ||
            !command_call_path(command, path, "org.freedesktop.DBus.Properties", "Get", &forwards,
                               error, "ss", "org.jumpstarter.DutNetwork", "Forwards") ||
            !command_check_answer(forwards, VALUE_LIST, error))
                return false;
        if (command->json) {
                command_print_json(forwards);
                return true;
        }
        view_forwards(forwards, &command->terminal, 0, 0, out);
        command_print(out->str);
        return true;
}
