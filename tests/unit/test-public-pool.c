/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The pool of public addresses: what is one, and which address an entry gets of it. */

#include "model/public-pool.h"

#include "model/address.h"
#include "util/error.h"

static void test_parse(void)
{
        static const struct {
                const char *text, *printed, *error; /* printed or error */
        } cases[] = {
                { "10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9", NULL },
                { "10.0.0.1", "10.0.0.1", NULL },
                { "10.0.0.1-10.0.0.1", "10.0.0.1", NULL },
                { "10.0.0.0-10.0.255.255", "10.0.0.0-10.0.255.255", NULL },
                { "10.0.0.0-10.1.0.0", NULL,
                  "\"10.0.0.0-10.1.0.0\" has more than 65536 addresses" },
                { "10.0.0.9-10.0.0.1", NULL, "\"10.0.0.9-10.0.0.1\" ends below its beginning" },
                { "127.0.0.1-127.0.0.2", NULL,
                  "\"127.0.0.1-127.0.0.2\" has addresses that a host cannot have" },
                { "223.255.255.255-224.0.0.1", NULL,
                  "\"223.255.255.255-224.0.0.1\" has addresses that a host cannot have" },
                { "0.0.0.0", NULL, "\"0.0.0.0\" has addresses that a host cannot have" },
#define NOT_ONE " is not an IPv4 address or two, as in 10.0.0.10-10.0.0.20"
                { "", NULL, "\"\"" NOT_ONE },
                { "-", NULL, "\"-\"" NOT_ONE },
                { "10.0.0.1-", NULL, "\"10.0.0.1-\"" NOT_ONE },
                { "10.0.0.1-9", NULL, "\"10.0.0.1-9\"" NOT_ONE },
                { "10.0.0.1 - 10.0.0.2", NULL, "\"10.0.0.1 - 10.0.0.2\"" NOT_ONE },
                { "10.0.0.1-10.0.0.2-10.0.0.3", NULL, "\"10.0.0.1-10.0.0.2-10.0.0.3\"" NOT_ONE },
                { "10.0.0.0/24", NULL, "\"10.0.0.0/24\"" NOT_ONE },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                PublicPool pool = { 1, 2 };
                g_autoptr(GError) error = NULL;
                bool is_good = public_pool_parse(cases[i].text, &pool, &error);
                g_assert_cmpint(is_good, ==, cases[i].printed != NULL);
                if (!is_good) {
                        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
                        g_assert_cmpstr(error->message, ==, cases[i].error);
                        g_assert_cmpuint(pool.first, ==, 1);
                        continue;
                }
                g_autofree char *printed = public_pool_to_string(&pool);
                g_assert_cmpstr(printed, ==, cases[i].printed);
        }
}

static void test_contains(void)
{
        const PublicPool pool = { 10, 12 }, none = { 0 };

        g_assert_false(public_pool_contains(&pool, 9));
        g_assert_true(public_pool_contains(&pool, 10));
        g_assert_true(public_pool_contains(&pool, 12));
        g_assert_false(public_pool_contains(&pool, 13));
        g_assert_false(public_pool_contains(&none, 0));
}

static bool is_not_in(guint32 address, gpointer taken)
{
        return !g_hash_table_contains(taken, GUINT_TO_POINTER(address));
}

/* Boards are known by these addresses: another result would rename them at an update. */
static void test_choice_is_for_ever(void)
{
        static const struct {
                AddressEntry entry;
                const char *address;
        } cases[] = {
                { { .ip = 0xc0a8640a, .mac = (char *)"02:00:00:00:00:01" }, "10.26.28.102" },
                { { .ip = 0xc0a8640b, .mac = (char *)"02:00:00:00:00:01" }, "10.26.28.102" },
                { { .ip = 0xc0a8640a, .mac = (char *)"02:00:00:00:00:02" }, "10.26.28.136" },
                { { .ip = 0xc0a8640a }, "10.26.28.118" },
                { { .ip = 0xc0a8640a, .hostname = (char *)"dut" }, "10.26.28.118" },
                { { .ip = 0xc0a8640b }, "10.26.28.126" },
        };
        const PublicPool pool = { 0x0a1a1c64, 0x0a1a1c96 };
        g_autoptr(GHashTable) none = g_hash_table_new(NULL, NULL);

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *chosen = address_to_string(
                        public_pool_choose(&pool, &cases[i].entry, is_not_in, none));
                g_assert_cmpstr(chosen, ==, cases[i].address);
        }
}

/* Every address is somebody's before one is refused, whoever comes in whatever order. */
static void test_choice_until_none_is_left(void)
{
        const PublicPool pool = { 0x0a000001, 0x0a000100 };
        g_autoptr(GHashTable) taken = g_hash_table_new(NULL, NULL);

        for (guint i = 0; i < 256; i++) {
                g_autofree char *mac = g_strdup_printf("02:00:00:00:%02x:%02x", i / 7, i);
                AddressEntry entry = { .ip = i, .mac = mac };
                guint32 address = public_pool_choose(&pool, &entry, is_not_in, taken);
                g_assert_true(public_pool_contains(&pool, address));
                g_assert_true(g_hash_table_add(taken, GUINT_TO_POINTER(address)));
        }
        AddressEntry late = { .ip = 1 };
        g_assert_cmpuint(public_pool_choose(&pool, &late, is_not_in, taken), ==, 0);
        g_hash_table_remove(taken, GUINT_TO_POINTER(pool.first + 77));
        g_assert_cmpuint(public_pool_choose(&pool, &late, is_not_in, taken), ==, pool.first + 77);
}

/* MACs in a row, as a batch of boards has them, seldom want the same address: as seldom as random
 * ones, of which 64 in 4096 have one clash on the average. */
static void test_choice_spreads(void)
{
        const PublicPool pool = { 0x0a000000, 0x0a000fff };
        g_autoptr(GHashTable) none = g_hash_table_new(NULL, NULL);
        g_autoptr(GHashTable) wanted = g_hash_table_new(NULL, NULL);

        for (guint i = 0; i < 64; i++) {
                g_autofree char *mac = g_strdup_printf("02:00:00:00:00:%02x", i);
                AddressEntry entry = { .ip = 1, .mac = mac };
                guint32 address = public_pool_choose(&pool, &entry, is_not_in, none);
                g_hash_table_add(wanted, GUINT_TO_POINTER(address));
        }
        g_assert_cmpuint(g_hash_table_size(wanted), >=, 61);
}

static void test_choice_from_no_pool(void)
{
        const PublicPool none = { 0 };
        AddressEntry entry = { .ip = 1 };
        g_autoptr(GHashTable) taken = g_hash_table_new(NULL, NULL);

        g_assert_cmpuint(public_pool_choose(&none, &entry, is_not_in, taken), ==, 0);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/public-pool/parse", test_parse);
        g_test_add_func("/public-pool/contains", test_contains);
        g_test_add_func("/public-pool/choice-is-for-ever", test_choice_is_for_ever);
        g_test_add_func("/public-pool/choice-until-none-is-left", test_choice_until_none_is_left);
        g_test_add_func("/public-pool/choice-spreads", test_choice_spreads);
        g_test_add_func("/public-pool/choice-from-no-pool", test_choice_from_no_pool);
        return g_test_run();
}
