/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The entries of one network: its addresses, its DNS entries and its forwards, kept in the order in
 * which they came; addresses and names are found by every key that must be unique in constant time.
 * Checks what can be checked about one entry beside the others; what needs the network's subnet is
 * checked by config.h. */

#include <glib.h>
#include <stdbool.h>

#include "model/entry.h"
#include "model/forward.h"

typedef struct Entries Entries;

Entries *entries_new(void);
Entries *entries_copy(const Entries *entries);
void entries_free(Entries *entries);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Entries, entries_free)

guint entries_n_addresses(const Entries *entries);
const AddressEntry *entries_address_at(const Entries *entries, guint index);
const AddressEntry *entries_find_ip(const Entries *entries, guint32 ip);
const AddressEntry *entries_find_mac(const Entries *entries, const char *mac);
const AddressEntry *entries_find_ipv6(const Entries *entries, const Address6 *ipv6);
const AddressEntry *entries_find_public_ip(const Entries *entries, guint32 public_ip);
const AddressEntry *entries_find_guest(const Entries *entries, const char *id);
/* The guest's whose TAP is called so. */
const AddressEntry *entries_find_tap(const Entries *entries, const char *name);
guint entries_n_guests(const Entries *entries);
const AddressEntry *entries_find_public_name(const Entries *entries, const char *public_name);
/* How many addresses have a public_ip; a public_name. */
guint entries_n_public(const Entries *entries);
guint entries_n_public_names(const Entries *entries);
/* The public_names, in no order; borrowed from @entries, the list the caller's. */
GList *entries_public_names(const Entries *entries);

guint entries_n_dns(const Entries *entries);
const DnsEntry *entries_dns_at(const Entries *entries, guint index);
const DnsEntry *entries_find_hostname(const Entries *entries, const char *hostname);

/* Forward*, borrowed until the next change. */
const GPtrArray *entries_forwards(const Entries *entries);
/* The one that takes what @key takes (forward_is_same()), or NULL. */
const Forward *entries_find_forward(const Entries *entries, const Forward *key);

/* Whether @entry may stand beside the others, the one of the same ip aside (it would be replaced):
 * its mac, its ipv6, its public_ip, its public_name and its guest are nobody else's, its public_ip
 * is nobody's ip; and it takes no guest's place. INVALID_ARGS else, naming key and value. */
bool entries_check_address(const Entries *entries, const AddressEntry *entry, GError **error);

/* Takes @entry; one of the same ip is replaced in its place. It must have passed
 * entries_check_address(). */
void entries_put_address(Entries *entries, AddressEntry *entry);
/* Takes the entry of @ip out and returns it (the caller's), or NULL. */
AddressEntry *entries_take_address(Entries *entries, guint32 ip);
/* Takes @entry; one of the same hostname is replaced in its place. */
void entries_put_dns(Entries *entries, DnsEntry *entry);
/* Takes the entry of @hostname out and returns it (the caller's), or NULL. */
DnsEntry *entries_take_dns(Entries *entries, const char *hostname);

/* Whether @forward may stand beside the others, the one that it would replace aside: none takes
 * some of the same. INVALID_ARGS else, naming both. */
bool entries_check_forward(const Entries *entries, const Forward *forward, GError **error);
/* Takes @forward; one that takes the same is replaced in its place. */
void entries_put_forward(Entries *entries, Forward *forward);
/* Takes the one that takes what @key takes out and returns it (the caller's), or NULL. */
Forward *entries_take_forward(Entries *entries, const Forward *key);

/* Sets what was chosen for @ip's entry, which is of that kind; 0 = none. Nobody else has it. */
void entries_choose_public(Entries *entries, guint32 ip, guint32 public_ip);
/* The pool's choice that @entries has for the board of @entry (by MAC, or, without one, by ip), or
 * what @entry's public_name was there; 0 = none. */
guint32 entries_choice_of(const Entries *entries, const AddressEntry *entry);
/* Makes the choices that @before has for the same boards or names and that are nobody's in
 * @entries, where there is none yet. */
void entries_keep_choices(Entries *entries, const Entries *before);

/* Frees the addresses of guests; all addresses; all DNS entries; all forwards. */
void entries_clear_guests(Entries *entries);
void entries_clear_addresses(Entries *entries);
void entries_clear_dns(Entries *entries);
void entries_clear_forwards(Entries *entries);

/* Whether both have the same addresses in the same order; the same DNS entries; the same forwards.
 */
bool entries_equal_addresses(const Entries *a, const Entries *b);
bool entries_equal_dns(const Entries *a, const Entries *b);
bool entries_equal_forwards(const Entries *a, const Entries *b);
