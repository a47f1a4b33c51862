/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What is measured: each scenario makes what it needs, prints its tables, and takes all away. */

#include <systemd/sd-bus.h>

#include "bench/board.h"

/* A user whom the scenarios' polkit rule lets change entries on PLAN_FREE_NIC. */
#define GRANTED_USER "lab-carol"

typedef struct Bench {
        sd_bus *root, *user; /* callers: root, and GRANTED_USER */
        Board *board;        /* behind PLAN_FREE_NIC */
} Bench;

/* What the parts take that no change of the service makes faster. */
void scenario_parts(Bench *bench);
/* A network's coming, on a NIC that NetworkManager leaves alone. */
void scenario_create(Bench *bench);
/* The same where the service does not run yet. */
void scenario_activation(Bench *bench);
/* The same on a NIC that NetworkManager holds. */
void scenario_hand_over(Bench *bench);
/* Entries: how long they take, what processes they start, and memory. */
void scenario_entries(Bench *bench);
/* Entries with public addresses. */
void scenario_mappings(Bench *bench);
