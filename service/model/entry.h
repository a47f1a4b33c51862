/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One entry of a network: an address that a device has, or a name. */

#include <glib.h>
#include <stdbool.h>

#include "model/address6.h"
#include "model/guest.h"
#include "model/nat-limits.h"

typedef struct AddressEntry {
        guint32 ip;
        char *mac;         /* lower case, or NULL */
        char *hostname;    /* lower case, or NULL */
        guint32 public_ip; /* 0 = none */
        bool public_auto;  /* public_ip is the pool's choice; 0 = yet to be made */
        Guest *guest;      /* whose it is, and as long as that is attached; NULL = no guest's */
        char *public_name; /* public_ip is what this name of the LAN is, lower case; 0 = not known.
                              NULL = given as an address */
        Address6 ipv6;     /* its other address; none */
        Limits limits;     /* what it has instead of its network's */
} AddressEntry;

typedef struct DnsEntry {
        char *hostname;       /* lower case */
        bool has_ip, has_ip6; /* one of them at least */
        guint32 ip;           /* any: 0.0.0.0 answers that there is no such host */
        Address6 ip6;
} DnsEntry;

AddressEntry *address_entry_copy(const AddressEntry *entry);
bool address_entry_equal(const AddressEntry *a, const AddressEntry *b);
void address_entry_free(AddressEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AddressEntry, address_entry_free)
/* Whether its public_ip is found for it, by the pool or by its name, and not given. */
bool address_entry_is_chosen(const AddressEntry *entry);
DnsEntry *dns_entry_copy(const DnsEntry *entry);
/* Gives @entry the address that @other has of the family that it has none of. */
void dns_entry_complete(DnsEntry *entry, const DnsEntry *other);
/* Takes its address of @family, if it has one; it may have none then. */
void dns_entry_drop(DnsEntry *entry, guint family);
/* Whether both have the same of @family, or none. */
bool dns_entry_equal_of(const DnsEntry *a, const DnsEntry *b, guint family);
bool dns_entry_is_empty(const DnsEntry *entry);
/* A copy of @entry with those of its addresses alone that are of a family which @other has one of;
 * perhaps none. The caller's. */
DnsEntry *dns_entry_copy_like(const DnsEntry *entry, const DnsEntry *other);
/* The address of @family: 0 for IPv4, 1 for IPv6, written to @buffer; NULL where there is none. */
const char *dns_entry_address(const DnsEntry *entry, guint family,
                              char buffer[static ADDRESS6_TEXT_SIZE]);
#define DNS_FAMILIES 2
bool dns_entry_equal(const DnsEntry *a, const DnsEntry *b);
void dns_entry_free(DnsEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DnsEntry, dns_entry_free)
