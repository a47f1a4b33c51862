/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "cli/assignments.h"

#include <string.h>

#include "cli/error.h"

static bool refuse(const Command *command, const char *argument, const char *complaint,
                   GError **error)
{
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "%s: \"%s\" %s", command->verb->name,
                    argument, complaint);
        return false;
}

bool assignments_read(const Command *command, AssignmentRead read, Value *map, GError **error)
{
        for (guint i = 0; i < command->n_arguments; i++) {
                const char *argument = command->arguments[i];
                const char *equals = strchr(argument, '=');
                if (!equals || equals == argument)
                        return refuse(command, argument, "is not KEY=VALUE", error);

                g_autofree char *key = g_strndup(argument, (gsize)(equals - argument));
                if (value_get(map, key))
                        return refuse(command, key, "is given twice", error);

                Value *value = read(command->verb->name, key, equals + 1, error);
                if (!value)
                        return false;
                value_set(map, key, value);
        }
        return true;
}
