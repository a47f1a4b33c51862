/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the command line says goes to the service as it is: numbers as such, the words of a filter
 * with a space between. What they may be is for the service to say. */

#include "cli/capture-call.h"

#include "cli/error.h"
#include "cli/map.h"
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

void capture_call_clear(CaptureCall *call)
{
        g_free(call->path);
}

bool capture_call(Command *command, const char *const *words, CaptureCall *ret_call, GError **error)
{
        g_autofree char *interface = NULL;
        g_autofree char *path = NULL;

        if (!check_is_here(command, error))
                return false;
        g_autoptr(Value) options = options_new(command, words, error);
        if (!options || !command_find_network(command, &interface, &path, error))
                return false;

        g_autoptr(sd_bus_message) message =
                connection_new_call(command->connection, path, NETWORK_INTERFACE, "Capture");
        if (!message_append_settings(message, options, error))
                return false;
        gint64 now_usec = g_get_monotonic_time();
        int stream = connection_call_for_fd(command->connection, message, error);
        if (stream < 0)
                return false;
        *ret_call = (CaptureCall){ stream, g_steal_pointer(&path), now_usec };
        return true;
}

/* @limit: as it was given; NULL: not. */
static bool is_reached(const char *limit, guint64 n)
{
        return limit && n >= g_ascii_strtoull(limit, NULL, 10);
}

/* Whether the network that the capture was of goes on. */
static bool is_up(Command *command, const CaptureCall *call, bool *ret_up, GError **error)
{
        static const char *const up[] = { "activating", "active", "degraded", NULL };
        static const char *const keys[] = { "interface", "state", "path", NULL };
        g_autoptr(Value) answer = NULL;

        if (!command_call_manager(command, "ListNetworks", &answer, error, NULL) ||
            !command_check_answer(answer, VALUE_LIST, error))
                return false;
        g_autoptr(Value) networks = list_name_fields(answer, keys);
        *ret_up = false;
        for (guint i = 0; i < networks->items->len; i++) {
                const Value *network = networks->items->pdata[i];
                if (g_str_equal(map_get_text(network, "path"), call->path))
                        *ret_up = g_strv_contains(up, map_get_text(network, "state"));
        }
        return true;
}

bool capture_check_end(Command *command, const CaptureCall *call, const CaptureCopied *copied,
                       GError **error)
{
        const CaptureWishes *wishes = &command->capture;
        gint64 passed_usec = g_get_monotonic_time() - call->begun_usec;
        bool goes_on;

        if (!copied->by_itself || is_reached(wishes->packets, copied->n_packets) ||
            is_reached(wishes->bytes, copied->n_bytes) ||
            is_reached(wishes->seconds, (guint64)(passed_usec / G_TIME_SPAN_SECOND)))
                return true;
        if (!is_up(command, call, &goes_on, error)) {
                g_prefix_error(error, "the capture has ended, and why is not known: ");
                return false;
        }
        if (goes_on)
                g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED,
                            "the capture has ended before it was to: what captures was stopped, "
                            "or the service was");
        return !goes_on;
}
