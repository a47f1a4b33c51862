/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The administrator's configuration directories. */

#include <glib.h>

/* One *.yaml file: what is in it, or what is wrong with it. */
typedef struct ConfigFile {
        char *path;
        GPtrArray *configs; /* NetworkConfig*, owned; NULL where the file is bad */
        GError *error;
} ConfigFile;

/* Every file of the directories @directories (NULL-terminated, the first one wins where two have a
 * file of the same name), by name. Array of ConfigFile*; the caller's, it frees them. A directory
 * that does not exist is empty. */
GPtrArray *config_dirs_read(const char *const *directories);
