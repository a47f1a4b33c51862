/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which network guests are on, and AttachGuest, as the verbs call it. */

#include "cli/command.h"

/* The path (the caller's) of the network that is meant: the one of -i; else that of the environment
 * (microvm.h), or the only one that guests can be on. Where there is none, it is made if @may_make.
 */
bool guest_find_network(Command *command, bool may_make, char **ret_path, GError **error);

/* Attaches the guest @id with the options of the command line, to that network, made where
 * there is none. @ret_path and @ret_guest, AttachGuest's answer, are the caller's. */
bool guest_attach(Command *command, const char *id, char **ret_path, Value **ret_guest,
                  GError **error);
