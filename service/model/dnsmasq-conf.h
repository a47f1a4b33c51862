/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What dnsmasq is told for one network, as text. Every value is a checked one; nothing of a user's
 * is copied that config.h has not parsed. Keys: dnsmasq(8). */

#include <glib.h>

#include "model/config.h"

/* What the host adds to the configuration. All borrowed. */
typedef struct DnsmasqFacts {
        const char *state_dir;
        guint dns_port;           /* 53, or a twin's own */
        const GArray *taken;      /* guint32 each: addresses that entries, leases or the neighbour
                                     table show to be in use; kept out of the dynamic range */
        const char *resolv_file;  /* the host's resolvers, used where dns_servers is empty */
} DnsmasqFacts;

/* dnsmasq.conf for @config. The caller's. */
char *dnsmasq_conf_text(const NetworkConfig *config, const DnsmasqFacts *facts);
/* dhcp-hosts, as dhcp-hostsfile= reads it: a line for each entry with a MAC. */
char *dnsmasq_hosts_text(const Entries *entries);
/* hosts.local, as addn-hosts= reads it: DNS entries, then entries with a host name that no DNS entry
 * has. */
char *dnsmasq_dns_text(const Entries *entries);
