/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A network namespace of a test's own, and waiting on the loop with a deadline. */

#include <glib.h>
#include <stdbool.h>

/* Puts this process into a new network namespace with lo up. False, having said why, where that is
 * not permitted: the test exits with 77 then. */
bool namespace_enter(void);

/* Makes a pair of virtual interfaces, both down. */
void namespace_add_veth(const char *name, const char *peer);
void namespace_delete_link(const char *name);
/* Moves it into the namespace that @fd is open on. */
void namespace_move_link(const char *name, int fd);
/* The namespace that this process is in; the caller's to close. */
int namespace_open(void);
/* Puts this process into that one. */
void namespace_set(int fd);

/* Runs the default loop until *@condition is true; fails the test after @timeout_ms. */
void wait_until(const bool *condition, guint timeout_ms);
/* Runs it for @duration_ms. */
void run_for(guint duration_ms);
