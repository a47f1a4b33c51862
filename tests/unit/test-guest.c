/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Guests: what follows from an id, what is asked for, what a change of settings leaves of them, and
 * the log that keeps them. */

#include "model/guest.h"

#include <string.h>

#include "model/config-yaml.h"
#include "model/digest.h"
#include "model/entry-log.h"
#include "model/guest-wish.h"
#include "util/error.h"

#define NETWORK "interface: fcbr0\ncreate: bridge\nsubnet: 172.30.0.0/24\n"

static NetworkConfig *config_of(const char *yaml)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) configs = config_yaml_parse(yaml, strlen(yaml), NULL, &error);
        g_assert_no_error(error);
        return config_copy(configs->pdata[0]);
}

static AddressEntry *entry_of(const char *id, guint32 ip, const char *tap)
{
        AddressEntry *entry = g_new0(AddressEntry, 1);
        Guest guest = { (char *)id, (char *)tap, 1000, 2, 1400 };
        char mac[MAC_TEXT_SIZE];

        guest_mac(digest_of(id), mac);
        entry->ip = ip;
        entry->mac = g_strdup(mac);
        entry->guest = guest_copy(&guest);
        return entry;
}

/* The digest of "foobar" is 0x85944171f73967e8. */
static void test_derived(void)
{
        const Subnet subnets[] = { { 0xac1e0000, 24 }, { 0xac1e0000, 30 }, { 0x0a000000, 8 } };
        guint64 digest = digest_of("foobar");
        char mac[MAC_TEXT_SIZE], tap[GUEST_TAP_SIZE];

        guest_mac(digest, mac);
        g_assert_cmpstr(mac, ==, "02:71:f7:39:67:e8");
        guest_tap_name(digest, 0, tap);
        g_assert_cmpstr(tap, ==, "tap-85944171");
        guest_tap_name(digest, 1, tap);
        g_assert_cmpstr(tap, ==, "tap-85944172");
        guest_tap_name(G_MAXUINT64, 1, tap);
        g_assert_cmpstr(tap, ==, "tap-00000000");
        for (guint i = 0; i < G_N_ELEMENTS(subnets); i++) {
                const Subnet *subnet = &subnets[i];
                guint32 n = (guint32)((1ull << (32 - subnet->prefix)) - 3);
                g_assert_cmpuint(guest_n_addresses(subnet), ==, n + 1);
                g_assert_cmphex(guest_address(subnet, digest, 0), ==,
                                subnet->network + 2 + (guint32)(digest % n));
                g_assert_cmphex(guest_address(subnet, n - 1, 0), ==, subnet_broadcast(subnet) - 1);
                if (n > 1) /* a /30 has no other */
                        g_assert_cmphex(guest_address(subnet, n - 1, 1), ==, subnet->network + 2);
                g_assert_cmphex(guest_address(subnet, digest, n), ==, subnet->network + 1);
        }
}

static void test_id(void)
{
        g_autofree char *longest = g_strnfill(GUEST_MAX_ID, 'x');
        g_autofree char *longer = g_strnfill(GUEST_MAX_ID + 1, 'x');
        const char *const good[] = { "a", " ", "-", "vm 1/ü%", longest };
        const char *const bad[] = { "", "a\n", "\x7f", longer };

        for (guint i = 0; i < G_N_ELEMENTS(good); i++)
                g_assert_true(guest_id_check(good[i], NULL));
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GError) error = NULL;
                g_assert_false(guest_id_check(bad[i], &error));
                g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
                g_assert_true(g_str_has_prefix(error->message, "id: "));
        }
}

static void test_wish(void)
{
        g_autoptr(Value) options = value_new_map();
        g_autoptr(GError) error = NULL;

        g_autoptr(GuestWish) plain = guest_wish_new("vm", options, 1000, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(plain->entry->ip, ==, 0);
        g_assert_null(plain->entry->mac);
        g_assert_cmpuint(plain->entry->guest->owner, ==, 1000);
        g_assert_cmpuint(plain->entry->guest->queues, ==, 1);

        value_set(options, "mac", value_new_text("02:AA:00:00:00:01"));
        value_set(options, "queues", value_new_number(4));
        value_set(options, "public_ip", value_new_text("auto"));
        g_autoptr(GuestWish) wish = guest_wish_new("vm", options, 1000, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(wish->entry->mac, ==, "02:aa:00:00:00:01");
        g_assert_true(wish->entry->public_auto);

        g_autoptr(AddressEntry) attached = entry_of("vm", 0xac1e0005, "tap-1");
        g_assert_true(guest_wish_check(plain, attached, &error));
        g_assert_no_error(error);
        g_assert_false(guest_wish_check(wish, attached, &error));
        g_assert_cmpstr(error->message, ==,
                        "mac: 02:aa:00:00:00:01 is not what guest \"vm\" is attached with, "
                        "02:07:b5:70:db:ec; detach it first");
}

static void test_wish_of_limits(void)
{
        g_autoptr(Value) options = value_new_map();
        g_autoptr(GError) error = NULL;
        g_autoptr(AddressEntry) attached = entry_of("vm", 0xac1e0005, "tap-1");

        attached->limits = (Limits){ { 5, 6 }, 60, 3 };
        value_set(options, "connection_timeout", value_new_number(60));
        g_autoptr(GuestWish) same = guest_wish_new("vm", options, 0, &error);
        g_assert_no_error(error);
        g_assert_false(guest_wish_lay_limits(same, attached));
        value_set(options, "max_connections", value_new_number(4));
        value_set(options, "nat_port_range", value_new_text(""));
        g_autoptr(GuestWish) other = guest_wish_new("vm", options, 0, &error);
        g_assert_no_error(error);
        g_assert_true(guest_wish_check(other, attached, &error));
        g_assert_true(guest_wish_lay_limits(other, attached));
        g_assert_cmpuint(attached->limits.max_connections, ==, 4);
        g_assert_cmpuint(attached->limits.timeout_sec, ==, 60);
        g_assert_false(limit_is_given(&attached->limits, LIMIT_NAT_PORTS));
        value_set(options, "max_connections", value_new_number(0));
        g_assert_null(guest_wish_new("vm", options, 0, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
}

static void test_kept_beside_settings(void)
{
        g_autoptr(NetworkConfig) config = config_of(NETWORK "addresses: [{ip: 172.30.0.9}]\n");
        g_autoptr(NetworkConfig) other =
                config_of("interface: fcbr0\ncreate: bridge\naddresses: [{ip: 192.168.100.9}]\n");
        g_autoptr(Value) changes = value_new_map();
        Value *list = value_new_list(), *map = value_new_map();
        g_autoptr(GError) error = NULL;

        entries_put_address(config->entries, entry_of("vm", 0xac1e0005, "tap-1"));
        value_set(map, "ip", value_new_text("172.30.0.8"));
        value_append(list, map);
        value_set(changes, "addresses", list);
        g_autoptr(NetworkConfig) changed = config_with_changes(config, changes, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(entries_n_addresses(changed->entries), ==, 2);
        g_assert_cmpuint(entries_address_at(changed->entries, 1)->ip, ==, 0xac1e0005);
        g_assert_nonnull(entries_find_guest(changed->entries, "vm"));
        g_assert_nonnull(entries_find_tap(changed->entries, "tap-1"));

        g_autoptr(Value) settings = config_to_value(changed, false);
        g_assert_cmpuint(value_get(settings, "addresses")->items->len, ==, 1);

        value_set(map, "ip", value_new_text("172.30.0.5"));
        g_assert_null(config_with_changes(config, changes, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
        g_clear_error(&error);
        g_assert_false(config_keep_guests(other, config->entries, &error));
        g_assert_cmpstr(error->message, ==,
                        "guest \"vm\" is attached: ip: 172.30.0.5 is outside the subnet "
                        "192.168.100.0/24");
}

static Value *item_at(const Value *changes, guint index)
{
        return value_get(changes, "addresses")->items->pdata[index];
}

#define CHANGED "guest: \"vm\" has another entry than this one of 172.30.0."

/* The addresses as clients read them, with one more. */
static void test_given_back(void)
{
        static const struct {
                const char *key, *text, *words;
        } others[] = {
                { "ip", "172.30.0.6", CHANGED },
                { "mac", "02:00:00:00:00:07", CHANGED },
                { "hostname", "other", CHANGED },
                { "connection_timeout", "5m", CHANGED },
                { "colour", "red", "unknown key \"colour\"" },
        };
        g_autoptr(NetworkConfig) config = config_of(NETWORK "addresses: [{ip: 172.30.0.9}]\n");
        g_autoptr(Value) changes = value_new_map();
        Value *list = value_new_list(), *more = value_new_map();
        g_autoptr(GError) error = NULL;

        entries_put_address(config->entries, entry_of("vm", 0xac1e0005, "tap-1"));
        for (guint i = 0; i < entries_n_addresses(config->entries); i++)
                value_append(list, address_entry_to_value(entries_address_at(config->entries, i)));
        value_set(more, "ip", value_new_text("172.30.0.8"));
        value_append(list, more);
        value_set(changes, "addresses", list);
        g_autoptr(NetworkConfig) changed = config_with_changes(config, changes, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(entries_n_addresses(changed->entries), ==, 3);
        g_assert_true(address_entry_equal(entries_find_guest(changed->entries, "vm"),
                                          entries_find_guest(config->entries, "vm")));

        for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
                g_autoptr(Value) wrong = value_copy(changes);
                value_set(item_at(wrong, 1), others[i].key, value_new_text(others[i].text));
                g_assert_null(config_with_changes(config, wrong, &error));
                g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
                g_test_message("%s", error->message);
                g_assert_nonnull(strstr(error->message, others[i].words));
                g_clear_error(&error);
        }

        /* Detached meanwhile: neither a guest nor an entry. */
        address_entry_free(entries_take_address(config->entries, 0xac1e0005));
        g_autoptr(NetworkConfig) later = config_with_changes(config, changes, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(entries_n_addresses(later->entries), ==, 2);
        g_assert_null(entries_find_ip(later->entries, 0xac1e0005));
        value_set(changes, "interface", value_new_text("fcbr0"));
        g_assert_null(config_new(changes, CONFIG_SOURCE_BUS, &error)); /* it is no setting */
        g_assert_nonnull(strstr(error->message, "guest"));
}

/* A chosen public address may be another one by the time that the list is given back. */
static void test_given_back_with_choice(void)
{
        g_autoptr(NetworkConfig) config =
                config_of(NETWORK "nat_mode: 1to1\npublic_pool: 10.1.1.100-10.1.1.110\n");
        g_autoptr(Value) changes = value_new_map();
        AddressEntry *guest = entry_of("vm", 0xac1e0005, "tap-1");
        Value *list = value_new_list();
        g_autoptr(GError) error = NULL;

        guest->public_auto = true;
        entries_put_address(config->entries, guest);
        value_append(list, address_entry_to_value(guest));
        value_set(changes, "addresses", list);
        entries_choose_public(config->entries, guest->ip, 0x0a010164);
        g_autoptr(NetworkConfig) changed = config_with_changes(config, changes, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(entries_find_guest(changed->entries, "vm")->public_ip, ==, 0x0a010164);
}

static void test_log(void)
{
        g_autoptr(Entries) before = entries_new(), after = entries_new(), read = entries_new();
        guint n_bad;

        entries_put_address(after, entry_of("vm 1%\xc3\xbc", 0xac1e0005, "tap-1"));
        entries_put_address(after, entry_of("-", 0xac1e0006, "tap-2"));
        g_autofree char *log = entry_log_compact(before, after);
        g_assert_cmpuint(entry_log_replay(log, strlen(log), read, &n_bad), ==, 2);
        g_assert_cmpuint(n_bad, ==, 0);
        g_assert_true(entries_equal_addresses(after, read));
        g_assert_true(g_str_has_prefix(log, "+g 172.30.0.5 02:"));

        g_autofree char *back = entry_log_compact(after, before);
        (void)entry_log_replay(back, strlen(back), read, &n_bad);
        g_assert_cmpuint(n_bad, ==, 0);
        g_assert_cmpuint(entries_n_guests(read), ==, 0);
}

/* A disk is not a caller. */
static void test_bad_log(void)
{
        static const char *const lines[] = {
                "+g 172.30.0.5 - - - vm tap-1 0 1\n",       "+g 172.30.0.5 - - - vm tap-1 0 0 0\n",
                "+g 172.30.0.5 - - - vm tap-1 0 17 0\n",    "+g 172.30.0.5 - - - vm tap-1 -1 1 0\n",
                "+g 172.30.0.5 - - - %00 tap-1 0 1 0\n",    "+g 172.30.0.5 - - - %0a tap-1 0 1 0\n",
                "+g 172.30.0.5 - - - vm ../etc/x 0 1 0\n",  "+g 172.30.0.5 - - -  tap-1 0 1 0\n",
                "+g 172.30.0.5 - - - vm tap-1 0 1 x\n",     "+g x - - - vm tap-1 0 1 0\n",
                "+g 172.30.0.5 - - - vm tap-1 0 1 70000\n",
        };

        for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
                g_autoptr(Entries) entries = entries_new();
                guint n_bad;
                g_test_message("%s", lines[i]);
                (void)entry_log_replay(lines[i], strlen(lines[i]), entries, &n_bad);
                g_assert_cmpuint(n_bad, ==, 1);
                g_assert_cmpuint(entries_n_addresses(entries), ==, 0);
        }
}

static void test_one_of_each(void)
{
        g_autoptr(Entries) entries = entries_new();
        g_autoptr(AddressEntry) plain = entry_of("vm", 0xac1e0005, "tap-1");
        g_autoptr(AddressEntry) again = entry_of("vm", 0xac1e0006, "tap-2");
        g_autoptr(AddressEntry) same_tap = entry_of("other", 0xac1e0006, "tap-1");
        g_autoptr(AddressEntry) same_ip = entry_of("other", 0xac1e0005, "tap-2");

        entries_put_address(entries, entry_of("vm", 0xac1e0005, "tap-1"));
        g_assert_true(entries_check_address(entries, plain, NULL));
        g_assert_false(entries_check_address(entries, again, NULL));
        g_assert_false(entries_check_address(entries, same_tap, NULL));
        g_assert_false(entries_check_address(entries, same_ip, NULL));
        g_clear_pointer(&plain->guest, guest_free);
        g_assert_false(entries_check_address(entries, plain, NULL));

        address_entry_free(entries_take_address(entries, 0xac1e0005));
        g_assert_null(entries_find_guest(entries, "vm"));
        g_assert_null(entries_find_tap(entries, "tap-1"));
        entries_put_address(entries, address_entry_copy(plain));
        g_assert_false(entries_check_address(entries, same_ip, NULL));
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/guest/derived", test_derived);
        g_test_add_func("/guest/id", test_id);
        g_test_add_func("/guest/wish", test_wish);
        g_test_add_func("/guest/wish/limits", test_wish_of_limits);
        g_test_add_func("/guest/kept-beside-settings", test_kept_beside_settings);
        g_test_add_func("/guest/given-back", test_given_back);
        g_test_add_func("/guest/given-back/with-choice", test_given_back_with_choice);
        g_test_add_func("/guest/log", test_log);
        g_test_add_func("/guest/bad-log", test_bad_log);
        g_test_add_func("/guest/one-of-each", test_one_of_each);
        return g_test_run();
}
