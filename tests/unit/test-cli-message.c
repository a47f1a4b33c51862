/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Values into bus messages and back: the types are the contract's. The bus is half a socket pair,
 * good enough to make messages for. */

#include "cli/message.h"

#include <sys/socket.h>
#include <unistd.h>

#include "cli/json.h"

typedef struct Fixture {
        sd_bus *bus;
        int peer;
        sd_bus_message *message;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
        int fds[2];
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), ==,
                        0);
        fixture->peer = fds[1];
        g_assert_cmpint(sd_bus_new(&fixture->bus), >=, 0);
        g_assert_cmpint(sd_bus_set_fd(fixture->bus, fds[0], fds[0]), >=, 0);
        g_assert_cmpint(sd_bus_start(fixture->bus), >=, 0);
        g_assert_cmpint(sd_bus_message_new_method_call(fixture->bus, &fixture->message, "a.b", "/a",
                                                       "a.b", "C"),
                        >=, 0);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        sd_bus_message_unref(fixture->message);
        sd_bus_close_unref(fixture->bus);
        close(fixture->peer);
}

/* Ends the writing; what follows is the reading. */
static void seal(Fixture *fixture)
{
        g_assert_cmpint(sd_bus_message_seal(fixture->message, 1, 0), >=, 0);
        g_assert_cmpint(sd_bus_message_rewind(fixture->message, true), >=, 0);
}

static void assert_next(Fixture *fixture, const char *json)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Value) value = message_read_value(fixture->message, &error);
        g_assert_no_error(error);
        g_autofree char *text = json_format(value, JSON_LINE);
        g_assert_cmpstr(text, ==, json);
}

static Value *entry_list(void)
{
        Value *entry = value_new_map();
        value_set(entry, "ip", value_new_text("192.168.100.10"));
        Value *list = value_new_list();
        value_append(list, entry);
        return list;
}

static Value *settings_new(void)
{
        Value *settings = value_new_map();
        Value *servers = value_new_list();
        value_append(servers, value_new_text("8.8.8.8"));
        value_set(settings, "subnet", value_new_text("10.0.0.0/24"));
        value_set(settings, "dhcp_enabled", value_new_bool(false));
        value_set(settings, "dns_servers", servers);
        value_set(settings, "addresses", entry_list());
        value_set(settings, "dns_entries", value_new_list());
        value_set(settings, "number", value_new_number(-7));
        return settings;
}

static void test_settings(Fixture *fixture, gconstpointer data)
{
        g_autoptr(Value) settings = settings_new();
        g_autoptr(GError) error = NULL;
        g_assert_true(message_append_settings(fixture->message, settings, &error));
        g_assert_no_error(error);
        seal(fixture);

        g_assert_cmpstr(sd_bus_message_get_signature(fixture->message, true), ==, "a{sv}");
        assert_next(fixture, "{\"subnet\": \"10.0.0.0/24\", \"dhcp_enabled\": false, "
                             "\"dns_servers\": [\"8.8.8.8\"], "
                             "\"addresses\": [{\"ip\": \"192.168.100.10\"}], "
                             "\"dns_entries\": [], \"number\": -7}");
}

/* The type of each variant, by key. */
static void test_types(Fixture *fixture, gconstpointer data)
{
        static const char *const types[] = { "s", "b", "as", "aa{sv}", "aa{sv}", "x" };

        g_autoptr(Value) settings = settings_new();
        g_assert_true(message_append_settings(fixture->message, settings, NULL));
        seal(fixture);

        sd_bus_message *message = fixture->message;
        g_assert_cmpint(sd_bus_message_enter_container(message, 'a', "{sv}"), >, 0);
        for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
                const char *contents;
                g_assert_cmpint(sd_bus_message_enter_container(message, 'e', "sv"), >, 0);
                g_assert_cmpint(sd_bus_message_skip(message, "s"), >, 0);
                g_assert_cmpint(sd_bus_message_peek_type(message, NULL, &contents), >, 0);
                g_assert_cmpstr(contents, ==, types[i]);
                g_assert_cmpint(sd_bus_message_skip(message, "v"), >, 0);
                g_assert_cmpint(sd_bus_message_exit_container(message), >=, 0);
        }
        g_assert_cmpint(sd_bus_message_at_end(message, false), >, 0);
}

static void test_empty_servers(Fixture *fixture, gconstpointer data)
{
        g_autoptr(Value) settings = value_new_map();
        value_set(settings, "dns_servers", value_new_list());
        g_assert_true(message_append_settings(fixture->message, settings, NULL));
        seal(fixture);

        g_assert_cmpint(sd_bus_message_enter_container(fixture->message, 'a', "{sv}"), >, 0);
        g_assert_cmpint(sd_bus_message_enter_container(fixture->message, 'e', "sv"), >, 0);
        g_assert_cmpint(sd_bus_message_skip(fixture->message, "s"), >, 0);
        const char *contents;
        g_assert_cmpint(sd_bus_message_peek_type(fixture->message, NULL, &contents), >, 0);
        g_assert_cmpstr(contents, ==, "as");
}

/* Whatever a newer service sends is readable. */
static void test_any_type(Fixture *fixture, gconstpointer data)
{
        g_assert_cmpint(sd_bus_message_append(fixture->message, "ynqiuxtdsogv", 255, -1, 65535, -2,
                                              4294967295u, G_MININT64, G_MAXUINT64, 0.5, "s", "/o",
                                              "a{sv}", "v", "u", 7u),
                        >=, 0);
        g_assert_cmpint(sd_bus_message_append(fixture->message, "a(sso)a{us}", 1, "eth1", "active",
                                              "/a", 1, 3u, "three"),
                        >=, 0);
        seal(fixture);

        static const char *const expected[] = {
                "255",
                "-1",
                "65535",
                "-2",
                "4294967295",
                "-9223372036854775808",
                "\"18446744073709551615\"",
                "\"0.5\"",
                "\"s\"",
                "\"/o\"",
                "\"a{sv}\"",
                "7",
                "[[\"eth1\", \"active\", \"/a\"]]",
                "{\"3\": \"three\"}",
        };
        for (guint i = 0; i < G_N_ELEMENTS(expected); i++)
                assert_next(fixture, expected[i]);

        g_autoptr(GError) error = NULL;
        g_assert_null(message_read_value(fixture->message, &error));
        g_assert_nonnull(error);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add("/cli/message/settings-come-back", Fixture, NULL, set_up, test_settings,
                   tear_down);
        g_test_add("/cli/message/types-are-the-contract's", Fixture, NULL, set_up, test_types,
                   tear_down);
        g_test_add("/cli/message/no-servers-are-a-list-of-text", Fixture, NULL, set_up,
                   test_empty_servers, tear_down);
        g_test_add("/cli/message/any-type-is-read", Fixture, NULL, set_up, test_any_type,
                   tear_down);
        return g_test_run();
}
