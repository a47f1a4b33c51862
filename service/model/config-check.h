/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Whether the settings of a network go together. For config*.c alone. */

#include "model/config.h"

/* What is wrong with @address for a host of @subnet (the caller's), or NULL. */
char *config_host_fault(const Subnet *subnet, guint32 address);

/* Whether @config, all defaults filled in, is one that could be put into force; what needs the host
 * aside. @settings is what it came from, for the positions in errors. */
bool config_check(const NetworkConfig *config, const Value *settings, GError **error);

/* Whether @config has a public_ip, or a pool of them, if its mode needs one: asked of what a user
 * hands over, not of what is left when entries were removed one by one. */
bool config_check_complete(const NetworkConfig *config, const Value *settings, GError **error);
