/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the command line says goes to the service as it is: numbers as such, the words of a filter
 * with a space between. What they may be is for the service to say. */

#include "cli/capture-call.h"

#include "cli/error.h"
#include "cli/message.h"

static bool check_is_here(const Command *command, GError **error)
{
        if (!command->host)
                return true;
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                    "%s goes without --host: a stream cannot be handed over from another machine; "
                    "run it there, by ssh",
                    command->verb->name);
        return false;
}

static bool add_number(const Command *command, const char *key, const char *text, Value *options,
                       GError **error)
{
        gint64 number;
        if (!text)
                return true;
        if (g_ascii_string_to_signed(text, 10, 1, G_MAXINT64, &number, NULL)) {
                value_set(options, key, value_new_number(number));
                return true;
        }
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "%s: --%s: \"%s\" is not a number above 0",
                    command->verb->name, key, text);
        return false;
}

/* The caller's; NULL with an error. */
static Value *options_new(const Command *command, const char *const *words, GError **error)
{
        const CaptureWishes *wishes = &command->capture;
        g_autofree char *filter = g_strjoinv(" ", (char **)words);
        g_autoptr(Value) options = value_new_map();

        if (*filter)
                value_set(options, "filter", value_new_text(filter));
        if (command->ip)
                value_set(options, "ip", value_new_text(command->ip));
        if (!add_number(command, "snaplen", wishes->snaplen, options, error) ||
            !add_number(command, "packets", wishes->packets, options, error) ||
            !add_number(command, "seconds", wishes->seconds, options, error) ||
            !add_number(command, "bytes", wishes->bytes, options, error))
                return NULL;
        return g_steal_pointer(&options);
}

int capture_call(Command *command, const char *const *words, GError **error)
{
        g_autofree char *interface = NULL;
        g_autofree char *path = NULL;

        if (!check_is_here(command, error))
                return -1;
        g_autoptr(Value) options = options_new(command, words, error);
        if (!options || !command_find_network(command, &interface, &path, error))
                return -1;

        g_autoptr(sd_bus_message) call =
                connection_new_call(command->connection, path, NETWORK_INTERFACE, "Capture");
        if (!message_append_settings(call, options, error))
                return -1;
        return connection_call_for_fd(command->connection, call, error);
}
