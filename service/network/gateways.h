/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The tables that all networks have together: where each gateway address is, and which way a twin's
 * packets go. */

#include <glib.h>
#include <stdbool.h>

#include "host/nft.h"

typedef struct Gateways Gateways;

/* @nft is borrowed and outlives it. */
Gateways *gateways_new(Nft *nft);
void gateways_free(Gateways *gateways);

/* Has the tables say where the network called @name has its gateway address (@place is copied), in
 * place of what they said. */
bool gateways_put(Gateways *gateways, const char *name, const GatewayPlace *place, GError **error);
/* The same without touching the tables: an earlier life of the daemon has put it there. */
void gateways_expect(Gateways *gateways, const char *name, const GatewayPlace *place);
/* Whether the network called @name has one; with @place: has it there, and the tables should say
 * so.
 */
bool gateways_has(const Gateways *gateways, const char *name, const GatewayPlace *place);
/* Takes it out; the tables go with the last one. Not there is success. */
bool gateways_remove(Gateways *gateways, const char *name, GError **error);
/* Every network of an earlier life has been expected or put by now: tables that are there without
 * any go. */
bool gateways_forget_others(Gateways *gateways, GError **error);
