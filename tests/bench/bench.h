/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What every part of the bench needs: to give up. */

#include <glib.h>

/* Says why on stderr and ends with failure. The lab is thrown away, so nothing is cleaned up. */
void bench_die(const char *format, ...) G_GNUC_NORETURN G_GNUC_PRINTF(1, 2);
