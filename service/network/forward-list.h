/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Some forwards, each with where it leads to: what the rules have, or are to have. */

#include <glib.h>
#include <stdbool.h>

#include "model/forward.h"

typedef struct LedForward {
        Forward *forward;
        guint32 ip;  /* where it leads to; 0: nowhere */
        char *fault; /* why it does not all the same; NULL: nothing */
} LedForward;

/* Array of LedForward*. */
GPtrArray *forward_list_new(void);
/* @forward and @fault (may be NULL) are copied. */
void forward_list_add(GPtrArray *list, const Forward *forward, guint32 ip, const char *fault);
/* The one that takes the same as @forward; NULL: none. @list may be NULL here and below: empty. */
const LedForward *forward_list_find(const GPtrArray *list, const Forward *forward);
/* Without the one that takes the same as @forward (NULL: with all). */
GPtrArray *forward_list_copy_without(const GPtrArray *list, const Forward *forward);
/* The first fault; NULL: none. */
const char *forward_list_fault(const GPtrArray *list);

/* All of them; what of @list leads somewhere and does not lead there in @other. Arrays of
 * ForwardRoute, borrowing; the caller's. */
GArray *forward_list_routes(const GPtrArray *list);
GArray *forward_list_difference(const GPtrArray *list, const GPtrArray *other);
