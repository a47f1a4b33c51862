/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A captured stream from one descriptor to another. */

#include <glib.h>
#include <stdbool.h>

/* What has been copied. */
typedef struct CaptureCopied {
        guint64 n_packets, n_bytes;
        bool by_itself; /* it ended with the stream, and neither its reader nor a signal ended it */
} CaptureCopied;

/* Copies what comes from @from, a pipe with pcap in it, to @to, until the end, until nobody reads
 * @to any more, or until SIGINT or SIGTERM comes: then up to the end of the packet that it is in
 * the middle of, where that comes within a second. False with FAILED, which names @to_name, where
 * @to does not take it. The descriptors stay the caller's. Sets SIGPIPE to be ignored; the two
 * signals are as before afterwards. */
bool capture_copy(int from, int to, const char *to_name, CaptureCopied *ret_copied, GError **error);
