/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The daemon writes into a state directory with its own rights, so only root may name one. */

#include "dbus/state-dir-check.h"

#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"

static bool is_below(const char *path, const char *directory)
{
        g_autofree char *prefix = g_strconcat(directory, "/", NULL);
        return g_str_has_prefix(path, prefix);
}

static bool is_default(const NetworkConfig *config, const char *lib_dir)
{
        g_autofree char *path = g_strdup_printf("%s/dut-network-%s", lib_dir, config->interface);
        return g_str_equal(path, config->state_dir);
}

static bool is_networks(const char *path, const char *lib_dir)
{
        g_autofree char *networks = g_build_filename(lib_dir, "networks", NULL);
        return g_str_equal(path, networks) || is_below(path, networks);
}

bool state_dir_check(const NetworkConfig *config, const char *lib_dir, uid_t uid, GError **error)
{
        const char *path = config->state_dir;
        struct stat status;

        if (is_default(config, lib_dir))
                return true;
        if (uid != 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_ACCESS_DENIED,
                            "state_dir: %s: only root may choose it", path);
                return false;
        }
        if (is_below(path, lib_dir) && !is_networks(path, lib_dir))
                return true;
        if (!g_str_equal(path, lib_dir) && !is_networks(path, lib_dir) &&
            lstat(path, &status) == 0 && S_ISDIR(status.st_mode) &&
            (status.st_uid == 0 || status.st_uid == geteuid()))
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                    "state_dir: %s is neither below %s nor a directory that root has made", path,
                    lib_dir);
        return false;
}
