/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A board: a network namespace behind a NIC of the host. */

#define BOARD_MAC "02:00:00:be:ff:01"

typedef struct Board Board;

/* Makes the NIC @name with a namespace behind it, both ends up. */
Board *board_new(const char *name);
/* Takes NIC and namespace away. */
void board_free(Board *board);

/* A packet socket on the board's end, for IPv4 frames. */
int board_packet_socket(const Board *board);
