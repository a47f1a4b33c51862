/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What bringing a network up does to the host, as a list of steps. A step's start makes the host
 * what the network's configuration asks for, whatever was there before, and records what it found
 * before it changes it; so the same start brings up, changes, adopts and repairs. Its undo takes
 * away what the record says is ours and gives back what it says was found. Rollback and teardown
 * are the same undos, in reverse. */

#include <glib.h>
#include <stdbool.h>

#include "model/config.h"

typedef struct Network Network;

typedef struct Step {
        const char *name;
        unsigned changes; /* what it must run again for: ConfigChange and NetworkPart bits */
        /* Both end by one call of step_done(), now or later. */
        void (*start)(Network *network);
        void (*undo)(Network *network);
} Step;

/* The bit that only a full bring-up has: steps that nothing in the configuration changes. */
#define STEP_CHANGE_UP (1u << 30)
/* The bit of what may claim public addresses anew: they are asked for. What puts back what was ours
 * until just now has not got it. */
#define STEP_CHANGE_PROBE (1u << 29)
#define STEP_CHANGE_ALL   (~0u)

typedef void (*StepRunDone)(Network *network, GError *error); /* takes @error */

typedef struct StepRun {
        guint next; /* the step that runs, or runs next */
        unsigned changes;
        bool undoing;
        bool is_lost;     /* undoing: the NIC has gone, and may come back */
        StepRunDone done; /* NULL: nothing runs */
} StepRun;

/* Starts the steps that @changes touch, in order, until one fails. */
void steps_start(Network *network, unsigned changes, StepRunDone done);
/* Undoes every step, last first, whatever fails; failures are logged. @is_lost: since the NIC has
 * gone; connections go on when it comes back. */
void steps_undo(Network *network, bool is_lost, StepRunDone done);
/* A step has ended; @error is taken, NULL = well. */
void step_done(Network *network, GError *error);

/* step-firewall.c: makes the tables what the configuration asks for, at once. */
bool firewall_apply(Network *network, GError **error);
/* step-routes.c: whether a twin's rules and routes are on the host. */
bool routes_are_there(Network *network);
/* step-firewalls.c: firewalld has stopped, and does not know the interface any more. */
void firewalls_forget(Network *network);

/* The steps: step-NAME.c each. */
void interface_start(Network *network);
void interface_undo(Network *network);
void claim_start(Network *network);
void claim_undo(Network *network);
void probe_start(Network *network);
void probe_undo(Network *network);
void hand_over_start(Network *network);
void hand_over_undo(Network *network);
void firewall_start(Network *network);
void firewall_undo(Network *network);
void link_start(Network *network);
void link_undo(Network *network);
void routes_start(Network *network);
void routes_undo(Network *network);
void forwarding_start(Network *network);
void forwarding_undo(Network *network);
void public_start(Network *network);
void public_undo(Network *network);
void firewalls_start(Network *network);
void firewalls_undo(Network *network);
void dnsmasq_step_start(Network *network);
void dnsmasq_step_undo(Network *network);
void guests_start(Network *network);
void guests_undo(Network *network);
void time_start(Network *network);
void time_undo(Network *network);
