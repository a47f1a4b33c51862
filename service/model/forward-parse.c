/* SPDX-License-Identifier: GPL-2.0-or-later */

/* `{protocol: tcp, port: 2222, ip: 192.168.100.10, to_port: 22, from: 10.0.0.0/24}`, read and
 * written. Whether it suits the network is config-forwards.c's. */

#include "model/forward.h"

#include <netinet/in.h>
#include <string.h>

#include "model/name.h"
#include "util/error.h"

static bool refuse(const char *where, const char *key, const Value *value, const char *complaint,
                   GError **error)
{
        g_autofree char *got = value_describe(value);

        value_set_error(error, value, "%s%s: %s %s", where, key, got, complaint);
        return false;
}

/* NULL: not there, or null. */
static const Value *given(const Value *map, const char *key)
{
        const Value *value = value_get(map, key);

        return value && !value_is_null(value) ? value : NULL;
}

static bool parse_protocol(const char *where, const Value *map, Forward *forward, GError **error)
{
        const Value *value = given(map, "protocol");
        const char *text = value && value->type == VALUE_TEXT ? value->text : NULL;

        forward->protocol = IPPROTO_TCP;
        if (!value || g_strcmp0(text, "tcp") == 0)
                return true;
        forward->protocol = IPPROTO_UDP;
        return g_strcmp0(text, "udp") == 0 ||
               refuse(where, "protocol", value, "is not tcp or udp", error);
}

static bool parse_ports(const char *where, const char *key, const Value *value, PortRange *range,
                        GError **error)
{
        g_autofree char *number = value->type == VALUE_NUMBER
                                          ? g_strdup_printf("%" G_GINT64_FORMAT, value->number)
                                          : NULL;
        const char *text = value->type == VALUE_TEXT ? value->text : number;

        return (text && port_range_parse(text, range)) ||
               refuse(where, key, value, "is not a port (1 to 65535) or a range such as 2000-2010",
                      error);
}

static bool parse_port(const char *where, const Value *map, Forward *forward, GError **error)
{
        const Value *value = given(map, "port");

        if (value)
                return parse_ports(where, "port", value, &forward->ports, error);
        value_set_error(error, map, "%sport: is missing in a forward", where);
        return false;
}

static bool parse_to_port(const char *where, const Value *map, Forward *forward, GError **error)
{
        const Value *value = given(map, "to_port");
        guint n = port_range_length(&forward->ports);
        PortRange range;

        forward->to_port = forward->ports.first;
        if (!value)
                return true;
        if (!parse_ports(where, "to_port", value, &range, error))
                return false;
        if (port_range_length(&range) != n) {
                g_autofree char *complaint = g_strdup_printf(
                        n == 1 ? "is not one port, as port is" : "is not a range of %u, as port is",
                        n);
                return refuse(where, "to_port", value, complaint, error);
        }
        forward->to_port = range.first;
        return true;
}

static bool parse_from(const char *where, const Value *map, Forward *forward, GError **error)
{
        const Value *value = given(map, "from");

        if (!value)
                return true;
        if (value->type != VALUE_TEXT)
                return refuse(where, "from", value, HOSTS_COMPLAINT, error);
        if (hosts_parse(value->text, &forward->from, error))
                return true;
        value_prefix_error(error, value, "%sfrom: ", where);
        return false;
}

/* Numbers with points alone: meant as an address, and no name for a host. */
static bool is_numeric(const char *text)
{
        return text[strspn(text, "0123456789.")] == '\0';
}

static bool parse_target(const char *where, const Value *map, Forward *forward, GError **error)
{
        const char *key = given(map, "hostname") ? "hostname" : "ip";
        const Value *value = given(map, key);

        if (!value) {
                value_set_error(error, map, "%sip: is missing in a forward", where);
                return false;
        }
        if (value->type != VALUE_TEXT)
                return refuse(where, key, value, "is not an IPv4 address or a host name", error);
        if (g_str_equal(key, "ip") && address_parse(value->text, &forward->ip)) {
                return !address_is_special(forward->ip) ||
                       refuse(where, key, value, "is not an address that a host can have", error);
        }
        if (is_numeric(value->text))
                return refuse(where, key, value, "is not an IPv4 address or a host name", error);
        forward->hostname = hostname_normalise(value->text, error);
        if (!forward->hostname)
                value_prefix_error(error, value, "%s%s: ", where, key);
        return forward->hostname != NULL;
}

static Forward *parse(const char *where, const Value *map, bool whole, GError **error)
{
        /* The last three are forward_status()'s. */
        static const char *const known[] = { "protocol", "port",     "ip",       "to_port",
                                             "from",     "hostname", "in_force", "error" };
        g_autoptr(Forward) forward = g_new0(Forward, 1);

        if (map->type != VALUE_MAP) {
                g_autofree char *got = value_describe(map);
                value_set_error(error, map, "%s%s is not a mapping with the keys of a forward",
                                where, got);
                return NULL;
        }
        if (!value_check_keys(map, where, known, G_N_ELEMENTS(known), error) ||
            !parse_protocol(where, map, forward, error) ||
            !parse_port(where, map, forward, error) || !parse_from(where, map, forward, error))
                return NULL;
        if (whole && (!parse_target(where, map, forward, error) ||
                      !parse_to_port(where, map, forward, error)))
                return NULL;
        return g_steal_pointer(&forward);
}

Forward *forward_from_value(const char *where, const Value *map, GError **error)
{
        return parse(where, map, true, error);
}

Forward *forward_key_from_value(const Value *map, GError **error)
{
        return parse("", map, false, error);
}

/* One port is a number, a range text. */
static void set_ports(Value *map, const char *key, guint16 first, guint n)
{
        const PortRange range = { first, (guint16)(first + n - 1) };
        g_autofree char *text = port_range_to_string(&range);

        value_set(map, key, n == 1 ? value_new_number(first) : value_new_text(text));
}

static void set_address(Value *map, const char *key, guint32 address)
{
        char text[ADDRESS_TEXT_SIZE];

        value_set(map, key, value_new_text(address_format(address, text)));
}

static void set_rest(Value *map, const Forward *forward)
{
        set_ports(map, "to_port", forward->to_port, port_range_length(&forward->ports));
        if (forward->from.prefix == 0)
                return;
        g_autofree char *from = hosts_to_string(&forward->from);
        value_set(map, "from", value_new_text(from));
}

static Value *new_map(const Forward *forward)
{
        Value *map = value_new_map();

        value_set(map, "protocol", value_new_text(forward_protocol_name(forward)));
        set_ports(map, "port", forward->ports.first, port_range_length(&forward->ports));
        return map;
}

Value *forward_to_value(const Forward *forward)
{
        Value *map = new_map(forward);

        if (forward->hostname)
                value_set(map, "ip", value_new_text(forward->hostname));
        else
                set_address(map, "ip", forward->ip);
        set_rest(map, forward);
        return map;
}

Value *forward_status(const Forward *forward, guint32 ip, bool is_in_force, const char *fault)
{
        Value *map = new_map(forward);

        if (ip != 0)
                set_address(map, "ip", ip);
        if (forward->hostname)
                value_set(map, "hostname", value_new_text(forward->hostname));
        set_rest(map, forward);
        value_set(map, "in_force", value_new_bool(is_in_force));
        if (fault)
                value_set(map, "error", value_new_text(fault));
        return map;
}
