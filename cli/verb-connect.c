/* SPDX-License-Identifier: GPL-2.0-or-later */

/* `connect`: a connection to a DUT as stdin and stdout, as ssh's ProxyCommand wants it. */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/error.h"
#include "cli/relay.h"
#include "cli/verbs.h"

static bool check_is_here(const Command *command, GError **error)
{
        if (!command->host)
                return true;
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                    "%s goes without --host: a connection cannot be handed over from another "
                    "machine; run it there, by ssh",
                    command->verb->name);
        return false;
}

static bool read_port(const char *text, guint16 *ret_port, GError **error)
{
        guint64 port;
        if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT16, &port, NULL)) {
                g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                            "connect: \"%s\" is not a TCP port, 1 to 65535", text);
                return false;
        }
        *ret_port = (guint16)port;
        return true;
}

/* The connected socket, or -1. */
static int connect_to(Command *command, const char *address, guint16 port, GError **error)
{
        g_autofree char *interface = NULL;
        g_autofree char *path = NULL;
        if (!command_find_network(command, &interface, &path, error))
                return -1;

        g_autoptr(sd_bus_message) call =
                connection_new_call(command->connection, path, NETWORK_INTERFACE, "Connect");
        int r = sd_bus_message_append(call, "sq", address, port);
        if (r < 0) {
                g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "Connect cannot be called: %s",
                            g_strerror(-r));
                return -1;
        }
        return connection_call_for_fd(command->connection, call, error);
}

bool verb_connect(Command *command, GError **error)
{
        guint16 port;
        if (!check_is_here(command, error) || !read_port(command->arguments[1], &port, error))
                return false;

        int fd = connect_to(command, command->arguments[0], port, error);
        if (fd < 0)
                return false;

        /* There is nothing more to ask the service for; what comes in small pieces goes on so. */
        const int on = 1;
        command_clear(command);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* slower without */
        (void)signal(SIGPIPE, SIG_IGN);                                 /* cannot fail */
        bool done = relay_run(fd, STDIN_FILENO, STDOUT_FILENO, error);
        close(fd);
        return done;
}
