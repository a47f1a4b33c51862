/* SPDX-License-Identifier: GPL-2.0-or-later */

/* SERIAL.group lists the networks; those that there were stand beside it as NAME.before-SERIAL and,
 * their entries as configured, NAME.configured-SERIAL; for those that it makes there is
 * NAME.made-SERIAL: others of their names are somebody else's. Going back can be cut off as well:
 * as long as the list is there it is done once more. */

#include "network/group.h"

#include <string.h>
#include <unistd.h>

#include "model/config-yaml.h"
#include "model/entry-log.h"
#include "network/record.h"
#include "network/store.h"
#include "util/file.h"
#include "util/log.h"

#define BEFORE     ".before-"
#define CONFIGURED ".configured-"
#define MADE       ".made-"

static char *file_path(const Host *host, const char *name, const char *part, const char *serial)
{
        g_autofree char *file = g_strconcat(name, part, serial, NULL);
        return g_build_filename(host->run_dir, file, NULL);
}

static char *list_path(const Host *host, const char *serial)
{
        return file_path(host, serial, ".group", "");
}

static bool keep(const Host *host, const Network *network, const char *serial, GError **error)
{
        g_autofree char *before = file_path(host, network_name(network), BEFORE, serial);
        g_autofree char *configured = file_path(host, network_name(network), CONFIGURED, serial);
        g_autofree char *text = store_text(network, STORE_RUN);
        g_autofree char *entries = store_text(network, STORE_CONFIGURED);

        return file_replace(before, text, -1, 0644, error) &&
               file_replace(configured, entries, -1, 0644, error);
}

bool group_begin(const Host *host, guint serial, const char *const *names, GError **error)
{
        g_autofree char *number = g_strdup_printf("%u", serial);
        g_autofree char *path = list_path(host, number);
        g_autofree char *text = g_strjoinv("\n", (char **)names);

        for (const char *const *name = names; *name; name++) {
                const Network *network = g_hash_table_lookup(host->networks, *name);
                if (network && !network_is_being_removed(network) &&
                    !keep(host, network, number, error))
                        return false;
        }
        return file_replace(path, text, -1, 0644, error);
}

bool group_note_made(const Host *host, guint serial, const char *name, GError **error)
{
        g_autofree char *number = g_strdup_printf("%u", serial);
        g_autofree char *path = file_path(host, name, MADE, number);

        return file_replace(path, "", 0, 0644, error);
}

static void remove_logged(const char *path)
{
        g_autoptr(GError) error = NULL;

        if (!file_remove(path, &error))
                log_warning("%s", error->message);
}

static void end(const Host *host, const char *serial, const char *const *names)
{
        g_autofree char *path = list_path(host, serial);

        remove_logged(path);
        for (const char *const *name = names; *name; name++) {
                g_autofree char *before = file_path(host, *name, BEFORE, serial);
                g_autofree char *configured = file_path(host, *name, CONFIGURED, serial);
                g_autofree char *made = file_path(host, *name, MADE, serial);
                remove_logged(before);
                remove_logged(configured);
                remove_logged(made);
        }
}

void group_end(const Host *host, guint serial, const char *const *names)
{
        g_autofree char *number = g_strdup_printf("%u", serial);
        end(host, number, names);
}

/* One that the group has made: load_left() takes it away. One that has no journal has nothing. */
static bool doom(const Host *host, const char *name, Record *record, GError **error)
{
        if (!record)
                return true;
        record->doomed = true;
        return record_save(record, host->run_dir, name, error);
}

/* What stands in another state directory is left to network_end_move(). */
static bool note_state_dir(const Host *host, const char *name, Record *record,
                           const NetworkConfig *before, GError **error)
{
        g_autofree char *path = store_path(host, name, STORE_RUN);
        g_autoptr(NetworkConfig) now = access(path, F_OK) == 0 ? store_load(path) : NULL;

        if (!now || g_str_equal(now->state_dir, before->state_dir))
                return true;
        g_free(record->moving_to);
        record->moving_to = g_strdup(now->state_dir);
        return record_save(record, host->run_dir, name, error);
}

static bool put_back(const Host *host, const char *name, const Record *record,
                     NetworkConfig *before, const Entries *configured, GError **error)
{
        g_autofree char *run = store_path(host, name, STORE_RUN);
        g_autofree char *lib = store_path(host, name, STORE_LIB);
        g_autofree char *configured_path = store_path(host, name, STORE_CONFIGURED);
        g_autofree char *log_path = g_build_filename(before->state_dir, "entries.log", NULL);
        g_autofree char *log = entry_log_compact(configured, before->entries);
        g_autofree char *in_force = store_config_text(before);
        g_autofree char *entries = store_entries_text(configured);

        (void)config_adopt_entries(before, configured); /* they fitted before */
        g_autofree char *text = store_config_text(before);
        bool is_bus = g_str_equal(record->origin, "bus");
        return directory_make(before->state_dir, 0755, error) &&
               (!is_bus || file_replace(lib, text, -1, 0644, error)) &&
               file_replace(log_path, log, -1, 0644, error) &&
               file_replace(configured_path, entries, -1, 0644, error) &&
               file_replace(run, in_force, -1, 0644, error);
}

static bool stands(const Host *host, const char *name, const char *part, const char *serial)
{
        g_autofree char *path = file_path(host, name, part, serial);
        return access(path, F_OK) == 0;
}

static bool take_back(const Host *host, const char *name, const char *serial, GError **error)
{
        g_autofree char *before_path = file_path(host, name, BEFORE, serial);
        g_autofree char *configured_path = file_path(host, name, CONFIGURED, serial);
        g_autoptr(Record) record = record_load(host->run_dir, name, NULL);

        if (stands(host, name, MADE, serial))
                return doom(host, name, record, error);
        g_autoptr(NetworkConfig) before = store_load(before_path);
        g_autoptr(Entries) configured = store_load_entries(configured_path);
        if (!before || !configured || !record)
                return true; /* the reason is in the log */
        return note_state_dir(host, name, record, before, error) &&
               put_back(host, name, record, before, configured, error);
}

static void recover(const Host *host, const char *serial)
{
        g_autofree char *path = list_path(host, serial);
        g_autofree char *text = file_read(path, YAML_MAX_BYTES, NULL, NULL);
        g_auto(GStrv) names = g_strsplit(text ? text : "", "\n", -1);

        for (char **name = names; *name; name++) {
                g_autoptr(GError) error = NULL;
                if (!stands(host, *name, MADE, serial) && !stands(host, *name, BEFORE, serial))
                        continue; /* not begun, or somebody else's */
                if (take_back(host, *name, serial, &error))
                        log_network_notice(*name, "a change that did not end is taken back");
                else
                        log_network_error(*name, "cannot take a change back: %s", error->message);
        }
        end(host, serial, (const char *const *)names);
}

/* Those of groups that had not begun. */
static void sweep(const Host *host)
{
        g_autoptr(GDir) directory = g_dir_open(host->run_dir, 0, NULL);
        const char *name;

        while (directory && (name = g_dir_read_name(directory))) {
                g_autofree char *path = g_build_filename(host->run_dir, name, NULL);
                if (strstr(name, BEFORE) || strstr(name, CONFIGURED) || strstr(name, MADE))
                        remove_logged(path);
        }
}

void group_recover(const Host *host)
{
        g_autoptr(GPtrArray) serials = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GDir) directory = g_dir_open(host->run_dir, 0, NULL);
        const char *name;

        while (directory && (name = g_dir_read_name(directory)))
                if (g_str_has_suffix(name, ".group"))
                        g_ptr_array_add(serials, g_strndup(name, strlen(name) - strlen(".group")));
        for (guint i = 0; i < serials->len; i++)
                recover(host, serials->pdata[i]);
        sweep(host);
}
