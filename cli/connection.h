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
