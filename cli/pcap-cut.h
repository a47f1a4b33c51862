/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Where the packets of a pcap stream end, so that it can be cut there. Pure. */

#include <glib.h>

#define PCAP_RECORD_SIZE 16

/* All zero but `skip`, see PCAP_CUT_INIT. */
typedef struct PcapCut {
        guint64 skip; /* bytes up to the end of the packet, or of the file header */
        guint8 record[PCAP_RECORD_SIZE];
        gsize n_record;    /* how much there is of the next packet's header */
        guint64 n_packets; /* that have begun */
} PcapCut;

/* In front of a file header. */
#define PCAP_CUT_INIT                                                                              \
        {                                                                                          \
                .skip = 24                                                                         \
        }

/* @n bytes at @bytes go by, of a stream in this machine's byte order. */
void pcap_cut_pass(PcapCut *cut, const guint8 *bytes, gsize n);
/* How many bytes have to follow at least before the stream may end; 0: it may end here. */
guint64 pcap_cut_rest(const PcapCut *cut);
