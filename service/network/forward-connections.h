/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What becomes of connections when forwards come and go. */

#include <glib.h>

#include "network/network.h"

/* Ends those that @before (forward-list.h) has led and @now does not lead, and those to the host
 * that would go past what @now leads and @before did not. No others. Failures are logged. */
void forward_connections_end(Network *network, const GPtrArray *before, const GPtrArray *now);
