/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a question to polkit is about. */

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

/* Rules see each of these, the last aside, as a detail, by its name here. Strings are borrowed. */
typedef struct AuthorityObject {
        const char *interface; /* "" where a method is about no network in particular */
        const char *subnet;    /* likewise */
        const char *address;   /* NULL where a method is not about one place on a network */
        const char *port;      /* likewise; of the network, or of this host; may be a range */
        const char *protocol;  /* likewise */
        const char *guest;     /* NULL where a method is not about a guest */
        const char *owner;     /* NULL where no TAP is made; a name or a uid, as it is configured */
        const char *root_alone; /* no detail: why nobody else may, whatever polkit says; or NULL */
} AuthorityObject;

/* An array of AuthorityObject with details of its own; the caller's. */
GArray *authority_objects_copy(const AuthorityObject *objects, guint n);
/* Whether @copy is one of the same. */
bool authority_objects_equal(const GArray *copy, const AuthorityObject *objects, guint n);

/* Appends to @call the details of @object and of the method @member, as a{ss}. */
int authority_object_append(const AuthorityObject *object, const char *member,
                            sd_bus_message *call);
