/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Which NIC a network has: the one of its name or, with `match`, whichever fits now. */

#include <errno.h>

#include "host/device-path.h"
#include "network/network-private.h"

static bool fits(const LinkMatch *match, const Link *link)
{
        if (link->loopback || link->stacked)
                return false;
        if (match->mac && !g_str_equal(match->mac, link->mac) &&
            !g_str_equal(match->mac, link->permanent_mac))
                return false;
        return !match->path || device_path_matches(link->index, match->path);
}

static int find(Netlink *rtnl, const LinkMatch *match, Link *ret_link, char **ret_which)
{
        g_autoptr(GArray) links = link_list(rtnl, NULL); /* none read, none found */
        g_autoptr(GString) names = g_string_new(NULL);
        const Link *found = NULL;

        for (guint i = 0; links && i < links->len; i++) {
                const Link *link = &g_array_index(links, Link, i);
                if (!fits(match, link))
                        continue;
                g_string_append_printf(names, "%s%s", found ? ", " : "", link->name);
                if (found) {
                        if (ret_which)
                                *ret_which = g_string_free(g_steal_pointer(&names), FALSE);
                        return -ENOTUNIQ;
                }
                found = link;
        }
        if (!found)
                return -ENODEV;
        *ret_link = *found;
        return 0;
}

bool interface_is_made(const Network *network)
{
        return network->config->create != CREATE_NOTHING;
}

int interface_find(const Network *network, Link *ret_link, char **ret_which)
{
        if (link_match_is_empty(&network->config->match))
                return link_get(network->host->rtnl, network->name, ret_link);
        return find(network->host->rtnl, &network->config->match, ret_link, ret_which);
}

bool interface_exists(const Network *network)
{
        Link link;
        return interface_find(network, &link, NULL) == 0;
}

void interface_set(Network *network, const char *interface)
{
        if (g_str_equal(network->interface, interface))
                return;
        g_free(network->interface);
        network->interface = g_strdup(interface);
        network_tell(network, NETWORK_PROPERTY_INTERFACE);
}

Network *network_of_interface(const Host *host, const char *interface)
{
        GHashTableIter iter;
        gpointer network;

        g_hash_table_iter_init(&iter, host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &network))
                if (network_has_interface(network) &&
                    g_str_equal(((Network *)network)->interface, interface))
                        return network;
        return NULL;
}

char *network_config_interface(const Host *host, const NetworkConfig *config)
{
        Link link;

        if (link_match_is_empty(&config->match))
                return g_strdup(config->interface);
        if (find(host->rtnl, &config->match, &link, NULL) == 0)
                return g_strdup(link.name);
        return link_match_name(&config->match);
}
