/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Answers of the service as a reader at a terminal wants them. Each function appends whole lines.
 */

#include <glib.h>

#include "cli/terminal.h"
#include "model/value.h"

/* Networks as command_list_networks() gives them, with `subnet`, `upstream` and `nat_mode`. */
void view_networks(const Value *networks, const Terminal *terminal, GString *out);

/* At most @max_rows of @leases (0: all); GetLeases' answer. Empty lists get their headings all the
 * same, here and below. */
void view_leases(const Value *leases, gint64 now_sec, const Terminal *terminal, guint indent,
                 guint max_rows, GString *out);
/* Items with `hostname` and `ip`. */
void view_dns_entries(const Value *entries, const Terminal *terminal, guint indent, guint max_rows,
                      GString *out);
/* Items with `ip`, and `mac`, `hostname`, `public_ip` where known. */
void view_addresses(const Value *addresses, const Terminal *terminal, guint indent, guint max_rows,
                    GString *out);

/* The property Forwards. */
void view_forwards(const Value *forwards, const Terminal *terminal, guint indent, guint max_rows,
                   GString *out);
/* Items as in the property Guests. */
void view_guests(const Value *guests, const Terminal *terminal, GString *out);

/* GetStatus's answer. On a terminal long lists are cut short, with a count. */
void view_status(const Value *status, gint64 now_sec, const Terminal *terminal, GString *out);

/* How @state looks. */
Style view_state_style(const char *state);
/* The name of the @i-th state that there is; NULL beyond the last. */
const char *view_state_name(guint i);
