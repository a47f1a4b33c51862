/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One network's dnsmasq process: known again, told to read its files; started and ended as servers
 * are (server.c). Its files are in dnsmasq-files.c, their text in model/dnsmasq-conf.c.
 *
 * A start ends when the pidfile names the process: dnsmasq writes it when its sockets are bound.
 * The state directory is watched for that, and of the moment dnsmasq has read hosts.local after a
 * SIGHUP: the next one waits for it, so that a burst of changes never piles up signals in front of
 * a process that is slower than they come. */

#include "host/dnsmasq.h"

#include <signal.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "host/dnsmasq-files.h"
#include "host/dnsmasq-preload.h"
#include "host/server.h"

/* Between two SIGHUPs, and the longest wait for dnsmasq to have taken one. */
#define RELOAD_INTERVAL_US (20 * G_TIME_SPAN_MILLISECOND)
#define RELOAD_PATIENCE_US (1 * G_TIME_SPAN_SECOND)

struct Dnsmasq {
        Server *server;
        char *state_dir;
        char *argv[3];
        char *variables[3]; /* [0] NULL: none */
        DnsmasqEnded ended;
        gpointer data;

        DnsmasqRecord record; /* of the process that runs */

        FileWatches *watches;
        FileWatch *watch; /* of the state directory; NULL: not watched */

        bool reload_wanted;
        bool reloading; /* told, and hosts.local is not read yet */
        gint64 reloaded_us;
        guint reload_timer;
};

static const char *const exit_reasons[] = {
        [0] = "it ended by itself",
        [1] = "its configuration is wrong",
        [2] = "an address or port is in use, or the interface cannot be used",
        [3] = "a file cannot be read or written",
        [4] = "out of memory",
        [5] = "a capability or something else is missing",
};

static void try_reload(Dnsmasq *dnsmasq);

static gboolean on_reload_timer(gpointer data)
{
        Dnsmasq *dnsmasq = data;

        dnsmasq->reload_timer = 0;
        try_reload(dnsmasq);
        return G_SOURCE_REMOVE;
}

static void try_reload(Dnsmasq *dnsmasq)
{
        if (!dnsmasq->reload_wanted || !dnsmasq_is_running(dnsmasq))
                return;

        gint64 now = g_get_monotonic_time();
        gint64 due = dnsmasq->reloaded_us +
                     (dnsmasq->reloading ? RELOAD_PATIENCE_US : RELOAD_INTERVAL_US);
        g_clear_handle_id(&dnsmasq->reload_timer, g_source_remove);
        if (now < due) {
                guint wait_ms = (guint)((due - now + 999) / 1000);
                dnsmasq->reload_timer = g_timeout_add(wait_ms, on_reload_timer, dnsmasq);
                return;
        }
        dnsmasq->reload_wanted = false;
        dnsmasq->reloading = true;
        dnsmasq->reloaded_us = now;
        child_signal(server_child(dnsmasq->server), SIGHUP);
}

static bool is_ready(gpointer owner)
{
        const Dnsmasq *dnsmasq = owner;
        const pid_t pid = child_pid(server_child(dnsmasq->server));

        return dnsmasq_files_read_pid(dnsmasq->state_dir) == pid;
}

/* Told to reload while it was starting, or while nobody was there to tell it. */
static void ready(gpointer owner)
{
        try_reload(owner);
}

static void on_file(const char *name, guint32 mask, gpointer data)
{
        Dnsmasq *dnsmasq = data;

        if (!name || ((mask & IN_CLOSE_NOWRITE) && g_str_equal(name, DNSMASQ_NAMES_FILE))) {
                dnsmasq->reloading = false;
                try_reload(dnsmasq);
        }
        if (!name || ((mask & IN_CLOSE_WRITE) && g_str_equal(name, DNSMASQ_PID_FILE)))
                server_check_ready(dnsmasq->server); /* may free it */
}

static void unwatch(Dnsmasq *dnsmasq)
{
        g_clear_pointer(&dnsmasq->watch, file_watch_free);
}

static bool watch(Dnsmasq *dnsmasq, GError **error)
{
        unwatch(dnsmasq);
        dnsmasq->watch =
                file_watch_new(dnsmasq->watches, dnsmasq->state_dir, on_file, dnsmasq, error);
        return dnsmasq->watch != NULL;
}

static void lost(gpointer owner)
{
        Dnsmasq *dnsmasq = owner;

        unwatch(dnsmasq);
        g_clear_handle_id(&dnsmasq->reload_timer, g_source_remove);
        dnsmasq->record = (DnsmasqRecord){ 0 };
        dnsmasq->reload_wanted = false;
        dnsmasq->reloading = false;
        dnsmasq->reloaded_us = 0;
}

static const char *const *prepare(gpointer owner, GError **error)
{
        Dnsmasq *dnsmasq = owner;
        DnsmasqRecord record = { 0 };

        /* Without a number: if we die before we know it, the next life looks for it. */
        if (!dnsmasq_files_sum(dnsmasq->state_dir, record.sum, error) ||
            !dnsmasq_files_forget(dnsmasq->state_dir, error) ||
            !dnsmasq_files_write_record(dnsmasq->state_dir, &record, error) ||
            !watch(dnsmasq, error))
                return NULL;
        dnsmasq->record = record;
        return (const char *const *)dnsmasq->argv;
}

static const char *const *variables(gpointer owner)
{
        const Dnsmasq *dnsmasq = owner;

        return (const char *const *)dnsmasq->variables;
}

static bool note(gpointer owner, GError **error)
{
        Dnsmasq *dnsmasq = owner;
        const Child *child = server_child(dnsmasq->server);

        dnsmasq->record.pid = child_pid(child);
        dnsmasq->record.start_time = child_start_time(child);
        return dnsmasq_files_write_record(dnsmasq->state_dir, &dnsmasq->record, error);
}

/* The process of a record that a life left which was killed while it started one: by its command
 * line, which names our file in our directory. */
static bool find_started(Dnsmasq *dnsmasq, DnsmasqRecord *record)
{
        const char *const *argv = (const char *const *)dnsmasq->argv;

        record->pid = child_find(argv);
        if (!server_adopt(dnsmasq->server, record->pid, 0, argv))
                return false;
        record->start_time = child_start_time(server_child(dnsmasq->server));
        if (!dnsmasq_files_write_record(dnsmasq->state_dir, record, NULL))
                record->sum[0] = '\0'; /* it starts again, which writes it or says why not */
        return true;
}

/* The record tells which process an earlier life has left, and what it was started with; without
 * one the pidfile and the command line are enough to end it, while its configuration is not known.
 */
static void adopt(gpointer owner)
{
        Dnsmasq *dnsmasq = owner;
        DnsmasqRecord record = { 0 };
        const char *const *argv = (const char *const *)dnsmasq->argv;
        pid_t pid = dnsmasq_files_read_pid(dnsmasq->state_dir);
        bool adopted = false;

        dnsmasq_files_sweep(dnsmasq->state_dir);
        if (dnsmasq_files_read_record(dnsmasq->state_dir, &record))
                adopted = record.pid == 0 ? find_started(dnsmasq, &record)
                                          : server_adopt(dnsmasq->server, record.pid,
                                                         record.start_time, argv);
        if (!adopted && pid != record.pid) {
                record = (DnsmasqRecord){ .pid = pid };
                adopted = server_adopt(dnsmasq->server, pid, 0, argv);
        }
        if (!adopted)
                return;
        dnsmasq->record = record;
        dnsmasq->reload_wanted = true; /* files may have been replaced without it being told */
}

/* It is watched then. */
static bool can_stay(gpointer owner)
{
        Dnsmasq *dnsmasq = owner;
        char sum[65];

        if (!dnsmasq_files_sum(dnsmasq->state_dir, sum, NULL) ||
            !g_str_equal(sum, dnsmasq->record.sum))
                return false;
        return dnsmasq->watch || watch(dnsmasq, NULL);
}

static bool forget(gpointer owner, GError **error)
{
        const Dnsmasq *dnsmasq = owner;

        return dnsmasq_files_forget(dnsmasq->state_dir, error);
}

static void on_ended(gpointer owner, const char *reason)
{
        Dnsmasq *dnsmasq = owner;

        dnsmasq->ended(dnsmasq, reason, dnsmasq->data);
}

static const ServerType dnsmasq_type = {
        .name = "dnsmasq",
        .exit_reasons = exit_reasons,
        .n_exit_reasons = G_N_ELEMENTS(exit_reasons),
        .prepare = prepare,
        .variables = variables,
        .note = note,
        .is_ready = is_ready,
        .ready = ready,
        .adopt = adopt,
        .can_stay = can_stay,
        .lost = lost,
        .forget = forget,
        .ended = on_ended,
};

Dnsmasq *dnsmasq_new(const char *interface, const char *state_dir, FileWatches *watches,
                     DnsmasqEnded ended, gpointer data)
{
        Dnsmasq *dnsmasq = g_new0(Dnsmasq, 1);

        dnsmasq->server = server_new(&dnsmasq_type, interface, dnsmasq);
        dnsmasq->state_dir = g_strdup(state_dir);
        dnsmasq->argv[0] = server_find_program("dnsmasq");
        dnsmasq->argv[1] = g_strdup_printf("--conf-file=%s/" DNSMASQ_CONF_FILE, state_dir);
        dnsmasq->watches = watches;
        dnsmasq->ended = ended;
        dnsmasq->data = data;
        return dnsmasq;
}

static void forget_preload(Dnsmasq *dnsmasq)
{
        for (guint i = 0; i < G_N_ELEMENTS(dnsmasq->variables); i++)
                g_clear_pointer(&dnsmasq->variables[i], g_free);
}

void dnsmasq_free(Dnsmasq *dnsmasq)
{
        if (!dnsmasq)
                return;
        lost(dnsmasq);
        server_free(dnsmasq->server);
        g_free(dnsmasq->state_dir);
        g_free(dnsmasq->argv[0]);
        g_free(dnsmasq->argv[1]);
        forget_preload(dnsmasq);
        g_free(dnsmasq);
}

/* A library that is not there would be complained about in dnsmasq's log. */
void dnsmasq_set_preload(Dnsmasq *dnsmasq, const char *library, guint index)
{
        forget_preload(dnsmasq);
        if (access(library, R_OK) < 0)
                return;
        dnsmasq->variables[0] = g_strconcat("LD_PRELOAD=", library, NULL);
        dnsmasq->variables[1] = g_strdup_printf(DNSMASQ_INDEX_VARIABLE "=%u", index);
}

bool dnsmasq_write(Dnsmasq *dnsmasq, const char *conf, const char *dhcp_hosts,
                   const char *hosts_local, GError **error)
{
        return dnsmasq_files_write(dnsmasq->state_dir, conf, dhcp_hosts, hosts_local, error);
}

void dnsmasq_start(Dnsmasq *dnsmasq, ServerDone done, gpointer data)
{
        server_start(dnsmasq->server, done, data);
}

void dnsmasq_stop(Dnsmasq *dnsmasq, ServerDone done, gpointer data)
{
        server_stop(dnsmasq->server, done, data);
}

void dnsmasq_reload(Dnsmasq *dnsmasq)
{
        if (!server_child(dnsmasq->server) || server_is_ending(dnsmasq->server))
                return;
        dnsmasq->reload_wanted = true;
        try_reload(dnsmasq);
}

const char *dnsmasq_state_dir(const Dnsmasq *dnsmasq)
{
        return dnsmasq->state_dir;
}

bool dnsmasq_is_running(const Dnsmasq *dnsmasq)
{
        return server_is_running(dnsmasq->server);
}
