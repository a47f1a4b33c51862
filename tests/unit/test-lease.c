/* SPDX-License-Identifier: GPL-2.0-or-later */

/* dnsmasq's lease file: what counts as a lease, a reading cut short, differences of two readings.
 */

#include "model/lease.h"

#include <string.h>

#include "util/error.h"

#define ONE  "1700000000 02:00:00:00:00:01 192.168.100.101 dut-1 01:02:00:00:00:00:01\n"
#define TWO  "0 02:00:00:00:00:02 192.168.100.102 * *\n"
#define DUID "duid 00:01:00:01:2c:aa:bb:cc:02:00:00:00:00:01\n"
#define LLT  "1700000000 16777217 fd00::101 dut-1 00:01:00:01:2c:aa:bb:cc:02:00:00:00:00:0A\n"
#define LL   "0 T7 fd00::102 * 00:03:00:01:02:00:00:00:00:0b\n"
#define UUID "0 7 fd00::103 * 00:04:00:03:00:01:02:00:00:00:00:0b:01:02:03:04:05:06\n"

static void test_parse(void)
{
        g_autoptr(GPtrArray) leases =
                lease_list_parse(ONE TWO DUID LLT LL UUID, strlen(ONE TWO DUID LLT LL UUID));
        g_assert_cmpuint(leases->len, ==, 5);

        const Lease *one = g_ptr_array_index(leases, 0);
        g_assert_cmpstr(one->mac, ==, "02:00:00:00:00:01");
        g_assert_cmphex(one->ip, ==, 0xc0a86465);
        g_assert_cmpstr(one->hostname, ==, "dut-1");
        g_assert_cmpint(one->expiry, ==, 1700000000);

        const Lease *two = g_ptr_array_index(leases, 1);
        g_assert_cmpstr(two->hostname, ==, "");
        g_assert_cmpint(two->expiry, ==, 0);

        static const struct {
                const char *ip, *mac;
        } of_ipv6[] = {
                { "fd00::101", "02:00:00:00:00:0a" },
                { "fd00::102", "02:00:00:00:00:0b" },
                { "fd00::103", "" },
        };
        for (guint i = 0; i < G_N_ELEMENTS(of_ipv6); i++) {
                const Lease *lease = g_ptr_array_index(leases, 2 + i);
                char text[ADDRESS6_TEXT_SIZE];
                g_assert_cmphex(lease->ip, ==, 0);
                g_assert_cmpstr(address6_format(&lease->ip6, text), ==, of_ipv6[i].ip);
                g_assert_cmpstr(lease->mac, ==, of_ipv6[i].mac);
        }
}

/* What a client of DHCPv6 says of itself and of its lease, and what the server does. */
static void test_identifiers(void)
{
        static const char text[] = ONE DUID LLT LL "duid";
        g_autoptr(GPtrArray) leases = lease_list_parse(text, strlen(ONE DUID LLT LL));
        g_autofree char *server = lease_text_server(text, strlen(text));
        g_autofree char *none = lease_text_server(ONE "duid", strlen(ONE "duid"));
        const Lease *one = leases->pdata[0];
        g_autoptr(Lease) lasting = lease_copy(leases->pdata[1]);
        g_autoptr(Lease) temporary = lease_copy(leases->pdata[2]);

        g_assert_cmpstr(server, ==, "00:01:00:01:2c:aa:bb:cc:02:00:00:00:00:01");
        g_assert_null(none);
        g_assert_null(one->duid);
        g_assert_cmpstr(lasting->duid, ==, "00:01:00:01:2c:aa:bb:cc:02:00:00:00:00:0A");
        g_assert_cmpuint(lasting->iaid, ==, 16777217);
        g_assert_false(lasting->is_temporary);
        g_assert_cmpuint(temporary->iaid, ==, 7);
        g_assert_true(temporary->is_temporary);
}

static void test_lines(void)
{
        static const struct {
                const char *text;
                int n_leases; /* -1: not whole */
                const char *hostname;
        } cases[] = {
                { "", 0, NULL },
                { "\n", 0, NULL },
                { ONE ONE, 2, "dut-1" },
                { "1 AA:00:00:00:00:01 10.0.0.1 DUT *\n", 1, "DUT" },
                { "1 02:00:00:00:00:01 10.0.0.1 a/../b *\n", 1, "" },
                { "1 02:00:00:00:00:01 10.0.0.1 \x1b[2J *\n", 1, "" },
                { "1 02:00:00:00:00:01 10.0.0.1 a b c d\n", 1, "a" },
                { "1 02:00:00:00:00:01 10.0.0.1 a\n", 0, NULL },
                { "1 02:00:00:00:00:01  10.0.0.1 a *\n", 0, NULL },
                { "-1 02:00:00:00:00:01 10.0.0.1 a *\n", 0, NULL },
                { "99999999999999999999 02:00:00:00:00:01 10.0.0.1 a *\n", 0, NULL },
                { "1 06-02:00:00:00:00:01 10.0.0.1 a *\n", 0, NULL },
                { "1 02:00:00:00:00:01 10.0.0.01 a *\n", 0, NULL },
                { "1 02:00:00:00:00:01 fd00::1 a *\n", 0, NULL },
                { "1 7 10.0.0.1 a *\n", 0, NULL },
                { "1 7 fd00::zz a *\n", 0, NULL },
                { "1 T fd00::1 a *\n", 0, NULL },
                { "1 7 :: a *\n", 0, NULL },
                { "nonsense\n" ONE, 1, "dut-1" },
                { ONE "1 02:00:00", -1, NULL },
                { "1 02:00:00:00:00:01 10.0.0.1 a *", -1, NULL },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_test_message("%s", cases[i].text);
                g_autoptr(GPtrArray) leases =
                        lease_list_parse(cases[i].text, strlen(cases[i].text));
                g_assert_cmpint(leases ? (int)leases->len : -1, ==, cases[i].n_leases);
                if (cases[i].hostname) {
                        const Lease *lease = g_ptr_array_index(leases, 0);
                        g_assert_cmpstr(lease->hostname, ==, cases[i].hostname);
                }
        }

        static const char nul[] = "1 02:00:00:00:00:01 10.0.0.1 a\0b *\n" ONE;
        g_autoptr(GPtrArray) leases = lease_list_parse(nul, sizeof nul - 1);
        g_assert_cmpuint(leases->len, ==, 1);
}

/* However short the file is cut, a lease is never half read. */
static void test_cut(void)
{
        for (gsize length = 0; length <= strlen(ONE TWO); length++) {
                g_autoptr(GPtrArray) leases = lease_list_parse(ONE TWO, length);
                if (length == 0 || length == strlen(ONE) || length == strlen(ONE TWO))
                        g_assert_nonnull(leases);
                else
                        g_assert_null(leases);
        }
}

static bool has_ip(const Lease *lease, gpointer ip)
{
        return lease->ip == GPOINTER_TO_UINT(ip);
}

static void test_without(void)
{
        static const struct {
                const char *text;
                guint32 ip;
                const char *rest;
        } cases[] = {
                { "", 0, NULL },
                { ONE TWO, 0, NULL },
                { ONE TWO, 0xc0a86465, TWO },
                { ONE TWO ONE, 0xc0a86465, TWO },
                { DUID TWO "odd\n" LLT, 0xc0a86466, DUID "odd\n" LLT },
                { ONE, 0xc0a86465, "" },
                { TWO "1700000000 02:00:00:00:00:01 192.168.100.101 cut", 0xc0a86465, NULL },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *rest = lease_text_without(cases[i].text, strlen(cases[i].text),
                                                           has_ip, GUINT_TO_POINTER(cases[i].ip));
                g_assert_cmpstr(rest, ==, cases[i].rest);
        }
}

static void test_expired(void)
{
        static const struct {
                gint64 expiry, now;
                bool is_expired;
        } cases[] = {
                { 100, 99, false },
                { 100, 100, true },
                { 100, 101, true },
                { 0, 101, false },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                Lease lease = { .expiry = cases[i].expiry };
                g_assert_cmpint(lease_is_expired(&lease, cases[i].now), ==, cases[i].is_expired);
        }
}

static void note(LeaseEvent event, const Lease *lease, gpointer data)
{
        static const char signs[LEASE_EVENT_MAX] = {
                [LEASE_ADDED] = '+', [LEASE_CHANGED] = '~', [LEASE_REMOVED] = '-'
        };
        GString *notes = data;
        g_string_append_printf(notes, "%c%u%c ", signs[event], lease->ip & 0xff, lease->mac[16]);
}

static void test_compare(void)
{
        static const struct {
                const char *before, *after, *notes;
        } cases[] = {
                { ONE TWO, ONE TWO, "" },
                { ONE TWO, TWO ONE, "" },
                { "", ONE TWO, "+1011 +1022 " },
                { ONE TWO, "", "-1011 -1022 " },
                { ONE, "1700000001 02:00:00:00:00:01 192.168.100.101 dut-1 *\n", "~1011 " },
                { ONE, "1700000000 02:00:00:00:00:01 192.168.100.101 other *\n", "~1011 " },
                { ONE, "1700000000 02:00:00:00:00:09 192.168.100.101 dut-1 *\n", "-1011 +1019 " },
                { ONE, "1700000000 02:00:00:00:00:01 192.168.100.109 dut-1 *\n", "-1011 +1091 " },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GPtrArray) before =
                        lease_list_parse(cases[i].before, strlen(cases[i].before));
                g_autoptr(GPtrArray) after =
                        lease_list_parse(cases[i].after, strlen(cases[i].after));
                g_autoptr(GString) notes = g_string_new(NULL);
                lease_list_compare(before, after, note, notes);
                g_assert_cmpstr(notes->str, ==, cases[i].notes);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/lease/parse", test_parse);
        g_test_add_func("/lease/identifiers", test_identifiers);
        g_test_add_func("/lease/lines", test_lines);
        g_test_add_func("/lease/cut-anywhere", test_cut);
        g_test_add_func("/lease/without", test_without);
        g_test_add_func("/lease/expired", test_expired);
        g_test_add_func("/lease/compare", test_compare);
        return g_test_run();
}
