/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The command's errors. */

#include <glib.h>
#include <stdbool.h>

#define CLI_ERROR (cli_error_quark())

typedef enum CliError {
        CLI_ERROR_FAILED, /* the service said no, or could not be asked */
        CLI_ERROR_INPUT,  /* the service did not take what it was given; else the same */
        CLI_ERROR_USAGE,  /* the command line makes no sense */
        CLI_ERROR_MAX,
} CliError;

GQuark cli_error_quark(void);

/* Sets USAGE. False. */
bool fail_usage(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
