/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Text that the user hands over in a file or through a pipe. */

#include <glib.h>

/* The contents of @path, of stdin for "-": UTF-8 without NUL bytes, at most YAML_MAX_BYTES. The
 * caller's. */
char *text_file_read(const char *path, GError **error);

/* How errors call @path. Borrowed. */
const char *text_file_name(const char *path);
