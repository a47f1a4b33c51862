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

/* Puts @interface under guard, or changes its gateway address and subnet there. */
bool guard_add(Guard *guard, const char *interface, guint32 gateway_ip, const Subnet *subnet,
               GError **error);
/* Takes it out; the table goes with the last one. Not there is success. */
bool guard_remove(Guard *guard, const char *interface, GError **error);
