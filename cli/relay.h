/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Bytes from one descriptor to another and back: a connection as standard input and output. */

#include <glib.h>
#include <stdbool.h>

/* What @in_fd gives goes to @socket_fd (a connected stream socket), what that gives to @out_fd,
 * until both have come to their end. Each end is passed on by itself: of @in_fd as the end of the
 * socket's sending side, of the socket as the end of @out_fd, which takes nothing any more. Where
 * the peer has ended, or nobody reads @out_fd any more, and @in_fd has nothing to say, that is the
 * end as well. False with FAILED where something cannot be delivered: the connection breaks, or
 * there is more for an @out_fd that nobody reads. The descriptors stay the caller's. SIGPIPE must
 * be ignored. */
bool relay_run(int socket_fd, int in_fd, int out_fd, GError **error);
