/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Names of the LAN, followed: what the host's own resolver says that they are, asked again when the
 * answer has had its time. */

#include <glib.h>
#include <stdbool.h>

typedef struct Resolver Resolver;
typedef struct ResolverName ResolverName;

/* Its address, or why it has none, is another than before. May free @name, not the resolver. */
typedef void (*ResolverChanged)(ResolverName *name, gpointer data);

Resolver *resolver_new(void);
/* Its names are freed before. Does not wait for questions that are under way. */
void resolver_free(Resolver *resolver);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Resolver, resolver_free)

/* Asks for @name (as hostname_normalise() gives it) off the loop, at once and from then on until it
 * is freed. @changed is never called from inside the call. While nobody can be asked the last
 * answer holds; a name that is said not to exist has no address any more. */
ResolverName *resolver_follow(Resolver *resolver, const char *name, ResolverChanged changed,
                              gpointer data);
void resolver_name_free(ResolverName *name);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ResolverName, resolver_name_free)

/* Asks for all names again, since somebody else may answer now: the host has come to another LAN.
 */
void resolver_ask_now(Resolver *resolver);

/* Whether anybody has said yet what it is, or that it is nothing. */
bool resolver_name_is_known(const ResolverName *name);
/* What it was said to be to an earlier life: it holds as long as nobody has said anything to this
 * one. */
void resolver_name_presume(ResolverName *name, guint32 address);
/* Host byte order; 0: none. Of several, the one that it had before, else the lowest. */
guint32 resolver_name_address(const ResolverName *name);
/* Why it could not be looked up the last time; NULL: it could, or is being asked for still. */
const char *resolver_name_fault(const ResolverName *name);
