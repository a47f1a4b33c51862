/* SPDX-License-Identifier: GPL-2.0-or-later */

/* `filter show` and `filter set FILE`. Whether a filter can be enforced is the service's to judge;
 * that the file is one is seen here, with line and column. */

#include <string.h>

#include "cli/error.h"
#include "cli/map.h"
#include "cli/table.h"
#include "cli/text-file.h"
#include "cli/verbs.h"
#include "model/config-yaml.h"

static void add_number(Table *table, const Value *map, const char *key)
{
        g_autofree char *text = map_print_number(map, key);

        table_add(table, text);
}

/* A port is a number, several are text. */
static void add_port(Table *table, const Value *rule)
{
        const Value *port = value_get(rule, "port");

        if (port && port->type == VALUE_NUMBER)
                add_number(table, rule, "port");
        else
                table_add(table, map_get_text(rule, "port"));
}

static void add_rule(Table *table, const char *direction, const Value *rule)
{
        const Value *log = value_get(rule, "log");

        table_add(table, direction);
        table_add(table, map_get_text(rule, "action"));
        table_add(table, map_get_text(rule, "source"));
        table_add(table, map_get_text(rule, "destination"));
        table_add(table, map_get_text(rule, "protocol"));
        add_port(table, rule);
        table_add(table, log && log->boolean ? "log" : NULL);
        add_number(table, rule, "packets");
        add_number(table, rule, "bytes");
}

static void add_policy(Table *table, const char *direction, const Value *side)
{
        table_add(table, direction);
        table_add(table, map_get_text(side, "policy"));
        table_add(table, "all else");
        for (guint i = 0; i < 4; i++)
                table_add(table, NULL);
        add_number(table, side, "policy_packets");
        add_number(table, side, "policy_bytes");
}

static void show(const Value *filter, const Terminal *terminal, GString *out)
{
        static const Column columns[] = {
                { "DIRECTION", false }, { "ACTION", false },
                { "SOURCE", false },    { "DESTINATION", false },
                { "PROTOCOL", false },  { "PORT", false },
                { "", false },          { "PACKETS", false },
                { "BYTES", false },
        };
        static const char *const directions[] = { "egress", "ingress" };
        g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));

        for (guint i = 0; i < G_N_ELEMENTS(directions); i++) {
                const Value *side = value_get(filter, directions[i]);
                const Value *rules = side ? value_get(side, "rules") : NULL;
                for (guint j = 0; rules && rules->type == VALUE_LIST && j < rules->items->len; j++)
                        add_rule(table, directions[i], rules->items->pdata[j]);
                if (side)
                        add_policy(table, directions[i], side);
        }
        table_append(table, terminal, 0, 0, out);
}

static bool run_show(Command *command, GError **error)
{
        g_autoptr(Value) filter = NULL;
        g_autoptr(GString) out = g_string_new(NULL);

        if (!command_call_network(command, "GetFilter", &filter, error, NULL) ||
            !command_check_answer(filter, VALUE_MAP, error))
                return false;
        if (command->json) {
                command_print_json(filter);
                return true;
        }
        if (filter->items->len == 0)
                g_string_append(out, "There is no filter.\n");
        else
                show(filter, &command->terminal, out);
        command_print(out->str);
        return true;
}

/* Has the network be meant whose settings the file has, as `update` does. @ret_name: what the
 * command borrows from then on. */
static bool choose_network(Command *command, const char *text, char **ret_name, GError **error)
{
        const char *source = text_file_name(command->arguments[1]);
        g_autoptr(GError) fault = NULL;
        g_autofree char *name = config_yaml_parse_name(text, strlen(text), source, &fault);

        if (fault) {
                g_propagate_error(error, g_steal_pointer(&fault));
                return false;
        }
        if (name && command->interface && !g_str_equal(name, command->interface)) {
                g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED,
                            "%s: there is no network on %s in it", source, command->interface);
                return false;
        }
        if (name)
                command->interface = name;
        *ret_name = g_steal_pointer(&name);
        return true;
}

static bool run_set(Command *command, GError **error)
{
        const char *file = command->arguments[1];
        g_autofree char *text = text_file_read(file, error);
        g_autofree char *interface = NULL, *path = NULL, *name = NULL;

        if (!text)
                return false;
        g_autoptr(Value) filter =
                config_yaml_parse_filter(text, strlen(text), text_file_name(file), error);
        if (!filter || !choose_network(command, text, &name, error))
                return false;
        bool found = command_find_network(command, &interface, &path, error);
        command->interface = NULL; /* it was borrowed from here */
        return found &&
               command_call_settings(command, path, "SetFilter", NULL, filter, NULL, error);
}

bool verb_filter(Command *command, GError **error)
{
        const char *what = command->arguments[0];

        if (g_str_equal(what, "show") && command->n_arguments == 1)
                return run_show(command, error);
        if (g_str_equal(what, "set") && command->n_arguments == 2)
                return run_set(command, error);
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "filter: say `show` or `set FILE`");
        return false;
}
