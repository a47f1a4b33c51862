/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What dnsmasq is told for one network, as text. Every value is a checked one; nothing of a user's
 * is copied that config.h has not parsed. Keys: dnsmasq(8). */

#include <glib.h>

#include "model/config.h"

/* What the host adds to the configuration. All borrowed. */
typedef struct DnsmasqFacts {
        const char *interface; /* its NIC, by the name that it has now */
        guint index;           /* the NIC's */
        const char *state_dir;
        const char
                *table; /* the network's, which the sets of its filter's names are called after */
        guint dns_port; /* 53, or a twin's own */
        bool is_twin;   /* it cannot ping: another network's DUT would answer */
        const char *resolv_file; /* the host's resolvers, used where dns_servers is empty */
} DnsmasqFacts;

/* dnsmasq.conf for @config: the same text for the same configuration and facts, so that a process
 * can be known by it. The caller's. */
char *dnsmasq_conf_text(const NetworkConfig *config, const DnsmasqFacts *facts);
/* dhcp-hosts, as dhcp-hostsfile= reads it: a line for each entry, those without a MAC as an address
 * kept out of the dynamic range, and the same for each of @taken (guint32 each, may be NULL) that
 * is no entry's: addresses that hosts use without a lease of ours, as the neighbour table shows. An
 * address with a live lease must not be in @taken: its holder could not renew it. */
char *dnsmasq_hosts_text(const Entries *entries, const GArray *taken);
/* hosts.local, as addn-hosts= reads it: DNS entries, then entries with a host name that no DNS
 * entry of the family has. */
char *dnsmasq_dns_text(const Entries *entries);
