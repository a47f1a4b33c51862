/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A network's part of the table that says for all of them what may pass. */

#include <glib.h>
#include <stdbool.h>

#include "model/ruleset.h"
#include "network/host.h"
#include "network/network.h"
#include "network/record.h"

/* The one that this daemon makes: with an owner or without. */
const char *filter_table_name(const Host *host);

/* Where the part of @record's network is; borrowed from it. */
FilterPlace filter_table_place(const Record *record);

/* nft_exchange() of @gone (may be NULL) for @rules, the network's, which have its part; what it had
 * elsewhere goes in the same transaction, what it had by another name of its NIC before. */
bool filter_table_apply(Network *network, const Ruleset *gone, const Ruleset *rules,
                        GError **error);

/* Takes its part out; the table goes with the last one. None is success. */
bool filter_table_remove(Network *network, GError **error);

/* Its part as nft prints it. The caller's. */
char *filter_table_print(const Network *network, GError **error);

/* The setting `filter` as a MAP (the caller's), each rule with the `packets` and `bytes` that it
 * has counted of both families since the rules were last put, and each direction with
 * `policy_packets` and `policy_bytes`. Empty where there is none. FAILED. */
Value *filter_table_counted(const Network *network, GError **error);

/* Ends the connections of both families that the setting `filter` forbids, and that began when it
 * did not. */
bool filter_table_end_forbidden(const Network *network, GError **error);
/* The same of IPv4 alone. */
bool filter_table_end_forbidden_ipv4(const Network *network, GError **error);

/* Every network of an earlier life has been loaded by now: a table that none has a part in goes. */
bool filter_table_forget_others(const Host *host, GError **error);
