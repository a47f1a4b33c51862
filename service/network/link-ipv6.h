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

/* Notes the addresses of the NIC of @index, which is down: they go when it is set down again. Those
 * that cannot be read are none: the host may have no IPv6. Unsaved. */
void link_ipv6_note(Network *network, guint index);
/* Makes the NIC, which is up, have what the configuration asks for, and no other gateway address of
 * ours. */
bool link_ipv6_apply(Network *network, const Link *link, GError **error);
/* Takes off what is ours of the interface @index, and gives back the gateway address as it was; the
 * record forgets what was ours, unsaved. Goes on past errors; @error (not NULL) keeps the first
 * that there is. */
void link_ipv6_undo(Network *network, guint index, GError **error);
/* After that, when the link is up or down as it was: gives back what else has been noted, and
 * forgets it. */
void link_ipv6_give_back(Network *network, guint index, GError **error);
/* Whether what should be there is. What cannot be read is. */
bool link_ipv6_is_there(Network *network, guint index);
