/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The interface itself, where the network makes it (`create`). What we have made can be told from
 * what others have, whatever was written down by then: a bridge has the MAC that follows from its
 * name, a TAP our alias, which who has it open cannot change. A bridge of somebody else's is used
 * as it is, and stays; a TAP is its owner's alone, so one of somebody else's is in the way. */

#include "network/network-private.h"

#include <unistd.h>

#include "host/bridge.h"
#include "host/tap.h"
#include "host/user.h"
#include "model/digest.h"
#include "model/tap-owner.h"
#include "util/error.h"

static char *alias_of(const Network *network)
{
        return g_strdup_printf("dut-network %s", network->name);
}

static bool get_our_tap(const Network *network, const char *name, Tap *ret_tap)
{
        g_autofree char *alias = alias_of(network);

        return tap_get(network->host->rtnl, name, alias, ret_tap);
}

static bool carries_our_mark(const Network *network, const Link *link)
{
        char mac[MAC_TEXT_SIZE];
        Tap tap;

        made_mac(network->name, mac);
        return link->bridge ? g_str_equal(link->mac, mac) : get_our_tap(network, link->name, &tap);
}

static bool make_tap(Network *network, guint32 owner, const char *mac, GError **error)
{
        g_autofree char *alias = alias_of(network);
        const TapPlan plan = {
                .name = network->name,
                .alias = alias,
                .owner = owner,
                .mtu = network->config->mtu,
        };

        int fd = tap_new(&plan, error);
        if (fd < 0)
                return false;
        bool made = tap_set_up_alone(network->host->rtnl, &plan, mac, error) && tap_keep(fd, error);
        close(fd); /* where it is not kept, it goes with that */
        return made;
}

/* @owner: of a TAP. All that was on the one before has gone with it. */
static bool make(Network *network, guint32 owner, Link *ret_link, GError **error)
{
        Netlink *rtnl = network->host->rtnl;
        char mac[MAC_TEXT_SIZE];

        network->record->made = true;
        network->record->index = 0;
        network->run.changes |= STEP_CHANGE_ALL & ~STEP_CHANGE_PROBE;
        if (!network_save_record(network, error))
                return false;
        made_mac(network->name, mac);
        bool made = network->config->create == CREATE_TAP
                            ? make_tap(network, owner, mac, error)
                            : bridge_make(rtnl, network->name, mac, network->config->mtu, error);
        if (!made)
                return false;
        int r = link_get(rtnl, network->name, ret_link);
        if (r == 0)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "cannot read the %s: %s",
                    create_to_string(network->config->create), g_strerror(-r));
        return false;
}

/* Whether @link can be the network's; removes one of ours that cannot, and has *@exists say so. */
static bool check_existing(const Network *network, const Link *link, guint32 owner, bool *exists,
                           GError **error)
{
        bool is_tap = network->config->create == CREATE_TAP;
        Tap tap;

        if (!is_tap && link->bridge)
                return true;
        if (is_tap && get_our_tap(network, network->name, &tap) && tap.owner == owner)
                return true;
        if (!carries_our_mark(network, link)) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INTERFACE_IN_USE,
                            "interface: %s is there already, and is no %s", network->name,
                            is_tap ? "TAP of the network's" : "bridge");
                return false;
        }
        *exists = false;
        return link_delete(network->host->rtnl, link->index, error);
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

static bool apply(Network *network, guint32 owner, GError **error)
{
        guint mtu = network->config->mtu;
        Link link;

        bool exists = link_get(network->host->rtnl, network->name, &link) == 0;
        if (exists && !check_existing(network, &link, owner, &exists, error))
                return false;
        if (!exists && !make(network, owner, &link, error))
                return false;
        bool made = carries_our_mark(network, &link);
        if (!note(network, &link, made, error))
                return false;
        return !made || link.mtu == mtu ||
               link_set_mtu(network->host->rtnl, link.index, mtu, error);
}

static void owner_found(guint32 uid, const GError *cause, gpointer data)
{
        Network *network = data;
        GError *error = cause ? g_error_copy(cause) : NULL;

        if (error)
                g_prefix_error(&error, "owner: ");
        else
                (void)apply(network, uid, &error); /* `error` says how it went */
        step_done(network, error);
}

void interface_start(Network *network)
{
        const char *owner = network->config->owner;
        GError *error = NULL;
        guint32 uid = 0;

        if (owner && !tap_owner_is_uid(owner, &uid)) {
                user_look_up(owner, owner_found, network);
                return;
        }
        if (network->config->create != CREATE_NOTHING)
                (void)apply(network, uid, &error); /* `error` says how it went */
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
        if (find_made(network, &link) < 0 || !carries_our_mark(network, &link) ||
            link_delete(network->host->rtnl, link.index, &error)) {
                record->made = false;
                (void)network_save_record(network, &error); /* `error` says how it went */
        }
        step_done(network, error);
}
