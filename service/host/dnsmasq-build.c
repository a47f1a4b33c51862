/* SPDX-License-Identifier: GPL-2.0-or-later */

/* dnsmasq is asked for its version, which lists its options of compilation: what it has not got is
 * there as well, behind "no-". The answer is short enough to wait in the pipe for the process to
 * end. */

#include "host/dnsmasq-build.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "host/child.h"
#include "host/server.h"
#include "util/error.h"

#define ANSWER_MAX 4096

typedef struct Waiter {
        DnsmasqBuildChecked done;
        gpointer data;
} Waiter;

struct DnsmasqBuild {
        Child *child; /* being asked */
        int answer;   /* what it says; -1: nobody is being asked */
        GArray *waiters;
        bool has_nftset; /* known to have */
};

DnsmasqBuild *dnsmasq_build_new(void)
{
        DnsmasqBuild *build = g_new0(DnsmasqBuild, 1);

        build->answer = -1;
        build->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
        return build;
}

static void forget_child(DnsmasqBuild *build)
{
        g_clear_pointer(&build->child, child_free);
        if (build->answer >= 0)
                close(build->answer);
        build->answer = -1;
}

void dnsmasq_build_free(DnsmasqBuild *build)
{
        if (!build)
                return;
        forget_child(build);
        g_array_unref(build->waiters);
        g_free(build);
}

bool dnsmasq_build_has_nftset(const char *text)
{
        g_auto(GStrv) words = g_strsplit_set(text, " \n", -1);

        return g_strv_contains((const char *const *)words, "nftset");
}

static void answer_all(DnsmasqBuild *build, const GError *error)
{
        g_autoptr(GArray) waiters = g_steal_pointer(&build->waiters);

        build->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
        for (guint i = 0; i < waiters->len; i++) {
                const Waiter *waiter = &g_array_index(waiters, Waiter, i);
                waiter->done(error, waiter->data);
        }
}

static void on_ended(Child *child, int status, gpointer data)
{
        DnsmasqBuild *build = data;
        char text[ANSWER_MAX] = "";
        g_autoptr(GError) error = NULL;

        ssize_t n = read(build->answer, text, sizeof text - 1);
        forget_child(build);
        build->has_nftset = n > 0 && dnsmasq_build_has_nftset(text);
        if (!build->has_nftset)
                g_set_error(&error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "filter: it has names in it, for which this host's dnsmasq would have "
                            "to be built with nftset%s",
                            n > 0 ? "" : " (it does not say what it is built with)");
        answer_all(build, error);
}

static bool ask(DnsmasqBuild *build, GError **error)
{
        static const char *const environment[] = { "LC_ALL=C", NULL };
        g_autofree char *program = server_find_program("dnsmasq");
        const char *const argv[] = { program, "--version", NULL };
        int pipe[2];

        if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "cannot make a pipe: %s",
                            g_strerror(errno));
                return false;
        }
        const ChildSetup setup = {
                .stdout_fd = pipe[1],
                .stderr_fd = -1,
                .extra_fd = -1,
                .environment = environment,
        };
        build->answer = pipe[0];
        build->child = child_spawn_confined(argv, &setup, on_ended, build, error);
        close(pipe[1]);
        if (!build->child)
                forget_child(build);
        return build->child != NULL;
}

void dnsmasq_build_check_nftset(DnsmasqBuild *build, DnsmasqBuildChecked done, gpointer data)
{
        const Waiter waiter = { done, data };
        g_autoptr(GError) error = NULL;

        if (build->has_nftset) {
                done(NULL, data);
                return;
        }
        g_array_append_val(build->waiters, waiter);
        if (!build->child && !ask(build, &error))
                answer_all(build, error);
}
