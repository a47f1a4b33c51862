/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Ports of TCP or UDP, one or some in a row. */

#include <glib.h>
#include <stdbool.h>

#define PORT_MAX 65535

typedef struct PortRange {
        guint16 first, last;
} PortRange;

/* "22" or "1000-2000": 1 to 65535, and not backwards. */
bool port_range_parse(const char *text, PortRange *ret_range);
/* The same as text. The caller's. */
char *port_range_to_string(const PortRange *range);
guint port_range_length(const PortRange *range);
bool port_range_contains(const PortRange *range, guint16 port);
bool port_range_overlaps(const PortRange *a, const PortRange *b);
bool port_range_equal(const PortRange *a, const PortRange *b);
