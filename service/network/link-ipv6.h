/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A network's IPv6 on its NIC: the gateway address, and one for the link. For step-link.c,
 * step-claim.c and missing.c. */

#include <glib.h>
#include <stdbool.h>

#include "host/link.h"

typedef struct Network Network;

/* Whether the host can give the network its ipv6_subnet on the NIC of @index: that is wide enough
 * for IPv6 (INVALID_ARGS), and neither another network nor a route of the host's has some of it
 * (ADDRESS_IN_USE). */
bool link_ipv6_check(Network *network, guint index, GError **error);

/* Makes the NIC, which is up, have what the configuration asks for, and no other gateway address of
 * ours. */
bool link_ipv6_apply(Network *network, const Link *link, GError **error);
/* Takes off what is ours of the interface @index; the record forgets it, unsaved. Goes on past
 * errors; @error (not NULL) keeps the first that there is. */
void link_ipv6_undo(Network *network, guint index, GError **error);
/* Whether what should be there is. What cannot be read is. */
bool link_ipv6_is_there(Network *network, guint index);
