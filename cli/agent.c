/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Runs pkttyagent(1) beside a call that may need authorization. It closes its notification
 * descriptor when it is registered with polkit, or by ending when it cannot be; either way there is
 * nothing more to wait for. Prompts on /dev/tty, so stdin stays the command's own. */

#include "cli/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* polkit answers at once; more means that it hangs, and then the call had better say so. */
#define REGISTER_TIMEOUT_MS 10000

struct Agent {
        GPid pid;
};

static bool has_terminal(void)
{
        if (!isatty(STDERR_FILENO))
                return false;

        int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return false;
        close(fd);
        return true;
}

/* In the child, between fork and exec: the agent must not outlive us. */
static void die_with_parent(gpointer parent)
{
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* cannot fail for a valid signal */
        if (getppid() != GPOINTER_TO_INT(parent))
                _exit(EXIT_FAILURE);
}

static bool spawn(int notify_fd, GPid *ret_pid)
{
        char fd_text[16], process[16];
        g_snprintf(fd_text, sizeof fd_text, "%d", notify_fd);
        g_snprintf(process, sizeof process, "%d", (int)getpid());
        const char *const argv[] = { "pkttyagent", "--notify-fd", fd_text, "--fallback",
                                     "--process",  process,       NULL };

        /* Without pkttyagent polkit's answer is the better message. */
        return g_spawn_async_with_pipes_and_fds(
                NULL, argv, NULL,
                G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CHILD_INHERITS_STDIN,
                die_with_parent, GINT_TO_POINTER((int)getpid()), -1, -1, -1, &notify_fd, &notify_fd,
                1, ret_pid, NULL, NULL, NULL, NULL);
}

static void wait_until_closed(int fd)
{
        struct pollfd pollfd = { .fd = fd };
        int r;
        do
                r = poll(&pollfd, 1, REGISTER_TIMEOUT_MS);
        while (r < 0 && errno == EINTR);
}

Agent *agent_start(void)
{
        if (geteuid() == 0 || !has_terminal())
                return NULL;

        int pipe_fds[2];
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return NULL;

        GPid pid;
        bool started = spawn(pipe_fds[1], &pid);
        close(pipe_fds[1]);
        if (started)
                wait_until_closed(pipe_fds[0]);
        close(pipe_fds[0]);
        if (!started)
                return NULL;

        Agent *agent = g_new(Agent, 1);
        *agent = (Agent){ .pid = pid };
        return agent;
}

void agent_stop(Agent *agent)
{
        if (!agent)
                return;

        /* It may be stopped, having asked from the background. */
        (void)kill(agent->pid, SIGTERM); /* ours until we reap it */
        (void)kill(agent->pid, SIGCONT);
        while (waitpid(agent->pid, NULL, 0) < 0 && errno == EINTR)
                continue;
        g_free(agent);
}
