/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What path may be a state directory, by its text alone. */

#include "model/state-dir.h"

#include <stdbool.h>
#include <string.h>

#include "model/quote.h"
#include "util/error.h"

/* dnsmasq reads its configuration in lines of at most 1024 bytes, which have to hold an option's
 * name and a file's as well. */
#define STATE_DIR_MAX_BYTES 900
#define COMPONENT_MAX_BYTES 255

static const char *characters_fault(const char *path)
{
        for (const char *p = path; *p; p++)
                if (!g_ascii_isgraph(*p) || strchr("#\",\\", *p))
                        return "only printable ASCII without spaces, '#', '\"', ',' and '\\' "
                               "may be in it";
        return NULL;
}

static const char *component_fault(const char *component, gsize length)
{
        if (length == 0)
                return "it has an empty component";
        if (length > COMPONENT_MAX_BYTES)
                return "it has a component of more than 255 bytes";
        if (component[0] == '.' && (length == 1 || (length == 2 && component[1] == '.')))
                return "it has a component \".\" or \"..\"";
        return NULL;
}

static const char *path_fault(const char *path)
{
        if (path[0] != '/')
                return "it is not absolute";
        if (strlen(path) > STATE_DIR_MAX_BYTES)
                return "it is longer than 900 bytes";

        const char *fault = characters_fault(path);
        for (const char *p = path; !fault && *p; p += 1 + strcspn(p + 1, "/"))
                fault = component_fault(p + 1, strcspn(p + 1, "/"));
        return fault;
}

char *state_dir_normalise(const char *text, const char *interface, GError **error)
{
        g_autoptr(GString) path = g_string_new(text);
        (void)g_string_replace(path, "{interface}", interface, 0); /* none is as good */
        if (path->len > 1 && path->str[path->len - 1] == '/')
                g_string_truncate(path, path->len - 1);

        const char *fault = path_fault(path->str);
        if (!fault)
                return g_string_free(g_steal_pointer(&path), FALSE);

        g_autofree char *quoted = quote_text(text);
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                    "%s cannot be a state directory: %s", quoted, fault);
        return NULL;
}
