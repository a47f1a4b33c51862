/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One network's dnsmasq process: started, known again, told to read its files, ended. Its files are
 * in dnsmasq-files.c, their text in model/dnsmasq-conf.c.
 *
 * Requests to start and to stop are worked off one after the other, each begun from the loop and
 * never from inside the call that took it. A start ends when the pidfile names the process: dnsmasq
 * writes it when its sockets are bound. The state directory is watched for that, and of the
 * moment dnsmasq has read hosts.local after a SIGHUP: the next one waits for it, so that a burst of
 * changes never piles up signals in front of a process that is slower than they come. */

#include "host/dnsmasq.h"

#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "host/child.h"
#include "host/dnsmasq-files.h"
#include "util/error.h"

#define START_TIMEOUT_MS 5000
#define TERM_TIMEOUT_MS  2000
/* Between two SIGHUPs, and the longest wait for dnsmasq to have taken one. */
#define RELOAD_INTERVAL_US (20 * G_TIME_SPAN_MILLISECOND)
#define RELOAD_PATIENCE_US (1 * G_TIME_SPAN_SECOND)

#define JOURNAL_SOCKET "/run/systemd/journal/stdout"

typedef struct Request {
        bool start; /* else stop */
        DnsmasqDone done;
        gpointer data;
} Request;

struct Dnsmasq {
        char *interface;
        char *state_dir;
        char *argv[3];
        DnsmasqEnded ended;
        gpointer data;

        GQueue requests; /* Request*; the first one is being worked on once begin_source is 0 */
        guint begin_source;

        Child *child; /* NULL: none runs */
        DnsmasqRecord record;
        bool ready;     /* its pidfile names it */
        bool ending;    /* we have told it to end */
        GError *failed; /* why a start is being given up */
        guint deadline; /* of a start, or of a polite end */

        FileWatches *watches;
        FileWatch *watch; /* of the state directory; NULL: not watched */

        bool reload_wanted;
        bool reloading; /* told, and hosts.local is not read yet */
        gint64 reloaded_us;
        guint reload_timer;
};

static const char *const programs[] = {
        "/usr/sbin/dnsmasq",
        "/usr/bin/dnsmasq",
        "/sbin/dnsmasq",
        "/usr/local/sbin/dnsmasq",
};

static const char *const exit_reasons[] = {
        [0] = "it ended by itself",
        [1] = "its configuration is wrong",
        [2] = "an address or port is in use, or the interface cannot be used",
        [3] = "a file cannot be read or written",
        [4] = "out of memory",
        [5] = "a capability or something else is missing",
};

static const char *find_program(void)
{
        for (gsize i = 0; i < G_N_ELEMENTS(programs); i++)
                if (access(programs[i], X_OK) == 0)
                        return programs[i];
        return programs[0]; /* to be named in the error */
}

static bool has_journal(void)
{
        return access(JOURNAL_SOCKET, F_OK) == 0;
}

/* How it ended, for a reader. The caller's. */
static char *describe_end(const Dnsmasq *dnsmasq, int status)
{
        g_autofree char *where =
                has_journal() ? g_strdup_printf("its own words: journalctl -t dnsmasq-%s",
                                                dnsmasq->interface)
                              : g_strdup("its own words are on the service's stderr");

        if (status == -1)
                return g_strdup_printf("dnsmasq ended; %s", where);
        if (WIFSIGNALED(status))
                return g_strdup_printf("dnsmasq was ended by signal %d (%s)", WTERMSIG(status),
                                       g_strsignal(WTERMSIG(status)));
        guint code = (guint)WEXITSTATUS(status);
        return g_strdup_printf("dnsmasq ended with status %u: %s; %s", code,
                               code < G_N_ELEMENTS(exit_reasons) ? exit_reasons[code] : "unknown",
                               where);
}

static void schedule_begin(Dnsmasq *dnsmasq);

/* Ends the request being worked on. @error is taken. The callee may free @dnsmasq. */
static void finish(Dnsmasq *dnsmasq, GError *error)
{
        g_autoptr(GError) reason = error;
        g_autofree Request *request = g_queue_pop_head(&dnsmasq->requests);

        g_clear_handle_id(&dnsmasq->deadline, g_source_remove);
        schedule_begin(dnsmasq);
        if (request->done)
                request->done(dnsmasq, reason, request->data);
}

/* The request being worked on, or NULL. */
static const Request *current_request(const Dnsmasq *dnsmasq)
{
        return dnsmasq->begin_source > 0 ? NULL : g_queue_peek_head((GQueue *)&dnsmasq->requests);
}

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
        child_signal(dnsmasq->child, SIGHUP);
}

static void check_ready(Dnsmasq *dnsmasq)
{
        const Request *request = current_request(dnsmasq);

        if (!dnsmasq->child || dnsmasq->ready ||
            dnsmasq_files_read_pid(dnsmasq->state_dir) != child_pid(dnsmasq->child))
                return;
        dnsmasq->ready = true;
        try_reload(dnsmasq); /* one that came while it was starting */
        if (request && request->start && !dnsmasq->ending)
                finish(dnsmasq, NULL);
}

static void on_file(const char *name, guint32 mask, gpointer data)
{
        Dnsmasq *dnsmasq = data;

        if (!name || ((mask & IN_CLOSE_NOWRITE) && g_str_equal(name, DNSMASQ_NAMES_FILE))) {
                dnsmasq->reloading = false;
                try_reload(dnsmasq);
        }
        if (!name || ((mask & IN_CLOSE_WRITE) && g_str_equal(name, DNSMASQ_PID_FILE)))
                check_ready(dnsmasq); /* may free it */
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

static void forget_child(Dnsmasq *dnsmasq)
{
        unwatch(dnsmasq);
        g_clear_pointer(&dnsmasq->child, child_free);
        g_clear_handle_id(&dnsmasq->reload_timer, g_source_remove);
        dnsmasq->record = (DnsmasqRecord){ 0 };
        dnsmasq->ready = false;
        dnsmasq->ending = false;
        dnsmasq->reload_wanted = false;
        dnsmasq->reloading = false;
        dnsmasq->reloaded_us = 0;
}

static void spawn(Dnsmasq *dnsmasq);

static void on_child_ended(Child *child, int status, gpointer data)
{
        Dnsmasq *dnsmasq = data;
        const Request *request = current_request(dnsmasq);
        bool told = dnsmasq->ending;
        g_autoptr(GError) error = g_steal_pointer(&dnsmasq->failed);

        forget_child(dnsmasq);
        if (!request && !told) {
                g_autofree char *reason = describe_end(dnsmasq, status);
                dnsmasq->ended(dnsmasq, reason, dnsmasq->data);
                return;
        }
        if (!request)
                return;

        if (!request->start) {
                (void)dnsmasq_files_forget(dnsmasq->state_dir, &error); /* goes to the caller */
                finish(dnsmasq, g_steal_pointer(&error));
        } else if (error) {
                finish(dnsmasq, g_steal_pointer(&error));
        } else if (told) {
                spawn(dnsmasq); /* the old one has made room */
        } else {
                g_autofree char *reason = describe_end(dnsmasq, status);
                finish(dnsmasq, g_error_new(SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: %s",
                                            dnsmasq->interface, reason));
        }
}

/* Gives a start up: what was started is ended, and then the request. @error is taken. */
static void give_up(Dnsmasq *dnsmasq, GError *error)
{
        dnsmasq->failed = error;
        dnsmasq->ending = true;
        child_signal(dnsmasq->child, SIGKILL);
}

static gboolean on_start_timeout(gpointer data)
{
        Dnsmasq *dnsmasq = data;

        dnsmasq->deadline = 0;
        give_up(dnsmasq, g_error_new(SERVICE_ERROR, SERVICE_ERROR_FAILED,
                                     "%s: dnsmasq was not ready within %d seconds",
                                     dnsmasq->interface, START_TIMEOUT_MS / 1000));
        return G_SOURCE_REMOVE;
}

static void wait_for_ready(Dnsmasq *dnsmasq)
{
        g_clear_handle_id(&dnsmasq->deadline, g_source_remove);
        dnsmasq->deadline = g_timeout_add(START_TIMEOUT_MS, on_start_timeout, dnsmasq);
}

static bool spawn_child(Dnsmasq *dnsmasq, GError **error)
{
        g_autofree char *identifier = g_strdup_printf("dnsmasq-%s", dnsmasq->interface);
        DnsmasqRecord record = { 0 };

        /* Without a number: if we die before we know it, the next life looks for it. */
        if (!dnsmasq_files_sum(dnsmasq->state_dir, record.sum, error) ||
            !dnsmasq_files_forget(dnsmasq->state_dir, error) ||
            !dnsmasq_files_write_record(dnsmasq->state_dir, &record, error) ||
            !watch(dnsmasq, error))
                return false;

        /* A stream of its own goes on when we do not. */
        int log_fd = has_journal() ? sd_journal_stream_fd(identifier, LOG_INFO, 0) : -1;
        dnsmasq->child = child_spawn((const char *const *)dnsmasq->argv, log_fd, on_child_ended,
                                     dnsmasq, error);
        if (log_fd >= 0)
                close(log_fd);
        if (!dnsmasq->child)
                return false;
        record.pid = child_pid(dnsmasq->child);
        record.start_time = child_start_time(dnsmasq->child);
        dnsmasq->record = record;
        return dnsmasq_files_write_record(dnsmasq->state_dir, &record, error);
}

static void spawn(Dnsmasq *dnsmasq)
{
        GError *error = NULL;

        if (spawn_child(dnsmasq, &error)) {
                wait_for_ready(dnsmasq);
        } else if (dnsmasq->child) {
                give_up(dnsmasq, error);
        } else {
                unwatch(dnsmasq);
                g_prefix_error(&error, "%s: ", dnsmasq->interface);
                finish(dnsmasq, error);
        }
}

static gboolean on_term_timeout(gpointer data)
{
        Dnsmasq *dnsmasq = data;

        dnsmasq->deadline = 0;
        child_signal(dnsmasq->child, SIGKILL);
        return G_SOURCE_REMOVE;
}

static void terminate(Dnsmasq *dnsmasq)
{
        dnsmasq->ending = true;
        g_clear_handle_id(&dnsmasq->deadline, g_source_remove);
        dnsmasq->deadline = g_timeout_add(TERM_TIMEOUT_MS, on_term_timeout, dnsmasq);
        child_signal(dnsmasq->child, SIGTERM);
}

/* The process of a record that a life left which was killed while it started one: by its command
 * line, which names our file in our directory. */
static void find_started(Dnsmasq *dnsmasq, DnsmasqRecord *record)
{
        const char *const *argv = (const char *const *)dnsmasq->argv;

        record->pid = child_find(argv);
        dnsmasq->child = child_adopt(record->pid, 0, argv, on_child_ended, dnsmasq);
        if (!dnsmasq->child)
                return;
        record->start_time = child_start_time(dnsmasq->child);
        if (!dnsmasq_files_write_record(dnsmasq->state_dir, record, NULL))
                record->sum[0] = '\0'; /* it starts again, which writes it or says why not */
}

/* Takes over what an earlier life of ours has left, if it is there and provably ours. The record
 * tells which process it is and what it was started with; without one the pidfile and the command
 * line are enough to end it, while its configuration is not known. */
static void adopt(Dnsmasq *dnsmasq)
{
        DnsmasqRecord record = { 0 };
        const char *const *argv = (const char *const *)dnsmasq->argv;
        pid_t pid = dnsmasq_files_read_pid(dnsmasq->state_dir);

        dnsmasq_files_sweep(dnsmasq->state_dir);
        if (dnsmasq_files_read_record(dnsmasq->state_dir, &record)) {
                if (record.pid == 0)
                        find_started(dnsmasq, &record);
                else
                        dnsmasq->child = child_adopt(record.pid, record.start_time, argv,
                                                     on_child_ended, dnsmasq);
        }
        if (!dnsmasq->child && pid != record.pid) {
                record = (DnsmasqRecord){ .pid = pid };
                dnsmasq->child = child_adopt(pid, 0, argv, on_child_ended, dnsmasq);
        }
        if (!dnsmasq->child)
                return;
        dnsmasq->record = record;
        dnsmasq->ready = pid == record.pid;
        dnsmasq->reload_wanted = true; /* files may have been replaced without it being told */
}

/* Whether the process that runs can stay; it is watched then. */
static bool can_stay(Dnsmasq *dnsmasq)
{
        char sum[65];

        if (!dnsmasq->child || !dnsmasq_files_sum(dnsmasq->state_dir, sum, NULL) ||
            !g_str_equal(sum, dnsmasq->record.sum))
                return false;
        return dnsmasq->watch || watch(dnsmasq, NULL);
}

static gboolean on_begin(gpointer data)
{
        Dnsmasq *dnsmasq = data;
        const Request *request = g_queue_peek_head(&dnsmasq->requests);

        dnsmasq->begin_source = 0;
        if (!dnsmasq->child)
                adopt(dnsmasq);

        if (!request->start && !dnsmasq->child) {
                GError *error = NULL;
                (void)dnsmasq_files_forget(dnsmasq->state_dir, &error); /* goes to the caller */
                finish(dnsmasq, error);
        } else if (!request->start) {
                terminate(dnsmasq);
        } else if (!dnsmasq->child) {
                spawn(dnsmasq);
        } else if (!can_stay(dnsmasq)) {
                terminate(dnsmasq);
        } else if (dnsmasq->ready) {
                try_reload(dnsmasq);
                finish(dnsmasq, NULL);
        } else {
                wait_for_ready(dnsmasq);
                check_ready(dnsmasq); /* the file may have come before the watch */
        }
        return G_SOURCE_REMOVE;
}

static void schedule_begin(Dnsmasq *dnsmasq)
{
        if (dnsmasq->begin_source == 0 && !g_queue_is_empty(&dnsmasq->requests))
                dnsmasq->begin_source =
                        g_idle_add_full(G_PRIORITY_DEFAULT, on_begin, dnsmasq, NULL);
}

static void add_request(Dnsmasq *dnsmasq, bool start, DnsmasqDone done, gpointer data)
{
        Request *request = g_new0(Request, 1);
        bool first = g_queue_is_empty(&dnsmasq->requests);

        request->start = start;
        request->done = done;
        request->data = data;
        g_queue_push_tail(&dnsmasq->requests, request);
        if (first)
                schedule_begin(dnsmasq);
}

Dnsmasq *dnsmasq_new(const char *interface, const char *state_dir, FileWatches *watches,
                     DnsmasqEnded ended, gpointer data)
{
        Dnsmasq *dnsmasq = g_new0(Dnsmasq, 1);

        dnsmasq->interface = g_strdup(interface);
        dnsmasq->state_dir = g_strdup(state_dir);
        dnsmasq->argv[0] = g_strdup(find_program());
        dnsmasq->argv[1] = g_strdup_printf("--conf-file=%s/" DNSMASQ_CONF_FILE, state_dir);
        dnsmasq->watches = watches;
        dnsmasq->ended = ended;
        dnsmasq->data = data;
        g_queue_init(&dnsmasq->requests);
        return dnsmasq;
}

void dnsmasq_free(Dnsmasq *dnsmasq)
{
        if (!dnsmasq)
                return;
        g_clear_handle_id(&dnsmasq->begin_source, g_source_remove);
        g_clear_handle_id(&dnsmasq->deadline, g_source_remove);
        forget_child(dnsmasq);

        g_autoptr(GError) error =
                g_error_new(SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "%s: dnsmasq is not looked after any more", dnsmasq->interface);
        for (;;) {
                g_autofree Request *request = g_queue_pop_head(&dnsmasq->requests);
                if (!request)
                        break;
                if (request->done)
                        request->done(dnsmasq, error, request->data);
        }
        g_clear_handle_id(&dnsmasq->begin_source, g_source_remove);
        g_clear_error(&dnsmasq->failed);
        g_free(dnsmasq->interface);
        g_free(dnsmasq->state_dir);
        g_free(dnsmasq->argv[0]);
        g_free(dnsmasq->argv[1]);
        g_free(dnsmasq);
}

bool dnsmasq_write(Dnsmasq *dnsmasq, const char *conf, const char *dhcp_hosts,
                   const char *hosts_local, GError **error)
{
        return dnsmasq_files_write(dnsmasq->state_dir, conf, dhcp_hosts, hosts_local, error);
}

void dnsmasq_start(Dnsmasq *dnsmasq, DnsmasqDone done, gpointer data)
{
        add_request(dnsmasq, true, done, data);
}

void dnsmasq_stop(Dnsmasq *dnsmasq, DnsmasqDone done, gpointer data)
{
        add_request(dnsmasq, false, done, data);
}

void dnsmasq_reload(Dnsmasq *dnsmasq)
{
        if (!dnsmasq->child || dnsmasq->ending)
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
        return dnsmasq->child && dnsmasq->ready && !dnsmasq->ending;
}
