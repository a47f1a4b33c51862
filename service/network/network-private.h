/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The inside of a network, for the files that make it up: network.c (the object), operations.c (the
 * queue, and operation-*.c, what it does), steps.c and step-*.c (what is done to the host),
 * entry-changes.c and leases.c. */

#include "host/chrony.h"
#include "host/dhcp-watch.h"
#include "host/dnsmasq.h"
#include "host/lease-file.h"
#include "host/link.h"
#include "model/held-entries.h"
#include "network/network.h"
#include "network/record.h"
#include "network/steps.h"

typedef struct Operation Operation;
typedef struct EntryChanges EntryChanges;
typedef struct PublicNames PublicNames;
typedef struct PublicProbe PublicProbe;

/* The files that a change replaces; saving.c's. */
typedef struct Saving {
        unsigned parts;            /* which */
        guint next;                /* the part whose turn it is */
        const NetworkConfig *file; /* what the network's file says, where it is applied; borrowed */
        GError *error;
        StepRunDone done;
} Saving;

struct Network {
        int n_ref;
        Host *host;
        const NetworkEvents *events;
        gpointer events_data;

        char *name;            /* on the bus, in files and in the log */
        char *interface;       /* its NIC, by its name now; "" while a match has found none */
        NetworkConfig *config; /* in force: its entries are the present ones */
        Entries *configured;   /* the entries as configured, before the log's changes */
        HeldEntries *held;     /* the log's that do not fit */
        Record *record;
        NetworkState state;
        char *error; /* NULL = none */

        char *upstream;         /* in force; NULL = none now */
        char *public_interface; /* in force; NULL = none now */
        guint upstream_index;   /* of the two; 0 = none now */
        guint public_index;

        GQueue operations; /* Operation*, waiting */
        Operation *current;
        StepRun run;
        bool removed;      /* for good: what is still queued finds it gone */
        bool host_changed; /* while an operation ran: the upstream has to be looked at again */
        guint retry_id;    /* a refresh that waits for its back-off */
        guint retry_ms;
        unsigned retry_changes;
        guint repair_id; /* a repair that waits for its turn */
        unsigned repair_parts;
        gint64 repaired_usec; /* when something was put back last (monotonic) */

        bool is_moving;    /* a change that may move the state directory is under way */
        bool claimed;      /* the host can give it what it asks for, as far as was known then */
        NmHeld *inspected; /* what the claim step found, until hand-over records it */

        bool limited;     /* the rules have limits in them */
        bool limit_comes; /* an address is about to have the first one */

        bool others_left;    /* an earlier life has not forgotten all guests that it detached */
        GHashTable *tapless; /* ids of guests that have no TAP -> why, in words */

        FilterAnswers *answers; /* of the names in its filter, as far as they are known */
        FilterAnswers *own;     /* of its entries for them, as the rules have it */

        Dnsmasq *dnsmasq;
        LeaseFile *lease_file;
        GPtrArray *leases;
        DhcpWatch *boards; /* where the range is one address: who asks for it */

        Chrony *chrony;
        bool vouches;  /* it serves the clock as a good one */
        guint look_id; /* the next look at whether the clock is one */

        EntryChanges *changes;
        Saving saving;

        GHashTable *reserved; /* addresses that are being probed, as a set: no other network's */
        GHashTable *blocked;  /* address -> MAC: of its mappings, but another host has them */
        GArray *chosen;       /* guint32, ips of entries whose choice the log has not got yet */
        PublicProbe *probe;   /* under way */
        PublicNames *public_names;
        guint left_index;   /* the interface that its addresses left last; 0 = none */
        gint64 left_usec;   /* when (monotonic) */
        guint ask_again_id; /* for the blocked ones, and guests without a TAP */
        guint gather_id;    /* waits for the rest of a burst of entry changes */

        GPtrArray *forwards;         /* forwards.c's, as the rules have them; NULL: none are put */
        GPtrArray *claimed_forwards; /* as the firewall step is to put them */
        GHashTable *names;           /* of the LAN, that forwards lead to -> ResolverName */
        bool names_changed;          /* while steps ran: forwards are to follow */
        guint look_at_ports_id;      /* for those that somebody else has */
};

/* The one place where the state changes: logs, tells and persists. @error NULL: none. */
void network_set_state(Network *network, NetworkState state, const char *error);
void network_tell(Network *network, NetworkProperty properties);
/* Writes the journal. FAILED on an error; the caller must not touch the host then. */
bool network_save_record(Network *network, GError **error);
/* Makes the state directory of a change, which is in the journal before, where it is another one;
 * after the change, either way, what is in the one that is not used goes. */
bool network_begin_move(Network *network, const char *state_dir, GError **error);
void network_end_move(Network *network);
/* Removes our files from @state_dir, and it. Failures are logged. */
void network_clear_state_dir(Network *network, const char *state_dir, bool keep_dnsmasq);

/* Whether it is there for its DUTs: active or degraded. */
bool network_is_up(const Network *network);

/* operations.c */
/* Whether somebody waits for the operation that runs, to be told of what does not work. */
bool operations_have_caller(const Network *network);
bool operations_are_idle(const Network *network);
/* Whether steps are being run now, or may be: what they do to the host is theirs. */
bool operations_run_steps(const Network *network);
/* Whether it comes up or becomes another one; not where that is being taken back. */
bool operations_go_forward(const Network *network);
/* Has the steps of @changes run again when nothing else does, after a back-off if it failed
 * lately. */
void operations_refresh(Network *network, unsigned changes);
/* Another board than the one with the lease asks for the range's one address: the lease ends. */
void operations_new_board(Network *network);
/* Has the state be looked at again, since something has turned out to be wrong, or right. */
void operations_settle(Network *network);
/* Has @change, an entry change, wait for the operations before it. */
void operations_queue_entry_change(Network *network, gpointer change);

/* entry-changes.c */
EntryChanges *entry_changes_new(Network *network);
/* Makes the network's entries those that the log leads to. On an error no change can be made until
 * the log is known. */
bool entry_changes_load(EntryChanges *changes, GError **error);
/* Writes what is pending before. */
void entry_changes_free(EntryChanges *changes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EntryChanges, entry_changes_free)
/* Has @public_ip (0: none) be the public address of the entry that has @public_name, if one has it
 * still when its turn comes. Errors as network_put_address(). */
void entry_changes_choose_public(Network *network, const char *public_name, guint32 public_ip,
                                 NetworkDone done, gpointer data);
/* Runs a change that waited (operations_queue_entry_change()). */
void entry_changes_run(Network *network, gpointer change);
/* The entry that @change puts, to be changed before it runs; NULL: it puts none. */
AddressEntry *entry_change_address(Network *network, gpointer change);
/* Whether @change, run now, would put on a public address that nobody has been asked for. */
bool entry_change_needs_probe(Network *network, gpointer change);
void entry_change_cancel(Network *network, gpointer change, const GError *error);
/* The entries were set as a whole: the log starts again from what is configured. In two halves:
 * beside the old log, and in its place; or dropped instead. */
void entry_changes_stage_reset(Network *network, FileSyncDone done, gpointer data);
void entry_changes_commit_reset(Network *network, FileSyncDone done, gpointer data);
void entry_changes_drop_reset(Network *network, FileSyncDone done, gpointer data);
/* Frees the network's and removes the log: the network goes for good. */
void entry_changes_delete(Network *network);
/* Writes what is pending now, and answers. */
void entry_changes_flush_now(EntryChanges *changes);
void entry_changes_flush(Network *network);

/* Has the log know what the pool chose since the last time. */
void entry_changes_log_choices(Network *network);

/* entry-burst.c: runs @changes (entry changes, borrowed), in order, after one probe of all of their
 * public addresses. @done is called once, perhaps from inside the call. */
void entry_burst_run(Network *network, const GPtrArray *changes, void (*done)(Network *network));

/* entry-overlay.c: has @config have those of @entries that fit it; those that do not, and are not
 * as
 * @configured, are held in @held. */
void entry_overlay_adopt(NetworkConfig *config, const Entries *entries, const Entries *configured,
                         HeldEntries *held);
/* Lays what the bus has made of the entries, what is held with it, over those of @config, newly
 * read. What does not fit, to be held: the caller's. */
HeldEntries *entry_overlay(const Network *network, NetworkConfig *config);
/* Logs what of @held was not in @before. */
void entry_overlay_tell(const Network *network, const HeldEntries *held, const HeldEntries *before);

/* saving.c: the configuration's files that a change replaces. @done is called once, perhaps from
 * inside the call, and takes its error. */
/* Writes them beside the old ones; @log: the entry log is one of them; @file, borrowed until the
 * commit or drop is done: what the network's file says, which becomes what was last applied; NULL:
 * that stays. On an error none is left. */
void saving_stage(Network *network, const NetworkConfig *file, bool log, StepRunDone done);
/* Puts them in their places; on an error the old configuration has to be saved again. */
void saving_commit(Network *network, StepRunDone done);
/* Instead of the commit; without an error. */
void saving_drop(Network *network, StepRunDone done);

/* step-time.c: looks at the clock no more. */
void time_forget_clock(Network *network);

/* leases.c: reads those that an earlier life left. */
void leases_load(Network *network);
bool leases_watch(Network *network, GError **error);
/* When dnsmasq has ended. */
void leases_unwatch(Network *network);
/* How its DHCPv6 server calls itself (lease_text_server()); NULL where it has given no lease. The
 * caller's. */
char *leases_server(const Network *network);
/* dnsmasq has been told of the end of those that @is_to_go says so of: they count no more, though
 * it takes its time to write that down. */
void leases_pass_over(Network *network, LeaseJudge is_to_go, gpointer data);
/* Reads the file now: what of it is of the network's subnets may be another part of it. */
void leases_look(Network *network);
/* Whether there are some of subnets that the network had before, for dnsmasq alone to know. */
bool leases_are_left(const Network *network);
/* While dnsmasq does not run: those end in its file as well. */
bool leases_drop_left(Network *network, GError **error);
/* While dnsmasq does not run: those that @is_to_go says so of end, in its file too. */
bool leases_drop(Network *network, LeaseJudge is_to_go, gpointer data, GError **error);
/* The file is gone, and so are the leases. */
void leases_forget(Network *network);
/* Where the range is one address, it is for one DUT, whatever its MAC: watches who asks for it. */
bool leases_watch_boards(Network *network, GError **error);
/* Addresses of the subnet that are in use and that dnsmasq does not know of by itself: those that
 * the neighbour table shows, live leases aside. Array of guint32, the caller's. */
GArray *leases_taken_addresses(Network *network);

/* interface.c: whether it makes the interface for itself, and so waits for none. */
bool interface_is_made(const Network *network);
/* The NIC as it is now. 0, -ENODEV where there is none, -ENOTUNIQ where `match` fits
 * several (*ret_which names them; the caller's), or another negative errno. */
int interface_find(const Network *network, Link *ret_link, char **ret_which);
bool interface_exists(const Network *network);
/* The NIC is called @interface from now on. */
void interface_set(Network *network, const char *interface);

/* dut-address.c: whether @address is one that a DUT of the network can have. */
bool network_may_be_dut(const Network *network, guint32 address);
/* Whether @hostname is a name of the network: of a DNS entry, an address entry or a live lease.
 * *ret_address is 0 where it does not lead to a DUT of it. */
bool network_knows_name(const Network *network, const char *hostname, guint32 *ret_address);

/* upstream.c: works out upstream and public interface as they are in @view. True where one changed.
 */
bool upstream_resolve(Network *network, HostView *view);
/* The interfaces (their indexes) that cannot be @network's upstream: its own, and those that other
 * networks have. Array of guint, the caller's. */
GArray *upstream_ignored(Network *network);
/* Whether it has its interface, or is just taking it: one that only names it has no say. */
bool network_has_interface(const Network *network);
