/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which state directories a caller may name. */

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "model/config.h"

/* Whether a caller of @uid may have @config's state directory: one below @lib_dir that is not its
 * `networks`, or, for root alone, another directory that exists and belongs to root or to us. The
 * default is everybody's. INVALID_ARGS or ACCESS_DENIED else. */
bool state_dir_check(const NetworkConfig *config, const char *lib_dir, uid_t uid, GError **error);
