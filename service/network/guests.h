/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The guests of one network on the host: what one gets, and its TAP. What is remembered of them is
 * in the network's entries. */

#include <glib.h>
#include <stdbool.h>

#include "host/tap.h"
#include "model/guest-wish.h"
#include "network/network.h"

/* The entry that @wish comes to now: name and addresses that are free. @leaving (a set of
 * addresses; may be NULL): of guests that are being detached, free to none. LIMIT_EXCEEDED where
 * there is none left; INVALID_ARGS or ADDRESS_IN_USE where it asks for one that is not. The
 * caller's. */
AddressEntry *guests_choose(Network *network, const GuestWish *wish, GHashTable *leaving,
                            GError **error);

/* Whether guests can be attached now: it is up, and on a bridge. */
bool guests_check(Network *network, GError **error);
/* The MTU of its TAP, in bytes; 0: not known as long as there is no bridge. */
guint guests_mtu(const Network *network, const Guest *guest);

/* Makes the TAP of @guest, or has it be as it should. LIMIT_EXCEEDED, FAILED: there is none. */
bool guests_make_tap(Network *network, const Guest *guest, GError **error);

/* The same for a guest that is attached, whose network says so while it has none. */
bool guests_have_tap(Network *network, const Guest *guest, GError **error);

/* Makes the TAPs those of the network's guests: puts back what is missing or has been changed, and
 * removes what is nobody's. It is no error where some, or all for want of a bridge, cannot have
 * theirs. */
bool guests_sync(Network *network, GError **error);
/* Has the state say so, but not now: an operation would take the turn of what is under way. */
void guests_look_again(Network *network);
/* Which guests have no TAP, and why; NULL for none. The caller's. */
char *guests_fault(const Network *network);
/* Whether the TAP @name is not as guests_sync() would have it. */
bool guests_miss(Network *network, const char *name);
/* Removes all TAPs of the network's. */
bool guests_clear(Network *network, GError **error);

/* Removes those of @names (char* each) that are the network's. Failures are logged. */
void guests_remove_taps(Network *network, const GPtrArray *names);

/* guest-traces.c: what is left of guests with @entries (AddressEntry*) when they have been taken
 * out: TAPs, connections, and what the host has learned of them. Failures are logged. */
void guests_forget(Network *network, const GPtrArray *entries);
/* guest-traces-ipv6.c: the IPv6 addresses that they have or are seen with, as a set of Address6,
 * the caller's; and what is left of those, but for the leases. */
GHashTable *guests_find_ipv6(const Network *network, const GPtrArray *entries);
void guests_forget_ipv6(Network *network, GHashTable *addresses);
/* The guest of @entry is about to be detached: where this life ends before guests_have_left(), the
 * next one forgets it. On an error it must not be. */
bool guests_note_leaving(Network *network, const AddressEntry *entry, GError **error);
/* All of them are forgotten, or attached again. */
void guests_have_left(Network *network);
/* Whether an earlier life has left some; and forgets them, once the network is there. */
void guests_find_left(Network *network);
void guests_forget_left(Network *network);
/* The network goes for good. */
void guests_forget_notes(Network *network);

/* Opens the queues of @guest's TAP, as @vnet_hdr says, which is put back before where it is
 * missing; array of int, of the caller's, who closes them. IN_USE; FAILED, also where somebody else
 * has an interface of its name. */
GArray *guests_open(Network *network, const Guest *guest, bool vnet_hdr, GError **error);
