/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Verbs about what is in a network: leases, addresses, DNS entries. What is a valid one is the
 * service's to judge. */

#include <stdio.h>
#include <time.h>

#include "cli/map.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "cli/view.h"

bool verb_leases(Command *command, GError **error)
{
        g_autoptr(Value) leases = NULL;
        if (!command_call_network(command, "GetLeases", &leases, error, NULL) ||
            !command_check_answer(leases, VALUE_LIST, error))
                return false;
        if (command->json) {
                command_print_json(leases);
                return true;
        }

        g_autoptr(GString) out = g_string_new(NULL);
        view_leases(leases, time(NULL), &command->terminal, 0, 0, out);
        command_print(out->str);
        return true;
}

bool verb_get_ip(Command *command, GError **error)
{
        const char *mac = command->arguments[0];
        g_autoptr(Value) ip = NULL;
        if (!command_call_network(command, "GetDutIp", &ip, error, "s", mac) ||
            !command_check_answer(ip, VALUE_TEXT, error))
                return false;
        if (command->json) {
                g_autoptr(Value) answer = value_new_map();
                value_set(answer, "mac", value_new_text(mac));
                value_set(answer, "ip", g_steal_pointer(&ip));
                command_print_json(answer);
                return true;
        }

        g_autofree char *text = text_escape(ip->text);
        puts(text);
        return true;
}

static void add_option(Value *options, const char *key, const char *text)
{
        if (text)
                value_set(options, key, value_new_text(text));
}

bool verb_add_address(Command *command, GError **error)
{
        g_autofree char *interface = NULL;
        g_autofree char *path = NULL;
        if (!command_find_network(command, &interface, &path, error))
                return false;

        g_autoptr(Value) options = value_new_map();
        add_option(options, "mac", command->mac);
        add_option(options, "hostname", command->hostname);
        add_option(options, "ipv6", command->ipv6);
        add_option(options, "public_ip", command->public_ip);
        limit_options_put(&command->limits, options);
        return command_call_settings(command, path, "AddAddress", command->arguments[0], options,
                                     NULL, error);
}

bool verb_remove_address(Command *command, GError **error)
{
        return command_call_network(command, "RemoveAddress", NULL, error, "s",
                                    command->arguments[0]);
}

bool verb_dns_entries(Command *command, GError **error)
{
        static const char *const keys[] = { "hostname", "ip", NULL };

        g_autoptr(Value) answer = NULL;
        if (!command_call_network(command, "GetDnsEntries", &answer, error, NULL) ||
            !command_check_answer(answer, VALUE_LIST, error))
                return false;

        g_autoptr(Value) entries = list_name_fields(answer, keys);
        if (command->json) {
                command_print_json(entries);
                return true;
        }

        g_autoptr(GString) out = g_string_new(NULL);
        view_dns_entries(entries, &command->terminal, 0, 0, out);
        command_print(out->str);
        return true;
}

bool verb_add_dns(Command *command, GError **error)
{
        return command_call_network(command, "AddDnsEntry", NULL, error, "ss",
                                    command->arguments[0], command->arguments[1]);
}

bool verb_remove_dns(Command *command, GError **error)
{
        if (command->n_arguments > 1)
                return command_call_network(command, "RemoveDnsAddress", NULL, error, "ss",
                                            command->arguments[0], command->arguments[1]);
        return command_call_network(command, "RemoveDnsEntry", NULL, error, "s",
                                    command->arguments[0]);
}
