/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Calls to the service over the system bus, most of them one at a time and waiting. What the bus
 * says when the service cannot be reached is put into words that say what to do. */

#include "cli/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "cli/agent.h"
#include "cli/error.h"

/* Reading answers at once, with 10,000 entries too; the rest is for the start of the service. */
#define READ_TIMEOUT_USEC (30 * G_USEC_PER_SEC)
/* A user looks for a password, NetworkManager lets go of an interface. */
#define CHANGE_TIMEOUT_USEC (10 * 60 * G_USEC_PER_SEC)

struct Connection {
        sd_bus *bus;
        Agent *agent;
        bool may_ask;
};

static bool fail(const char *attempt, int r, GError **error)
{
        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "%s: %s", attempt, g_strerror(-r));
        return false;
}

Connection *connection_new(const char *host, bool may_ask, GError **error)
{
        g_autoptr(Connection) connection = g_new0(Connection, 1);
        connection->may_ask = may_ask && !host;

        int r = host ? sd_bus_open_system_remote(&connection->bus, host)
                     : sd_bus_open_system(&connection->bus);
        if (r < 0) {
                g_autofree char *attempt = g_strdup_printf("cannot connect to the system bus%s%s",
                                                           host ? " of " : "", host ? host : "");
                (void)fail(attempt, r, error);
                return NULL;
        }

        r = sd_bus_set_allow_interactive_authorization(connection->bus, may_ask);
        if (r < 0) {
                (void)fail("cannot set up the connection to the bus", r, error);
                return NULL;
        }
        return g_steal_pointer(&connection);
}

void connection_free(Connection *connection)
{
        if (!connection)
                return;

        agent_stop(connection->agent);
        sd_bus_flush_close_unref(connection->bus);
        g_free(connection);
}

sd_bus *connection_bus(Connection *connection)
{
        return connection->bus;
}

sd_bus_message *connection_new_call(Connection *connection, const char *path, const char *interface,
                                    const char *member)
{
        sd_bus_message *call;
        int r = sd_bus_message_new_method_call(connection->bus, &call, SERVICE_NAME, path,
                                               interface, member);
        if (r < 0)
                g_error("no call of %s: %s", member, g_strerror(-r));
        return call;
}

/* What to tell the user instead of the bus's words, or NULL. */
static const char *explain(const sd_bus_error *bus_error, int r)
{
        static const struct {
                const char *name, *text;
        } known[] = {
                { SD_BUS_ERROR_SERVICE_UNKNOWN,
                  "the service " SERVICE_NAME " is not installed on this bus" },
                { SD_BUS_ERROR_NAME_HAS_NO_OWNER, "the service " SERVICE_NAME " does not run" },
                { SD_BUS_ERROR_NO_REPLY, "the service did not answer" },
                { SD_BUS_ERROR_TIMEOUT, "the service did not answer in time" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(known); i++)
                if (sd_bus_error_has_name(bus_error, known[i].name))
                        return known[i].text;
        if (r == -ENOTCONN || r == -ECONNRESET)
                return "the connection to the bus broke";
        return r == -ETIMEDOUT ? "the service did not answer in time" : NULL;
}

void connection_set_refusal(const sd_bus_error *bus_error, int r, GError **error)
{
        bool about_input = sd_bus_error_has_name(bus_error, SD_BUS_ERROR_INVALID_ARGS) ||
                           sd_bus_error_has_name(bus_error, SERVICE_NAME ".Error.LimitExceeded");
        const char *words = explain(bus_error, r);
        if (!words)
                words = bus_error->message && *bus_error->message ? bus_error->message
                        : bus_error->name                         ? bus_error->name
                                                                  : g_strerror(-r);
        g_set_error_literal(error, CLI_ERROR, about_input ? CLI_ERROR_INPUT : CLI_ERROR_FAILED,
                            words);
}

/* The reply, or NULL with the refusal. */
static sd_bus_message *call_and_wait(Connection *connection, sd_bus_message *call, bool changes,
                                     GError **error)
{
        if (changes && connection->may_ask && !connection->agent)
                connection->agent = agent_start();

        sd_bus_message *reply = NULL;
        g_auto(sd_bus_error) bus_error = SD_BUS_ERROR_NULL;
        int r = sd_bus_call(connection->bus, call,
                            changes ? CHANGE_TIMEOUT_USEC : READ_TIMEOUT_USEC, &bus_error, &reply);
        if (r < 0)
                connection_set_refusal(&bus_error, r, error);
        return reply;
}

bool connection_call(Connection *connection, sd_bus_message *call, bool changes, Value **ret_answer,
                     GError **error)
{
        g_autoptr(sd_bus_message) reply = call_and_wait(connection, call, changes, error);
        if (!reply)
                return false;
        if (!ret_answer)
                return true;

        Value *answer = message_read_value(reply, error);
        if (!answer)
                return false;
        *ret_answer = answer;
        return true;
}

int connection_call_for_fd(Connection *connection, sd_bus_message *call, GError **error)
{
        g_autoptr(sd_bus_message) reply = call_and_wait(connection, call, true, error);
        if (!reply)
                return -1;

        int fd;
        int r = sd_bus_message_read(reply, "h", &fd);
        if (r < 0) {
                (void)fail("the service's answer cannot be read", r, error);
                return -1;
        }
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* the reply's goes with it */
        if (fd < 0)
                (void)fail("the connection cannot be taken over", -errno, error);
        return fd;
}

static void close_fd(gpointer data)
{
        close(*(int *)data);
}

GArray *connection_call_for_fds(Connection *connection, sd_bus_message *call, GError **error)
{
        g_autoptr(sd_bus_message) reply = call_and_wait(connection, call, true, error);
        g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(int));
        int fd;

        g_array_set_clear_func(fds, close_fd);
        if (!reply)
                return NULL;
        int r = sd_bus_message_enter_container(reply, 'a', "h");
        while (r >= 0 && (r = sd_bus_message_read(reply, "h", &fd)) > 0) {
                fd = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* the reply's goes with it */
                if (fd >= 0)
                        g_array_append_val(fds, fd);
                r = fd < 0 ? -errno : 0;
        }
        if (r >= 0 && fds->len > 0)
                return g_steal_pointer(&fds);
        (void)fail("the service's answer cannot be read", r < 0 ? r : -EBADMSG, error);
        return NULL;
}

bool connection_send(Connection *connection, sd_bus_message *call,
                     sd_bus_message_handler_t answered, void *data, sd_bus_slot **ret_slot,
                     GError **error)
{
        int r = sd_bus_call_async(connection->bus, ret_slot, call, answered, data,
                                  READ_TIMEOUT_USEC);
        return r >= 0 || fail("the service cannot be asked", r, error);
}

/* Until @deadline_usec, or until there is something to do for @bus or to read from @fd. */
static int wait_for_input(sd_bus *bus, int fd, gint64 deadline_usec)
{
        uint64_t bus_usec = UINT64_MAX;
        int events = sd_bus_get_events(bus);
        int r = events < 0 ? events : sd_bus_get_timeout(bus, &bus_usec);
        if (r < 0)
                return r;

        struct pollfd fds[] = {
                { .fd = sd_bus_get_fd(bus), .events = (short)events },
                { .fd = fd, .events = POLLIN },
        };
        uint64_t until_usec = MIN(bus_usec, (uint64_t)deadline_usec);
        gint64 left_usec = MAX((gint64)MIN(until_usec, G_MAXINT64) - g_get_monotonic_time(), 0);
        struct timespec left = {
                .tv_sec = left_usec / G_USEC_PER_SEC,
                .tv_nsec = left_usec % G_USEC_PER_SEC * 1000,
        };
        r = ppoll(fds, G_N_ELEMENTS(fds), until_usec < G_MAXINT64 ? &left : NULL, NULL);
        return r < 0 ? -errno : 0;
}

bool connection_process(Connection *connection, int fd, gint64 deadline_usec, GError **error)
{
        int r = sd_bus_process(connection->bus, NULL);
        if (r == 0)
                r = wait_for_input(connection->bus, fd, deadline_usec);
        return r >= 0 || r == -EINTR || fail("the connection to the bus broke", r, error);
}
