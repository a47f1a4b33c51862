/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The one table of what a method needs. A method that is not listed is denied; a test walks the
 * service's introspection to see that none is forgotten. */

#include "polkit/actions.h"

#include <stddef.h>
#include <string.h>

#define MANAGER "org.jumpstarter.DutNetwork.Manager"
#define NETWORK "org.jumpstarter.DutNetwork"
#define ACTION  "org.jumpstarter.DutNetwork."

static const Action actions[] = {
        { MANAGER, "CreateNetwork", ACTION "manage", false },
        { MANAGER, "LoadConfig", ACTION "manage", false },
        { MANAGER, "GetNetwork", ACTION "inspect", true },
        { MANAGER, "ListNetworks", ACTION "inspect", true },
        { MANAGER, "RemoveNetwork", ACTION "manage", false },
        { MANAGER, "Reload", ACTION "manage", false },
        { NETWORK, "Up", ACTION "manage", false },
        { NETWORK, "Down", ACTION "manage", false },
        { NETWORK, "Update", ACTION "manage", false },
        { NETWORK, "GetStatus", ACTION "inspect", true },
        { NETWORK, "GetLeases", ACTION "inspect", true },
        { NETWORK, "GetDutIp", ACTION "inspect", true },
        { NETWORK, "AddAddress", ACTION "edit-addresses", false },
        { NETWORK, "RemoveAddress", ACTION "edit-addresses", false },
        { NETWORK, "GetNatRules", ACTION "inspect", true },
        { NETWORK, "GetFilter", ACTION "inspect", true },
        { NETWORK, "SetFilter", ACTION "manage", false },
        { NETWORK, "GetNtpStatus", ACTION "inspect", true },
        { NETWORK, "GetDnsEntries", ACTION "inspect", true },
        { NETWORK, "AddDnsEntry", ACTION "edit-dns", false },
        { NETWORK, "RemoveDnsEntry", ACTION "edit-dns", false },
        { NETWORK, "RemoveDnsAddress", ACTION "edit-dns", false },
        { NETWORK, "GetConnections", ACTION "inspect", true },
        { NETWORK, "ExpireConnections", ACTION "manage", false },
        { NETWORK, "AddForward", ACTION "edit-forwards", false },
        { NETWORK, "RemoveForward", ACTION "edit-forwards", false },
        { NETWORK, "Connect", ACTION "connect", false },
        { NETWORK, "Capture", ACTION "capture", false },
        { NETWORK, "AttachGuest", ACTION "attach-guest", false },
        { NETWORK, "DetachGuest", ACTION "attach-guest", false },
        { NETWORK, "OpenGuest", ACTION "attach-guest", false },
};

const Action *action_find(const char *interface, const char *member)
{
        for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
                if ((!interface || strcmp(actions[i].interface, interface) == 0) &&
                    strcmp(actions[i].member, member) == 0)
                        return &actions[i];
        return NULL;
}
