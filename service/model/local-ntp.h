/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Whether a network serves time, as the key `local_ntp` says. */

#include <glib.h>
#include <stdbool.h>

#include "model/value.h"

typedef struct LocalNtp {
        bool enabled;
        bool unsynchronised; /* served as if it were good, too */
} LocalNtp;

/* Reads @value of the key @key: a truth value, or a mapping of how it is served. INVALID_ARGS. */
bool local_ntp_parse(const char *key, const Value *value, LocalNtp *ret_ntp, GError **error);
/* The shortest form. The caller's. */
Value *local_ntp_to_value(const LocalNtp *ntp);
bool local_ntp_equal(const LocalNtp *a, const LocalNtp *b);
