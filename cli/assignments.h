/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Arguments of the form KEY=VALUE. */

#include <stdbool.h>

#include "cli/command.h"

/* What @text is as the value of @key; NULL with an error of the caller's. */
typedef Value *(*AssignmentRead)(const char *verb, const char *key, const char *text,
                                 GError **error);

/* Puts all of @command's arguments into @map, each key once. */
bool assignments_read(const Command *command, AssignmentRead read, Value *map, GError **error);
