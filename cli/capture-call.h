/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Capture, as verbs call it. */

#include "cli/capture-copy.h"
#include "cli/command.h"

/* One that runs. */
typedef struct CaptureCall {
        int stream;        /* the caller's to close */
        char *path;        /* the network's object */
        gint64 begun_usec; /* monotonic; it was not before that */
} CaptureCall;

void capture_call_clear(CaptureCall *call);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CaptureCall, capture_call_clear)

/* Calls Capture of the network that is meant, with the command's options for it and with @words
 * (NULL-terminated) as filter. An error else: USAGE for what is no number, and for --host. */
bool capture_call(Command *command, const char *const *words, CaptureCall *ret_call,
                  GError **error);

/* Whether @copied is all that was to come of @call: up to one of the command's limits, to a signal,
 * to its reader's end or to the network's. FAILED where the stream has ended before. */
bool capture_check_end(Command *command, const CaptureCall *call, const CaptureCopied *copied,
                       GError **error);
