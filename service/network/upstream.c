/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Which interface leads to the LAN: the configured one while it is there, else the best default
 * route's, the interfaces of networks aside. */

#include "network/network-private.h"

#include "host/link.h"
#include "host/route.h"
#include "util/log.h"

bool network_has_interface(const Network *network)
{
        return network->claimed || network->record->taken;
}

/* What each has is written down: the kernel is not asked, for this is looked at by every network
 * whenever anything happens to any link. */
GArray *upstream_ignored(Network *network)
{
        GArray *indexes = g_array_new(FALSE, FALSE, sizeof(guint));
        GHashTableIter iter;
        gpointer value;
        Link link;

        g_hash_table_iter_init(&iter, network->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Network *other = value;
                if (network_has_interface(other) && other->record->index != 0)
                        g_array_append_val(indexes, other->record->index);
                else if (other == network &&
                         link_get(network->host->rtnl, other->interface, &link) == 0)
                        g_array_append_val(indexes, link.index);
        }
        return indexes;
}

/* The default route's interface; false where there is none. */
static bool detect(Network *network, HostView *view, Link *ret_link)
{
        g_autoptr(GError) error = NULL;
        const GArray *routes = host_view_routes(view, &error);
        g_autoptr(GArray) ignored = upstream_ignored(network);

        if (!routes) {
                log_network_warning(network->name, "%s", error->message);
                return false;
        }
        guint index = route_default_interface(routes, ignored);
        return index != 0 && host_view_link_by_index(view, index, ret_link) == 0;
}

/* Has @link (NULL: none) be the one that *@name and *@index tell of. True where it was another. One
 * that was unplugged and is back has its old name, and nothing that was done to it. */
static bool replace(char **name, guint *index, const Link *link)
{
        guint index_now = link ? link->index : 0;
        bool differs = *index != index_now || g_strcmp0(*name, link ? link->name : NULL) != 0;

        g_free(*name);
        *name = link ? g_strdup(link->name) : NULL;
        *index = index_now;
        return differs;
}

bool upstream_resolve(Network *network, HostView *view)
{
        const NetworkConfig *config = network->config;
        Link upstream, public_interface;
        bool has_upstream =
                config->upstream_interface
                        ? host_view_link(view, config->upstream_interface, &upstream) == 0
                        : detect(network, view, &upstream);
        bool has_public = has_upstream;

        if (config->public_interface)
                has_public = host_view_link(view, config->public_interface, &public_interface) == 0;
        else if (has_upstream)
                public_interface = upstream;
        bool upstream_differs = replace(&network->upstream, &network->upstream_index,
                                        has_upstream ? &upstream : NULL);
        bool public_differs = replace(&network->public_interface, &network->public_index,
                                      has_public ? &public_interface : NULL);

        return upstream_differs || public_differs;
}
