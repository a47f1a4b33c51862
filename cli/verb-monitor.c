/* SPDX-License-Identifier: GPL-2.0-or-later */

/* `monitor`: the service's signals as lines of text or JSON, as they come, until the command is
 * interrupted. It starts no service and outlives restarts of it. */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/error.h"
#include "cli/json.h"
#include "cli/map.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "cli/view.h"

#define MATCH_SERVICE "type='signal',sender='" SERVICE_NAME "',path_namespace='" MANAGER_PATH "'"
#define MATCH_OWNER                                                                                \
        "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"            \
        "member='NameOwnerChanged',arg0='" SERVICE_NAME "'"

/* The names of a signal's arguments, for JSON and for the line; those of our own signals are the
 * contract's. */
typedef struct Event {
        const char *member;
        const char *words; /* how a line begins */
        const char *arguments[4];
} Event;

static const Event events[] = {
        { "LeaseAdded", "lease added", { "lease" } },
        { "LeaseChanged", "lease changed", { "lease" } },
        { "LeaseRemoved", "lease removed", { "lease" } },
        { "AddressAdded", "address added", { "address" } },
        { "AddressChanged", "address changed", { "address" } },
        { "AddressRemoved", "address removed", { "address" } },
        { "DnsEntryAdded", "DNS entry added", { "hostname", "ip" } },
        { "DnsEntryRemoved", "DNS entry removed", { "hostname", "ip" } },
        { "InterfacesAdded", "network added", { "path", "interfaces" } },
        { "InterfacesRemoved", "network removed", { "path", "interfaces" } },
        { "PropertiesChanged", NULL, { "interface_name", "properties", "invalidated" } },
        { "NameOwnerChanged", NULL, { "name", "old_owner", "new_owner" } },
};

static const Event *find_event(const char *member)
{
        for (guint i = 0; i < G_N_ELEMENTS(events); i++)
                if (g_str_equal(events[i].member, member))
                        return &events[i];
        return NULL;
}

/* The arguments of @message by name, or NULL where it cannot be read. */
static Value *read_arguments(sd_bus_message *message, const Event *event)
{
        g_autoptr(Value) arguments = value_new_map();
        for (guint i = 0; i < G_N_ELEMENTS(event->arguments) && event->arguments[i]; i++) {
                Value *argument = message_read_value(message, NULL);
                if (!argument)
                        return NULL;
                value_set(arguments, event->arguments[i], argument);
        }
        return g_steal_pointer(&arguments);
}

/* The interface of the network that the signal is about, or NULL: about the service. */
static char *interface_of(const char *path)
{
        char *interface = NULL;
        if (sd_bus_path_decode(path, MANAGER_PATH, &interface) <= 0)
                return NULL;

        char *copy = g_strdup(interface);
        free(interface);
        return copy;
}

static void print_json(const char *interface, const Event *event, const Value *arguments)
{
        g_autoptr(GDateTime) now = g_date_time_new_now_utc();
        g_autofree char *time_text = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S.%fZ");
        g_autoptr(Value) line = value_new_map();
        value_set(line, "time", value_new_text(time_text));
        if (interface)
                value_set(line, "interface", value_new_text(interface));
        value_set(line, "event", value_new_text(event->member));
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

/* The texts in @map, after @words. */
static char *describe_entry(const char *words, const Value *map)
{
        static const char *const keys[] = { "ip", "mac", "hostname", "public_ip" };

        GString *line = g_string_new(words);
        for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
                const char *text = map_get_text(map, keys[i]);
                if (*text)
                        g_string_append_printf(line, " %s", text);
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

static void print_event(const Terminal *terminal, const char *interface, const Event *event,
                        const Value *arguments)
{
        if (g_str_equal(event->member, "PropertiesChanged")) {
                print_properties(terminal, interface, value_get(arguments, "properties"));
                return;
        }
        if (g_str_equal(event->member, "NameOwnerChanged")) {
                bool runs = *map_get_text(arguments, "new_owner");
                print_line(terminal, NULL, runs ? STYLE_GOOD : STYLE_FAINT,
                           runs ? "running" : "stopped");
                return;
        }

        const Value *first = g_ptr_array_index(arguments->items, 0);
        g_autofree char *words =
                describe_entry(event->words, first->type == VALUE_MAP ? first : arguments);
        print_line(terminal, interface, STYLE_PLAIN, words);
}

static int on_signal(sd_bus_message *message, void *data, sd_bus_error *bus_error)
{
        const Command *command = data;
        const Event *event = find_event(sd_bus_message_get_member(message));
        g_autoptr(Value) arguments = event ? read_arguments(message, event) : NULL;
        if (!arguments)
                return 0; /* a newer service's, or not as the contract has it */

        /* Of the manager's own signals these two are about a network. */
        const char *path = map_get_text(arguments, "path");
        g_autofree char *interface = interface_of(*path ? path : sd_bus_message_get_path(message));
        if (command->interface && g_strcmp0(interface, command->interface) != 0)
                return 0;

        if (command->json)
                print_json(interface, event, arguments);
        else
                print_event(&command->terminal, interface, event, arguments);
        return 0;
}

static bool fail(const char *attempt, int r, GError **error)
{
        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "%s: %s", attempt, g_strerror(-r));
        return false;
}

bool verb_monitor(Command *command, GError **error)
{
        if (!command_connect(command, error))
                return false;

        sd_bus *bus = connection_bus(command->connection);
        int r = sd_bus_add_match(bus, NULL, MATCH_SERVICE, on_signal, command);
        if (r >= 0)
                r = sd_bus_add_match(bus, NULL, MATCH_OWNER, on_signal, command);
        if (r < 0)
                return fail("cannot subscribe to signals", r, error);

        setlinebuf(stdout); /* each line as it happens, through pipes too */
        for (;;) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
                if (r < 0 && r != -EINTR)
                        return fail("the connection to the bus broke", r, error);
                if (ferror(stdout))
                        return fail("cannot write", -EIO, error);
        }
}
