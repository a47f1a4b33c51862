/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A DHCP client that wants nothing but to know when a server first answers. */

#include <glib.h>

#include "bench/board.h"

typedef struct DhcpClient DhcpClient;

DhcpClient *dhcp_client_new(const Board *board);
void dhcp_client_free(DhcpClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DhcpClient, dhcp_client_free)

/* From now on, beside the caller, sends a DISCOVER every millisecond until an OFFER comes. */
void dhcp_client_start(DhcpClient *client);
/* Waits for that; the clock_now() of the OFFER. Without one for ten seconds the bench ends. */
gint64 dhcp_client_wait(DhcpClient *client);
