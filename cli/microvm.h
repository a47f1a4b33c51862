/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The environment by which microVM runtimes are told of their network: MICROVM_NETWORK_BRIDGE,
 * _SUBNET, _EGRESS and _MTU. */

#include <stdbool.h>

#include "model/value.h"

typedef struct Microvm {
        const char *bridge; /* borrowed from the environment, as the others */
        const char *subnet;
        const char *egress; /* NULL: whatever leads to the LAN */
        guint mtu;
        bool given; /* any of them */
} Microvm;

/* What the environment says, and else the defaults: also for a value that is not valid, of which
 * stderr has a warning. */
void microvm_read(Microvm *ret_microvm);

/* The settings of a network for that. The caller's. */
Value *microvm_settings(const Microvm *microvm);
