/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The interface itself, where the network makes it (`create`). One that is there already is used as
 * it is, and stays. What we make can be told from that by its MAC, which follows from its name: so
 * it is ours from the instant at which it exists, whatever was written down by then. */

#include "network/network-private.h"

#include "host/bridge.h"
#include "model/digest.h"
#include "util/error.h"

static bool carries_our_mark(const Link *link, const char *name)
{
        char mac[MAC_TEXT_SIZE];

        bridge_mac(name, mac);
        return link->bridge && g_str_equal(link->mac, mac);
}

/* Notes that @link is the network's; whether it is ours as well. */
static bool note(Network *network, const Link *link, bool made, GError **error)
{
        Record *record = network->record;

        if (record->index == link->index && record->made == made)
                return true;
        record->index = link->index;
        record->made = made;
        return network_save_record(network, error);
}

static bool make(Network *network, Link *ret_link, GError **error)
{
        Netlink *rtnl = network->host->rtnl;
        char mac[MAC_TEXT_SIZE];

        network->record->made = true;
        network->record->index = 0;
        bridge_mac(network->name, mac);
        if (!network_save_record(network, error) ||
            !bridge_make(rtnl, network->name, mac, network->config->mtu, error))
                return false;
        int r = link_get(rtnl, network->name, ret_link);
        if (r == 0)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "cannot read the bridge: %s",
                    g_strerror(-r));
        return false;
}

static bool apply(Network *network, GError **error)
{
        guint mtu = network->config->mtu;
        Link link;

        if (network->config->create == CREATE_NOTHING)
                return true;
        bool exists = link_get(network->host->rtnl, network->name, &link) == 0;
        if (exists && !link.bridge) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INTERFACE_IN_USE,
                            "interface: %s is there already, and is no bridge", network->name);
                return false;
        }
        if (!exists && !make(network, &link, error))
                return false;
        bool made = carries_our_mark(&link, network->name);
        if (!note(network, &link, made, error))
                return false;
        return !made || link.mtu == mtu ||
               link_set_mtu(network->host->rtnl, link.index, mtu, error);
}

void interface_start(Network *network)
{
        GError *error = NULL;

        (void)apply(network, &error); /* `error` says how it went */
        step_done(network, error);
}

/* By the name that it may have been given since. */
static int find_made(const Network *network, Link *ret_link)
{
        const Record *record = network->record;

        return record->index != 0 ? link_get_by_index(network->host->rtnl, record->index, ret_link)
                                  : link_get(network->host->rtnl, network->name, ret_link);
}

void interface_undo(Network *network)
{
        Record *record = network->record;
        GError *error = NULL;
        Link link;

        if (!record->made) {
                step_done(network, NULL);
                return;
        }
        if (find_made(network, &link) < 0 || !carries_our_mark(&link, network->name) ||
            link_delete(network->host->rtnl, link.index, &error)) {
                record->made = false;
                (void)network_save_record(network, &error); /* `error` says how it went */
        }
        step_done(network, error);
}
