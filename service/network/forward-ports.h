/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Whether ports of the host can be forwarded. */

#include <glib.h>
#include <stdbool.h>

#include "model/forward.h"
#include "network/network.h"

/* Whether nobody else has what @forward of @network would take. @is_asked: somebody asks for it,
 * and is told of networks that only want it, too. ADDRESS_IN_USE, which names who has it; FAILED.
 */
bool forward_ports_are_free(Network *network, const Forward *forward, bool is_asked,
                            GError **error);
/* Whether the interface @index (0: any) or the address (0: any) is some network's own. */
bool forward_is_dut_side(const Network *network, guint32 address, guint index);
