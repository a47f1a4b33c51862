/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* polkit's terminal agent, which asks the user for a password. */

#include <glib.h>
#include <stdbool.h>

typedef struct Agent Agent;

/* Starts the agent for this process and waits until it is registered. NULL where none is needed or
 * possible: for root, off a terminal, without pkttyagent. A desktop's agent has precedence. */
Agent *agent_start(void);
/* Ends it, and waits for that: it has the terminal's modes to restore. */
void agent_stop(Agent *agent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Agent, agent_stop)
