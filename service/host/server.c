/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What a network's servers have in common as processes. Requests to start and to stop are worked
 * off one after the other, each begun from the loop and never from inside the call that took it.
 * What is peculiar to a server is its owner's: which files it has, when it is ready, how it is
 * known again. */

#include "host/server.h"

#include <signal.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "util/error.h"

#define START_TIMEOUT_MS 5000
#define TERM_TIMEOUT_MS  2000

#define JOURNAL_SOCKET "/run/systemd/journal/stdout"

typedef struct Request {
        bool start; /* else stop */
        ServerDone done;
        gpointer data;
} Request;

struct Server {
        const ServerType *type;
        gpointer owner;
        char *interface;

        GQueue requests; /* Request*; the first one is being worked on once begin_source is 0 */
        guint begin_source;

        Child *child;   /* NULL: none runs */
        bool ready;     /* it answers */
        bool ending;    /* we have told it to end */
        GError *failed; /* why a start is being given up */
        guint deadline; /* of a start, or of a polite end */
        guint poll;     /* of a start */
};

static bool has_journal(void)
{
        return access(JOURNAL_SOCKET, F_OK) == 0;
}

/* How it ended, for a reader. The caller's. */
static char *describe_end(const Server *server, int status)
{
        const ServerType *type = server->type;
        g_autofree char *where = has_journal()
                                         ? g_strdup_printf("its own words: journalctl -t %s-%s",
                                                           type->name, server->interface)
                                         : g_strdup("its own words are on the service's stderr");

        if (status == -1)
                return g_strdup_printf("%s ended; %s", type->name, where);
        if (WIFSIGNALED(status))
                return g_strdup_printf("%s was ended by signal %d (%s)", type->name,
                                       WTERMSIG(status), g_strsignal(WTERMSIG(status)));
        guint code = (guint)WEXITSTATUS(status);
        const char *reason = code < type->n_exit_reasons ? type->exit_reasons[code] : NULL;
        return g_strdup_printf("%s ended with status %u: %s; %s", type->name, code,
                               reason ? reason : "unknown", where);
}

static void schedule_begin(Server *server);

static void end_waiting(Server *server)
{
        g_clear_handle_id(&server->deadline, g_source_remove);
        g_clear_handle_id(&server->poll, g_source_remove);
}

/* Ends the request being worked on. @error is taken. The callee may free @server. */
static void finish(Server *server, GError *error)
{
        g_autoptr(GError) reason = error;
        g_autofree Request *request = g_queue_pop_head(&server->requests);

        end_waiting(server);
        schedule_begin(server);
        if (request->done)
                request->done(reason, request->data);
}

/* The request being worked on, or NULL. */
static const Request *current_request(const Server *server)
{
        return server->begin_source > 0 ? NULL : g_queue_peek_head((GQueue *)&server->requests);
}

static void tell_ready(Server *server)
{
        if (server->type->ready)
                server->type->ready(server->owner);
}

void server_check_ready(Server *server)
{
        const Request *request = current_request(server);

        if (!server->child || server->ready || !server->type->is_ready(server->owner))
                return;
        server->ready = true;
        tell_ready(server);
        if (request && request->start && !server->ending)
                finish(server, NULL);
}

static void forget_child(Server *server)
{
        end_waiting(server);
        g_clear_pointer(&server->child, child_free);
        server->ready = false;
        server->ending = false;
        server->type->lost(server->owner);
}

static void spawn(Server *server);

static void on_child_ended(Child *child, int status, gpointer data)
{
        Server *server = data;
        const Request *request = current_request(server);
        bool told = server->ending;
        g_autoptr(GError) error = g_steal_pointer(&server->failed);

        forget_child(server);
        if (!request && !told) {
                g_autofree char *reason = describe_end(server, status);
                server->type->ended(server->owner, reason);
                return;
        }
        if (!request)
                return;

        if (!request->start) {
                (void)server->type->forget(server->owner, &error); /* goes to the caller */
                finish(server, g_steal_pointer(&error));
        } else if (error) {
                finish(server, g_steal_pointer(&error));
        } else if (told) {
                spawn(server); /* the old one has made room */
        } else {
                g_autofree char *reason = describe_end(server, status);
                finish(server, g_error_new(SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: %s",
                                           server->interface, reason));
        }
}

/* Gives a start up: what was started is ended, and then the request. @error is taken. */
static void give_up(Server *server, GError *error)
{
        server->failed = error;
        server->ending = true;
        child_signal(server->child, SIGKILL);
}

static gboolean on_start_timeout(gpointer data)
{
        Server *server = data;

        server->deadline = 0;
        g_clear_handle_id(&server->poll, g_source_remove);
        give_up(server, g_error_new(SERVICE_ERROR, SERVICE_ERROR_FAILED,
                                    "%s: %s was not ready within %d seconds", server->interface,
                                    server->type->name, START_TIMEOUT_MS / 1000));
        return G_SOURCE_REMOVE;
}

static gboolean on_poll(gpointer data)
{
        server_check_ready(data);
        return G_SOURCE_CONTINUE; /* removed with the end of the request */
}

static void wait_for_ready(Server *server)
{
        end_waiting(server);
        server->deadline = g_timeout_add(START_TIMEOUT_MS, on_start_timeout, server);
        if (server->type->poll_ms > 0)
                server->poll = g_timeout_add(server->type->poll_ms, on_poll, server);
}

static bool spawn_child(Server *server, GError **error)
{
        const ServerType *type = server->type;
        g_autofree char *identifier = g_strdup_printf("%s-%s", type->name, server->interface);
        const char *const *argv = type->prepare(server->owner, error);

        if (!argv)
                return false;
        /* A stream of its own goes on when we do not. */
        int log_fd = has_journal() ? sd_journal_stream_fd(identifier, LOG_INFO, 0) : -1;
        const char *const *variables = type->variables ? type->variables(server->owner) : NULL;
        server->child = child_spawn(argv, variables, log_fd, on_child_ended, server, error);
        if (log_fd >= 0)
                close(log_fd);
        return server->child && type->note(server->owner, error);
}

static void spawn(Server *server)
{
        GError *error = NULL;

        if (spawn_child(server, &error)) {
                wait_for_ready(server);
        } else if (server->child) {
                give_up(server, error);
        } else {
                server->type->lost(server->owner);
                g_prefix_error(&error, "%s: ", server->interface);
                finish(server, error);
        }
}

static gboolean on_term_timeout(gpointer data)
{
        Server *server = data;

        server->deadline = 0;
        child_signal(server->child, SIGKILL);
        return G_SOURCE_REMOVE;
}

static void terminate(Server *server)
{
        server->ending = true;
        end_waiting(server);
        server->deadline = g_timeout_add(TERM_TIMEOUT_MS, on_term_timeout, server);
        child_signal(server->child, SIGTERM);
}

static void begin_stop(Server *server)
{
        GError *error = NULL;

        if (server->child) {
                terminate(server);
                return;
        }
        (void)server->type->forget(server->owner, &error); /* goes to the caller */
        finish(server, error);
}

static void begin_start(Server *server)
{
        if (!server->child) {
                spawn(server);
        } else if (!server->type->can_stay(server->owner)) {
                terminate(server);
        } else if (server->ready) {
                tell_ready(server);
                finish(server, NULL);
        } else {
                wait_for_ready(server);
                server_check_ready(server); /* it may have become so unseen */
        }
}

static gboolean on_begin(gpointer data)
{
        Server *server = data;
        const Request *request = g_queue_peek_head(&server->requests);

        server->begin_source = 0;
        if (!server->child)
                server->type->adopt(server->owner);
        if (request->start)
                begin_start(server);
        else
                begin_stop(server);
        return G_SOURCE_REMOVE;
}

static void schedule_begin(Server *server)
{
        if (server->begin_source == 0 && !g_queue_is_empty(&server->requests))
                server->begin_source = g_idle_add_full(G_PRIORITY_DEFAULT, on_begin, server, NULL);
}

static void add_request(Server *server, bool start, ServerDone done, gpointer data)
{
        Request *request = g_new0(Request, 1);
        bool first = g_queue_is_empty(&server->requests);

        request->start = start;
        request->done = done;
        request->data = data;
        g_queue_push_tail(&server->requests, request);
        if (first)
                schedule_begin(server);
}

char *server_find_program(const char *name)
{
        static const char *const directories[] = { "/usr/sbin", "/usr/bin", "/sbin",
                                                   "/usr/local/sbin" };

        for (gsize i = 0; i < G_N_ELEMENTS(directories); i++) {
                g_autofree char *path = g_build_filename(directories[i], name, NULL);
                if (access(path, X_OK) == 0)
                        return g_steal_pointer(&path);
        }
        return g_build_filename(directories[0], name, NULL);
}

Server *server_new(const ServerType *type, const char *interface, gpointer owner)
{
        Server *server = g_new0(Server, 1);

        server->type = type;
        server->owner = owner;
        server->interface = g_strdup(interface);
        g_queue_init(&server->requests);
        return server;
}

void server_free(Server *server)
{
        if (!server)
                return;
        g_clear_handle_id(&server->begin_source, g_source_remove);
        end_waiting(server);
        g_clear_pointer(&server->child, child_free);

        g_autoptr(GError) error = g_error_new(SERVICE_ERROR, SERVICE_ERROR_FAILED,
                                              "%s: %s is not looked after any more",
                                              server->interface, server->type->name);
        for (;;) {
                g_autofree Request *request = g_queue_pop_head(&server->requests);
                if (!request)
                        break;
                if (request->done)
                        request->done(error, request->data);
        }
        g_clear_handle_id(&server->begin_source, g_source_remove);
        g_clear_error(&server->failed);
        g_free(server->interface);
        g_free(server);
}

void server_start(Server *server, ServerDone done, gpointer data)
{
        add_request(server, true, done, data);
}

void server_stop(Server *server, ServerDone done, gpointer data)
{
        add_request(server, false, done, data);
}

bool server_adopt(Server *server, pid_t pid, guint64 start_time, const char *const *argv)
{
        server->child = child_adopt(pid, start_time, argv, on_child_ended, server);
        if (!server->child)
                return false;
        server->ready = server->type->is_ready(server->owner);
        return true;
}

Child *server_child(const Server *server)
{
        return server->child;
}

bool server_is_running(const Server *server)
{
        return server->child && server->ready && !server->ending;
}

bool server_is_ending(const Server *server)
{
        return server->ending;
}
