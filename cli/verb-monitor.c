/* SPDX-License-Identifier: GPL-2.0-or-later */

/* `monitor`: the service's signals as lines of text or JSON, as they come, until the command is
 * interrupted. It starts no service and outlives restarts of it: networks go on without the
 * service, so what has become of them meanwhile is read when it is back, and told like the rest. */

#include <stdio.h>
#include <time.h>

#include "cli/error.h"
#include "cli/json.h"
#include "cli/map.h"
#include "cli/message.h"
#include "cli/picture.h"
#include "cli/signals.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "cli/view.h"

typedef struct Monitor {
        Command *command;
        Picture *picture;
        bool is_begun;     /* what there was at the start is in the picture */
        sd_bus_slot *call; /* the one that is being answered, or was last */
        GError *failure;
} Monitor;

static void monitor_clear(Monitor *monitor)
{
        sd_bus_slot_unref(monitor->call);
        picture_free(monitor->picture);
        g_clear_error(&monitor->failure);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Monitor, monitor_clear)

/* How a line about a signal begins. */
static const char *words_of(const char *member)
{
        static const struct {
                const char *member, *words;
        } known[] = {
                { "LeaseAdded", "lease added" },         { "LeaseChanged", "lease changed" },
                { "LeaseRemoved", "lease removed" },     { "AddressAdded", "address added" },
                { "AddressChanged", "address changed" }, { "AddressRemoved", "address removed" },
                { "GuestAttached", "guest attached" },   { "GuestDetached", "guest detached" },
                { "DnsEntryAdded", "DNS entry added" },  { "DnsEntryRemoved", "DNS entry removed" },
                { "ForwardAdded", "forward added" },     { "ForwardRemoved", "forward removed" },
                { "InterfacesAdded", "network added" },  { "InterfacesRemoved", "network removed" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(known); i++)
                if (g_str_equal(known[i].member, member))
                        return known[i].words;
        return member;
}

static void print_json(const Signal *signal)
{
        const Value *arguments = signal->arguments;
        g_autoptr(GDateTime) now = g_date_time_new_now_utc();
        g_autofree char *time_text = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S.%fZ");
        g_autoptr(Value) line = value_new_map();
        value_set(line, "time", value_new_text(time_text));
        if (signal->interface)
                value_set(line, "interface", value_new_text(signal->interface));
        value_set(line, "event", value_new_text(signal->member));
        for (guint i = 0; i < arguments->items->len; i++) {
                const Value *key = g_ptr_array_index(arguments->keys, i);
                value_set(line, key->text, value_copy(g_ptr_array_index(arguments->items, i)));
        }

        g_autofree char *text = json_format(line, JSON_LINE);
        puts(text);
}

static void print_line(const Terminal *terminal, const char *interface, Style style,
                       const char *words)
{
        g_autoptr(GDateTime) now = g_date_time_new_now_local();
        g_autofree char *time_text = g_date_time_format(now, "%H:%M:%S");
        g_autofree char *shown_interface = text_escape(interface ? interface : "service");
        g_autofree char *shown_words = text_escape(words);

        g_autoptr(GString) line = g_string_new(NULL);
        terminal_append(terminal, line, STYLE_FAINT, time_text);
        g_string_append_c(line, ' ');
        terminal_append(terminal, line, STYLE_HEADING, shown_interface);
        g_string_append(line, ": ");
        terminal_append(terminal, line, style, shown_words);
        puts(line->str);
}

/* The texts, and the port, in @map, after @words. */
static char *describe_entry(const char *words, const Value *map)
{
        static const char *const keys[] = { "protocol",  "port",      "ip",         "mac",
                                            "hostname",  "id",        "tap_name",   "guest_ip",
                                            "guest_mac", "public_ip", "public_name" };

        GString *line = g_string_new(words);
        for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
                const Value *value = value_get(map, keys[i]);
                const char *text = map_get_text(map, keys[i]);
                if (*text)
                        g_string_append_printf(line, " %s", text);
                else if (value && value->type == VALUE_NUMBER)
                        g_string_append_printf(line, " %" G_GINT64_FORMAT, value->number);
        }
        return g_string_free(line, FALSE);
}

static char *describe_value(const Value *value)
{
        return value->type == VALUE_TEXT ? g_strdup(value->text) : json_format(value, JSON_LINE);
}

/* A line for each property that has a new value; those that only say "ask again" come with a signal
 * that tells more. */
static void print_properties(const Terminal *terminal, const char *interface,
                             const Value *properties)
{
        for (guint i = 0; properties->keys && i < properties->items->len; i++) {
                const Value *key = g_ptr_array_index(properties->keys, i);
                g_autofree char *text = describe_value(g_ptr_array_index(properties->items, i));
                bool is_state = g_str_equal(key->text, "State");
                if (g_str_equal(key->text, "Error") && !*text)
                        continue;

                g_autofree char *words =
                        is_state ? g_strdup(text) : g_strdup_printf("%s: %s", key->text, text);
                print_line(terminal, interface, is_state ? view_state_style(text) : STYLE_PLAIN,
                           words);
        }
}

static void print_event(const Terminal *terminal, const Signal *signal)
{
        const Value *arguments = signal->arguments;
        if (g_str_equal(signal->member, "PropertiesChanged")) {
                print_properties(terminal, signal->interface, value_get(arguments, "properties"));
                return;
        }
        if (g_str_equal(signal->member, "NameOwnerChanged")) {
                bool runs = *map_get_text(arguments, "new_owner");
                print_line(terminal, NULL, runs ? STYLE_GOOD : STYLE_FAINT,
                           runs ? "running" : "stopped");
                return;
        }

        const Value *first = g_ptr_array_index(arguments->items, 0);
        g_autofree char *words = describe_entry(words_of(signal->member),
                                                first->type == VALUE_MAP ? first : arguments);
        print_line(terminal, signal->interface, STYLE_PLAIN, words);
}

static void print_signal(const Signal *signal, gpointer data)
{
        const Command *command = data;
        if (command->interface && g_strcmp0(signal->interface, command->interface) != 0)
                return;

        if (command->json)
                print_json(signal);
        else
                print_event(&command->terminal, signal);
}

/* Whether the error @answer says that there is no service now; not that it went meanwhile. */
static bool is_away(sd_bus_message *answer)
{
        return sd_bus_message_is_method_error(answer, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
               sd_bus_message_is_method_error(answer, SD_BUS_ERROR_SERVICE_UNKNOWN);
}

static int on_objects(sd_bus_message *answer, void *data, sd_bus_error *bus_error)
{
        Monitor *monitor = data;
        if (sd_bus_message_is_method_error(answer, NULL)) {
                /* What it has when it comes is new then. */
                monitor->is_begun |= is_away(answer);
                return 0;
        }

        g_autoptr(Value) objects = message_read_value(answer, NULL);
        if (objects)
                picture_update(monitor->picture, objects, monitor->is_begun ? print_signal : NULL,
                               monitor->command);
        monitor->is_begun = true;
        return 0;
}

static void read_objects(Monitor *monitor)
{
        Connection *connection = monitor->command->connection;
        g_autoptr(sd_bus_message) call =
                connection_new_call(connection, MANAGER_PATH, "org.freedesktop.DBus.ObjectManager",
                                    "GetManagedObjects");
        int r = sd_bus_message_set_auto_start(call, false);
        if (r < 0)
                g_error("no call of GetManagedObjects: %s", g_strerror(-r));

        g_clear_pointer(&monitor->call, sd_bus_slot_unref);
        if (!monitor->failure)
                (void)connection_send(connection, call, on_objects, monitor, &monitor->call,
                                      &monitor->failure); /* it ends with that */
}

static void on_signal(const Signal *signal, gpointer data)
{
        Monitor *monitor = data;
        print_signal(signal, monitor->command);
        picture_apply(monitor->picture, signal);
        if (g_str_equal(signal->member, "NameOwnerChanged") &&
            *map_get_text(signal->arguments, "new_owner"))
                read_objects(monitor);
}

bool verb_monitor(Command *command, GError **error)
{
        if (!command_connect(command, error))
                return false;

        command_resolve_name(command, false);
        g_auto(Monitor) monitor = { .command = command, .picture = picture_new() };
        g_autoptr(Signals) signals = signals_new(command->connection, on_signal, &monitor, error);
        if (!signals)
                return false;
        read_objects(&monitor);

        setlinebuf(stdout); /* each line as it happens, through pipes too */
        while (connection_process(command->connection, -1, G_MAXINT64, error)) {
                if (ferror(stdout) && !monitor.failure)
                        g_set_error(&monitor.failure, CLI_ERROR, CLI_ERROR_FAILED, "cannot write");
                if (monitor.failure) {
                        g_propagate_error(error, g_steal_pointer(&monitor.failure));
                        return false;
                }
        }
        return false;
}
