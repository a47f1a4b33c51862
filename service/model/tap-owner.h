/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Whose a TAP is that a network makes: a user, by name or by number. */

#include <glib.h>
#include <stdbool.h>

/* Whether @text can be a user: a name that the system's user database may know (1 to 255 printable
 * bytes of ASCII without spaces, ':' and '/', no '-' in front), or a uid, in digits. */
bool tap_owner_is_valid(const char *text);
/* Whether @owner is a uid, which is in *@ret_uid then. */
bool tap_owner_is_uid(const char *owner, guint32 *ret_uid);

/* What @owner's @nth TAP is called where nobody says otherwise: "aliceTAP0", of 10 bytes of a name
 * at most, with '_' for each that an interface's name does not have. The caller's. */
char *tap_owner_interface(const char *owner, guint nth);
