/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The log of entry changes, as text: one line a change, appended before the reply and replayed over
 * the configured entries at the next start. Lines: "+a IP MAC HOSTNAME PUBLIC_IP" ('-' for none;
 * "auto" or "auto:ADDRESS" for the pool's choice), "+g IP MAC HOSTNAME PUBLIC_IP ID TAP OWNER
 * QUEUES MTU" (the same for a guest; ID is escaped as in a URI), "+A LIMITS ..." and "+G LIMITS
 * ..." (either with limits of its own: "PORTS,SECONDS,CONNECTIONS"), "=a IP ADDRESS" (the pool's
 * choice for an entry that is there, and still wants one), "-a IP", "+d HOSTNAME IP" (an address of
 * either family, or of both with a comma; a family that is not given stays as it was), "-d
 * HOSTNAME", "-4 HOSTNAME" and "-6 HOSTNAME" (its address of that family), "+f PROTOCOL PORTS FROM
 * TARGET PORT" (the target an address or a name, the port where the first one leads to), "-f
 * PROTOCOL PORTS FROM", "0a" and "0d" (all addresses, all DNS entries go: what follows is the whole
 * list), and "~" before one that puts an entry: it does not fit, and is held (held-entries.h). A
 * last line without its newline was cut short by a crash and does not count. */

#include <glib.h>
#include <stdbool.h>

#include "model/entries.h"
#include "model/held-entries.h"

char *entry_log_line_put_address(const AddressEntry *entry);
char *entry_log_line_choose_public(const AddressEntry *entry);
char *entry_log_line_remove_address(guint32 ip);
char *entry_log_line_put_dns(const DnsEntry *entry);
char *entry_log_line_remove_dns(const char *hostname);
/* Of its address of @family, as dns_entry_address() has it. */
char *entry_log_line_drop_dns(const char *hostname, guint family);
char *entry_log_line_put_forward(const Forward *forward);
char *entry_log_line_remove_forward(const Forward *key);

/* Applies @text to @entries. A line that makes no sense, or clashes with the entries there are, is
 * counted in @ret_bad and passed over: later lines still apply. Returns the number of whole lines.
 * Entries are not held against a network: see config_adopt_entries(). */
guint entry_log_replay(const char *text, gsize length, Entries *entries, guint *ret_bad);
/* The same, where what clashes is held, and what is held already is known: @held is what is held in
 * the end. @ret_bad counts lines that make no sense. */
guint entry_log_replay_holding(const char *text, gsize length, Entries *entries, HeldEntries *held,
                               guint *ret_bad);

/* A short log that turns @configured into @current, order and all: what differs or, where that is
 * longer, the whole list. "" when they are equal. The caller's. */
char *entry_log_compact(const Entries *configured, const Entries *current);
