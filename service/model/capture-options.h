/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a caller of Capture asks for, and the arguments that make tcpdump do it. */

#include <glib.h>

#include "model/address.h"
#include "model/value.h"

/* Of the filter, and of what one packet is cut to. */
#define CAPTURE_MAX_FILTER  4096
#define CAPTURE_MAX_SNAPLEN 262144
/* In milliseconds it is still a guint: 49 days. */
#define CAPTURE_MAX_SECONDS (G_MAXUINT / 1000)

typedef struct CaptureOptions {
        char *filter;           /* as in pcap-filter(7), with `ip` in it; "" for everything */
        guint snaplen;          /* bytes of each packet */
        guint packets, seconds; /* 0: no limit */
        guint64 bytes;          /* likewise; of the stream, its headers as well */
} CaptureOptions;

/* From @map, for a network of @subnet. INVALID_ARGS names the key, and an unknown one. Whether the
 * filter is one only tcpdump can tell. */
CaptureOptions *capture_options_from_value(const Value *map, const Subnet *subnet, GError **error);
void capture_options_free(CaptureOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CaptureOptions, capture_options_free)

/* tcpdump's command line, pcap of @interface to its standard output; the caller's
 * (g_strfreev()). */
char **capture_options_argv(const CaptureOptions *options, const char *program,
                            const char *interface);
