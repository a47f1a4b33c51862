/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a caller of AttachGuest asks for. */

#include "model/entries.h"
#include "model/value.h"

typedef struct GuestWish {
        AddressEntry *entry; /* ip 0 and mac NULL: as they follow from the id; its guest without a
                                tap_name */
        bool owner_given, queues_given, mtu_given;
        bool limits_given[LIMIT_MAX];
} GuestWish;

/* The wish for guest @id by @options (a MAP) of a caller who is user @caller. INVALID_ARGS, with
 * key and value, else. */
GuestWish *guest_wish_new(const char *id, const Value *options, guint32 caller, GError **error);
void guest_wish_free(GuestWish *wish);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GuestWish, guest_wish_free)

/* Whether @entry, what the guest is attached with, is what is asked for, its limits aside.
 * INVALID_ARGS, with the first key that differs, else. */
bool guest_wish_check(const GuestWish *wish, const AddressEntry *entry, GError **error);

/* Gives @entry the limits that are asked for; whether one is another now. */
bool guest_wish_lay_limits(const GuestWish *wish, AddressEntry *entry);
