/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What an earlier life of the daemon was writing when it ended. */

#include "network/host.h"

/* Takes changes to their end whose first file is in its place, drops all others, and removes what
 * was not written to its end (saving.c). Before anything is read. Failures are logged. */
void recovery_run(const Host *host);
