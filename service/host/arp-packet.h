/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* ARP requests on an Ethernet interface, by a packet socket (AF_PACKET, SOCK_DGRAM). */

#include <glib.h>
#include <linux/if_packet.h>

/* Interface @index's own address as a sender has it; *ret_flags (may be NULL) are its IFF_ flags.
 * Returns 1, 0 where there is nobody to talk to (no Ethernet, no ARP, down or gone), or a negative
 * errno. */
int arp_packet_find_own(int fd, guint index, struct sockaddr_ll *ret_own, guint *ret_flags);

/* Broadcasts a request for @target from @sender, which is 0 in a probe, and @target itself in an
 * announcement. Returns 0 or a negative errno. */
int arp_packet_send(int fd, const struct sockaddr_ll *own, guint32 sender, guint32 target);
