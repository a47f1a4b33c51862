/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Connections as values and back; the words are those of conntrack(8) where it has any. */

#include "model/connection.h"

#include <linux/in.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <string.h>

#include "model/address.h"

static const struct {
        const char *name;
        guint8 number;
} protocols[] = {
        { "tcp", IPPROTO_TCP },         { "udp", IPPROTO_UDP },   { "icmp", IPPROTO_ICMP },
        { "sctp", IPPROTO_SCTP },       { "dccp", IPPROTO_DCCP }, { "gre", IPPROTO_GRE },
        { "udplite", IPPROTO_UDPLITE },
};

char *connection_protocol_to_string(guint8 protocol)
{
        for (guint i = 0; i < G_N_ELEMENTS(protocols); i++)
                if (protocols[i].number == protocol)
                        return g_strdup(protocols[i].name);
        return g_strdup_printf("%u", protocol);
}

static const char *tcp_state_to_string(guint8 state)
{
        static const char *const names[] = {
                [TCP_CONNTRACK_NONE] = "NONE",         [TCP_CONNTRACK_SYN_SENT] = "SYN_SENT",
                [TCP_CONNTRACK_SYN_RECV] = "SYN_RECV", [TCP_CONNTRACK_ESTABLISHED] = "ESTABLISHED",
                [TCP_CONNTRACK_FIN_WAIT] = "FIN_WAIT", [TCP_CONNTRACK_CLOSE_WAIT] = "CLOSE_WAIT",
                [TCP_CONNTRACK_LAST_ACK] = "LAST_ACK", [TCP_CONNTRACK_TIME_WAIT] = "TIME_WAIT",
                [TCP_CONNTRACK_CLOSE] = "CLOSE",       [TCP_CONNTRACK_SYN_SENT2] = "SYN_SENT2",
        };

        return state < G_N_ELEMENTS(names) ? names[state] : "";
}

static void set_address(Value *map, const char *key, guint32 address)
{
        char text[ADDRESS_TEXT_SIZE];

        value_set(map, key, value_new_text(address_format(address, text)));
}

static void set_port(Value *map, const char *key, guint16 port)
{
        if (port != 0)
                value_set(map, key, value_new_number(port));
}

Value *connection_to_value(const Connection *connection)
{
        Value *map = value_new_map();
        const char *direction = filter_direction_to_string(connection->direction);
        g_autofree char *protocol = connection_protocol_to_string(connection->protocol);

        value_set(map, "direction", value_new_text(direction));
        value_set(map, "protocol", value_new_text(protocol));
        set_address(map, "ip", connection->ip);
        set_port(map, "port", connection->port);
        set_address(map, "public_ip", connection->public_ip);
        set_port(map, "public_port", connection->public_port);
        set_address(map, "peer_ip", connection->peer_ip);
        set_port(map, "peer_port", connection->peer_port);
        if (connection->protocol == IPPROTO_TCP)
                value_set(map, "state", value_new_text(tcp_state_to_string(connection->tcp_state)));
        value_set(map, "timeout", value_new_number(connection->timeout_sec));
        if (connection->is_counted) {
                value_set(map, "packets", value_new_number((gint64)connection->packets));
                value_set(map, "bytes", value_new_number((gint64)connection->bytes));
        }
        return map;
}

FilterFlow connection_flow(const Connection *connection)
{
        bool is_egress = connection->direction == FILTER_EGRESS;

        return (FilterFlow){
                .source = is_egress ? connection->ip : connection->peer_ip,
                .destination = is_egress ? connection->peer_ip : connection->ip,
                .protocol = connection->protocol,
                .port = is_egress ? connection->peer_port : connection->port,
        };
}

void connection_match_clear(ConnectionMatch *match)
{
        g_clear_pointer(&match->board, g_free);
}

static bool refuse(const char *key, const Value *value, const char *complaint, GError **error)
{
        g_autofree char *got = value_describe(value);
        value_set_error(error, NULL, "%s: %s %s", key, got, complaint);
        return false;
}

static bool read_address(const Value *map, const char *key, guint32 *ret_address, GError **error)
{
        const Value *value = value_get(map, key);

        return !value ||
               (value->type == VALUE_TEXT && address_parse(value->text, ret_address) &&
                *ret_address != 0) ||
               refuse(key, value, "is not an IPv4 address", error);
}

/* A number of @max at most; as text too, which a command line has. */
static bool read_number(const Value *value, guint max, guint *ret_number)
{
        guint64 number = 0;

        if (value->type == VALUE_TEXT &&
            !g_ascii_string_to_unsigned(value->text, 10, 1, max, &number, NULL))
                return false;
        if (value->type == VALUE_NUMBER)
                number = value->number > 0 ? (guint64)value->number : 0;
        *ret_number = (guint)MIN(number, max);
        return number > 0 && number <= max;
}

static bool read_port(const Value *map, const char *key, guint16 *ret_port, GError **error)
{
        const Value *value = value_get(map, key);
        guint port = 0;

        if (value && !read_number(value, G_MAXUINT16, &port))
                return refuse(key, value, "is not a port: 1 to 65535", error);
        *ret_port = (guint16)port;
        return true;
}

static bool read_protocol(const Value *map, guint8 *ret_protocol, GError **error)
{
        const Value *value = value_get(map, "protocol");
        guint number;

        if (!value)
                return true;
        for (guint i = 0; value->type == VALUE_TEXT && i < G_N_ELEMENTS(protocols); i++)
                if (g_str_equal(protocols[i].name, value->text)) {
                        *ret_protocol = protocols[i].number;
                        return true;
                }
        if (!read_number(value, G_MAXUINT8, &number))
                return refuse("protocol", value, "is not tcp, udp, icmp or a protocol's number",
                              error);
        *ret_protocol = (guint8)number;
        return true;
}

static bool read_direction(const Value *map, ConnectionMatch *match, GError **error)
{
        const Value *value = value_get(map, "direction");

        if (!value)
                return true;
        for (FilterDirection at = 0; value->type == VALUE_TEXT && at < FILTER_DIRECTION_MAX; at++)
                if (g_str_equal(filter_direction_to_string(at), value->text)) {
                        match->has_direction = true;
                        match->direction = at;
                        return true;
                }
        return refuse("direction", value, "is neither egress nor ingress", error);
}

static bool read_board(const Value *map, char **ret_board, GError **error)
{
        const Value *value = value_get(map, "ip");

        if (value && value->type != VALUE_TEXT)
                return refuse("ip", value, "is not text", error);
        *ret_board = value ? g_strdup(value->text) : NULL;
        return true;
}

bool connection_match_from_value(const Value *map, ConnectionMatch *ret_match, GError **error)
{
        static const char *const known[] = { "direction", "protocol",    "ip",      "port",
                                             "public_ip", "public_port", "peer_ip", "peer_port" };
        g_auto(ConnectionMatch) match = { 0 };

        if (!value_check_keys(map, "", known, G_N_ELEMENTS(known), error) ||
            !read_direction(map, &match, error) || !read_protocol(map, &match.protocol, error) ||
            !read_board(map, &match.board, error) || !read_port(map, "port", &match.port, error) ||
            !read_address(map, "public_ip", &match.public_ip, error) ||
            !read_port(map, "public_port", &match.public_port, error) ||
            !read_address(map, "peer_ip", &match.peer_ip, error) ||
            !read_port(map, "peer_port", &match.peer_port, error))
                return false;
        *ret_match = match;
        match.board = NULL;
        return true;
}

static bool is_wanted(guint32 wanted, guint32 is)
{
        return wanted == 0 || wanted == is;
}

bool connection_matches(const Connection *connection, const ConnectionMatch *match)
{
        return (!match->has_direction || match->direction == connection->direction) &&
               is_wanted(match->protocol, connection->protocol) &&
               is_wanted(match->ip, connection->ip) && is_wanted(match->port, connection->port) &&
               is_wanted(match->public_ip, connection->public_ip) &&
               is_wanted(match->public_port, connection->public_port) &&
               is_wanted(match->peer_ip, connection->peer_ip) &&
               is_wanted(match->peer_port, connection->peer_port);
}
