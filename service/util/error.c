/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The quark behind SERVICE_ERROR, and nothing else. */

#include "util/error.h"

G_DEFINE_QUARK(service - error - quark, service_error)
