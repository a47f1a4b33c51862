/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The question to polkit: may this caller do this to this network? */

#include <glib.h>
#include <systemd/sd-bus.h>

#include "polkit/authority-object.h"
#include "polkit/callers.h"

typedef struct Authority Authority;

/* @bus and @callers are borrowed and outlive it. */
Authority *authority_new(sd_bus *bus, Callers *callers);
void authority_free(Authority *authority);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Authority, authority_free)

/* Whether @message's sender may have what it asks for, for each of @objects (at least one).
 * Returns 1: yes. 0: being asked; @again runs with @message from its first line when the answer is
 * there, and gets it from the same call; the handler returns 1 meanwhile. Negative, with @error set
 * to AccessDenied or InteractiveAuthorizationRequired: no. An answer is good for the objects that
 * were asked about: where these are others by then, it is asked again. Root is not asked; nor is
 * polkit about anybody else where one of @objects is root's alone. */
int authority_check(Authority *authority, sd_bus_message *message, const AuthorityObject *objects,
                    guint n_objects, sd_bus_message_handler_t again, void *userdata,
                    sd_bus_error *error);

/* @name has left the bus: what it asked for is not answered any more. */
void authority_caller_left(Authority *authority, const char *name);

/* Questions under way. */
guint authority_n_pending(const Authority *authority);
