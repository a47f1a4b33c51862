/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One tcpdump that writes pcap into a pipe, and the watch over it. It has no capability: the packet
 * socket is made here, and capture-preload.c has tcpdump take it. Its standard output is the pipe
 * that the caller reads, so the packets never come by us; with a limit of bytes they pass through
 * a pipe more, and capture-relay.c counts them.
 *
 * tcpdump writes the file header when it has taken the filter and captures: the stream can be read
 * from then on, and is handed over. When it ends before, what it has said is the error. It does not
 * see that its reader has gone before it writes again; a pipe's writing end that is kept here does,
 * at once. */

#include "host/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/capture-preload.h"
#include "host/capture-relay.h"
#include "host/child.h"
#include "util/error.h"

/* A filter may have a host name in it, which has to be looked up. */
#define START_TIMEOUT_S 10
/* What was captured before has to come out of the kernel's blocks (capture-preload.c). */
#define SETTLE_MS 60
/* One that is in the middle of a write to a full pipe takes no notice of SIGTERM. */
#define TERM_TIMEOUT_MS 500
#define WORDS_LIMIT     4096
#define PROGRAM_WORD    "tcpdump: "

G_STATIC_ASSERT(CAPTURE_SOCKET_FD == CHILD_EXTRA_FD);

struct Capture {
        char *interface;
        bool has_filter;
        guint seconds;
        Child *child;        /* NULL: it has ended */
        CaptureRelay *relay; /* NULL: there is none, or it is done */
        int words;           /* what tcpdump says */
        int inner;           /* what the relay takes from, or -1 */
        int output;          /* of the pipe that the caller reads; -1: closed */
        int stream;          /* its reading end; -1: handed over */
        guint stream_source, gone_source;
        guint timer;      /* until it has to begin, then until it has to end */
        guint stop_timer; /* until it is told, then until it is killed */
        guint ended_source;
        CaptureReady ready;
        CaptureEnded ended;
        gpointer data;
};

/* Both ends of a pipe; -1: closed. */
typedef struct Pipe {
        int read, write;
} Pipe;

#define PIPE_NONE ((Pipe){ -1, -1 })

static void close_fd(int *fd)
{
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

static void pipe_close(Pipe *ends)
{
        close_fd(&ends->read);
        close_fd(&ends->write);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pipe, pipe_close)

static bool pipe_open(Pipe *ends, GError **error)
{
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "cannot make a pipe: %s",
                            g_strerror(errno));
                return false;
        }
        *ends = (Pipe){ fds[0], fds[1] };
        return true;
}

static bool has_input(int fd)
{
        struct pollfd entry = { .fd = fd, .events = POLLIN };
        return poll(&entry, 1, 0) > 0 && entry.revents & POLLIN;
}

/* The end */

static gboolean on_kill_timer(gpointer data)
{
        Capture *capture = data;

        capture->stop_timer = 0;
        child_signal(capture->child, SIGKILL);
        return G_SOURCE_REMOVE;
}

static gboolean on_settled(gpointer data)
{
        Capture *capture = data;

        child_signal(capture->child, SIGTERM);
        capture->stop_timer = g_timeout_add(TERM_TIMEOUT_MS, on_kill_timer, capture);
        return G_SOURCE_REMOVE;
}

static void stop_child(Capture *capture)
{
        if (capture->child && capture->stop_timer == 0)
                capture->stop_timer = g_timeout_add(SETTLE_MS, on_settled, capture);
}

static gboolean on_all_over(gpointer data)
{
        Capture *capture = data;

        capture->ended_source = 0;
        capture->ended(capture->data);
        return G_SOURCE_REMOVE;
}

static void close_output(Capture *capture)
{
        g_clear_handle_id(&capture->gone_source, g_source_remove);
        close_fd(&capture->output);
}

/* The reason that tcpdump gives for ending: the first line of its own that is no notice. The
 * caller's. */
static char *read_reason(const Capture *capture)
{
        char words[WORDS_LIMIT + 1];
        ssize_t n = read(capture->words, words, WORDS_LIMIT);
        words[MAX(n, 0)] = '\0';

        g_auto(GStrv) lines = g_strsplit(words, "\n", -1);
        for (guint i = 0; lines[i]; i++) {
                const char *line = lines[i] + strlen(PROGRAM_WORD);
                if (g_str_has_prefix(lines[i], PROGRAM_WORD) &&
                    !g_str_has_prefix(line, "WARNING") && !g_str_has_prefix(line, "listening on"))
                        return g_utf8_make_valid(line, -1);
        }
        return g_strdup("it has ended, and does not say why");
}

/* What tcpdump says of the interface has its name in front. */
static void fail(Capture *capture)
{
        g_autofree char *reason = read_reason(capture);
        g_autofree char *prefix = g_strconcat(capture->interface, ": ", NULL);
        g_autoptr(GError) error = NULL;

        if (capture->has_filter && !g_str_has_prefix(reason, prefix))
                g_set_error(&error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS, "filter: %s",
                            reason);
        else
                g_set_error(&error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "tcpdump: %s", reason);
        capture->ready(-1, error, capture->data);
}

static gboolean on_gone(int fd, GIOCondition condition, gpointer data)
{
        Capture *capture = data;

        capture->gone_source = 0;
        capture_end(capture);
        return G_SOURCE_REMOVE;
}

static gboolean on_seconds_over(gpointer data)
{
        Capture *capture = data;

        capture->timer = 0;
        stop_child(capture);
        return G_SOURCE_REMOVE;
}

static void hand_over(Capture *capture)
{
        int fd = capture->stream;

        capture->stream = -1;
        g_clear_handle_id(&capture->stream_source, g_source_remove);
        g_clear_handle_id(&capture->timer, g_source_remove);
        if (capture->output >= 0)
                capture->gone_source = g_unix_fd_add(capture->output, G_IO_ERR, on_gone, capture);
        if (capture->seconds > 0)
                capture->timer = g_timeout_add(capture->seconds * 1000, on_seconds_over, capture);
        capture->ready(fd, NULL, capture->data);
}

/* May free the capture. */
static void check_over(Capture *capture)
{
        if (capture->child || capture->relay || capture->ended_source > 0)
                return;
        close_output(capture);
        if (capture->stream >= 0 && !has_input(capture->stream)) {
                fail(capture);
                return;
        }
        capture->ended_source = g_idle_add(on_all_over, capture);
        if (capture->stream >= 0)
                hand_over(capture);
}

static void on_child_ended(Child *child, int status, gpointer data)
{
        Capture *capture = data;

        g_clear_handle_id(&capture->stop_timer, g_source_remove);
        g_clear_pointer(&capture->child, child_free);
        check_over(capture);
}

static void on_relay_done(gpointer data)
{
        Capture *capture = data;

        g_clear_pointer(&capture->relay, capture_relay_free);
        close_output(capture);
        stop_child(capture);
        check_over(capture);
}

void capture_end(Capture *capture)
{
        g_clear_pointer(&capture->relay, capture_relay_free);
        stop_child(capture);
        check_over(capture);
}

/* The beginning */

static gboolean on_stream_ready(int fd, GIOCondition condition, gpointer data)
{
        Capture *capture = data;

        capture->stream_source = 0;
        hand_over(capture);
        return G_SOURCE_REMOVE;
}

static gboolean on_start_timeout(gpointer data)
{
        Capture *capture = data;
        g_autoptr(GError) error =
                g_error_new(SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "tcpdump has not begun within %d seconds", START_TIMEOUT_S);

        capture->timer = 0;
        capture->ready(-1, error, capture->data);
        return G_SOURCE_REMOVE;
}

static const char *find_program(void)
{
        static const char *const programs[] = { "/usr/bin/tcpdump", "/usr/sbin/tcpdump" };

        for (guint i = 0; i < G_N_ELEMENTS(programs); i++)
                if (access(programs[i], X_OK) == 0)
                        return programs[i];
        return programs[0]; /* to be named in the error */
}

/* Names that mean something else to tcpdump, though the kernel takes them. */
static bool check_name(const char *interface, GError **error)
{
        bool is_number = strspn(interface, "0123456789") == strlen(interface);

        if (!is_number && !g_str_equal(interface, "any") && !g_str_has_prefix(interface, "dbus-"))
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                    "tcpdump takes \"%s\" for something else than an interface's name", interface);
        return false;
}

/* Hears nothing before it is bound. */
static int open_socket(GError **error)
{
        int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

        if (fd < 0)
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "cannot make a packet socket: %s", g_strerror(errno));
        return fd;
}

static Child *spawn(Capture *capture, const CaptureOptions *options, const char *preload,
                    const Pipe *output, const Pipe *words, GError **error)
{
        g_auto(GStrv) argv = capture_options_argv(options, find_program(), capture->interface);
        g_autofree char *library = g_strconcat("LD_PRELOAD=", preload, NULL);
        g_autofree char *parent = g_strdup_printf(CAPTURE_PARENT_VARIABLE "=%d", getpid());
        const char *const environment[] = { library, parent, NULL };
        const ChildSetup setup = {
                .stdout_fd = output->write,
                .stderr_fd = words->write,
                .extra_fd = open_socket(error),
                .environment = environment,
        };

        if (setup.extra_fd < 0)
                return NULL;
        Child *child = child_spawn_confined((const char *const *)argv, &setup, on_child_ended,
                                            capture, error);
        close(setup.extra_fd);
        return child;
}

static bool start(Capture *capture, const CaptureOptions *options, const char *preload,
                  GError **error)
{
        g_auto(Pipe) outer = PIPE_NONE, inner = PIPE_NONE, words = PIPE_NONE;

        if (!pipe_open(&outer, error) || !pipe_open(&words, error) ||
            (options->bytes > 0 && !pipe_open(&inner, error)))
                return false;
        capture->child = spawn(capture, options, preload, options->bytes > 0 ? &inner : &outer,
                               &words, error);
        if (!capture->child)
                return false;
        capture->stream = g_steal_fd(&outer.read);
        capture->output = g_steal_fd(&outer.write);
        capture->inner = g_steal_fd(&inner.read);
        capture->words = g_steal_fd(&words.read);
        (void)fcntl(capture->words, F_SETFL, O_NONBLOCK); /* ours alone; cannot fail */
        if (options->bytes > 0)
                capture->relay = capture_relay_new(capture->inner, capture->output, options->bytes,
                                                   on_relay_done, capture);
        capture->stream_source = g_unix_fd_add(capture->stream, G_IO_IN, on_stream_ready, capture);
        capture->timer = g_timeout_add_seconds(START_TIMEOUT_S, on_start_timeout, capture);
        return true;
}

Capture *capture_new(const CaptureOptions *options, const char *interface, const char *preload,
                     CaptureReady ready, CaptureEnded ended, gpointer data, GError **error)
{
        if (!check_name(interface, error))
                return NULL;

        g_autoptr(Capture) capture = g_new0(Capture, 1);
        capture->interface = g_strdup(interface);
        capture->has_filter = *options->filter;
        capture->seconds = options->seconds;
        capture->words = capture->inner = capture->output = capture->stream = -1;
        capture->ready = ready;
        capture->ended = ended;
        capture->data = data;
        if (!start(capture, options, preload, error))
                return NULL;
        return g_steal_pointer(&capture);
}

void capture_free(Capture *capture)
{
        if (!capture)
                return;
        guint *sources[] = { &capture->stream_source, &capture->gone_source, &capture->timer,
                             &capture->stop_timer, &capture->ended_source };
        for (guint i = 0; i < G_N_ELEMENTS(sources); i++)
                g_clear_handle_id(sources[i], g_source_remove);
        capture_relay_free(capture->relay);
        if (capture->child)
                child_signal(capture->child, SIGKILL);
        child_free(capture->child);
        int *fds[] = { &capture->words, &capture->inner, &capture->output, &capture->stream };
        for (guint i = 0; i < G_N_ELEMENTS(fds); i++)
                close_fd(fds[i]);
        g_free(capture->interface);
        g_free(capture);
}
