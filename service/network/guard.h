/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The one table that keeps networks without NAT closed, while another network's upstream forwards.
 */

#include <glib.h>
#include <stdbool.h>

#include "host/nft.h"

/* Its name, in family inet. An interface named "guard" must not get it for its own tables. */
#define GUARD_TABLE "jumpstarter_guard"

typedef struct Guard Guard;

/* @nft is borrowed and outlives the guard. */
Guard *guard_new(Nft *nft);
void guard_free(Guard *guard);

/* Puts the network called @name under guard, or changes what it is there (@network is copied). */
bool guard_add(Guard *guard, const char *name, const GuardedNetwork *network, GError **error);
/* The same without touching the table: an earlier life of the daemon has put it there. */
void guard_expect(Guard *guard, const char *name, const GuardedNetwork *network);
/* Whether the network called @name is under guard. */
bool guard_has(const Guard *guard, const char *name);
/* Takes it out; the table goes with the last one. Not there is success. */
bool guard_remove(Guard *guard, const char *name, GError **error);
/* Every network of an earlier life has been expected or added by now: a table that is there
 * without any goes. */
bool guard_forget_others(Guard *guard, GError **error);
