/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Forwarding on the DUT's interface and on those that lead to the LAN, and on no other.
 *
 * For IPv6 the kernel has such a knob from 6.17 on (force_forwarding, of the interface by which a
 * packet comes); older ones have one for the whole host. The interface's own `forwarding` says that
 * it is a router's: else its neighbour advertisements would, and boards would drop their route.
 * Whenever that is turned on anywhere the kernel drops all default routes of its own that come of
 * advertisements (rt6_purge_dflt_routers()), but those of interfaces whose accept_ra is 2, which is
 * the same as 1 for who is no router. */

#include "network/network-private.h"

#include <linux/rtnetlink.h>
#include <net/if.h>

#include "host/route6.h"

/* Of no interface; this one is always there. */
#define LOOPBACK "lo"

/* Of those to come: there wherever the kernel has the knob, and be it that some interface has no
 * IPv6. */
#define ANY "default"

#define ACCEPT_RA_OF_HOSTS 1
#define ACCEPT_RA_ALWAYS   2

typedef struct Wanted {
        GArray *knobs;    /* Knob */
        GPtrArray *names; /* of interfaces, theirs */
} Wanted;

static void want(Wanted *wanted, Sysctl sysctl, const char *interface, int value)
{
        Knob knob = { sysctl, interface, value };

        g_array_append_val(wanted->knobs, knob);
}

/* Whether the host, without networks, believes the routers that advertise themselves there. */
static bool hears_routers(const Knobs *knobs, const char *interface)
{
        int accept_ra, forwarding;

        return knobs_found(knobs, SYSCTL_IPV6_ACCEPT_RA, interface, &accept_ra) == 0 &&
               knobs_found(knobs, SYSCTL_IPV6_FORWARDING, interface, &forwarding) == 0 &&
               (accept_ra >= ACCEPT_RA_ALWAYS ||
                (accept_ra == ACCEPT_RA_OF_HOSTS && forwarding == 0));
}

/* One that has it at 2 keeps it. What it has for a network whose own it is does not count. */
static void keep_default_route(const Network *network, Wanted *wanted, const char *interface)
{
        if (g_ptr_array_find_with_equal_func(wanted->names, interface, g_str_equal, NULL) ||
            !hears_routers(network->host->knobs, interface))
                return;
        g_ptr_array_add(wanted->names, g_strdup(interface));
        want(wanted, SYSCTL_IPV6_ACCEPT_RA, wanted->names->pdata[wanted->names->len - 1],
             ACCEPT_RA_ALWAYS);
}

static bool keep_default_routes(const Network *network, Wanted *wanted, GError **error)
{
        g_autoptr(GArray) routes = route6_list(network->host->rtnl, error);

        for (guint i = 0; routes && i < routes->len; i++) {
                const Route6 *route = &g_array_index(routes, Route6, i);
                char interface[IF_NAMESIZE];
                if (route->destination.prefix == 0 && route->protocol == RTPROT_RA &&
                    if_indextoname(route->index, interface) &&
                    !g_str_equal(interface, network->interface))
                        keep_default_route(network, wanted, interface);
        }
        return routes != NULL;
}

/* Those that lead to the LAN; NULL where there is none more. */
static const char *uplink(const Network *network, guint nth)
{
        const char *public_interface = network->public_interface;
        const char *both[] = { network->upstream, NULL, NULL };

        if (g_strcmp0(public_interface, network->upstream) != 0)
                both[network->upstream ? 1 : 0] = public_interface;
        return both[nth];
}

static bool want_ipv6(const Network *network, Wanted *wanted, GError **error)
{
        int value;
        bool is_per_interface = sysctl_get(SYSCTL_IPV6_FORCE_FORWARDING, ANY, &value) == 0;

        if (!keep_default_routes(network, wanted, error))
                return false;
        if (!is_per_interface) {
                for (guint i = 0; uplink(network, i); i++)
                        keep_default_route(network, wanted, uplink(network, i));
                want(wanted, SYSCTL_IPV6_FORWARDING_ALL, LOOPBACK, 1);
                return true;
        }
        want(wanted, SYSCTL_IPV6_FORWARDING, network->interface, 1);
        want(wanted, SYSCTL_IPV6_FORCE_FORWARDING, network->interface, 1);
        for (guint i = 0; uplink(network, i); i++)
                want(wanted, SYSCTL_IPV6_FORCE_FORWARDING, uplink(network, i), 1);
        return true;
}

static bool apply(Network *network, GError **error)
{
        g_autoptr(GArray) knobs = g_array_new(FALSE, FALSE, sizeof(Knob));
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        Wanted wanted = { knobs, names };

        if (nat_mode_forwards(network->config->nat_mode)) {
                want(&wanted, SYSCTL_IPV4_FORWARDING, network->interface, 1);
                for (guint i = 0; uplink(network, i); i++)
                        want(&wanted, SYSCTL_IPV4_FORWARDING, uplink(network, i), 1);
        }
        if (config_forwards_ipv6(network->config) && !want_ipv6(network, &wanted, error))
                return false;
        return knobs_hold(network->host->knobs, network->name, "forwarding",
                          (const Knob *)(void *)knobs->data, knobs->len, error);
}

void forwarding_start(Network *network)
{
        GError *error = NULL;

        (void)apply(network, &error); /* `error` says how it went */
        step_done(network, error);
}

void forwarding_undo(Network *network)
{
        GError *error = NULL;

        (void)knobs_release(network->host->knobs, network->name, "forwarding", &error);
        step_done(network, error);
}
