/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* How much of the host's NAT a DUT may have: a network's limits, and those that an address of it
 * has instead. */

#include <glib.h>
#include <stdbool.h>

#include "model/port-range.h"
#include "model/value.h"

/* More than a kernel takes that counts a thousand ticks a second (ruleset-limits.c gives it what it
 * takes, 24 days), and more entries than any kernel has room for by default. */
#define LIMIT_TIMEOUT_MAX_SEC (30 * 24 * 60 * 60)
#define LIMIT_CONNECTIONS_MAX 1000000

typedef struct Limits {
        PortRange nat_ports;   /* what source ports become; first 0: any */
        guint timeout_sec;     /* a connection without a packet for so long ends; 0: the kernel's */
        guint max_connections; /* begun by one DUT, at a time; 0: as many as it likes */
} Limits;

typedef enum Limit {
        LIMIT_NAT_PORTS,
        LIMIT_TIMEOUT,
        LIMIT_CONNECTIONS,
        LIMIT_MAX,
} Limit;

/* The key of settings, entries and guests. */
const char *limit_to_string(Limit limit);

/* Reads @value into @limits; null or an empty text takes the limit away. INVALID_ARGS, with key,
 * value and position, else. */
bool limit_parse(Limits *limits, Limit limit, const Value *value, GError **error);
bool limit_is_given(const Limits *limits, Limit limit);
/* NULL: it is not given. The caller's. */
Value *limit_to_value(const Limits *limits, Limit limit);
bool limit_equal(const Limits *a, const Limits *b, Limit limit);
void limit_copy(Limits *to, const Limits *from, Limit limit);

/* The same of all of them: those that @map has, and no others' keys are looked at. */
bool limits_parse(Limits *limits, const Value *map, GError **error);
/* Puts those that are given into @map. */
void limits_put(const Limits *limits, Value *map);
bool limits_are_given(const Limits *limits);
bool limits_equal(const Limits *a, const Limits *b);

/* One word for a line of the log, and back; false where it makes no sense. */
char *limits_to_word(const Limits *limits);
bool limits_from_word(const char *word, Limits *ret_limits);
