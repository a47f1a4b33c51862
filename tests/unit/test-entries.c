/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The entries of a network: found by every key, kept in order, and never two alike. */

#include "model/entries.h"

#include <string.h>

#include "util/error.h"

static AddressEntry *address(guint32 ip, const char *mac, const char *hostname, guint32 public_ip)
{
        AddressEntry entry = {
                .ip = ip, .mac = (char *)mac, .hostname = (char *)hostname, .public_ip = public_ip
        };
        return address_entry_copy(&entry);
}

static DnsEntry *dns(const char *hostname, guint32 ip)
{
        DnsEntry entry = { .hostname = (char *)hostname, .has_ip = true, .ip = ip };
        return dns_entry_copy(&entry);
}

static void test_put_and_find(void)
{
        g_autoptr(Entries) entries = entries_new();
        entries_put_address(entries, address(1, "02:00:00:00:00:01", "one", 101));
        entries_put_address(entries, address(2, NULL, NULL, 0));

        g_assert_cmpuint(entries_n_addresses(entries), ==, 2);
        g_assert_cmpuint(entries_n_public(entries), ==, 1);
        g_assert_cmpstr(entries_find_ip(entries, 1)->hostname, ==, "one");
        g_assert_cmpuint(entries_find_mac(entries, "02:00:00:00:00:01")->ip, ==, 1);
        g_assert_cmpuint(entries_find_public_ip(entries, 101)->ip, ==, 1);
        g_assert_null(entries_find_ip(entries, 101));
        g_assert_null(entries_find_public_ip(entries, 0));
}

static void test_replace(void)
{
        g_autoptr(Entries) entries = entries_new();
        entries_put_address(entries, address(1, "02:00:00:00:00:01", NULL, 101));
        entries_put_address(entries, address(2, NULL, NULL, 0));
        entries_put_address(entries, address(1, "02:00:00:00:00:02", NULL, 0));

        g_assert_cmpuint(entries_n_addresses(entries), ==, 2);
        g_assert_cmpuint(entries_address_at(entries, 0)->ip, ==, 1);
        g_assert_null(entries_find_mac(entries, "02:00:00:00:00:01"));
        g_assert_nonnull(entries_find_mac(entries, "02:00:00:00:00:02"));
        g_assert_null(entries_find_public_ip(entries, 101));
        g_assert_cmpuint(entries_n_public(entries), ==, 0);
}

static AddressEntry *automatic(guint32 ip, const char *mac, guint32 public_ip)
{
        AddressEntry *entry = address(ip, mac, NULL, public_ip);
        entry->public_auto = true;
        return entry;
}

static guint32 public_ip_of(const Entries *entries, guint32 ip)
{
        return entries_find_ip(entries, ip)->public_ip;
}

static void test_choices(void)
{
        g_autoptr(Entries) before = entries_new();
        entries_put_address(before, automatic(1, "02:00:00:00:00:01", 101));
        entries_put_address(before, automatic(2, NULL, 102));
        entries_put_address(before, automatic(3, "02:00:00:00:00:03", 103));
        entries_put_address(before, address(4, "02:00:00:00:00:04", NULL, 104));
        entries_put_address(before, automatic(5, NULL, 105));

        g_autoptr(Entries) entries = entries_new();
        entries_put_address(entries, automatic(9, "02:00:00:00:00:01", 0)); /* the same board */
        entries_put_address(entries, automatic(2, NULL, 0));
        entries_put_address(entries, automatic(3, "02:00:00:00:00:33", 0)); /* another board */
        entries_put_address(entries, automatic(4, "02:00:00:00:00:04", 0)); /* was not chosen */
        entries_put_address(entries, automatic(5, NULL, 0));
        entries_put_address(entries, address(6, NULL, NULL, 105)); /* somebody's by now */
        entries_keep_choices(entries, before);

        g_assert_cmpuint(public_ip_of(entries, 9), ==, 101);
        g_assert_cmpuint(public_ip_of(entries, 2), ==, 102);
        g_assert_cmpuint(public_ip_of(entries, 3), ==, 0);
        g_assert_cmpuint(public_ip_of(entries, 4), ==, 0);
        g_assert_cmpuint(public_ip_of(entries, 5), ==, 0);
        g_assert_cmpuint(entries_find_public_ip(entries, 101)->ip, ==, 9);

        entries_choose_public(entries, 9, 0);
        g_assert_null(entries_find_public_ip(entries, 101));
        g_assert_cmpuint(entries_n_public(entries), ==, 2);
        g_autoptr(Entries) copy = entries_copy(entries);
        g_assert_true(entries_equal_addresses(copy, entries));
        entries_choose_public(copy, 9, 109);
        g_assert_false(entries_equal_addresses(copy, entries));
}

static AddressEntry *named(guint32 ip, const char *public_name, guint32 public_ip)
{
        AddressEntry *entry = address(ip, NULL, NULL, public_ip);
        entry->public_name = g_strdup(public_name);
        return entry;
}

/* What a name was holds for whoever has the name. */
static void test_names(void)
{
        g_autoptr(Entries) before = entries_new();
        entries_put_address(before, named(1, "one.lab", 101));
        entries_put_address(before, named(2, "two.lab", 0));
        entries_put_address(before, named(3, "three.lab", 103));
        g_assert_cmpuint(entries_n_public_names(before), ==, 3);
        g_assert_cmpuint(entries_find_public_name(before, "two.lab")->ip, ==, 2);

        g_autoptr(Entries) entries = entries_new();
        entries_put_address(entries, named(1, "three.lab", 0));
        entries_put_address(entries, named(2, "two.lab", 0));
        entries_put_address(entries, named(4, "four.lab", 0));
        entries_put_address(entries, address(5, NULL, NULL, 101)); /* somebody's by now */
        entries_put_address(entries, named(6, "one.lab", 0));
        entries_keep_choices(entries, before);
        g_assert_cmpuint(public_ip_of(entries, 1), ==, 103);
        g_assert_cmpuint(public_ip_of(entries, 2), ==, 0);
        g_assert_cmpuint(public_ip_of(entries, 4), ==, 0);
        g_assert_cmpuint(public_ip_of(entries, 6), ==, 0);

        g_autoptr(Entries) copy = entries_copy(entries);
        g_assert_true(entries_equal_addresses(copy, entries));
        entries_put_address(copy, named(4, "other.lab", 0));
        g_assert_false(entries_equal_addresses(copy, entries));
        g_assert_null(entries_find_public_name(copy, "four.lab"));

        GError *error = NULL;
        g_autoptr(AddressEntry) second = named(7, "two.lab", 0);
        g_assert_false(entries_check_address(entries, second, &error));
        g_assert_cmpstr(error->message, ==,
                        "public_ip: two.lab is already the public_ip of 0.0.0.2");
        g_clear_error(&error);
        entries_clear_addresses(entries);
        g_assert_cmpuint(entries_n_public_names(entries), ==, 0);
}

static void test_take(void)
{
        g_autoptr(Entries) entries = entries_new();
        for (guint32 ip = 1; ip <= 5; ip++)
                entries_put_address(entries, address(ip, NULL, NULL, 100 + ip));

        g_autoptr(AddressEntry) third = entries_take_address(entries, 3);
        g_assert_cmpuint(third->ip, ==, 3);
        g_assert_null(entries_take_address(entries, 3));
        entries_put_address(entries, address(3, NULL, NULL, 0));
        address_entry_free(entries_take_address(entries, 1));

        static const guint32 left[] = { 2, 4, 5, 3 };
        g_assert_cmpuint(entries_n_addresses(entries), ==, G_N_ELEMENTS(left));
        for (guint i = 0; i < G_N_ELEMENTS(left); i++)
                g_assert_cmpuint(entries_address_at(entries, i)->ip, ==, left[i]);
        g_assert_null(entries_find_public_ip(entries, 103));
}

static void test_check(void)
{
        static const struct {
                AddressEntry entry;
                const char *error; /* part of it; NULL: none */
        } cases[] = {
                { { .ip = 0x0a000003 }, NULL },
                { { .ip = 0x0a000001, .mac = (char *)"02:00:00:00:00:01" }, NULL },
                { { .ip = 0x0a000001, .public_ip = 0x0b000001 }, NULL },
                { { .ip = 0x0a000003, .mac = (char *)"02:00:00:00:00:01" },
                  "mac: 02:00:00:00:00:01 is already the mac of 10.0.0.1" },
                { { .ip = 0x0a000003, .public_ip = 0x0b000001 },
                  "public_ip: 11.0.0.1 is already the public_ip of 10.0.0.1" },
                { { .ip = 0x0a000003, .public_ip = 0x0a000001 },
                  "public_ip: 10.0.0.1 is already the ip of 10.0.0.1" },
                { { .ip = 0x0a000003, .public_ip = 0x0a000003 }, "public_ip: 10.0.0.3" },
                { { .ip = 0x0b000001 }, "ip: 11.0.0.1 is already the public_ip of 10.0.0.1" },
        };
        g_autoptr(Entries) entries = entries_new();
        entries_put_address(entries, address(0x0a000001, "02:00:00:00:00:01", NULL, 0x0b000001));

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                bool is_valid = entries_check_address(entries, &cases[i].entry, &error);
                g_assert_cmpint(is_valid, ==, cases[i].error == NULL);
                if (is_valid)
                        continue;
                g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
                g_test_message("%s", error->message);
                g_assert_nonnull(strstr(error->message, cases[i].error));
        }
}

static void test_dns(void)
{
        g_autoptr(Entries) entries = entries_new();
        entries_put_dns(entries, dns("a", 1));
        entries_put_dns(entries, dns("b", 2));
        entries_put_dns(entries, dns("a", 3));

        g_assert_cmpuint(entries_n_dns(entries), ==, 2);
        g_assert_cmpuint(entries_find_hostname(entries, "a")->ip, ==, 3);
        g_assert_cmpstr(entries_dns_at(entries, 0)->hostname, ==, "a");

        g_autoptr(DnsEntry) taken = entries_take_dns(entries, "a");
        g_assert_cmpuint(taken->ip, ==, 3);
        g_assert_null(entries_take_dns(entries, "a"));
        g_assert_cmpstr(entries_dns_at(entries, 0)->hostname, ==, "b");
}

static void test_copy_and_clear(void)
{
        g_autoptr(Entries) entries = entries_new();
        entries_put_address(entries, address(1, "02:00:00:00:00:01", "one", 101));
        entries_put_dns(entries, dns("a", 1));

        g_autoptr(Entries) copy = entries_copy(entries);
        g_assert_true(entries_equal_addresses(entries, copy));
        g_assert_true(entries_equal_dns(entries, copy));

        entries_clear_addresses(copy);
        g_assert_false(entries_equal_addresses(entries, copy));
        g_assert_true(entries_equal_dns(entries, copy));
        g_assert_null(entries_find_mac(copy, "02:00:00:00:00:01"));
        g_assert_cmpuint(entries_n_public(copy), ==, 0);
        entries_clear_dns(copy);
        g_assert_cmpuint(entries_n_dns(copy), ==, 0);
        entries_put_address(copy, address(1, "02:00:00:00:00:01", "one", 101));
        entries_put_dns(copy, dns("a", 1));
        g_assert_true(entries_equal_addresses(entries, copy));
}

/* Many, each put, found and taken: seconds if any of it looked at all the others. */
static void test_many(void)
{
        enum { N = 16384 };
        g_autoptr(Entries) entries = entries_new();
        for (guint32 i = 0; i < N; i++) {
                g_autofree char *mac = g_strdup_printf("02:00:00:%02x:%02x:%02x", i >> 16,
                                                       i >> 8 & 0xff, i & 0xff);
                g_autoptr(AddressEntry) entry = address(0x0a000000 + i, mac, NULL, 0x0b000000 + i);
                g_assert_true(entries_check_address(entries, entry, NULL));
                entries_put_address(entries, g_steal_pointer(&entry));
        }
        for (guint32 i = 0; i < N; i++) {
                guint32 ip = 0x0a000000 + i * 40503 % N; /* every one, in no order */
                g_autoptr(AddressEntry) taken = entries_take_address(entries, ip);
                g_assert_cmpuint(taken->ip, ==, ip);
        }
        g_assert_cmpuint(entries_n_addresses(entries), ==, 0);
        g_assert_cmpuint(entries_n_public(entries), ==, 0);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/entries/put-and-find", test_put_and_find);
        g_test_add_func("/entries/replace", test_replace);
        g_test_add_func("/entries/choices", test_choices);
        g_test_add_func("/entries/names", test_names);
        g_test_add_func("/entries/take", test_take);
        g_test_add_func("/entries/check", test_check);
        g_test_add_func("/entries/dns", test_dns);
        g_test_add_func("/entries/copy-and-clear", test_copy_and_clear);
        g_test_add_func("/entries/many", test_many);
        return g_test_run();
}
