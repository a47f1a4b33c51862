/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A network's part of the table of those filters that have names in them. Its sets are there before
 * dnsmasq is told to fill them, and stay until it no longer is. */

#include <glib.h>
#include <stdbool.h>

#include "model/ruleset.h"
#include "network/network.h"

/* Whether its filter has names, which pass as dnsmasq answers them. */
bool names_table_is_wanted(const Network *network);

/* Before the network's rules are made: its journal knows of its part, which has not another name of
 * its NIC, and `answers` is what its sets have. */
bool names_table_prepare(Network *network, GError **error);
/* What goes as its rules are put: the caller's; NULL: nothing. */
Ruleset *names_table_leftover(const Network *network);
/* After dnsmasq has been told: the sets that are not wanted any more go, and, where none is, its
 * part; the table goes with the last one. */
bool names_table_settle(Network *network, GError **error);
/* Takes its part out. None is success. */
bool names_table_remove(Network *network, GError **error);

/* What the network's entries are for its names. The caller's. */
FilterAnswers *names_table_own(const Network *network);
/* Before dnsmasq answers by itself what the entries are, and after they were taken back: they pass
 * by name, and what entries alone let pass that are gone ends. */
bool names_table_follow_entries(Network *network, GError **error);
/* Somebody, dnsmasq most often, has added to @set: the network will put it back where it goes. */
void names_table_answered(Network *network, const char *set);

/* Its part as nft prints it. The caller's. */
char *names_table_print(const Network *network, GError **error);

/* Every network of an earlier life has been loaded by now: a table that none has a part in goes. */
bool names_table_forget_others(const Host *host, GError **error);
