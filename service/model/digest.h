/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* FNV-1a with 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/), and what follows from a name's
 * digest: the same on every host, and after every restart. */

#include <glib.h>

#include "model/address.h"

guint64 digest_of(const char *text);

/* @first and bits 39 to 0 of @digest, as mac_parse() gives it. */
void digest_mac(guint8 first, guint64 digest, char ret_mac[static MAC_TEXT_SIZE]);

/* The MAC of an interface that the service makes under that name: a bridge's does not change with
 * its ports, a TAP's not when it is made anew, and a guest's (which begins with 02) is never the
 * same. */
void made_mac(const char *name, char ret_mac[static MAC_TEXT_SIZE]);
