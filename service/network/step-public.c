/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The mappings' public addresses on the public interface. */

#include "network/network-private.h"
#include "network/public.h"

void public_start(Network *network)
{
        GError *error = NULL;

        (void)public_sync(network, &error); /* `error` says how it went */
        step_done(network, error);
}

void public_undo(Network *network)
{
        GError *error = NULL;

        (void)public_clear(network, &error); /* `error` says how it went */
        step_done(network, error);
}
