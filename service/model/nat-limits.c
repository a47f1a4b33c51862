/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Limits from values and back. What they come to in the kernel is ruleset-limits.c's. */

#include "model/nat-limits.h"

static const char *const names[] = {
        [LIMIT_NAT_PORTS] = "nat_port_range",
        [LIMIT_TIMEOUT] = "connection_timeout",
        [LIMIT_CONNECTIONS] = "max_connections",
};
G_STATIC_ASSERT(G_N_ELEMENTS(names) == LIMIT_MAX);

typedef struct Unit {
        const char *name;
        guint seconds;
} Unit;

/* Largest first. */
static const Unit units[] = {
        { "d", 24 * 60 * 60 }, { "h", 60 * 60 }, { "m", 60 }, { "s", 1 }, { "", 1 },
};

const char *limit_to_string(Limit limit)
{
        return names[limit];
}

static bool refuse(Limit limit, const Value *value, const char *complaint, GError **error)
{
        g_autofree char *got = value_describe(value);

        value_set_error(error, value, "%s: %s %s", names[limit], got, complaint);
        return false;
}

/* "90", "90s", "10m", "12h", "5d", any case. */
static bool parse_seconds(const char *text, guint *ret_seconds)
{
        char *unit;

        if (!g_ascii_isdigit(*text))
                return false;
        guint64 number = g_ascii_strtoull(text, &unit, 10);
        for (guint i = 0; i < G_N_ELEMENTS(units); i++) {
                if (g_ascii_strcasecmp(unit, units[i].name) != 0)
                        continue;
                if (number < 1 || number > LIMIT_TIMEOUT_MAX_SEC / units[i].seconds)
                        return false;
                *ret_seconds = (guint)number * units[i].seconds;
                return true;
        }
        return false;
}

/* By the largest unit that there is a whole number of. */
static char *print_seconds(guint seconds)
{
        const Unit *unit = units;

        while (seconds % unit->seconds != 0)
                unit++;
        return g_strdup_printf("%u%s", seconds / unit->seconds, unit->name);
}

static bool read_seconds(const Value *value, guint *ret_seconds)
{
        return value_get_number(value, 1, LIMIT_TIMEOUT_MAX_SEC, ret_seconds) ||
               (value->type == VALUE_TEXT && parse_seconds(value->text, ret_seconds));
}

/* A number is a range of one. */
static bool read_ports(const Value *value, PortRange *ret_range)
{
        guint port;

        if (value_get_number(value, 1, PORT_MAX, &port)) {
                *ret_range = (PortRange){ (guint16)port, (guint16)port };
                return true;
        }
        return value->type == VALUE_TEXT && port_range_parse(value->text, ret_range);
}

bool limit_parse(Limits *limits, Limit limit, const Value *value, GError **error)
{
        const Limits none = { 0 };

        if (value_is_null(value) || (value->type == VALUE_TEXT && !*value->text)) {
                limit_copy(limits, &none, limit);
                return true;
        }
        switch (limit) {
        case LIMIT_NAT_PORTS:
                return read_ports(value, &limits->nat_ports) ||
                       refuse(limit, value,
                              "is not a range of ports: \"FIRST-LAST\", from 1 to 65535", error);
        case LIMIT_TIMEOUT:
                return read_seconds(value, &limits->timeout_sec) ||
                       refuse(limit, value,
                              "is not a time from 1 second to 30 days: it is a number with s, m, "
                              "h or d",
                              error);
        case LIMIT_CONNECTIONS:
                return value_get_number(value, 1, LIMIT_CONNECTIONS_MAX,
                                        &limits->max_connections) ||
                       refuse(limit, value, "is not a number from 1 to 1000000", error);
        case LIMIT_MAX:
                break;
        }
        g_assert_not_reached();
}

bool limit_is_given(const Limits *limits, Limit limit)
{
        const Limits none = { 0 };

        return !limit_equal(limits, &none, limit);
}

Value *limit_to_value(const Limits *limits, Limit limit)
{
        if (!limit_is_given(limits, limit))
                return NULL;
        if (limit == LIMIT_CONNECTIONS)
                return value_new_number(limits->max_connections);
        g_autofree char *text = limit == LIMIT_TIMEOUT ? print_seconds(limits->timeout_sec)
                                                       : port_range_to_string(&limits->nat_ports);
        return value_new_text(text);
}

bool limit_equal(const Limits *a, const Limits *b, Limit limit)
{
        switch (limit) {
        case LIMIT_NAT_PORTS:
                return port_range_equal(&a->nat_ports, &b->nat_ports);
        case LIMIT_TIMEOUT:
                return a->timeout_sec == b->timeout_sec;
        case LIMIT_CONNECTIONS:
                return a->max_connections == b->max_connections;
        case LIMIT_MAX:
                break;
        }
        g_assert_not_reached();
}

void limit_copy(Limits *to, const Limits *from, Limit limit)
{
        switch (limit) {
        case LIMIT_NAT_PORTS:
                to->nat_ports = from->nat_ports;
                return;
        case LIMIT_TIMEOUT:
                to->timeout_sec = from->timeout_sec;
                return;
        case LIMIT_CONNECTIONS:
                to->max_connections = from->max_connections;
                return;
        case LIMIT_MAX:
                break;
        }
        g_assert_not_reached();
}

bool limits_parse(Limits *limits, const Value *map, GError **error)
{
        for (Limit limit = 0; limit < LIMIT_MAX; limit++) {
                const Value *value = value_get(map, names[limit]);
                if (value && !limit_parse(limits, limit, value, error))
                        return false;
        }
        return true;
}

void limits_put(const Limits *limits, Value *map)
{
        for (Limit limit = 0; limit < LIMIT_MAX; limit++) {
                Value *value = limit_to_value(limits, limit);
                if (value)
                        value_set(map, names[limit], value);
        }
}

bool limits_are_given(const Limits *limits)
{
        const Limits none = { 0 };

        return !limits_equal(limits, &none);
}

bool limits_equal(const Limits *a, const Limits *b)
{
        return limit_equal(a, b, LIMIT_NAT_PORTS) && limit_equal(a, b, LIMIT_TIMEOUT) &&
               limit_equal(a, b, LIMIT_CONNECTIONS);
}

char *limits_to_word(const Limits *limits)
{
        g_autofree char *ports = limit_is_given(limits, LIMIT_NAT_PORTS)
                                         ? port_range_to_string(&limits->nat_ports)
                                         : NULL;

        return g_strdup_printf("%s,%u,%u", ports ? ports : "", limits->timeout_sec,
                               limits->max_connections);
}

static bool read_part(const char *text, guint max, guint *ret_number)
{
        guint64 number;

        if (!g_ascii_string_to_unsigned(text, 10, 0, max, &number, NULL))
                return false;
        *ret_number = (guint)number;
        return true;
}

bool limits_from_word(const char *word, Limits *ret_limits)
{
        g_auto(GStrv) parts = g_strsplit(word, ",", LIMIT_MAX + 1);
        Limits limits = { 0 };

        if (g_strv_length(parts) != LIMIT_MAX ||
            (*parts[0] && !port_range_parse(parts[0], &limits.nat_ports)) ||
            !read_part(parts[1], LIMIT_TIMEOUT_MAX_SEC, &limits.timeout_sec) ||
            !read_part(parts[2], LIMIT_CONNECTIONS_MAX, &limits.max_connections))
                return false;
        *ret_limits = limits;
        return true;
}
