/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Interfaces that NetworkManager is to get back, but was not there to take when their network
 * went. */

#include <glib.h>
#include <stdbool.h>

#include "host/nm.h"

typedef struct Owed Owed;

/* Those that an earlier life left in @run_dir. @nm is borrowed and ends before this does: what is
 * asked of it is answered in here. */
Owed *owed_new(const char *run_dir, Nm *nm);
void owed_free(Owed *owed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Owed, owed_free)

/* Whether there is nothing that NetworkManager could still take. */
bool owed_is_empty(const Owed *owed);

/* Owes @interface as @held (copied) says. FAILED: not written, but remembered all the same. */
bool owed_add(Owed *owed, const char *interface, const NmHeld *held, GError **error);
/* As what @interface is owed; NULL where it is not. Borrowed. */
const NmHeld *owed_find(const Owed *owed, const char *interface);
/* A network has it now and gives it back itself. FAILED: not written, but forgotten all the same.
 */
bool owed_forget(Owed *owed, const char *interface, GError **error);

/* NetworkManager has @interface now: it is given back where it is owed. */
void owed_give_back(Owed *owed, const char *interface);
