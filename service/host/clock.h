/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The host's clock: whether somebody keeps it right. Nothing here sets it. */

#include <stdbool.h>

/* Whether the kernel's clock is synchronised, as whoever keeps it has told the kernel. False where
 * the kernel does not say. */
bool clock_is_synchronised(void);
