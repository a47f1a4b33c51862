/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The limits of a network's DUTs in the kernel. */

#include <glib.h>
#include <stdbool.h>

#include "model/nat-limits.h"
#include "network/network.h"

/* Works out whether the rules that are put next have limits, and has the journal know before they
 * do. FAILED. */
bool limits_table_prepare(Network *network, GError **error);

/* Has the address @ip have the limits @now of its own instead of @before, where rules are in force;
 * its connections go on. On an error nothing has changed. FAILED. */
bool limits_table_exchange(Network *network, guint32 ip, const Limits *before, const Limits *now,
                           GError **error);

/* Takes out what no limit in force needs any more: after the rules were put for good. FAILED. */
bool limits_table_settle(Network *network, GError **error);
/* Takes all out, when nothing leads there any more. FAILED. */
bool limits_table_remove(Network *network, GError **error);
/* It went with its table. FAILED. */
bool limits_table_forget(Network *network, GError **error);

/* Adds what is there to @parts (nft_print_parts()). */
void limits_table_list(const Network *network, GHashTable *parts);
