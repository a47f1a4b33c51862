/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The options of the command line. */

#include <glib.h>
#include <stdbool.h>

#include "cli/command.h"

/* What the command line asks for instead of a verb's work. */
typedef enum Request {
        REQUEST_RUN,
        REQUEST_HELP,
        REQUEST_VERSION,
} Request;

/* Reads those of @argv from its second word on into @command, up to the first word that is none;
 * with @all, also those that stand behind such words. Sets optind to the first word that is none.
 * False where getopt_long(3) has said why. */
bool options_read(int argc, char **argv, bool all, Command *command, Request *request);
/* Whether @command's verb takes all that were given; sets USAGE else. */
bool options_check(const Command *command, GError **error);

/* Those of @verb alone, as the line of its usage has them, each with a space before; the caller's.
 */
char *options_usage(const Verb *verb);
/* Prints what they are for, and before that those of all verbs. @verb NULL: these alone. */
void options_print(const Verb *verb);
