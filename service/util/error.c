/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The quark behind SERVICE_ERROR, and which of several errors counts. */

#include "util/error.h"

G_DEFINE_QUARK(service - error - quark, service_error)

GError **error_first(GError **error)
{
        return *error ? NULL : error;
}
