/* SPDX-License-Identifier: GPL-2.0-or-later */

/* getpwnam_r(3) asks files, or a directory service for as long as that is silent: a thread does,
 * and the loop is told. */

#include "host/user.h"

#include <errno.h>
#include <gio/gio.h>
#include <pwd.h>
#include <stdbool.h>
#include <unistd.h>

#include "model/quote.h"
#include "util/error.h"

/* Where the system names no size. */
#define BUFFER_BYTES     1024
#define BUFFER_MAX_BYTES (1 << 20)

typedef struct Question {
        UserFound found;
        gpointer data;
} Question;

/* 0, or an errno. */
static int get_user(const char *name, bool *ret_is_there, uid_t *ret_uid)
{
        long usual = sysconf(_SC_GETPW_R_SIZE_MAX);
        gsize size = usual > 0 ? (gsize)usual : BUFFER_BYTES;
        int r = ERANGE;

        for (; r == ERANGE && size <= BUFFER_MAX_BYTES; size *= 2) {
                g_autofree char *buffer = g_malloc(size);
                struct passwd entry, *user = NULL;
                r = getpwnam_r(name, &entry, buffer, size, &user);
                *ret_is_there = user != NULL;
                *ret_uid = user ? user->pw_uid : (uid_t)-1;
        }
        return r;
}

/* Ways to say that there is none (getpwnam(3)). */
static bool means_none(int r)
{
        return r == 0 || r == ENOENT || r == ESRCH || r == EBADF || r == EPERM;
}

static void look_up(GTask *task, gpointer source G_GNUC_UNUSED, gpointer name,
                    GCancellable *cancellable G_GNUC_UNUSED)
{
        g_autofree char *shown = quote_text(name);
        bool is_there = false;
        uid_t uid;

        int r = get_user(name, &is_there, &uid);
        if (is_there)
                g_task_return_int(task, (gssize)uid);
        else if (means_none(r))
                g_task_return_new_error(task, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                                        "there is no user %s", shown);
        else
                g_task_return_new_error(task, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                                        "cannot look up the user %s: %s", shown, g_strerror(r));
}

static void looked_up(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
        g_autofree Question *question = data;
        g_autoptr(GError) error = NULL;

        gssize uid = g_task_propagate_int(G_TASK(result), &error);
        question->found(error ? (guint32)-1 : (guint32)uid, error, question->data);
}

void user_look_up(const char *name, UserFound found, gpointer data)
{
        Question *question = g_new(Question, 1);

        *question = (Question){ found, data };
        g_autoptr(GTask) task = g_task_new(NULL, NULL, looked_up, question);
        g_task_set_task_data(task, g_strdup(name), g_free);
        g_task_run_in_thread(task, look_up);
}
