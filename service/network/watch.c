/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The host's notifications, each brought to the networks that it concerns. */

#include "network/watch.h"

#include "host/device-path.h"
#include "host/link.h"
#include "host/route.h"
#include "network/network.h"

struct Watch {
        Host *host;
        LinkWatch *links;
        RouteWatch *routes;
        UdevWatch *udev;
};

/* All networks, each with a reference: what they are told may make one go. */
static GPtrArray *networks_of(const Watch *watch)
{
        GPtrArray *networks = g_ptr_array_new_with_free_func((GDestroyNotify)network_unref);
        GHashTableIter iter;
        gpointer network;

        g_hash_table_iter_init(&iter, watch->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &network))
                g_ptr_array_add(networks, network_ref(network));
        return networks;
}

/* Routes and interfaces */

static void host_changed(gpointer data)
{
        g_autoptr(GPtrArray) networks = networks_of(data);

        for (guint i = 0; i < networks->len; i++)
                network_host_changed(networks->pdata[i]);
}

/* Whether each network's interface is there now, by whatever name. */
static void look_at_links(gpointer data)
{
        Watch *watch = data;
        g_autoptr(GPtrArray) networks = networks_of(watch);

        for (guint i = 0; i < networks->len; i++)
                network_links_changed(networks->pdata[i]);
        host_changed(watch);
}

static void link_changed(const Link *link, bool gone, gpointer data)
{
        look_at_links(data);
}

static bool subscribe(Watch *watch, GError **error)
{
        watch->links = link_watch_new(link_changed, look_at_links, watch, error);
        if (!watch->links)
                return false;
        watch->routes = route_watch_new(host_changed, watch, error);
        if (!watch->routes)
                return false;
        watch->udev = udev_watch_new(look_at_links, watch, error);
        return watch->udev != NULL;
}

Watch *watch_new(Host *host, GError **error)
{
        g_autoptr(Watch) watch = g_new0(Watch, 1);

        watch->host = host;
        return subscribe(watch, error) ? g_steal_pointer(&watch) : NULL;
}

void watch_free(Watch *watch)
{
        if (!watch)
                return;
        link_watch_free(watch->links);
        route_watch_free(watch->routes);
        udev_watch_free(watch->udev);
        g_free(watch);
}
