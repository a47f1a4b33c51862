/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Where a pcap stream may end, whatever pieces it comes in. */

#include "cli/pcap-cut.h"

#include <stdbool.h>
#include <string.h>

#define FILE_HEADER 24

/* A file header and packets of these lengths. */
static const guint32 lengths[] = { 100, 0, 1, 70000 };

static GByteArray *stream_new(GArray *ends)
{
        GByteArray *stream = g_byte_array_new();
        gsize end = FILE_HEADER;

        g_byte_array_set_size(stream, FILE_HEADER);
        g_array_append_val(ends, end);
        for (guint i = 0; i < G_N_ELEMENTS(lengths); i++) {
                guint32 record[] = { 1, 2, lengths[i], 0xffffffff };
                guint at = stream->len + sizeof record;
                g_byte_array_append(stream, (const guint8 *)record, sizeof record);
                g_byte_array_set_size(stream, at + lengths[i]);
                memset(stream->data + at, 0xff, lengths[i]);
                end = stream->len;
                g_array_append_val(ends, end);
        }
        return stream;
}

static bool is_end(const GArray *ends, gsize at)
{
        for (guint i = 0; i < ends->len; i++)
                if (g_array_index(ends, gsize, i) == at)
                        return true;
        return false;
}

static void check(const GByteArray *stream, const GArray *ends, gsize piece)
{
        PcapCut cut = PCAP_CUT_INIT;

        for (gsize at = 0; at < stream->len;) {
                gsize size = MIN(piece, stream->len - at);
                pcap_cut_pass(&cut, stream->data + at, size);
                at += size;
                g_assert_cmpint(pcap_cut_rest(&cut) == 0, ==, is_end(ends, at));
        }
        g_assert_cmpuint(pcap_cut_rest(&cut), ==, 0);
}

static void test_pieces(void)
{
        static const gsize pieces[] = { 1, 2, 7, 16, 17, 24, 40, 4096, 1000000 };
        g_autoptr(GArray) ends = g_array_new(FALSE, FALSE, sizeof(gsize));
        g_autoptr(GByteArray) stream = stream_new(ends);

        for (guint i = 0; i < G_N_ELEMENTS(pieces); i++)
                check(stream, ends, pieces[i]);
}

/* What is said to be missing never reaches beyond the packet's end. */
static void test_rest(void)
{
        g_autoptr(GArray) ends = g_array_new(FALSE, FALSE, sizeof(gsize));
        g_autoptr(GByteArray) stream = stream_new(ends);
        PcapCut cut = PCAP_CUT_INIT;
        gsize at = FILE_HEADER + 10;

        g_assert_cmpuint(pcap_cut_rest(&cut), ==, FILE_HEADER);
        pcap_cut_pass(&cut, stream->data, at);
        for (guint64 rest; (rest = pcap_cut_rest(&cut)) > 0; at += rest)
                pcap_cut_pass(&cut, stream->data + at, rest);
        g_assert_cmpuint(at, ==, FILE_HEADER + PCAP_RECORD_SIZE + lengths[0]);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/cli-pcap-cut/pieces", test_pieces);
        g_test_add_func("/cli-pcap-cut/rest", test_rest);
        return g_test_run();
}
