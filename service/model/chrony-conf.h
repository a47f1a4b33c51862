/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What chronyd is told for one network, as text: chrony.conf(5). */

#include <glib.h>
#include <stdbool.h>

#include "model/config.h"

/* What it says of a clock that it vouches for. */
#define CHRONY_STRATUM 10
/* Where it answers. */
#define CHRONY_PORT 123

/* What the host adds to the configuration. All borrowed. */
typedef struct ChronyFacts {
        const char *interface; /* the network's NIC, by the name that it has now */
        const char *pid_file;
        bool vouches; /* else it says that it does not know the time */
} ChronyFacts;

/* Its configuration: the same text for the same configuration and facts, so that a process can be
 * known by it. The caller's. */
char *chrony_conf_text(const NetworkConfig *config, const ChronyFacts *facts);
