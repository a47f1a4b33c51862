/* SPDX-License-Identifier: GPL-2.0-or-later */

/* dnsmasq's files: written, read back, removed. The process is in dnsmasq.c. Only files that one of
 * us two has made are ever removed. */

#include "host/dnsmasq-files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/dnsmasq.h"
#include "util/error.h"
#include "util/file.h"

#define RECORD_FILE "dnsmasq.started"
#define FILE_LIMIT  (16 * 1024 * 1024)
#define FILE_MODE   0644

static const char *const file_names[] = {
        DNSMASQ_CONF_FILE, DNSMASQ_NAMES_FILE, DNSMASQ_PID_FILE,
        RECORD_FILE,       "dhcp-hosts",       "dnsmasq.leases",
};

static char *path_of(const char *state_dir, const char *name)
{
        return g_strdup_printf("%s/%s", state_dir, name);
}

static bool remove_file(const char *state_dir, const char *name, GError **error)
{
        g_autofree char *path = path_of(state_dir, name);

        return file_remove(path, error);
}

static char *read_whole(const char *state_dir, const char *name, GError **error)
{
        g_autofree char *path = path_of(state_dir, name);

        return file_read(path, FILE_LIMIT, NULL, error);
}

/* All are written before the first takes its place, so that a full disk changes none. */
static bool replace_all(const char *const *paths, const char *const *texts, guint n, GError **error)
{
        guint n_staged = 0;
        bool good = true;

        while (n_staged < n && file_stage(paths[n_staged], texts[n_staged], -1, FILE_MODE, error))
                n_staged++;
        good = n_staged == n;
        for (guint i = 0; i < n_staged; i++) {
                if (good)
                        good = file_commit(paths[i], error);
                else
                        file_drop(paths[i]);
        }
        return good;
}

bool dnsmasq_files_write(const char *state_dir, const char *conf, const char *dhcp_hosts,
                         const char *hosts_local, GError **error)
{
        g_autofree char *hosts_path = path_of(state_dir, "dhcp-hosts");
        g_autofree char *names_path = path_of(state_dir, DNSMASQ_NAMES_FILE);
        g_autofree char *conf_path = path_of(state_dir, DNSMASQ_CONF_FILE);
        const char *const all_paths[] = { hosts_path, names_path, conf_path };
        const char *const all_texts[] = { dhcp_hosts, hosts_local, conf };
        const char *paths[G_N_ELEMENTS(all_paths)], *texts[G_N_ELEMENTS(all_paths)];
        guint n = 0;

        for (gsize i = 0; i < G_N_ELEMENTS(all_paths); i++) {
                if (!all_texts[i] || file_has(all_paths[i], all_texts[i], -1))
                        continue;
                paths[n] = all_paths[i];
                texts[n++] = all_texts[i];
        }
        return replace_all(paths, texts, n, error);
}

bool dnsmasq_files_sum(const char *state_dir, char ret_sum[static 65], GError **error)
{
        g_autofree char *text = read_whole(state_dir, DNSMASQ_CONF_FILE, error);
        if (!text)
                return false;

        g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
        g_strlcpy(ret_sum, sum, 65);
        return true;
}

pid_t dnsmasq_files_read_pid(const char *state_dir)
{
        g_autofree char *text = read_whole(state_dir, DNSMASQ_PID_FILE, NULL);
        guint64 pid;

        /* Without its newline it is half written. */
        if (!text || !g_str_has_suffix(text, "\n") ||
            !g_ascii_string_to_unsigned(g_strchomp(text), 10, 1, G_MAXINT, &pid, NULL))
                return 0;
        return (pid_t)pid;
}

bool dnsmasq_files_read_record(const char *state_dir, DnsmasqRecord *ret_record)
{
        g_autofree char *text = read_whole(state_dir, RECORD_FILE, NULL);
        DnsmasqRecord record = { 0 };
        int pid;

        if (!text || sscanf(text, "%d %" G_GUINT64_FORMAT " %64s", &pid, &record.start_time,
                            record.sum) != 3)
                return false;
        if (pid != 0 && (pid <= 1 || record.start_time == 0))
                return false;
        record.pid = pid;
        *ret_record = record;
        return true;
}

bool dnsmasq_files_write_record(const char *state_dir, const DnsmasqRecord *record, GError **error)
{
        g_autofree char *text = g_strdup_printf("%d %" G_GUINT64_FORMAT " %s\n", (int)record->pid,
                                                record->start_time, record->sum);

        g_autofree char *path = path_of(state_dir, RECORD_FILE);

        return file_replace(path, text, -1, FILE_MODE, error);
}

bool dnsmasq_files_forget(const char *state_dir, GError **error)
{
        return remove_file(state_dir, DNSMASQ_PID_FILE, error) &&
               remove_file(state_dir, RECORD_FILE, error);
}

void dnsmasq_files_sweep(const char *state_dir)
{
        for (gsize i = 0; i < G_N_ELEMENTS(file_names); i++) {
                g_autofree char *temporary = g_strdup_printf("%s.new", file_names[i]);
                (void)remove_file(state_dir, temporary, NULL); /* the next one replaces it */
        }
}

bool dnsmasq_remove_files(const char *state_dir, GError **error)
{
        for (gsize i = 0; i < G_N_ELEMENTS(file_names); i++) {
                g_autofree char *temporary = g_strdup_printf("%s.new", file_names[i]);
                if (!remove_file(state_dir, file_names[i], error) ||
                    !remove_file(state_dir, temporary, error))
                        return false;
        }
        if (rmdir(state_dir) == 0 || errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST)
                return true;
        /* A directory made for us in a place of somebody else's: ours to empty, not to remove. */
        if (errno == EACCES || errno == EPERM || errno == EBUSY || errno == EROFS)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: cannot remove: %s", state_dir,
                    g_strerror(errno));
        return false;
}
