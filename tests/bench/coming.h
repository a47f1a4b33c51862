/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A network's coming and going, timed. */

#include "bench/caller.h"
#include "bench/dhcp-client.h"
#include "bench/samples.h"

/* One round, in nanoseconds: from the call to its reply and to the board's first DHCP offer; and
 * RemoveNetwork's call to its reply. */
typedef struct Coming {
        gint64 reply, offer, removal;
} Coming;

/* Creates and removes a network on @interface; @client is on the board behind it. */
Coming coming_measure(sd_bus *bus, const char *interface, DhcpClient *client);

/* Many rounds. */
typedef struct Comings {
        Samples *reply, *offer, *removal;
} Comings;

Comings comings_new(void);
void comings_clear(Comings *comings);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Comings, comings_clear)

/* Adds @coming, with @apart_ns taken off reply and offer. */
void comings_add(Comings *comings, const Coming *coming, gint64 apart_ns);
