/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Word of per-interface knobs that are turned, by us too: who turned one is not told. */

#include <glib.h>
#include <stdbool.h>

#include "host/sysctl.h"

typedef struct SysctlWatch SysctlWatch;

/* That of all interfaces. For forwarding it is the same as net.ipv4.ip_forward, and turns each;
 * so does that of IPv6. */
#define SYSCTL_WATCH_ALL G_MAXUINT

/* Tells that @sysctl of interface @index was turned, or may have been: SYSCTL_IPV4_FORWARDING,
 * SYSCTL_IPV4_RP_FILTER, SYSCTL_IPV6_FORWARDING or SYSCTL_IPV6_FORCE_FORWARDING; the kernel tells
 * of no other. @index 0: word was lost, any may have been. Several turns may make one call. */
typedef void (*SysctlTurned)(Sysctl sysctl, guint index, gpointer data);
SysctlWatch *sysctl_watch_new(SysctlTurned turned, gpointer data, GError **error);
void sysctl_watch_free(SysctlWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SysctlWatch, sysctl_watch_free)
