/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A caller on the system bus, and the calls that are measured. Every call waits for its reply; an
 * error reply ends the bench. */

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "bench/plan.h"

#define SERVICE_NAME "org.jumpstarter.DutNetwork"

/* A connection of its own to the system bus, as the bus knows @user; as root where NULL. */
sd_bus *caller_connect(const char *user);

/* What a network is made of: the first @n_entries of the plan. */
typedef struct NetworkSpec {
        const char *interface;
        guint n_entries;
        bool one_to_one; /* each entry with its public address */
} NetworkSpec;

void call_create_network(sd_bus *bus, const NetworkSpec *spec);
void call_remove_network(sd_bus *bus, const char *interface);

/* @path is the network's object; the caller's (g_free()). */
char *network_path(const char *interface);
void call_add_address(sd_bus *bus, const char *path, const PlanEntry *entry, bool one_to_one);
void call_remove_address(sd_bus *bus, const char *path, const PlanEntry *entry);
void call_add_dns_entry(sd_bus *bus, const char *path, const PlanEntry *entry);
void call_remove_dns_entry(sd_bus *bus, const char *path, const PlanEntry *entry);

/* Asks the bus daemon itself: one round trip. */
void call_bus_daemon(sd_bus *bus);
/* Asks the service for nothing: there and back over the bus daemon. */
void call_ping_service(sd_bus *bus);
/* Asks polkit, with the service's details, whether @subject may change addresses on @interface. */
bool call_polkit(sd_bus *bus, sd_bus *subject, const char *interface);

/* The process that owns a name. */
pid_t call_pid_of(sd_bus *bus, const char *name);

/* For calls of other parts: sends @message and frees it. The reply is the caller's. */
sd_bus_message *call_send(sd_bus *bus, sd_bus_message *message);
/* Ends the bench where @r, of what @attempt says, is negative. */
void call_check(int r, const char *attempt);
