/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* "Did you mean …?" */

#include <glib.h>

/* The one of the @n @candidates that @text was most likely meant to be, borrowed, or NULL where
 * none is near: at most one letter in three wrong, missing, too many or swapped with its neighbour.
 */
const char *nearest_match(const char *text, const char *const *candidates, guint n);
