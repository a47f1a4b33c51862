/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What capture.c and the library in the tcpdump that it starts agree on. */

/* An unbound packet socket. The same as CHILD_EXTRA_FD; that header is not the library's. */
#define CAPTURE_SOCKET_FD 3

/* The number of the process that tcpdump is to end with. */
#define CAPTURE_PARENT_VARIABLE "CAPTURE_PARENT"
