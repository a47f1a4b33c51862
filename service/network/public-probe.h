/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Asking the LAN whether public addresses are free before they become a network's: those that were
 * named are, or are refused; what the pool chose gives way to its next choice. */

#include "network/network-private.h"

typedef void (*PublicProbeDone)(PublicProbe *probe, gpointer data);

/* For @network as it is configured, which does not change meanwhile; one at a time. No other
 * network gets the addresses until it is freed. */
PublicProbe *public_probe_new(Network *network, PublicProbeDone done, gpointer data);
/* Nobody is told any more. */
void public_probe_free(PublicProbe *probe);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PublicProbe, public_probe_free)

/* @entry (copied) has a public address or wants one. Those that were named come first. Returns its
 * number, from 0 on. */
guint public_probe_add(PublicProbe *probe, const AddressEntry *entry);
/* Asks for all at once, and again for what was chosen instead. @done is called once, perhaps from
 * inside the call, and may free it. */
void public_probe_run(PublicProbe *probe);

guint public_probe_n(const PublicProbe *probe);
/* Entry @number with the address that it may have. NULL where it may have none: INVALID_ARGS,
 * ADDRESS_IN_USE (naming the MAC that has it), LIMIT_EXCEEDED (the pool has none left). */
const AddressEntry *public_probe_result(const PublicProbe *probe, guint number, GError **error);
/* The address that entry @number has, or would have but for an error; 0 = none. */
guint32 public_probe_address(const PublicProbe *probe, guint number);
/* The MAC of the host that has @ip, as was found; NULL: nobody. Borrowed. */
const char *public_probe_holder(const PublicProbe *probe, guint32 ip);
