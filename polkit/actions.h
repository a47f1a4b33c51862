/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which polkit action each method asks for. */

#include <stdbool.h>

typedef struct Action {
        const char *interface; /* the D-Bus interface */
        const char *member;
        const char *action; /* polkit's name */
        bool is_open;       /* granted where there is no polkit to ask: it only reads */
} Action;

/* NULL for a method that is not in the table: nobody may call it. @interface may be NULL, as a
 * message may leave it out: no member is in both interfaces. */
const Action *action_find(const char *interface, const char *member);
