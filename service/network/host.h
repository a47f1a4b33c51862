/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The handles on the host that all networks share, opened once and passed down. */

#include <glib.h>
#include <stdbool.h>

#include "host/arp-probe.h"
#include "host/arp.h"
#include "host/conntrack.h"
#include "host/dnsmasq-build.h"
#include "host/file-watch.h"
#include "host/firewalld.h"
#include "host/foreign-firewall.h"
#include "host/listeners.h"
#include "host/netlink.h"
#include "host/nft.h"
#include "host/nm.h"
#include "host/resolver.h"
#include "network/gateways.h"
#include "network/guard.h"
#include "network/knobs.h"
#include "network/owed.h"
#include "util/file-sync.h"

typedef struct Host {
        Netlink *rtnl;
        Nft *nft;
        Conntrack *conntrack;
        Listeners *listeners;
        Arp *arp;
        ArpProber *arp_prober;
        ForeignFirewall *foreign_firewall;
        Nm *nm;
        Firewalld *firewalld;
        Knobs *knobs;
        Guard *guard;
        Gateways *gateways;
        Owed *owed;
        FileWatches *file_watches;
        Resolver *resolver;
        DnsmasqBuild *dnsmasq_build;
        FileSync *disk;       /* for what must survive the loss of power */
        GHashTable *networks; /* name -> Network: all there are; the manager fills it */
        GHashTable *tables;   /* nftables table name -> network's name: who has it */
        GPtrArray *joints;    /* Joint*: joint.c's */
        int lock_fd;          /* held as long as this daemon lives: there is one */
        char *run_dir;        /* /run/jumpstarter: the journal */
        char *lib_dir;        /* /var/lib/jumpstarter: what outlives a boot */
} Host;

/* Opens everything; with @own_tables, nftables tables get their owner flag where the kernel has
 * it. FAILED where another daemon holds @run_dir or it cannot be made, or the kernel refuses a
 * socket. */
Host *host_new(const char *run_dir, const char *lib_dir, bool own_tables, GError **error);
void host_free(Host *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Host, host_free)
