/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What happens on the host, told to the networks that it concerns. */

#include <glib.h>

#include "network/host.h"

typedef struct Watch Watch;

/* @host is borrowed and outlives it; its networks are those that are told. FAILED where the kernel
 * refuses a subscription. */
Watch *watch_new(Host *host, GError **error);
void watch_free(Watch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Watch, watch_free)
