/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Who answers what a network's boards ask name and time servers: those, or the gateway for them. */

#include <glib.h>
#include <stdbool.h>

#include "network/network.h"

/* Before the rules are put: from then on it is known that some questions may have been led to the
 * gateway. FAILED. */
bool answerers_expect(Network *network, GError **error);
/* After that: questions that go to whom they are not led to any more end, and are asked anew.
 * FAILED. */
bool answerers_end_misled(Network *network, GError **error);
