/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One network's chronyd process: known again; started and ended as servers are (server.c). Its
 * configuration is made in model/chrony-conf.c.
 *
 * The note says which process was started and with what, so that the next life knows it again. It
 * and the other files are beside the journal: they describe this boot alone. */

#include "host/chrony.h"

#include <stdio.h>
#include <string.h>

#include "host/chrony-socket.h"
#include "util/file.h"

#define NOTE_LIMIT 65536
#define FILE_MODE  0644
/* How often it is asked for its socket while it starts, which takes it a few milliseconds. */
#define POLL_MS 10

struct Chrony {
        Server *server;
        char *argv[9];
        char *conf_file;
        char *pid_file;
        char *note_file;
        ChronyEnded ended;
        gpointer data;

        char *wanted;  /* the configuration to be started with; NULL: none yet */
        char *running; /* that of the process that runs */
        guint32 address;
        guint16 port;
};

static const char *const exit_reasons[] = {
        [0] = "it ended by itself",
        [1] = "it cannot be set up as it is asked to",
};

/* Process number and start time (0 0: not known yet) on a line, and the configuration. */
static bool write_note(const Chrony *chrony, pid_t pid, guint64 start_time, GError **error)
{
        g_autofree char *text =
                g_strdup_printf("%d %" G_GUINT64_FORMAT "\n%s", pid, start_time, chrony->running);

        return file_replace(chrony->note_file, text, -1, FILE_MODE, error);
}

/* The configuration of the note (the caller's); NULL where there is none, or none that makes sense.
 */
static char *read_note(const Chrony *chrony, pid_t *ret_pid, guint64 *ret_start_time)
{
        g_autofree char *text = file_read(chrony->note_file, NOTE_LIMIT, NULL, NULL);
        const char *conf = text ? strchr(text, '\n') : NULL;
        guint64 start_time;
        int pid;

        if (!conf || sscanf(text, "%d %" G_GUINT64_FORMAT, &pid, &start_time) != 2)
                return NULL;
        if (pid != 0 && (pid <= 1 || start_time == 0))
                return NULL;
        *ret_pid = pid;
        *ret_start_time = start_time;
        return g_strdup(conf + 1);
}

/* The note comes first and goes last: without it there is nothing. */
static bool forget(gpointer owner, GError **error)
{
        const Chrony *chrony = owner;

        if (!g_file_test(chrony->note_file, G_FILE_TEST_EXISTS))
                return true;
        return file_remove(chrony->pid_file, error) && file_remove(chrony->conf_file, error) &&
               file_remove(chrony->note_file, error);
}

static void lost(gpointer owner)
{
        Chrony *chrony = owner;

        g_clear_pointer(&chrony->running, g_free);
}

static const char *const *prepare(gpointer owner, GError **error)
{
        Chrony *chrony = owner;

        g_free(chrony->running);
        chrony->running = g_strdup(chrony->wanted);
        /* Without a number: if we die before we know it, the next life looks for it. */
        if (!forget(chrony, error) || !write_note(chrony, 0, 0, error) ||
            !file_replace(chrony->conf_file, chrony->running, -1, FILE_MODE, error))
                return NULL;
        return (const char *const *)chrony->argv;
}

static bool note(gpointer owner, GError **error)
{
        const Chrony *chrony = owner;
        const Child *child = server_child(chrony->server);

        return write_note(chrony, child_pid(child), child_start_time(child), error);
}

static bool is_ready(gpointer owner)
{
        const Chrony *chrony = owner;
        pid_t pid = child_pid(server_child(chrony->server));

        return chrony_socket_is_bound(pid, chrony->address, chrony->port);
}

/* One without a number, of a life that was killed while it started it, is looked for. */
static void adopt(gpointer owner)
{
        Chrony *chrony = owner;
        const char *const *argv = (const char *const *)chrony->argv;
        guint64 start_time = 0;
        pid_t pid = 0;
        g_autofree char *conf = read_note(chrony, &pid, &start_time);

        if (!conf)
                return;
        if (pid == 0)
                pid = child_find(argv);
        if (!server_adopt(chrony->server, pid, start_time, argv))
                return;
        g_free(chrony->running);
        chrony->running = g_steal_pointer(&conf);
}

static bool can_stay(gpointer owner)
{
        const Chrony *chrony = owner;

        return g_strcmp0(chrony->running, chrony->wanted) == 0;
}

static void on_ended(gpointer owner, const char *reason)
{
        Chrony *chrony = owner;

        chrony->ended(reason, chrony->data);
}

static const ServerType chrony_type = {
        .name = "chronyd",
        .exit_reasons = exit_reasons,
        .n_exit_reasons = G_N_ELEMENTS(exit_reasons),
        .poll_ms = POLL_MS,
        .prepare = prepare,
        .note = note,
        .is_ready = is_ready,
        .adopt = adopt,
        .can_stay = can_stay,
        .lost = lost,
        .forget = forget,
        .ended = on_ended,
};

/* -x: the clock is not touched; -d: in the foreground, the log on stderr; -U, -u: as whoever we
 * are.
 */
static void make_argv(Chrony *chrony)
{
        const char *const options[] = { "-x", "-d", "-U", "-u", g_get_user_name(), "-f" };
        guint n = 0;

        chrony->argv[n++] = server_find_program("chronyd");
        for (gsize i = 0; i < G_N_ELEMENTS(options); i++)
                chrony->argv[n++] = g_strdup(options[i]);
        chrony->argv[n] = g_strdup(chrony->conf_file);
}

Chrony *chrony_new(const char *name, const char *run_dir, ChronyEnded ended, gpointer data)
{
        Chrony *chrony = g_new0(Chrony, 1);

        chrony->server = server_new(&chrony_type, name, chrony);
        chrony->conf_file = g_strdup_printf("%s/%s.chronyd.conf", run_dir, name);
        chrony->pid_file = g_strdup_printf("%s/%s.chronyd.pid", run_dir, name);
        chrony->note_file = g_strdup_printf("%s/%s.chronyd", run_dir, name);
        chrony->ended = ended;
        chrony->data = data;
        make_argv(chrony);
        return chrony;
}

void chrony_free(Chrony *chrony)
{
        if (!chrony)
                return;
        server_free(chrony->server);
        for (gsize i = 0; i < G_N_ELEMENTS(chrony->argv); i++)
                g_free(chrony->argv[i]);
        g_free(chrony->wanted);
        g_free(chrony->running);
        g_free(chrony->conf_file);
        g_free(chrony->pid_file);
        g_free(chrony->note_file);
        g_free(chrony);
}

const char *chrony_pid_file(const Chrony *chrony)
{
        return chrony->pid_file;
}

void chrony_start(Chrony *chrony, char *conf, guint32 address, guint16 port, ServerDone done,
                  gpointer data)
{
        g_free(chrony->wanted);
        chrony->wanted = conf;
        chrony->address = address;
        chrony->port = port;
        server_start(chrony->server, done, data);
}

void chrony_stop(Chrony *chrony, ServerDone done, gpointer data)
{
        server_stop(chrony->server, done, data);
}

bool chrony_is_running(const Chrony *chrony)
{
        return server_is_running(chrony->server);
}
