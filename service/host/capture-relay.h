/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Bytes from one pipe to another, up to a number. For capture.c alone. */

#include <glib.h>

typedef struct CaptureRelay CaptureRelay;

/* Called once, from the loop: the number is reached, @from has come
 * to its end, or nobody reads @to any more. May free the relay. */
typedef void (*CaptureRelayDone)(gpointer data);

/* Both pipes stay the caller's, and open until the relay is freed. SIGPIPE must be ignored. */
CaptureRelay *capture_relay_new(int from, int to, guint64 bytes, CaptureRelayDone done,
                                gpointer data);
void capture_relay_free(CaptureRelay *relay);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CaptureRelay, capture_relay_free)
