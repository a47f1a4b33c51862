/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Whether a process has its socket. For host/chrony.c alone. */

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* Whether the process @pid, of our network namespace, has UDP @port of @address. False where that
 * cannot be known. */
bool chrony_socket_is_bound(pid_t pid, guint32 address, guint16 port);
