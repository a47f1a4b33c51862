/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The files of one network's dnsmasq in its state directory. For host/dnsmasq.c alone. */

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#define DNSMASQ_CONF_FILE  "dnsmasq.conf"
#define DNSMASQ_PID_FILE   "dnsmasq.pid"
#define DNSMASQ_NAMES_FILE "hosts.local"

/* Which process we have started, and with which dnsmasq.conf: so that the next life of ours knows
 * it again. */
typedef struct DnsmasqRecord {
        pid_t pid;
        guint64 start_time;
        char sum[65]; /* SHA-256 of dnsmasq.conf; "" = not known */
} DnsmasqRecord;

/* Each replaced atomically, or none on an error; NULL: as it is. What is the same already is left
 * alone, which works on a read-only file system. */
bool dnsmasq_files_write(const char *state_dir, const char *conf, const char *dhcp_hosts,
                         const char *hosts_local, GError **error);
/* Of dnsmasq.conf as it is on disk. */
bool dnsmasq_files_sum(const char *state_dir, char ret_sum[static 65], GError **error);

/* What the pidfile names: 0 where there is none. */
pid_t dnsmasq_files_read_pid(const char *state_dir);
/* False where there is no record, or none that makes sense. */
bool dnsmasq_files_read_record(const char *state_dir, DnsmasqRecord *ret_record);
bool dnsmasq_files_write_record(const char *state_dir, const DnsmasqRecord *record, GError **error);
/* Removes what a life that was killed had not written to the end. */
void dnsmasq_files_sweep(const char *state_dir);
/* Removes pidfile and record: no process is ours any more. */
bool dnsmasq_files_forget(const char *state_dir, GError **error);
