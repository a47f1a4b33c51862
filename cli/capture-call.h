/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Capture, as verbs call it. */

#include "cli/command.h"

/* Calls Capture of the network that is meant, with the command's options for it and with @words
 * (NULL-terminated) as filter. The stream; the caller's. -1 with an error, else: USAGE for what is
 * no number, and for --host. */
int capture_call(Command *command, const char *const *words, GError **error);
