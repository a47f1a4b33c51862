/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The setting `forwards`, read, written and held against the network. For config*.c alone. */

#include "model/config.h"

/* As config_parse_addresses(). */
bool config_parse_forwards(Entries *entries, const char *key, const Value *list, GError **error);
Value *config_print_forwards(const Entries *entries);

/* Whether the network can have its forwards; an error is at the item of @settings. */
bool config_check_forwards(const NetworkConfig *config, const Value *settings, GError **error);
