/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The connection to the service. */

#include <systemd/sd-bus.h>

#include "cli/message.h"
#include "model/value.h"

#define SERVICE_NAME      "org.jumpstarter.DutNetwork"
#define MANAGER_PATH      "/org/jumpstarter/DutNetwork"
#define MANAGER_INTERFACE "org.jumpstarter.DutNetwork.Manager"
#define NETWORK_INTERFACE "org.jumpstarter.DutNetwork"

typedef struct Connection Connection;

/* Connects to the system bus, @host's if it is not NULL (by ssh). @may_ask: the user may be asked
 * for a password. */
Connection *connection_new(const char *host, bool may_ask, GError **error);
void connection_free(Connection *connection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Connection, connection_free)

/* Borrowed. */
sd_bus *connection_bus(Connection *connection);

/* A call of @member of the object at @path. The caller's. */
sd_bus_message *connection_new_call(Connection *connection, const char *path, const char *interface,
                                    const char *member);

/* Sends @call and waits for the answer. @changes: it may need authorization and take long, so there
 * is an agent for it and much time. @ret_answer (NULL where none is expected) is its first
 * argument; the caller's. The service's refusal becomes the error, in its words: INPUT for
 * InvalidArgs and LimitExceeded, else FAILED. */
bool connection_call(Connection *connection, sd_bus_message *call, bool changes, Value **ret_answer,
                     GError **error);

/* The same for a @call that needs authorization and whose answer is a file descriptor; the
 * caller's. -1 with an error else. */
int connection_call_for_fd(Connection *connection, sd_bus_message *call, GError **error);

/* The same for an array of them: int each; closed with it. NULL with an error. */
GArray *connection_call_for_fds(Connection *connection, sd_bus_message *call, GError **error);

/* Sends @call; @answered gets the answer, from connection_process(), or an error where there is
 * none in time. @ret_slot: the caller's; without it nothing is answered. */
bool connection_send(Connection *connection, sd_bus_message *call,
                     sd_bus_message_handler_t answered, void *data, sd_bus_slot **ret_slot,
                     GError **error);
/* Puts @bus_error, or the errno @r where it is empty, into words as connection_call() does. */
void connection_set_refusal(const sd_bus_error *bus_error, int r, GError **error);

/* Handles one message that has come, or waits until one comes, @fd (-1: none) can be read, or it is
 * @deadline_usec (of the monotonic clock; G_MAXINT64: never). False when the connection broke. */
bool connection_process(Connection *connection, int fd, gint64 deadline_usec, GError **error);
