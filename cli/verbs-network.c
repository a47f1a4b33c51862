/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Verbs about networks as a whole. */

#include <stdio.h>
#include <time.h>

#include "cli/map.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "cli/view.h"

/* Puts @property of the network at @path into @map as @key. A network that has gone meanwhile has
 * none, and its row says so well enough. */
static void add_property(Command *command, const char *path, const char *property, Value *map,
                         const char *key)
{
        g_autoptr(Value) value = NULL;
        if (command_call_path(command, path, "org.freedesktop.DBus.Properties", "Get", &value, NULL,
                              "ss", NETWORK_INTERFACE, property))
                value_set(map, key, g_steal_pointer(&value));
}

bool verb_list(Command *command, GError **error)
{
        g_autoptr(Value) networks = NULL;
        if (!command_list_networks(command, &networks, error))
                return false;
        if (command->json) {
                command_print_json(networks);
                return true;
        }

        for (guint i = 0; i < networks->items->len; i++) {
                Value *network = g_ptr_array_index(networks->items, i);
                g_autofree char *path = g_strdup(map_get_text(network, "path"));
                add_property(command, path, "Subnet", network, "subnet");
                add_property(command, path, "UpstreamInterface", network, "upstream");
                add_property(command, path, "NatMode", network, "nat_mode");
        }

        g_autoptr(GString) out = g_string_new(NULL);
        view_networks(networks, &command->terminal, out);
        command_print(out->str);
        return true;
}

bool verb_status(Command *command, GError **error)
{
        g_autoptr(Value) status = NULL;
        if (!command_call_network(command, "GetStatus", &status, error, NULL) ||
            !command_check_answer(status, VALUE_MAP, error))
                return false;
        if (command->json) {
                command_print_json(status);
                return true;
        }

        g_autoptr(GString) out = g_string_new(NULL);
        view_status(status, time(NULL), &command->terminal, out);
        command_print(out->str);
        return true;
}

bool verb_up(Command *command, GError **error)
{
        return command_call_network(command, "Up", NULL, error, NULL);
}

bool verb_down(Command *command, GError **error)
{
        return command_call_network(command, "Down", NULL, error, NULL);
}

bool verb_remove(Command *command, GError **error)
{
        g_autofree char *interface = NULL;
        g_autofree char *path = NULL;
        if (!command_find_network(command, &interface, &path, error))
                return false;
        return command_call_manager(command, "RemoveNetwork", NULL, error, "s", interface);
}

bool verb_reload(Command *command, GError **error)
{
        return command_call_manager(command, "Reload", NULL, error, NULL);
}

static const char *yes_or_no(const Value *map, const char *key)
{
        const Value *value = value_get(map, key);

        return value && value->type == VALUE_BOOL && value->boolean ? "yes" : "no";
}

static void print_ntp(Command *command, const Value *status)
{
        const Value *stratum = value_get(status, "stratum");
        gint64 number = stratum && stratum->type == VALUE_NUMBER ? stratum->number : 0;
        g_autofree char *text = g_strdup_printf(
                "enabled       %s\n"
                "running       %s\n"
                "stratum       %" G_GINT64_FORMAT "%s\n"
                "synchronised  %s\n",
                yes_or_no(status, "enabled"), yes_or_no(status, "running"), number,
                number > 0 ? "" : " (no time is served)", yes_or_no(status, "synchronised"));

        command_print(text);
}

bool verb_ntp_status(Command *command, GError **error)
{
        g_autoptr(Value) status = NULL;
        if (!command_call_network(command, "GetNtpStatus", &status, error, NULL) ||
            !command_check_answer(status, VALUE_MAP, error))
                return false;
        if (command->json)
                command_print_json(status);
        else
                print_ntp(command, status);
        return true;
}

bool verb_nat_rules(Command *command, GError **error)
{
        g_autoptr(Value) rules = NULL;
        if (!command_call_network(command, "GetNatRules", &rules, error, NULL) ||
            !command_check_answer(rules, VALUE_TEXT, error))
                return false;
        if (command->json) {
                g_autoptr(Value) answer = value_new_map();
                value_set(answer, "nat_rules", g_steal_pointer(&rules));
                command_print_json(answer);
                return true;
        }

        g_autofree char *text = text_escape_lines(rules->text);
        command_print(text);
        if (*text && !g_str_has_suffix(text, "\n"))
                command_print("\n");
        return true;
}
