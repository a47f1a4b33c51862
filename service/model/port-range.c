/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Ranges of ports: text to value and back, and how two lie to each other. */

#include "model/port-range.h"

static bool read_port(const char **text, guint16 *ret_port)
{
        char *end;

        if (!g_ascii_isdigit(**text))
                return false;
        guint64 port = g_ascii_strtoull(*text, &end, 10);
        if (port < 1 || port > PORT_MAX)
                return false;
        *text = end;
        *ret_port = (guint16)port;
        return true;
}

bool port_range_parse(const char *text, PortRange *ret_range)
{
        PortRange range;

        if (!read_port(&text, &range.first))
                return false;
        range.last = range.first;
        if (*text == '-') {
                text++;
                if (!read_port(&text, &range.last))
                        return false;
        }
        if (*text != '\0' || range.first > range.last)
                return false;
        *ret_range = range;
        return true;
}

char *port_range_to_string(const PortRange *range)
{
        return range->first == range->last ? g_strdup_printf("%u", range->first)
                                           : g_strdup_printf("%u-%u", range->first, range->last);
}

guint port_range_length(const PortRange *range)
{
        return range->last - range->first + 1u;
}

bool port_range_contains(const PortRange *range, guint16 port)
{
        return port >= range->first && port <= range->last;
}

bool port_range_overlaps(const PortRange *a, const PortRange *b)
{
        return a->first <= b->last && b->first <= a->last;
}

bool port_range_equal(const PortRange *a, const PortRange *b)
{
        return a->first == b->first && a->last == b->last;
}
