/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which NIC is meant, where it is not by its name: by its MAC, by where it is plugged in, or by
 * both. */

#include <glib.h>
#include <stdbool.h>

#include "model/value.h"

typedef struct LinkMatch {
        char *mac;  /* as mac_parse() gives it; NULL = any */
        char *path; /* udev's ID_PATH, or the kernel's name of the device or of one that it hangs on
                       ("1-2.3" for a USB port); NULL = any */
} LinkMatch;

/* Nothing is asked of the NIC: it goes by its name. */
bool link_match_is_empty(const LinkMatch *match);

/* Reads a MAP of `mac` and `path`, one of them at least, into @match, which is empty. INVALID_ARGS,
 * with key, value and position, else. */
bool link_match_parse(const char *key, const Value *value, LinkMatch *match, GError **error);
/* The MAP; NULL where it is empty. The caller's. */
Value *link_match_to_value(const LinkMatch *match);

/* What a network is called that has no other name: "mac-020000000001" or "path-PATH", longer than
 * any interface's name or beginning as none does. The caller's. */
char *link_match_name(const LinkMatch *match);

bool link_match_equal(const LinkMatch *a, const LinkMatch *b);
LinkMatch link_match_copy(const LinkMatch *match);
void link_match_clear(LinkMatch *match);
