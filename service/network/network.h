/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One network: what it should be, what it is, and the operations that bring the two together, one
 * at a time. */

#include <glib.h>
#include <stdbool.h>

#include "model/config.h"
#include "model/guest-wish.h"
#include "model/lease.h"
#include "network/host-view.h"
#include "network/host.h"

typedef struct Network Network;

typedef enum NetworkState {
        NETWORK_INACTIVE,
        NETWORK_WAITING, /* its interface is not there */
        NETWORK_ACTIVATING,
        NETWORK_ACTIVE,
        NETWORK_DEGRADED, /* up, but something is wrong and being retried */
        NETWORK_DEACTIVATING,
        NETWORK_FAILED,
        NETWORK_STATE_MAX,
} NetworkState;

const char *network_state_to_string(NetworkState state);

/* What changed, as a mask. */
typedef enum NetworkProperty {
        NETWORK_PROPERTY_STATE = 1 << 0,
        NETWORK_PROPERTY_ERROR = 1 << 1,
        NETWORK_PROPERTY_SUBNET = 1 << 2,
        NETWORK_PROPERTY_UPSTREAM = 1 << 3,
        NETWORK_PROPERTY_ADDRESSES = 1 << 4,
        NETWORK_PROPERTY_DNS_ENTRIES = 1 << 5,
        NETWORK_PROPERTY_LEASES = 1 << 6,
        NETWORK_PROPERTY_ORIGIN = 1 << 7,
        NETWORK_PROPERTY_GATEWAY_IP = 1 << 8,
        NETWORK_PROPERTY_NAT_MODE = 1 << 9,
        NETWORK_PROPERTY_STATE_DIR = 1 << 10,
        NETWORK_PROPERTY_DHCP_ENABLED = 1 << 11,
        NETWORK_PROPERTY_INTERFACE = 1 << 12,
        NETWORK_PROPERTY_FORWARDS = 1 << 13,
        NETWORK_PROPERTY_GUESTS = 1 << 14,
        NETWORK_PROPERTY_IPV6 = 1 << 15,
} NetworkProperty;

/* What a network consists of on the host, as a mask beside ConfigChange's bits. */
typedef enum NetworkPart {
        NETWORK_PART_HAND_OVER = 1 << 16,
        NETWORK_PART_FIREWALL = 1 << 17,
        NETWORK_PART_LINK = 1 << 18,
        NETWORK_PART_FORWARDING = 1 << 19,
        NETWORK_PART_PUBLIC = 1 << 20,
        NETWORK_PART_OTHER_FIREWALLS = 1 << 21,
        NETWORK_PART_DNSMASQ = 1 << 22,
        NETWORK_PART_ROUTES = 1 << 23,
        NETWORK_PART_GATEWAYS = 1 << 24, /* what all networks have together */
        NETWORK_PART_GUESTS = 1 << 25,
} NetworkPart;

typedef enum EntryEvent {
        ENTRY_ADDED,
        ENTRY_CHANGED,
        ENTRY_REMOVED,
        ENTRY_EVENT_MAX,
} EntryEvent;

/* Who is told. Called from the main loop; the network is whole at that time and may be read. */
typedef struct NetworkEvents {
        void (*changed)(Network *network, NetworkProperty properties, gpointer data);
        void (*lease)(Network *network, LeaseEvent event, const Lease *lease, gpointer data);
        void (*address)(Network *network, EntryEvent event, const AddressEntry *entry,
                        gpointer data);
        void (*guest)(Network *network, EntryEvent event, const AddressEntry *entry, gpointer data);
        void (*dns)(Network *network, EntryEvent event, const DnsEntry *entry, gpointer data);
        void (*forward)(Network *network, EntryEvent event, const Forward *forward, gpointer data);
} NetworkEvents;

/* Called exactly once for each operation, when it has ended: @error NULL (borrowed) means all of it
 * is done; otherwise nothing has changed, except where the operation's comment says so. May be
 * called from inside the call that took it. */
typedef void (*NetworkDone)(Network *network, const GError *error, gpointer data);

/* A network of @config (taken), from @origin: "bus", "transient" or a file's path. It is inactive.
 * Reads the entry log in its state directory and, where an earlier life of the daemon left one, its
 * journal; writes none. One that is on the host is made whatever its state directory is like:
 * somebody has to look after it. @host, @events and @data are borrowed and outlive it. */
Network *network_new(Host *host, NetworkConfig *config, const char *origin,
                     const NetworkEvents *events, gpointer data, GError **error);
Network *network_ref(Network *network);
void network_unref(Network *network);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Network, network_unref)

/* What it is called, for good: its NIC's name, or, where `match` finds the NIC, the configured or
 * derived one. */
const char *network_name(const Network *network);
/* Its NIC, by the name that this has now; "" where `match` has found none yet. */
const char *network_interface(const Network *network);
/* The network that has @interface, or is just taking it; NULL: none. Borrowed. */
Network *network_of_interface(const Host *host, const char *interface);
/* The NIC that a network of @config would have now, by its name, or, where there is none, what it
 * is looked for by (link_match_name()). For those who decide who may have it. The caller's. */
char *network_config_interface(const Host *host, const NetworkConfig *config);
const NetworkConfig *network_config(const Network *network);
NetworkState network_state(const Network *network);
const char *network_error(const Network *network); /* "" = none */
const char *network_origin(const Network *network);
/* As in force; "" where there is none. */
const char *network_upstream(const Network *network);
const char *network_public_interface(const Network *network);
/* Its nftables table; NULL while it has none. */
const char *network_table(const Network *network);
/* Its number where its subnet overlaps what the host routes already, and what that is, in words; 0
 * and "" where it does not, or the network is not up. */
guint network_twin(const Network *network);
const char *network_twin_of(const Network *network);

/* How time is served, as GetNtpStatus tells it. */
typedef struct NetworkNtp {
        bool enabled;
        bool running;
        guint stratum;     /* what boards are told; 0: that the time is not known, or nothing */
        bool synchronised; /* the host's clock */
} NetworkNtp;

void network_get_ntp(const Network *network, NetworkNtp *ret_ntp);
/* Live leases: array of Lease*, borrowed until the next lease change. */
const GPtrArray *network_leases(const Network *network);
/* Whether it is up, waits to be or is on the way: not after Down. */
bool network_is_wanted_up(const Network *network);
/* A transient network's caller, on the bus; NULL for others. */
const char *network_caller(const Network *network);
void network_set_caller(Network *network, const char *caller);
/* Writes the journal with it. Whether the next life of the daemon takes it away: as long as the
 * call that makes it is not answered for, and from the beginning of its removal. */
bool network_set_doomed(Network *network, bool doomed, GError **error);
/* Whether an earlier life of the daemon left something of it on the host. */
bool network_is_on_host(const Network *network);
/* Its file has another name now. */
void network_set_origin(Network *network, const char *origin);

/* Its configuration with the entries as configured, to be written to a file. The caller's. */
NetworkConfig *network_configured(const Network *network);

/* The address of the DUT with @mac (as mac_parse() gives it): its live lease's, else its entry's.
 * NO_SUCH_LEASE else. */
bool network_find_dut(const Network *network, const char *mac, guint32 *ret_ip, GError **error);
/* The address that @text means, of a DUT in the subnet: an IPv4 address; a MAC, as above, in any
 * case; or a host name, of a DNS entry, else of an address entry, else of a live lease.
 * INVALID_ARGS (not such a text, elsewhere, or the host's own), NO_SUCH_LEASE. */
bool network_find_address(const Network *network, const char *text, guint32 *ret_address,
                          GError **error);

/* Brings it up; already up is success. Without its interface it waits, which is success too.
 * INTERFACE_IN_USE, FOREIGN_DHCP_SERVER, ADDRESS_IN_USE, INVALID_ARGS (an address of the host as
 * public_ip), FAILED: the host is as it was, and the state is failed. */
void network_up(Network *network, NetworkDone done, gpointer data);
/* The same for a configuration that asks for it: what fails is tried again later. */
void network_start(Network *network, NetworkDone done, gpointer data);
/* Takes it down; down already is success. What could not be given back is logged. */
void network_down(Network *network, NetworkDone done, gpointer data);
/* Takes it down and removes its state directory's files. Its journal, which says so, and the files
 * of its configuration are the caller's to remove, last (store_remove()). */
void network_remove(Network *network, NetworkDone done, gpointer data);
/* Changes the keys of @settings (a MAP, taken) in what is in force when its turn comes. As
 * network_change() otherwise; INVALID_ARGS where the whole would not be right. */
void network_update(Network *network, Value *settings, NetworkDone done, gpointer data);
/* Changes it to what its file says now, @file (taken), with the entries that the bus has changed.
 * As network_change() otherwise. */
void network_follow_file(Network *network, NetworkConfig *file, NetworkDone done, gpointer data);
/* Changes it to @config (taken), touching only what differs. @configured (taken, may be NULL) are
 * the entries as configured, where those in @config are already these with the log's changes; NULL:
 * as before, or @config's own where the entries differ. On an error all is as before. */
void network_change(Network *network, NetworkConfig *config, Entries *configured, NetworkDone done,
                    gpointer data);

/* Entry changes. The entries are taken. Done when dnsmasq's files are replaced. */
void network_put_address(Network *network, AddressEntry *entry, NetworkDone done, gpointer data);
/* NO_SUCH_ADDRESS. */
void network_remove_address(Network *network, guint32 ip, NetworkDone done, gpointer data);
/* As NetworkDone, with the guest's entry (borrowed; NULL on an error). */
typedef void (*NetworkAttached)(Network *network, const AddressEntry *entry, const GError *error,
                                gpointer data);

/* Attaches the guest of @wish (taken), unless it is: name and addresses are those of its entry
 * then. FAILED (the network is not up, or on no bridge), INVALID_ARGS, LIMIT_EXCEEDED,
 * ADDRESS_IN_USE; ACCESS_DENIED where it is somebody else's than @caller's, who is not root. */
void network_attach_guest(Network *network, GuestWish *wish, guint32 caller, NetworkAttached done,
                          gpointer data);
/* Detaches it, with its connections; not attached is success. ACCESS_DENIED. */
void network_detach_guest(Network *network, const char *id, guint32 caller, NetworkDone done,
                          gpointer data);
/* The entry of an attached guest. NO_SUCH_GUEST, and ACCESS_DENIED as above. Borrowed. */
const AddressEntry *network_find_guest(const Network *network, const char *id, guint32 caller,
                                       GError **error);
void network_put_dns(Network *network, DnsEntry *entry, NetworkDone done, gpointer data);
/* NO_SUCH_ENTRY. */
void network_remove_dns(Network *network, const char *hostname, NetworkDone done, gpointer data);
/* One address of a name: what @entry (taken) has of one family. NO_SUCH_ENTRY. */
void network_remove_dns_address(Network *network, DnsEntry *entry, NetworkDone done, gpointer data);

/* ADDRESS_IN_USE: another network has the port, or a program of the host listens there. */
void network_put_forward(Network *network, Forward *forward, NetworkDone done, gpointer data);
/* NO_SUCH_ENTRY. @key (taken) says which: see forward_is_same(). */
void network_remove_forward(Network *network, Forward *key, NetworkDone done, gpointer data);
/* @forward, one of its configuration's, as it is now (forward_status()). The caller's. */
Value *network_forward_status(const Network *network, const Forward *forward);

/* Whether it is being removed, or will be when what is under way has ended. */
bool network_is_being_removed(const Network *network);
/* Whether an operation is under way. */
bool network_is_busy(const Network *network);

/* Interfaces have come, gone or been renamed: the one of @index alone, or, with 0, any. */
void network_links_changed(Network *network, guint index);
/* Routes, addresses or interfaces of the host changed: follows the upstream where it moved. */
void network_host_changed(Network *network, HostView *view);
/* Somebody else has changed @parts (NetworkPart) behind our back: they are put back at once, or,
 * against somebody who keeps on changing them, a few times a second. Not up: nothing. */
void network_repair(Network *network, unsigned parts);
