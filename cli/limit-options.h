/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A DUT's limits on the command line, and as people read them. */

#include <stdbool.h>

#include "model/nat-limits.h"
#include "model/value.h"

/* As they were given; NULL: not given. */
typedef struct LimitOptions {
        const char *texts[LIMIT_MAX];
} LimitOptions;

/* Puts those that are given into @settings, by the keys of the service, which judges them. */
void limit_options_put(const LimitOptions *options, Value *settings);

/* "ports 50000-50100, timeout 10m, 9 connections": what @map, a network's settings or an entry, has
 * of them; "" for none. The caller's. */
char *limits_text(const Value *map);
