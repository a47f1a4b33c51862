/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A packet is a header of 16 bytes and as many as the third word of that says
 * (pcap-savefile(5)). */

#include "cli/pcap-cut.h"

#include <string.h>

#define LENGTH_OFFSET 8

static void begin_packet(PcapCut *cut)
{
        guint32 length;

        memcpy(&length, cut->record + LENGTH_OFFSET, sizeof length);
        cut->skip = length;
        cut->n_record = 0;
        cut->n_packets++;
}

void pcap_cut_pass(PcapCut *cut, const guint8 *bytes, gsize n)
{
        while (n > 0) {
                gsize size = cut->skip > 0 ? (gsize)MIN(cut->skip, n)
                                           : MIN(PCAP_RECORD_SIZE - cut->n_record, n);
                if (cut->skip > 0) {
                        cut->skip -= size;
                } else {
                        memcpy(cut->record + cut->n_record, bytes, size);
                        cut->n_record += size;
                        if (cut->n_record == PCAP_RECORD_SIZE)
                                begin_packet(cut);
                }
                bytes += size;
                n -= size;
        }
}

guint64 pcap_cut_rest(const PcapCut *cut)
{
        if (cut->skip > 0)
                return cut->skip;
        return cut->n_record > 0 ? PCAP_RECORD_SIZE - cut->n_record : 0;
}
