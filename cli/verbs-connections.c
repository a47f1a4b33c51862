/* SPDX-License-Identifier: GPL-2.0-or-later */

/* `connections` and `expire-connections`: those that KEY=VALUE pick, all without any. */

#include <inttypes.h>

#include "cli/assignments.h"
#include "cli/map.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/verbs.h"

/* The service judges; it takes numbers as text too. */
static Value *read_text(const char *verb, const char *key, const char *text, GError **error)
{
        return value_new_text(text);
}

/* Calls @member with what is picked; @ret_answer is the caller's. */
static bool call(Command *command, const char *member, Value **ret_answer, GError **error)
{
        g_autoptr(Value) picked = value_new_map();
        g_autofree char *interface = NULL, *path = NULL;

        return assignments_read(command, read_text, picked, error) &&
               command_find_network(command, &interface, &path, error) &&
               command_call_settings(command, path, member, NULL, picked, ret_answer, error);
}

/* "10.0.0.1:22", or the address alone where there is no port. */
static void add_end(Table *table, const Value *map, const char *ip_key, const char *port_key)
{
        const char *ip = map_get_text(map, ip_key);
        g_autofree char *port = map_print_number(map, port_key);
        g_autofree char *text = port ? g_strdup_printf("%s:%s", ip, port) : g_strdup(ip);

        table_add(table, text);
}

static void add_number(Table *table, const Value *map, const char *key)
{
        g_autofree char *text = map_print_number(map, key);

        table_add(table, text);
}

static void show(const Value *list, const Terminal *terminal, GString *out)
{
        static const Column columns[] = { { "DIRECTION" }, { "PROTOCOL" }, { "DUT" },
                                          { "PUBLIC" },    { "PEER" },     { "STATE" },
                                          { "SECONDS" },   { "PACKETS" },  { "BYTES" } };
        g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));

        for (guint i = 0; i < list->items->len; i++) {
                const Value *connection = g_ptr_array_index(list->items, i);
                table_add(table, map_get_text(connection, "direction"));
                table_add(table, map_get_text(connection, "protocol"));
                add_end(table, connection, "ip", "port");
                add_end(table, connection, "public_ip", "public_port");
                add_end(table, connection, "peer_ip", "peer_port");
                table_add(table, map_get_text(connection, "state"));
                add_number(table, connection, "timeout");
                add_number(table, connection, "packets");
                add_number(table, connection, "bytes");
        }
        table_append(table, terminal, 0, 0, out);
}

bool verb_connections(Command *command, GError **error)
{
        g_autoptr(Value) list = NULL;
        g_autoptr(GString) out = g_string_new(NULL);

        if (!call(command, "GetConnections", &list, error) ||
            !command_check_answer(list, VALUE_LIST, error))
                return false;
        if (command->json) {
                command_print_json(list);
                return true;
        }
        show(list, &command->terminal, out);
        command_print(out->str);
        return true;
}

bool verb_expire_connections(Command *command, GError **error)
{
        g_autoptr(Value) n = NULL;

        if (!call(command, "ExpireConnections", &n, error) ||
            !command_check_answer(n, VALUE_NUMBER, error))
                return false;
        if (command->json) {
                command_print_json(n);
                return true;
        }
        g_autofree char *text = g_strdup_printf("%" PRId64 "\n", n->number);
        command_print(text);
        return true;
}
