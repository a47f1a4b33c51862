/* SPDX-License-Identifier: GPL-2.0-or-later */

/* IPv4 forwarding on the DUT's interface and on those that lead to the LAN, and on no other. */

#include "network/network-private.h"

void forwarding_start(Network *network)
{
        GError *error = NULL;
        Knob knobs[3] = { { SYSCTL_IPV4_FORWARDING, network->interface, 1 } };
        guint n = 1;

        if (network->upstream)
                knobs[n++] = (Knob){ SYSCTL_IPV4_FORWARDING, network->upstream, 1 };
        if (network->public_interface &&
            g_strcmp0(network->public_interface, network->upstream) != 0)
                knobs[n++] = (Knob){ SYSCTL_IPV4_FORWARDING, network->public_interface, 1 };
        if (!nat_mode_forwards(network->config->nat_mode))
                n = 0;

        (void)knobs_hold(network->host->knobs, network->name, "forwarding", knobs, n, &error);
        step_done(network, error);
}

void forwarding_undo(Network *network)
{
        GError *error = NULL;

        (void)knobs_release(network->host->knobs, network->name, "forwarding", &error);
        step_done(network, error);
}
