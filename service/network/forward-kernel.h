/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The forwards that are in the kernel. */

#include <glib.h>

#include "network/network.h"

/* As forward_list_new() has them (the caller's): those of @network as it is configured now that are
 * there, with where they lead to, and what is there besides; and those by name that lead nowhere.
 * FAILED. */
GPtrArray *forward_kernel_read(const Network *network, GError **error);
