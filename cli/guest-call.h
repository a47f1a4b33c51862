/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* AttachGuest, as `attach` and `with-tap` call it. */

#include "cli/command.h"

/* Attaches the guest @id with the options of the command line, to the network that is meant: the
 * one of -i; else that of the environment (microvm.h), made where there is none; else the only one.
 * @ret_path and @ret_guest, AttachGuest's answer, are the caller's. */
bool guest_attach(Command *command, const char *id, char **ret_path, Value **ret_guest,
                  GError **error);
