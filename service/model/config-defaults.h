/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What stands in for keys that were not given. For config*.c alone. */

#include "model/config.h"

/* Sets each key of @config whose bit in `given` is not set, from those that are set: the gateway is
 * the subnet's first host, the DHCP range the hosts 100 to 200, cut to fit. `interface` must be
 * set. May be called again when one of them has changed. */
void config_fill_defaults(NetworkConfig *config);
