/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What root alone may set, whatever polkit says of the call: state_dir, and enable_tcpdump where it
 * has been false. */

#include "dbus/bus-private.h"
#include "dbus/state-dir-check.h"
#include "util/error.h"

/* Who is gone is nobody. */
static uid_t sender_of(const Bus *bus, sd_bus_message *message)
{
        uid_t uid = (uid_t)-1;

        (void)callers_get(bus->callers, sd_bus_message_get_sender(message), &uid);
        return uid;
}

static bool refuse_captures(GError **error)
{
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_ACCESS_DENIED,
                    "enable_tcpdump: it is false, and only root may have it true again");
        return false;
}

bool bus_check_changed(Bus *bus, sd_bus_message *message, const NetworkConfig *before,
                       const NetworkConfig *config, GError **error)
{
        uid_t uid = sender_of(bus, message);

        if (!g_str_equal(before->state_dir, config->state_dir) &&
            !state_dir_check(config, bus->host->lib_dir, uid, error))
                return false;
        return uid == 0 || before->enable_tcpdump || !config->enable_tcpdump ||
               refuse_captures(error);
}

bool bus_check_made(Bus *bus, sd_bus_message *message, const NetworkConfig *config, GError **error)
{
        const Network *before = manager_find(bus->manager, config->interface);
        uid_t uid = sender_of(bus, message);

        if (!state_dir_check(config, bus->host->lib_dir, uid, error))
                return false;
        if (uid == 0 || !config->enable_tcpdump)
                return true;
        bool is_open = before ? network_config(before)->enable_tcpdump
                              : !manager_files_forbid_captures(bus->manager, config);
        return is_open || refuse_captures(error);
}
