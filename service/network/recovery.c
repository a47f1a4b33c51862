/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A change's files stand beside the old ones until the first of them has taken its place: see
 * saving.c, whose order this is. */

#include "network/recovery.h"

#include <unistd.h>

#include "network/record.h"
#include "network/store.h"
#include "util/file.h"
#include "util/log.h"

static bool next_exists(const char *path)
{
        g_autofree char *next = file_next_path(path);
        return access(next, F_OK) == 0;
}

static void drop(const char *name, const char *path)
{
        g_autofree char *next = file_next_path(path);
        g_autoptr(GError) error = NULL;

        file_drop(next); /* one that was not written to its end */
        if (!file_remove(next, &error))
                log_network_warning(name, "%s", error->message);
}

static void commit(const char *name, const char *path)
{
        g_autofree char *next = file_next_path(path);
        g_autoptr(GError) error = NULL;

        if (access(next, F_OK) == 0 && !file_rename(next, path, &error))
                log_network_error(name, "%s", error->message);
}

static char *log_path(const char *state_dir)
{
        return g_build_filename(state_dir, "entries.log", NULL);
}

/* The new log stands where the change would have had it. */
static void drop_log(const char *name, const Record *record, const NetworkConfig *config)
{
        const char *const directories[] = {
                config ? config->state_dir : NULL,
                record ? record->moving_to : NULL,
                record ? record->moving_from : NULL,
        };

        for (guint i = 0; i < G_N_ELEMENTS(directories); i++) {
                g_autofree char *path = directories[i] ? log_path(directories[i]) : NULL;
                if (path)
                        drop(name, path);
        }
}

static void recover(const Host *host, const char *name)
{
        g_autoptr(Record) record = record_load(host->run_dir, name, NULL);
        g_autofree char *lib = store_path(host, name, STORE_LIB);
        g_autofree char *run = store_path(host, name, STORE_RUN);
        g_autofree char *configured = store_path(host, name, STORE_CONFIGURED);
        g_autofree char *file = store_path(host, name, STORE_FILE);
        bool has_lib = access(lib, F_OK) == 0 || next_exists(lib);
        bool is_bus = record ? g_str_equal(record->origin, "bus") : has_lib;
        const char *first = is_bus ? lib : run;
        if (record && !next_exists(first) && !next_exists(configured) && !next_exists(file))
                return; /* the last ones of them have their places */
        g_autoptr(NetworkConfig) config = access(first, F_OK) == 0 ? store_load(first) : NULL;

        if (config && !next_exists(first) && (record || is_bus)) {
                g_autofree char *log = log_path(config->state_dir);
                commit(name, run);
                commit(name, log);
                commit(name, configured);
                commit(name, file);
                return;
        }
        drop(name, file);
        drop(name, configured);
        drop_log(name, record, config);
        drop(name, run);
        if (is_bus)
                drop(name, lib);
}

/* Files whose writing was cut off. */
static void sweep(const char *path)
{
        g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
        const char *name;

        while (directory && (name = g_dir_read_name(directory))) {
                g_autofree char *file = g_build_filename(path, name, NULL);
                g_autoptr(GError) error = NULL;
                if (g_str_has_suffix(name, ".new") && !file_remove(file, &error))
                        log_warning("%s", error->message);
        }
}

void recovery_run(const Host *host)
{
        g_autofree char *networks = g_build_filename(host->lib_dir, "networks", NULL);
        g_auto(GStrv) names = store_list(host, true);

        sweep(host->run_dir);
        sweep(networks);
        for (char **name = names; *name; name++)
                recover(host, *name);
}
