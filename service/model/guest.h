/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A guest: a VM that an id attaches to a bridge network. What it is called and which addresses it
 * has follow from the id alone, as far as they are free. */

#include <glib.h>
#include <stdbool.h>

#include "model/address.h"
#include "model/value.h"

#define GUEST_MAX_ID     255
#define GUEST_MAX_QUEUES 16 /* as many descriptors as a message of the system bus carries */
#define GUEST_TAP_SIZE   16

/* What an address entry has more where it is a guest's. */
typedef struct Guest {
        char *id;
        char *tap_name;
        guint32 owner; /* the user who may open the TAP */
        guint queues;
        guint mtu; /* 0: the network's */
} Guest;

Guest *guest_copy(const Guest *guest);
bool guest_equal(const Guest *a, const Guest *b);
void guest_free(Guest *guest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Guest, guest_free)

/* Any text of up to GUEST_MAX_ID bytes without control characters, but none. INVALID_ARGS else. */
bool guest_id_check(const char *id, GError **error);

/* How many addresses of @subnet hosts can have, the gateway's included. */
guint32 guest_n_addresses(const Subnet *subnet);
/* Where @digest, an id's, has its address, and from there on around: @nth 0 to
 * guest_n_addresses() - 1. The first host is the last one: no digest leads to it, since it is most
 * often the gateway. */
guint32 guest_address(const Subnet *subnet, guint64 digest, guint32 nth);
/* The TAP's name, and those to try after it. */
void guest_tap_name(guint64 digest, guint32 nth, char ret_name[static GUEST_TAP_SIZE]);
void guest_mac(guint64 digest, char ret_mac[static MAC_TEXT_SIZE]);
