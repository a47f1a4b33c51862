/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Knobs, most of them of an interface, below /proc/sys/net, by proc_sys(5). */

#include <glib.h>
#include <stdbool.h>

typedef enum Sysctl {
        SYSCTL_IPV4_FORWARDING, /* net.ipv4.conf.IF.forwarding */
        SYSCTL_IPV4_RP_FILTER,
        SYSCTL_IPV4_ACCEPT_LOCAL,
        SYSCTL_IPV4_SEND_REDIRECTS,
        SYSCTL_IPV4_ACCEPT_REDIRECTS,
        SYSCTL_IPV6_ACCEPT_RA, /* net.ipv6.conf.IF.accept_ra */
        SYSCTL_IPV6_ACCEPT_REDIRECTS,
        SYSCTL_IPV4_FWMARK_REFLECT,   /* net.ipv4.fwmark_reflect, whatever the interface */
        SYSCTL_IPV6_DISABLE,          /* net.ipv6.conf.IF.disable_ipv6 */
        SYSCTL_IPV6_FORWARDING,       /* net.ipv6.conf.IF.forwarding: whether it is a router's */
        SYSCTL_IPV6_FORCE_FORWARDING, /* net.ipv6.conf.IF.force_forwarding (Linux 6.17) */
        SYSCTL_IPV6_FORWARDING_ALL,   /* net.ipv6.conf.all.forwarding, whatever the interface */
        SYSCTL_IPV6_ADDR_GEN_MODE,    /* net.ipv6.conf.IF.addr_gen_mode */
        SYSCTL_MAX,
} Sysctl;

/* The dotted name of @sysctl for @interface, for messages. The caller's. */
char *sysctl_name(Sysctl sysctl, const char *interface);
/* Reads it. Returns 0, -ENOENT where there is no such interface or family, or another errno. */
int sysctl_get(Sysctl sysctl, const char *interface, int *ret_value);
/* Writes @value where it is not @value already. -ENOENT is an error here as well: callers that undo
 * ignore it. */
bool sysctl_set(Sysctl sysctl, const char *interface, int value, GError **error);
