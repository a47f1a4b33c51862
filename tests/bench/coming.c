/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The board's DHCP client begins with the call, so the first offer is also that of a board that was
 * switched on long before. */

#include "bench/coming.h"

Coming coming_measure(sd_bus *bus, const char *interface, DhcpClient *client)
{
        const NetworkSpec spec = { .interface = interface };
        Coming coming;

        dhcp_client_start(client);
        gint64 start = clock_now();
        call_create_network(bus, &spec);
        coming.reply = clock_now() - start;
        coming.offer = dhcp_client_wait(client) - start;

        start = clock_now();
        call_remove_network(bus, interface);
        coming.removal = clock_now() - start;
        return coming;
}

Comings comings_new(void)
{
        return (Comings){ samples_new(), samples_new(), samples_new() };
}

void comings_clear(Comings *comings)
{
        samples_free(comings->reply);
        samples_free(comings->offer);
        samples_free(comings->removal);
}

void comings_add(Comings *comings, const Coming *coming, gint64 apart_ns)
{
        samples_add(comings->reply, coming->reply - apart_ns);
        samples_add(comings->offer, coming->offer - apart_ns);
        samples_add(comings->removal, coming->removal);
}
