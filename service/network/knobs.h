/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Kernel knobs that several networks may want at once: counted, with the value found before the
 * first one kept in the journal, and given back with the last. Where two want different values, the
 * smaller one has it of what lets a board talk to the host (redirects, accept_ra) and of
 * disable_ipv6, the larger one of the others; whoever comes first, and until that one goes. */

#include <glib.h>
#include <stdbool.h>

#include "host/sysctl.h"

typedef struct Knobs Knobs;

/* Remembers in @run_dir, from an earlier life of the daemon too. */
Knobs *knobs_new(const char *run_dir);
void knobs_free(Knobs *knobs);

typedef struct Knob {
        Sysctl sysctl;
        const char *interface;
        int value;
} Knob;

/* Makes @wanted what @holder (a network's interface) holds of the class @holder_class: sets those
 * that are new and lets go of those that it held and are not in @wanted. A family that the kernel
 * does not have (-ENOENT on an IPv6 knob) is passed over. On an error nothing has changed. */
bool knobs_hold(Knobs *knobs, const char *holder, const char *holder_class, const Knob *wanted,
                guint n_wanted, GError **error);

/* Somebody else has turned a knob that @holder holds of the class @holder_class. */
typedef void (*KnobTurned)(const char *holder, const char *holder_class, gpointer data);
/* Reads @sysctl of interface @index, where it is held, and calls @turned for each of its holders if
 * it no longer has the value that was set. Sets nothing: knobs_hold() does. */
void knobs_check(const Knobs *knobs, Sysctl sysctl, guint index, KnobTurned turned, gpointer data);
/* The same for every knob that is held. */
void knobs_check_all(const Knobs *knobs, KnobTurned turned, gpointer data);

/* Somebody has turned @sysctl of all interfaces, as net.ipv4.ip_forward does: that is what counts
 * as found from now on, and is given back. False where the journal cannot be written. */
bool knobs_turned_for_all(Knobs *knobs, Sysctl sysctl, GError **error);

/* Lets go of all that @holder holds of @holder_class: a knob that nobody holds any more gets the
 * value back that was found, if it still has the value that we set; its interface gone is
 * success. Goes on past errors and returns the first. */
bool knobs_release(Knobs *knobs, const char *holder, const char *holder_class, GError **error);

/* The value of @sysctl of @interface before anybody held it, or what turns it for all; of one that
 * is not held the value that it has. As sysctl_get(). */
int knobs_found(const Knobs *knobs, Sysctl sysctl, const char *interface, int *ret_value);
