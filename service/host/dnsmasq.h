/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One network's dnsmasq: its files in the state directory and its process. */

#include <glib.h>
#include <stdbool.h>

#include "host/file-watch.h"
#include "host/server.h"

typedef struct Dnsmasq Dnsmasq;

/* Called when the process has ended without having been told to; not after dnsmasq_stop(). @reason
 * says how, for a reader. */
typedef void (*DnsmasqEnded)(Dnsmasq *dnsmasq, const char *reason, gpointer data);

/* For network @interface, with files in @state_dir (which exists). @watches is borrowed. Starts
 * nothing. */
Dnsmasq *dnsmasq_new(const char *interface, const char *state_dir, FileWatches *watches,
                     DnsmasqEnded ended, gpointer data);
/* From its next start on it has @library loaded (dnsmasq-preload-*.c): it hears of the addresses of
 * NIC @index alone, not of all the host's, and each of its processes adds to nftables sets by a
 * socket of its own. Where that cannot be loaded it hears of all, and does the same. */
void dnsmasq_set_preload(Dnsmasq *dnsmasq, const char *library, guint index);
/* Forgets the process, which goes on running; pending ServerDone are called with a FAILED error
 * before. */
void dnsmasq_free(Dnsmasq *dnsmasq);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Dnsmasq, dnsmasq_free)

/* Writes dnsmasq.conf, dhcp-hosts and hosts.local (each atomically, or none on an error; NULL: as
 * it is). */
bool dnsmasq_write(Dnsmasq *dnsmasq, const char *conf, const char *dhcp_hosts,
                   const char *hosts_local, GError **error);

/* Starts the process, or adopts the one that the pidfile names where it is provably this
 * network's, was started for the same dnsmasq.conf text as is on disk now, and runs; a running one
 * with another configuration is replaced. Done when it answers (its pidfile names it). Fails with
 * what it said last where it ends, or after 5 s. */
void dnsmasq_start(Dnsmasq *dnsmasq, ServerDone done, gpointer data);

/* Ends the process (SIGTERM, after 2 s SIGKILL) and waits for it. None running is success. Takes
 * over one left from an earlier life of ours first, if provably ours. */
void dnsmasq_stop(Dnsmasq *dnsmasq, ServerDone done, gpointer data);

/* Has it read dhcp-hosts and hosts.local again (SIGHUP), at most every 20 ms; several calls within
 * that time are one signal. Does nothing where it does not run. */
void dnsmasq_reload(Dnsmasq *dnsmasq);

bool dnsmasq_is_running(const Dnsmasq *dnsmasq);
/* As given to dnsmasq_new(); borrowed. */
const char *dnsmasq_state_dir(const Dnsmasq *dnsmasq);

/* Removes the files that we or dnsmasq made in the state directory, and the directory itself if
 * it is empty then. Other files are left. */
bool dnsmasq_remove_files(const char *state_dir, GError **error);
