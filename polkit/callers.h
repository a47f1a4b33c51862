/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Who is on the other end: the users behind unique bus names, asked once each and forgotten when
 * they leave the bus. */

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

typedef struct Callers Callers;

/* @left is called for every name that leaves the bus. @bus is borrowed and outlives it. */
Callers *callers_new(sd_bus *bus, void (*left)(const char *name, gpointer data), gpointer data);
void callers_free(Callers *callers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Callers, callers_free)

/* The user of @name where it is known already. */
bool callers_get(const Callers *callers, const char *name, uid_t *ret_uid);

/* Asks the bus for it. @done is called exactly once, later: @known false where the name is not on
 * the bus (any more); callers_get() knows it otherwise. */
typedef void (*CallersDone)(const char *name, bool known, gpointer data);
void callers_ask(Callers *callers, const char *name, CallersDone done, gpointer data);
