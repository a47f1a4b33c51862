/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Any bytes as an entry log: what is left compacts to a log that leads there again, from nothing
 * and from what another part of the bytes leads to. */

#include "model/entry-log.h"

#include "fuzz.h"

#include <string.h>

static Entries *replay(const char *log, gsize length)
{
        Entries *entries = entries_new();
        guint n_bad;
        guint n_lines = entry_log_replay(log, length, entries, &n_bad);
        g_assert_cmpuint(n_bad, <=, n_lines);
        return entries;
}

static void check_compact(Entries *from, const Entries *to)
{
        guint n_bad;
        g_autofree char *log = entry_log_compact(from, to);
        (void)entry_log_replay(log, strlen(log), from, &n_bad);
        g_assert_cmpuint(n_bad, ==, 0);
        g_assert_true(entries_equal_addresses(from, to));
        g_assert_true(entries_equal_dns(from, to));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *log = (const char *)data;
        g_autoptr(Entries) none = entries_new();
        g_autoptr(Entries) half = replay(log, size / 2);
        g_autoptr(Entries) rest = replay(log + size / 2, size - size / 2);
        g_autoptr(Entries) whole = replay(log, size);

        check_compact(none, whole);
        check_compact(half, whole);
        check_compact(rest, whole);
        return 0;
}
