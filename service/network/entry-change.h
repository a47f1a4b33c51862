/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One change of one entry: what is asked for, and what comes of it. For entry-change*.c. */

#include "network/network-private.h"

typedef enum EntryChangeType {
        PUT_ADDRESS,
        REMOVE_ADDRESS,
        PUT_DNS,
        REMOVE_DNS,
        ATTACH_GUEST,
        DETACH_GUEST,
        PUT_FORWARD,
        REMOVE_FORWARD,
} EntryChangeType;

typedef struct EntryChange {
        EntryChangeType type;
        guint32 ip;            /* REMOVE_ADDRESS, DETACH_GUEST */
        char *hostname;        /* REMOVE_DNS */
        char *guest;           /* DETACH_GUEST: its id */
        GuestWish *wish;       /* ATTACH_GUEST */
        guint32 caller;        /* of the two: the user */
        bool is_done;          /* of the two: it is as it is to be already */
        bool lacks_address;    /* ATTACH_GUEST: it waits for one that is not free yet */
        AddressEntry *address; /* PUT_ADDRESS, ATTACH_GUEST: the new one */
        char *public_name;     /* PUT_ADDRESS: only while an entry has it, the rest as it is */
        DnsEntry *dns;         /* PUT_DNS: the new one; REMOVE_DNS: what is left, or NULL */
        DnsEntry *asked_dns;   /* PUT_DNS, REMOVE_DNS: what it was asked for with, of one family;
                                  to be removed as a whole: NULL */
        Forward *forward;      /* PUT_FORWARD: the new one; REMOVE_FORWARD: which */
        AddressEntry *old_address; /* what was there before */
        DnsEntry *old_dns;
        Forward *old_forward;
        NetworkDone done;
        NetworkAttached attached; /* ATTACH_GUEST: instead */
        gpointer data;
} EntryChange;

void entry_change_free(EntryChange *change);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EntryChange, entry_change_free)

/* Whether it is about an address, a guest's too; about a forward; else it is about a name. */
bool entry_change_is_address(const EntryChange *change);
bool entry_change_is_forward(const EntryChange *change);
/* Its line in the log. The caller's. */
char *entry_change_line(const EntryChange *change);
/* Makes @network's entries what they are after it. */
void entry_change_remember(Network *network, const EntryChange *change);
/* The change that takes @change back. The caller's. */
EntryChange *entry_change_inverse(const EntryChange *change);
/* Tells who asked for it. */
void entry_change_answer(Network *network, const EntryChange *change, const GError *error);
/* Tells who listens to @network. */
void entry_change_tell(Network *network, const EntryChange *change);
/* Whether dnsmasq's dhcp-hosts, or its hosts.local, is another one after it. */
bool entry_change_of_hosts(const EntryChange *change);
bool entry_change_of_names(const EntryChange *change);

/* entry-submit.c */
/* Whether there still is an entry whose public_ip @change is for, and it has another one. Makes the
 * change one of that entry as it is by now. */
bool entry_change_choice_matters(const Network *network, EntryChange *change);

/* entry-kernel.c */
/* Whether a public address is on the host and in the kernel's maps when an entry has it. */
bool entry_maps_are_in_force(const Network *network);
/* Makes the kernel's maps what they are to be after the change; with @back, what they were. On an
 * error they are as before. */
bool entry_change_kernel(Network *network, const EntryChange *change, bool back, GError **error);
/* A mapping that went takes its connections with it. */
void entry_change_end_connections(Network *network, const EntryChange *change);

/* entry-check.c */
/* Whether it may be made now; finds what it replaces, and what a guest gets. @leaving (a set of
 * addresses; may be NULL): see guests_choose(). */
bool entry_change_check(Network *network, EntryChange *change, GHashTable *leaving, GError **error);
/* Finds what a guest that is yet to be attached gets, of what is free now. What was asked for on
 * the LAN for it stays. */
bool entry_change_resolve(Network *network, EntryChange *change, GHashTable *leaving,
                          GError **error);
