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

/* The default route's interface; NULL where there is none. The caller's string. */
static char *detect(Network *network)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) routes = route_list(network->host->rtnl, &error);
        g_autoptr(GArray) ignored = upstream_ignored(network);
        Link link;

        if (!routes) {
                log_network_warning(network->name, "%s", error->message);
                return NULL;
        }
        guint index = route_default_interface(routes, ignored);
        if (index == 0 || link_get_by_index(network->host->rtnl, index, &link) < 0)
                return NULL;
        return g_strdup(link.name);
}

/* @name where there is such an interface, else NULL. The caller's string. */
static char *present(Network *network, const char *name)
{
        Link link;
        return link_get(network->host->rtnl, name, &link) == 0 ? g_strdup(name) : NULL;
}

static bool replace(char **place, char *text)
{
        bool differs = g_strcmp0(*place, text) != 0;
        g_free(*place);
        *place = text;
        return differs;
}

bool upstream_resolve(Network *network)
{
        const NetworkConfig *config = network->config;
        char *upstream = config->upstream_interface ? present(network, config->upstream_interface)
                                                    : detect(network);
        char *public_interface = config->public_interface
                                         ? present(network, config->public_interface)
                                         : g_strdup(upstream);
        bool upstream_differs = replace(&network->upstream, upstream);
        bool public_differs = replace(&network->public_interface, public_interface);

        return upstream_differs || public_differs;
}
