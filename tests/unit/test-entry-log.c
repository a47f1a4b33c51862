/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The entry log: what is written is read back to the same, whatever a crash or a disk leaves; a
 * compacted log leads from any list to any other. */

#include "model/entry-log.h"

#include <string.h>

static char *dump(const Entries *entries)
{
        g_autoptr(Entries) none = entries_new();
        return entry_log_compact(none, entries);
}

static Entries *entries_of(const char *log)
{
        guint n_bad;
        Entries *entries = entries_new();
        (void)entry_log_replay(log, strlen(log), entries, &n_bad);
        return entries;
}

static void test_replay(void)
{
        static const struct {
                const char *log;
                guint n_lines, n_bad;
                const char *result;
        } cases[] = {
                { "", 0, 0, "" },
                { "+a 10.0.0.1 - - -\n", 1, 0, "+a 10.0.0.1 - - -\n" },
                { "+a 10.0.0.1 AA:00:00:00:00:01 DUT 11.0.0.1\n", 1, 0,
                  "+a 10.0.0.1 aa:00:00:00:00:01 dut 11.0.0.1\n" },
                { "+a 10.0.0.1 - - -\n-a 10.0.0.1\n", 2, 0, "" },
                { "-a 10.0.0.1\n", 1, 0, "" },
                { "+a 10.0.0.1 - a -\n+a 10.0.0.1 - b -\n", 2, 0, "+a 10.0.0.1 - b -\n" },
                { "+d Host.Lab 10.0.0.1\n", 1, 0, "+d host.lab 10.0.0.1\n" },
                { "+d h 10.0.0.1\n-d H\n", 2, 0, "" },
                { "+d h 10.0.0.1\n+d h fd00::1\n", 2, 0, "+d h 10.0.0.1,fd00::1\n" },
                { "+d h 10.0.0.1,fd00::1\n+d h 10.0.0.2\n", 2, 0, "+d h 10.0.0.2,fd00::1\n" },
                { "+d h 10.0.0.1,fd00::1\n-4 H\n", 2, 0, "+d h fd00::1\n" },
                { "+d h 10.0.0.1,fd00::1\n-6 h\n-6 h\n", 3, 0, "+d h 10.0.0.1\n" },
                { "+d h 10.0.0.1\n-4 h\n-4 h\n", 3, 0, "" },
                { "+a 10.0.0.1 - - -\n+d h 10.0.0.1\n0a\n", 3, 0, "+d h 10.0.0.1\n" },
                { "+a 10.0.0.1 - - -\n+d h 10.0.0.1\n0d\n", 3, 0, "+a 10.0.0.1 - - -\n" },
                /* What the pool chose, and what it is yet to choose. */
                { "+a 10.0.0.1 - - auto:11.0.0.1\n+a 10.0.0.2 - - auto\n", 2, 0,
                  "+a 10.0.0.1 - - auto:11.0.0.1\n+a 10.0.0.2 - - auto\n" },
                { "+a 10.0.0.1 - a auto\n=a 10.0.0.1 11.0.0.1\n", 2, 0,
                  "+a 10.0.0.1 - a auto:11.0.0.1\n" },
                { "+a 10.0.0.1 - - auto:11.0.0.1\n=a 10.0.0.1 11.0.0.2\n", 2, 0,
                  "+a 10.0.0.1 - - auto:11.0.0.2\n" },
                /* A choice for what is gone, wants none, or chose what is somebody's by now. */
                { "=a 10.0.0.1 11.0.0.1\n+a 10.0.0.2 - - -\n=a 10.0.0.2 11.0.0.1\n", 3, 0,
                  "+a 10.0.0.2 - - -\n" },
                { "+a 10.0.0.1 - - 11.0.0.1\n+a 10.0.0.2 - - auto\n=a 10.0.0.2 11.0.0.1\n", 3, 0,
                  "+a 10.0.0.1 - - 11.0.0.1\n+a 10.0.0.2 - - auto\n" },
                { "+a 10.0.0.1 - - 11.0.0.1\n+a 10.0.0.2 - - auto:11.0.0.1\n", 2, 0,
                  "+a 10.0.0.1 - - 11.0.0.1\n+a 10.0.0.2 - - auto\n" },
                { "+a 10.0.0.1 - - auto:\n+a 10.0.0.1 - - autos\n+a 10.0.0.1 - - auto:x\n=a x "
                  "11.0.0.1\n=a 10.0.0.1 -\n",
                  5, 5, "" },
                /* Limits. */
                { "+A 50-60,600,20 10.0.0.1 - a 11.0.0.1\n+A ,0,5 10.0.0.2 - - auto\n", 2, 0,
                  "+A 50-60,600,20 10.0.0.1 - a 11.0.0.1\n+A ,0,5 10.0.0.2 - - auto\n" },
                { "+A ,0,5 10.0.0.1 - - -\n+a 10.0.0.1 - - -\n", 2, 0, "+a 10.0.0.1 - - -\n" },
                { "+G 7,0,0 10.0.0.1 02:00:00:00:00:01 - - vm tap-1 0 1 0\n", 1, 0,
                  "+G 7,0,0 10.0.0.1 02:00:00:00:00:01 - - vm tap-1 0 1 0\n" },
                { "+A - 10.0.0.1 - - -\n+A 2-1,0,0 10.0.0.1 - - -\n+A ,0,0,0 10.0.0.1 - - -\n"
                  "+G ,-1,0 10.0.0.1 - - - vm tap-1 0 1 0\n+a ,0,5 10.0.0.1 - - -\n",
                  5, 5, "" },
                /* Forwards. */
                { "+f tcp 2222 - 10.0.0.9 22\n+f udp 2000-2010 10.1.0.0/24 Board 3000\n", 2, 0,
                  "+f tcp 2222 - 10.0.0.9 22\n+f udp 2000-2010 10.1.0.0/24 board 3000\n" },
                { "+f tcp 1 - a 1\n+f tcp 2 - b 2\n+f tcp 1 - c 3\n-f tcp 2 -\n-f udp 1 -\n", 5, 0,
                  "+f tcp 1 - c 3\n" },
                { "+f tcp 1 - a 1\n+f tcp 1-2 - a 1\n+f tcp 1 10.0.0.1 a 1\n", 3, 2,
                  "+f tcp 1 - a 1\n" },
                { "+f sctp 1 - a 1\n+f tcp 0 - a 1\n+f tcp 1 x a 1\n+f tcp 1 - a,b 1\n+f tcp 1 - a "
                  "0\n+f tcp 1-3 - a 65534\n+f tcp 1 - a 1-2\n-f tcp x -\n",
                  8, 8, "" },
                /* Cut short. */
                { "+a 10.0.0.1 - - -\n+a 10.0.0.2 - - -", 1, 0, "+a 10.0.0.1 - - -\n" },
                { "0a", 0, 0, "" },
                /* No sense, and later lines apply. */
                { "\n\nx\n+a\n+a 10.0.0.1\n+a 10.0.0.1 - - - -\n0a 1\n+a 10.0.0.9 - - -\n", 8, 7,
                  "+a 10.0.0.9 - - -\n" },
                { "+a 10.0.0.01 - - -\n+a 10.0.0.1 zz - -\n+a 10.0.0.1 - a,b -\n+a 10.0.0.1 - - "
                  "x\n",
                  4, 4, "" },
                { "-a x\n+d a,b 10.0.0.1\n+d a x\n-d a,b\n", 4, 4, "" },
                /* Clashes. */
                { "+a 10.0.0.1 02:00:00:00:00:01 - -\n+a 10.0.0.2 02:00:00:00:00:01 - -\n", 2, 1,
                  "+a 10.0.0.1 02:00:00:00:00:01 - -\n" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Entries) entries = entries_new();
                guint n_bad = 99;
                g_test_message("%s", cases[i].log);
                g_assert_cmpuint(
                        entry_log_replay(cases[i].log, strlen(cases[i].log), entries, &n_bad), ==,
                        cases[i].n_lines);
                g_assert_cmpuint(n_bad, ==, cases[i].n_bad);
                g_autofree char *result = dump(entries);
                g_assert_cmpstr(result, ==, cases[i].result);
        }
}

static void test_nul(void)
{
        static const char log[] = "+a 10.0.0.1 - -\0 -\n+a 10.0.0.2 - - -\n";
        g_autoptr(Entries) entries = entries_new();
        guint n_bad;
        g_assert_cmpuint(entry_log_replay(log, sizeof log - 1, entries, &n_bad), ==, 2);
        g_assert_cmpuint(n_bad, ==, 1);
        g_assert_cmpuint(entries_n_addresses(entries), ==, 1);
}

static void test_lines(void)
{
        AddressEntry entry = { .ip = 0x0a000001,
                               .mac = (char *)"02:00:00:00:00:01",
                               .hostname = (char *)"dut",
                               .public_ip = 0x0b000001 };
        AddressEntry bare = { .ip = 0x0a000002 };
        AddressEntry chosen = { .ip = 0x0a000002, .public_ip = 0x0b000002, .public_auto = true };
        AddressEntry unchosen = { .ip = 0x0a000002, .public_auto = true };
        AddressEntry named = { .ip = 0x0a000002,
                               .public_ip = 0x0b000002,
                               .public_name = (char *)"board.lab" };
        AddressEntry unresolved = { .ip = 0x0a000002, .public_name = (char *)"board.lab" };
        DnsEntry name = { .hostname = (char *)"h", .has_ip = true, .ip = 0x0a000003 };
        g_autofree char *put = entry_log_line_put_address(&entry);
        g_autofree char *put_bare = entry_log_line_put_address(&bare);
        g_autofree char *put_chosen = entry_log_line_put_address(&chosen);
        g_autofree char *put_unchosen = entry_log_line_put_address(&unchosen);
        g_autofree char *put_named = entry_log_line_put_address(&named);
        g_autofree char *put_unresolved = entry_log_line_put_address(&unresolved);
        g_autofree char *choice = entry_log_line_choose_public(&chosen);
        g_autofree char *removed = entry_log_line_remove_address(0x0a000001);
        g_autofree char *put_name = entry_log_line_put_dns(&name);
        g_autofree char *removed_name = entry_log_line_remove_dns("h");

        g_assert_cmpstr(put, ==, "+a 10.0.0.1 02:00:00:00:00:01 dut 11.0.0.1\n");
        g_assert_cmpstr(put_bare, ==, "+a 10.0.0.2 - - -\n");
        g_assert_cmpstr(put_chosen, ==, "+a 10.0.0.2 - - auto:11.0.0.2\n");
        g_assert_cmpstr(put_unchosen, ==, "+a 10.0.0.2 - - auto\n");
        g_assert_cmpstr(put_named, ==, "+a 10.0.0.2 - - @board.lab:11.0.0.2\n");
        g_assert_cmpstr(put_unresolved, ==, "+a 10.0.0.2 - - @board.lab\n");
        g_assert_cmpstr(choice, ==, "=a 10.0.0.2 11.0.0.2\n");
        g_assert_cmpstr(removed, ==, "-a 10.0.0.1\n");
        g_assert_cmpstr(put_name, ==, "+d h 10.0.0.3\n");
        g_assert_cmpstr(removed_name, ==, "-d h\n");
        Forward forward = { .protocol = 6, .ports = { 80, 81 }, .ip = 0x0a000003, .to_port = 8080 };
        g_autofree char *put_forward = entry_log_line_put_forward(&forward);
        g_autofree char *removed_forward = entry_log_line_remove_forward(&forward);
        g_assert_cmpstr(put_forward, ==, "+f tcp 80-81 - 10.0.0.3 8080\n");
        g_assert_cmpstr(removed_forward, ==, "-f tcp 80-81 -\n");
}

/* Both families in the place of one, read again to the same. */
static void test_both_families(void)
{
        static const char *const log = "+a 10.0.0.1,fd00::1 - dut -\n"
                                       "+d both 10.0.0.3,fd00::3\n"
                                       "+d six fd00::4\n"
                                       "+d none 0.0.0.0\n";
        static const char *const bad = "+a fd00::1 - - -\n"
                                       "+a fd00::1,10.0.0.1 - - -\n"
                                       "+a 10.0.0.1, - - -\n"
                                       "+a 10.0.0.9,fd00::1 - - -\n" /* the other's */
                                       "+d x fd00::1,fd00::2\n"
                                       "+d x 10.0.0.1,10.0.0.2\n"
                                       "+d x fd00:::1\n";
        g_autoptr(Entries) entries = entries_new(), empty = entries_new();
        guint n_bad;

        g_assert_cmpuint(entry_log_replay(log, strlen(log), entries, &n_bad), ==, 4);
        g_assert_cmpuint(n_bad, ==, 0);
        g_autofree char *again = entry_log_compact(empty, entries);
        g_assert_cmpstr(again, ==, log);
        g_autofree char *same = entry_log_compact(entries, entries);
        g_assert_cmpstr(same, ==, "");
        g_assert_cmpuint(entry_log_replay(bad, strlen(bad), entries, &n_bad), ==, 7);
        g_assert_cmpuint(n_bad, ==, 7);
        g_autofree char *unchanged = entry_log_compact(empty, entries);
        g_assert_cmpstr(unchanged, ==, log);
}

/* Two that have swapped theirs: no line clashes. */
static void test_swapped_ipv6(void)
{
        static const char *const before = "+a 10.0.0.1,fd00::1 - - -\n+a 10.0.0.2,fd00::2 - - -\n";
        static const char *const after = "+a 10.0.0.1,fd00::2 - - -\n+a 10.0.0.2,fd00::1 - - -\n";
        g_autoptr(Entries) old = entries_new(), now = entries_new();
        guint n_bad;

        (void)entry_log_replay(before, strlen(before), old, &n_bad);
        (void)entry_log_replay(after, strlen(after), now, &n_bad);
        g_autofree char *log = entry_log_compact(old, now);
        (void)entry_log_replay(log, strlen(log), old, &n_bad);
        g_assert_cmpuint(n_bad, ==, 0);
        g_assert_true(entries_equal_addresses(old, now));
}

#define M1 "02:00:00:00:00:01"
#define M2 "02:00:00:00:00:02"
#define M3 "02:00:00:00:00:03"

static void test_compact(void)
{
        static const struct {
                const char *configured, *current, *log; /* log NULL: only that it leads there */
        } cases[] = {
                { "", "", "" },
                { "+a 10.0.0.1 - - -\n", "+a 10.0.0.1 - - -\n", "" },
                { "+a 10.0.0.1 - - -\n+a 10.0.0.2 - - -\n", "+a 10.0.0.2 - - -\n",
                  "-a 10.0.0.1\n" },
                { "+a 10.0.0.1 - - -\n+a 10.0.0.2 - - -\n", "", "0a\n" },
                { "+a 10.0.0.1 - - -\n", "+a 10.0.0.1 - x -\n", "+a 10.0.0.1 - x -\n" },
                { "+a 10.0.0.1 - - -\n+a 10.0.0.2 - - -\n+a 10.0.0.3 - - -\n",
                  "+a 10.0.0.2 - - -\n+a 10.0.0.3 - - -\n+a 10.0.0.1 - - -\n",
                  "-a 10.0.0.1\n+a 10.0.0.1 - - -\n" },
                { "+d a 10.0.0.1\n+d b 10.0.0.1\n+d c 10.0.0.1\n",
                  "+d b 10.0.0.2\n+d c 10.0.0.1\n+d a 10.0.0.1\n",
                  "-d a\n+d b 10.0.0.2\n+d a 10.0.0.1\n" },
                { "+d a 10.0.0.1\n+d b 10.0.0.1\n", "", "0d\n" },
                /* A family alone, in its place. */
                { "+d a 10.0.0.1\n+d b 10.0.0.1\n", "+d a 10.0.0.1,fd00::1\n+d b 10.0.0.1\n",
                  "+d a fd00::1\n" },
                { "+d a 10.0.0.1,fd00::1\n+d b 10.0.0.1\n", "+d a fd00::1\n+d b 10.0.0.1\n",
                  "-4 a\n" },
                { "+d a 10.0.0.1,fd00::1\n+d b 10.0.0.1\n", "+d a 10.0.0.1\n+d b 10.0.0.1\n",
                  "-6 a\n" },
                { "+d a 10.0.0.1\n+d b 10.0.0.1\n", "+d a fd00::1\n+d b 10.0.0.1\n",
                  "+d a fd00::1\n-4 a\n" },
                { "+d a 10.0.0.1,fd00::1\n", "+d a 10.0.0.2\n", "0d\n+d a 10.0.0.2\n" },
                /* MACs and public addresses that have gone round. */
                { "+a 10.0.0.1 " M1 " - -\n+a 10.0.0.2 " M2 " - -\n",
                  "+a 10.0.0.1 " M2 " - -\n+a 10.0.0.2 " M1 " - -\n", NULL },
                { "+a 10.0.0.1 " M1 " - 11.0.0.1\n+a 10.0.0.2 " M2 " - 11.0.0.2\n"
                  "+a 10.0.0.3 " M3 " - 11.0.0.3\n+a 10.0.0.4 - - -\n+a 10.0.0.5 - - -\n",
                  "+a 10.0.0.1 " M3 " - 11.0.0.2\n+a 10.0.0.2 " M1 " - 11.0.0.3\n"
                  "+a 10.0.0.3 " M2 " - 11.0.0.1\n+a 10.0.0.4 - - -\n+a 10.0.0.5 - - -\n",
                  NULL },
                /* Choices alone are no other entries: a file may say something new of those. */
                { "+a 10.0.0.1 " M1 " - auto\n+a 10.0.0.2 - - auto:11.0.0.1\n",
                  "+a 10.0.0.1 " M1 " - auto:11.0.0.1\n+a 10.0.0.2 - - auto:11.0.0.2\n", NULL },
                { "+a 10.0.0.1 " M1 " - auto\n+a 10.0.0.2 - - -\n",
                  "+a 10.0.0.1 " M1 " - auto:11.0.0.1\n+a 10.0.0.2 - - -\n",
                  "=a 10.0.0.1 11.0.0.1\n" },
                { "+a 10.0.0.1 - - auto:11.0.0.1\n+a 10.0.0.2 - - auto:11.0.0.2\n+a 10.0.0.3 - - "
                  "-\n",
                  "+a 10.0.0.1 - - auto:11.0.0.2\n+a 10.0.0.2 - - auto:11.0.0.1\n+a 10.0.0.3 - - "
                  "-\n",
                  "+a 10.0.0.2 - - auto\n=a 10.0.0.1 11.0.0.2\n=a 10.0.0.2 11.0.0.1\n" },
                { "+a 10.0.0.1 - - auto:11.0.0.1\n", "+a 10.0.0.1 - - 11.0.0.1\n",
                  "+a 10.0.0.1 - - 11.0.0.1\n" },
                { "+a 10.0.0.1 - - @one.lab\n+a 10.0.0.2 - - @two.lab:11.0.0.2\n",
                  "+a 10.0.0.1 - - @one.lab:11.0.0.1\n+a 10.0.0.2 - - @two.lab:11.0.0.2\n",
                  "=a 10.0.0.1 11.0.0.1\n" },
                { "+a 10.0.0.1 - - @one.lab\n+a 10.0.0.2 - - @two.lab:11.0.0.2\n",
                  "+a 10.0.0.1 - - @two.lab:11.0.0.2\n+a 10.0.0.2 - - @one.lab:11.0.0.1\n", NULL },
                { "+f tcp 1 - a 1\n+f tcp 2 - a 1\n+f tcp 3 - a 1\n",
                  "+f tcp 2 - a 1\n+f tcp 3 - b 1\n+f tcp 1-1 10.0.0.1 a 1\n",
                  "-f tcp 1 -\n+f tcp 3 - b 1\n+f tcp 1 10.0.0.1 a 1\n" },
                { "+f tcp 1 - a 1\n+f tcp 2 - a 1\n", "+f tcp 2 - a 1\n+f tcp 1 - a 1\n", NULL },
                { "+f tcp 1 - a 1\n+f tcp 5 - a 1\n", "+f tcp 1-9 - a 1\n", NULL },
                /* What was public is an ip now. */
                { "+a 10.0.0.1 - - 11.0.0.1\n+a 10.0.0.2 - - -\n",
                  "+a 10.0.0.1 - - -\n+a 10.0.0.2 - - -\n+a 11.0.0.1 - - -\n", NULL },
                { "+a 10.0.0.1 - - -\n+a 10.0.0.2 - - 11.0.0.1\n",
                  "+a 11.0.0.1 - - -\n+a 10.0.0.2 - - -\n", NULL },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Entries) configured = entries_of(cases[i].configured);
                g_autoptr(Entries) current = entries_of(cases[i].current);
                g_autofree char *log = entry_log_compact(configured, current);
                if (cases[i].log)
                        g_assert_cmpstr(log, ==, cases[i].log);

                guint n_bad;
                (void)entry_log_replay(log, strlen(log), configured, &n_bad);
                g_assert_cmpuint(n_bad, ==, 0);
                g_assert_true(entries_equal_addresses(configured, current));
                g_assert_true(entries_equal_dns(configured, current));
                g_assert_true(entries_equal_forwards(configured, current));
        }
}

static void put_random(Entries *entries)
{
        g_autoptr(AddressEntry) entry = g_new0(AddressEntry, 1);
        entry->ip = 0x0a000000 + (guint32)g_test_rand_int_range(1, 12);
        if (g_test_rand_bit())
                entry->mac = g_strdup_printf("02:00:00:00:00:%02x", g_test_rand_int_range(1, 12));
        if (g_test_rand_bit())
                entry->public_ip = 0x0b000000 + (guint32)g_test_rand_int_range(1, 12);
        entry->public_auto = g_test_rand_bit();
        if (!entry->public_auto && g_test_rand_bit())
                entry->public_name = g_strdup_printf("n%d.lab", g_test_rand_int_range(1, 12));
        if (entries_check_address(entries, entry, NULL))
                entries_put_address(entries, g_steal_pointer(&entry));
}

/* Whatever happened to the entries, the compacted log has it. */
static void test_compact_random(void)
{
        for (guint round = 0; round < 500; round++) {
                g_autoptr(Entries) configured = entries_new();
                for (guint i = 0; i < 10; i++)
                        put_random(configured);
                g_autoptr(Entries) current = entries_copy(configured);
                for (guint i = 0; i < 10; i++) {
                        put_random(current);
                        guint32 ip = 0x0a000000 + (guint32)g_test_rand_int_range(1, 12);
                        if (g_test_rand_bit())
                                address_entry_free(entries_take_address(current, ip));
                }

                guint n_bad;
                g_autofree char *log = entry_log_compact(configured, current);
                (void)entry_log_replay(log, strlen(log), configured, &n_bad);
                g_assert_cmpuint(n_bad, ==, 0);
                g_assert_true(entries_equal_addresses(configured, current));
        }
}

/* What clashes is held, by what it is about, until something else is said of that. */
static void test_held(void)
{
        static const struct {
                const char *log, *held, *names;
                guint n_bad;
        } cases[] = {
                { "+a 10.0.0.2 02:00:00:00:00:01 - -\n", "~+a 10.0.0.2 02:00:00:00:00:01 - -\n",
                  "address 10.0.0.2", 0 },
                { "~+A ,0,5 10.0.0.2 - - -\n+f tcp 22 - 10.0.0.1 22\n", "~+A ,0,5 10.0.0.2 - - -\n",
                  "address 10.0.0.2", 0 },
                { "~+d a 10.0.0.1\n~+f tcp 5-6 10.0.0.0/8 a 5\n~+f udp 5 - a 5\n",
                  "~+d a 10.0.0.1\n~+f tcp 5-6 10.0.0.0/8 a 5\n~+f udp 5 - a 5\n",
                  "DNS entry a, forward tcp 5-6 from 10.0.0.0/8, forward udp 5", 0 },
                { "~+d a 10.0.0.1\n~+d b 10.0.0.1\n~+d a 10.0.0.2\n",
                  "~+d b 10.0.0.1\n~+d a 10.0.0.2\n", "DNS entry b, DNS entry a", 0 },
                { "~+a 10.0.0.2,fd00::1 - - -\n+a 10.0.0.2 - - -\n", "", NULL, 0 },
                { "~+a 10.0.0.2 - - -\n-a 10.0.0.2\n", "", NULL, 0 },
                { "~+a 10.0.0.2 - - -\n-a 10.0.0.3\n", "~+a 10.0.0.2 - - -\n", "address 10.0.0.2",
                  0 },
                { "~+d a 10.0.0.1\n~+a 10.0.0.2 - - -\n0a\n", "~+d a 10.0.0.1\n", "DNS entry a",
                  0 },
                { "~+d a 10.0.0.1\n~+f tcp 5 - a 5\n-f tcp 5 -\n0d\n", "", NULL, 0 },
                { "~+d a x\n~-d a\n~0a\n~\n~~+d a 10.0.0.1\n+a x - - -\n", "", NULL, 6 },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                static const char there[] = "+a 10.0.0.1 02:00:00:00:00:01 - -\n";
                g_autoptr(Entries) entries = entries_new();
                g_autoptr(HeldEntries) held = held_entries_new(), none = held_entries_new();
                guint n_bad;
                (void)entry_log_replay(there, strlen(there), entries, &n_bad);
                g_test_message("%s", cases[i].log);
                (void)entry_log_replay_holding(cases[i].log, strlen(cases[i].log), entries, held,
                                               &n_bad);
                g_assert_cmpuint(n_bad, ==, cases[i].n_bad);
                g_autoptr(HeldEntries) copy = held_entries_copy(held);
                g_autofree char *text = held_entries_text(copy, HELD_MARK);
                g_assert_cmpstr(text, ==, cases[i].held);
                g_autofree char *names = held_entries_describe(held, none);
                g_assert_cmpstr(names, ==, cases[i].names);
                g_assert_null(held_entries_describe(held, copy));
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/entry-log/replay", test_replay);
        g_test_add_func("/entry-log/nul", test_nul);
        g_test_add_func("/entry-log/lines", test_lines);
        g_test_add_func("/entry-log/compact", test_compact);
        g_test_add_func("/entry-log/compact-random", test_compact_random);
        g_test_add_func("/entry-log/both-families", test_both_families);
        g_test_add_func("/entry-log/swapped-ipv6", test_swapped_ipv6);
        g_test_add_func("/entry-log/held", test_held);
        return g_test_run();
}
