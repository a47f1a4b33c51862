/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Digests against the vectors of FNV's authors, and the addresses that follow from them. */

#include "model/digest.h"

static void test_fnv(void)
{
        /* http://www.isthe.com/chongo/src/fnv/test_fnv.c */
        static const struct {
                const char *text;
                guint64 digest;
        } cases[] = {
                { "", G_GUINT64_CONSTANT(0xcbf29ce484222325) },
                { "a", G_GUINT64_CONSTANT(0xaf63dc4c8601ec8c) },
                { "b", G_GUINT64_CONSTANT(0xaf63df4c8601f1a5) },
                { "foobar", G_GUINT64_CONSTANT(0x85944171f73967e8) },
                { "chongo was here!\n", G_GUINT64_CONSTANT(0x46810940eff5f915) },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
                g_assert_cmphex(digest_of(cases[i].text), ==, cases[i].digest);
}

static void test_mac(void)
{
        char mac[MAC_TEXT_SIZE], again[MAC_TEXT_SIZE];

        digest_mac(0x02, G_GUINT64_CONSTANT(0x85944171f73967e8), mac);
        g_assert_cmpstr(mac, ==, "02:71:f7:39:67:e8");
        made_mac("fcbr0", mac);
        made_mac("fcbr0", again);
        g_assert_cmpstr(mac, ==, again);
        g_assert_true(g_str_has_prefix(mac, "06:"));
        made_mac("fcbr1", again);
        g_assert_cmpstr(mac, !=, again);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/digest/fnv", test_fnv);
        g_test_add_func("/digest/mac", test_mac);
        return g_test_run();
}
