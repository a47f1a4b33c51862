/* SPDX-License-Identifier: GPL-2.0-or-later */

/* chronyd's configuration for one network. It has no sources and is not let touch the clock; with
 * `local` it serves the host's as it is, without it answers that it is not synchronised. Bound to
 * the NIC, as many run beside each other on the same address as there are twins, and beside the
 * host's own.
 *
 * Everything is formatted from numbers and checked names: no space is in any of them. */

#include "model/chrony-conf.h"

char *chrony_conf_text(const NetworkConfig *config, const ChronyFacts *facts)
{
        GString *text = g_string_new("# Written by dut-networkd; changes are lost.\n");
        g_autofree char *subnet = subnet_to_string(&config->subnet);
        char gateway[ADDRESS_TEXT_SIZE];

        g_string_append_printf(text, "port %u\n", CHRONY_PORT);
        g_string_append_printf(text, "bindaddress %s\n",
                               address_format(config->gateway_ip, gateway));
        g_string_append_printf(text, "binddevice %s\n", facts->interface);
        g_string_append_printf(text, "allow %s\n", subnet);
        if (config_has_ipv6(config)) {
                g_autofree char *subnet6 = subnet6_to_string(&config->ipv6_subnet);
                g_autofree char *on_link = subnet6_to_string(&link_local_subnet6);
                g_string_append_printf(text, "allow %s\nallow %s\n", subnet6, on_link);
        }
        if (facts->vouches)
                g_string_append_printf(text, "local stratum %u\n", CHRONY_STRATUM);
        g_string_append(text, "cmdport 0\n"
                              "bindcmdaddress /\n" /* no socket for commands */
                              "noclientlog\n");
        g_string_append_printf(text, "pidfile %s\n", facts->pid_file);
        return g_string_free(text, FALSE);
}
