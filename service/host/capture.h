/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The packets of an interface as a pcap stream, made by a tcpdump of its own. */

#include <glib.h>

#include "model/capture-options.h"

typedef struct Capture Capture;

/* Called once, from the loop. @fd: the reading end of a pipe with pcap in it, close-on-exec, and
 * the callee's. -1 with @error (borrowed): INVALID_ARGS where tcpdump does not take the filter,
 * else FAILED; the callee may free the capture then. */
typedef void (*CaptureReady)(int fd, const GError *error, gpointer data);
/* Called once after a good CaptureReady, from the loop: no process is left. The callee may free the
 * capture. */
typedef void (*CaptureEnded)(gpointer data);

/* Begins to capture on @interface; needs CAP_NET_RAW, which tcpdump does not get. @preload: the
 * library of capture-preload.c. It ends at its limits, when nobody has the pipe's reading end any
 * more, when the interface goes, or with this process. SIGPIPE must be ignored. */
Capture *capture_new(const CaptureOptions *options, const char *interface, const char *preload,
                     CaptureReady ready, CaptureEnded ended, gpointer data, GError **error);
/* Has it end, after it has begun: the reader gets what is written, and the end. */
void capture_end(Capture *capture);
/* Ends it at once; nothing is called any more. Accepts NULL. */
void capture_free(Capture *capture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Capture, capture_free)
