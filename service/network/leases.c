/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A network's leases, as its dnsmasq writes them: watched while the network is up, kept while it is
 * not. */

#include "network/network-private.h"

#include "host/link.h"
#include "host/route.h"

typedef struct Comparison {
        Network *network;
        bool differs;
} Comparison;

static void report(LeaseEvent event, const Lease *lease, gpointer data)
{
        Comparison *comparison = data;
        Network *network = comparison->network;

        comparison->differs = true;
        network->events->lease(network, event, lease, network->events_data);
}

static void leases_changed(const GPtrArray *leases, gpointer data)
{
        Network *network = data;
        Comparison comparison = { .network = network };
        GPtrArray *before = network->leases;

        network->leases = g_ptr_array_new_with_free_func((GDestroyNotify)lease_free);
        for (guint i = 0; i < leases->len; i++)
                g_ptr_array_add(network->leases, lease_copy(leases->pdata[i]));
        lease_list_compare(before, network->leases, report, &comparison);
        g_ptr_array_unref(before);
        if (comparison.differs)
                network_tell(network, NETWORK_PROPERTY_LEASES);
}

bool leases_watch(Network *network, GError **error)
{
        g_autofree char *path = g_build_filename(network->config->state_dir, "dnsmasq.leases", NULL);

        leases_unwatch(network);
        network->lease_file = lease_file_new(path, leases_changed, network, error);
        return network->lease_file != NULL;
}

void leases_unwatch(Network *network)
{
        g_clear_pointer(&network->lease_file, lease_file_free);
}

static bool is_leased(const Network *network, guint32 ip)
{
        for (guint i = 0; i < network->leases->len; i++)
                if (((const Lease *)network->leases->pdata[i])->ip == ip)
                        return true;
        return false;
}

GArray *leases_taken_addresses(Network *network)
{
        g_autoptr(GArray) neighbours = NULL;
        GArray *taken = g_array_new(FALSE, FALSE, sizeof(guint32));
        Link link;

        if (link_get(network->host->rtnl, network->interface, &link) < 0)
                return taken;
        neighbours = route_neighbours(network->host->rtnl, link.index);
        for (guint i = 0; neighbours && i < neighbours->len; i++) {
                guint32 ip = g_array_index(neighbours, guint32, i);
                if (!is_leased(network, ip) && subnet_contains(&network->config->subnet, ip))
                        g_array_append_val(taken, ip);
        }
        return taken;
}
