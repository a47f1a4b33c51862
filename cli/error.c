/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The quark behind CLI_ERROR, and nothing else. */

#include "cli/error.h"

G_DEFINE_QUARK(cli - error - quark, cli_error)
