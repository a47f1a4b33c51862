/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which addresses and names the bench uses. Entry number i is the same in every network. */

#include <glib.h>

#define PLAN_SUBNET  "172.20.0.0/16"
#define PLAN_GATEWAY "172.20.0.1"

/* A NIC that NetworkManager was told to leave (the lab's own rule is raw*); one that it holds and
 * the service takes; and its equal that it holds and only the bench touches. */
#define PLAN_FREE_NIC  "raw0"
#define PLAN_HELD_NIC  "board0"
#define PLAN_EQUAL_NIC "board1"

#define PLAN_TEXT_SIZE 32

typedef struct PlanEntry {
        char ip[PLAN_TEXT_SIZE], mac[PLAN_TEXT_SIZE], hostname[PLAN_TEXT_SIZE];
        char public_ip[PLAN_TEXT_SIZE];
        char name[PLAN_TEXT_SIZE]; /* of a DNS entry */
} PlanEntry;

/* The entry of @number, below 10,500. */
PlanEntry plan_entry(guint number);
