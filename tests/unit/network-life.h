/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A life of the daemon without its bus face, on a host made of virtual interfaces in the test's own
 * network namespace: dut0 for the DUT (board0 is its other end), up0 for the LAN. */

#include <glib.h>
#include <stdbool.h>

#include "network/manager.h"

typedef struct Life {
        char *directory, *run_dir, *lib_dir, *config_dir;
        const char *config_dirs[2];
        Host *host;
        Manager *manager;
        GError *error;
        bool done;         /* life_through() was called */
        bool has_ipv6;     /* life_yaml()'s network has */
        bool was_degraded; /* a network was, at some time of this life */
} Life;

/* What a shell command prints; it must succeed. The caller's. */
char *host_output(const char *command);
/* Makes the interfaces, with addresses and routes that a network has to give back. */
void host_make(void);
void host_delete(void);
/* Everything of this namespace that a network touches. The caller's. */
char *host_dump(void);
/* Fails with the lines that are in one of the two texts alone. */
void assert_same(const char *before, const char *after);

/* Names the directories below @directory (taken). */
void life_init(Life *life, char *directory);
void life_clear(Life *life);
/* Begins: reads what an earlier life left; manager_load() is the caller's. */
void life_start(Life *life);
/* The daemon goes without a word to the host. */
void life_end(Life *life);
/* Until nothing is under way. */
void life_wait_idle(Life *life);

/* A ManagerDone, and a NetworkDone, that end wait_until(&life->done). */
void life_through(const GPtrArray *networks, const GError *error, gpointer life);
void life_network_through(Network *network, const GError *error, gpointer life);

/* Makes what @yaml describes as CreateNetwork does; life->error says how it went. */
void life_create(Life *life, const char *yaml);
/* Removes the network of dut0, which must go well. */
void life_remove(Life *life);
/* A 1:1 network on dut0. The caller's. */
char *life_yaml(const Life *life);
