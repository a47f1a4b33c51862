/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The quark behind CLI_ERROR, and its most common code. */

#include "cli/error.h"

G_DEFINE_QUARK(cli - error - quark, cli_error)

bool fail_usage(GError **error, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        g_propagate_error(error, g_error_new_valist(CLI_ERROR, CLI_ERROR_USAGE, format, arguments));
        va_end(arguments);
        return false;
}
