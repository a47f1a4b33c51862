/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* ARP probes (RFC 5227, section 2.1): whether somebody on an interface's link has an address. */

#include <glib.h>
#include <stdbool.h>

typedef struct ArpProber ArpProber;
typedef struct ArpProbe ArpProbe;

/* Opens the one packet socket of all probes (needs CAP_NET_RAW). FAILED else. */
ArpProber *arp_prober_new(GError **error);
/* Forgets probes that are under way; nobody is told. */
void arp_prober_free(ArpProber *prober);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArpProber, arp_prober_free)

/* @in_use: address (GUINT_TO_POINTER()) -> MAC of its holder (text), for those that somebody has;
 * borrowed. */
typedef void (*ArpProbeDone)(GHashTable *in_use, gpointer data);

/* Probes @addresses (guint32) on interface @index, all at once, for 150 ms, or longer where they
 * are too many to be sent in that time. @done is called once, later, unless the probe is freed
 * before; it is gone then. NULL where there is nobody to ask: no ARP, no carrier. */
ArpProbe *arp_probe_new(ArpProber *prober, guint index, const GArray *addresses, ArpProbeDone done,
                        gpointer data);
void arp_probe_free(ArpProbe *probe);
