/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What a caller asks for becomes tcpdump's command line, or is refused by name. */

#include "model/capture-options.h"

#include <string.h>

#include "util/error.h"

static const Subnet subnet = { .network = 0xc0a86400, .prefix = 24 }; /* 192.168.100.0 */

/* Takes @value. */
static Value *map_of(const char *key, Value *value)
{
        Value *map = value_new_map();
        value_set(map, key, value);
        return map;
}

/* Takes @map. The command line as one text. */
static char *line_of(Value *map)
{
        g_autoptr(Value) owned G_GNUC_UNUSED = map;
        g_autoptr(GError) error = NULL;
        g_autoptr(CaptureOptions) options = capture_options_from_value(map, &subnet, &error);

        g_assert_no_error(error);
        g_auto(GStrv) argv = capture_options_argv(options, "/bin/tcpdump", "eth1");
        return g_strjoinv("|", argv);
}

/* Takes @map. */
static void assert_refused(Value *map, const char *words)
{
        g_autoptr(Value) owned G_GNUC_UNUSED = map;
        g_autoptr(GError) error = NULL;
        g_autoptr(CaptureOptions) options = capture_options_from_value(map, &subnet, &error);

        g_assert_null(options);
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
        g_test_message("%s", error->message);
        g_assert_nonnull(strstr(error->message, words));
}

static void test_everything(void)
{
        g_autofree char *line = line_of(value_new_map());

        g_assert_cmpstr(line, ==,
                        "/bin/tcpdump|-i|eth1|-n|-U|-B|16384|"
                        "--time-stamp-precision=nano|-s|262144|-w|-|--");
}

static void test_all_options(void)
{
        Value *map = map_of("filter", value_new_text(" tcp port 22 or icmp "));
        value_set(map, "ip", value_new_text("192.168.100.10"));
        value_set(map, "snaplen", value_new_number(64));
        value_set(map, "packets", value_new_number(G_MAXINT32));
        value_set(map, "seconds", value_new_number(5));
        value_set(map, "bytes", value_new_number(G_MAXINT64));
        g_autoptr(CaptureOptions) options = capture_options_from_value(map, &subnet, NULL);
        g_assert_cmpuint(options->seconds, ==, 5);
        g_assert_cmpuint(options->bytes, ==, G_MAXINT64);

        g_autofree char *line = line_of(map);
        g_assert_cmpstr(line, ==,
                        "/bin/tcpdump|-i|eth1|-n|-U|-B|16384|"
                        "--time-stamp-precision=nano|-s|64|-c|2147483647|-w|-|--|"
                        "(tcp port 22 or icmp) and host 192.168.100.10");
}

static void test_address_alone(void)
{
        g_autofree char *line = line_of(map_of("ip", value_new_text("192.168.100.10")));
        g_assert_true(g_str_has_suffix(line, "|--|host 192.168.100.10"));
}

/* Whatever it looks like, it is one argument behind "--". */
static void test_filter_is_no_option(void)
{
        static const char *const filters[] = { "-w/etc/x", "-z /bin/sh -G 1", "-F/etc/shadow",
                                               "-- -r x", "$(id); `id`" };

        for (guint i = 0; i < G_N_ELEMENTS(filters); i++) {
                g_autofree char *line = line_of(map_of("filter", value_new_text(filters[i])));
                g_autofree char *end = g_strconcat("|-w|-|--|", filters[i], NULL);
                g_assert_true(g_str_has_suffix(line, end));
        }
}

static void test_refused_text(void)
{
        g_autofree char *just = g_strnfill(CAPTURE_MAX_FILTER, 'x');
        g_autofree char *more = g_strnfill(CAPTURE_MAX_FILTER + 1, 'x');
        g_autofree char *line = line_of(map_of("filter", value_new_text(just)));

        g_assert_true(g_str_has_suffix(line, just));
        assert_refused(map_of("filter", value_new_text(more)), "filter: 4097 bytes");
        assert_refused(map_of("filter", value_new_text("tcp\nport 22")), "filter: ");
        assert_refused(map_of("filter", value_new_text("tcp\033")), "filter: ");
        assert_refused(map_of("filter", value_new_text("tcp) or (udp")), "parentheses");
        assert_refused(map_of("filter", value_new_text("(tcp")), "parentheses");
        assert_refused(map_of("filter", value_new_number(5)), "filter: ");
        assert_refused(map_of("ip", value_new_text("192.168.101.10")), "192.168.100.0/24");
        assert_refused(map_of("ip", value_new_text("192.168.100.10 or tcp")), "ip: ");
        assert_refused(map_of("ip", value_new_text("")), "ip: ");
        assert_refused(map_of("ip", value_new_bool(true)), "ip: ");
}

static void test_refused_numbers(void)
{
        static const char *const keys[] = { "snaplen", "packets", "seconds", "bytes" };

        for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
                g_autofree char *words = g_strconcat(keys[i], ": ", NULL);
                assert_refused(map_of(keys[i], value_new_number(0)), words);
                assert_refused(map_of(keys[i], value_new_number(-1)), words);
                assert_refused(map_of(keys[i], value_new_text("5")), words);
                if (!g_str_equal(keys[i], "bytes"))
                        assert_refused(map_of(keys[i], value_new_number(G_MAXINT64)), words);
        }
        assert_refused(map_of("snaplen", value_new_number(CAPTURE_MAX_SNAPLEN + 1)), "262144");
        assert_refused(map_of("seconds", value_new_number(CAPTURE_MAX_SECONDS + 1)), "4294967");
}

static void test_unknown_key(void)
{
        assert_refused(map_of("packet", value_new_number(1)), "\"packets\"");
        assert_refused(map_of("file", value_new_text("/etc/x")), "\"file\"");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/capture-options/everything", test_everything);
        g_test_add_func("/capture-options/all-options", test_all_options);
        g_test_add_func("/capture-options/address-alone", test_address_alone);
        g_test_add_func("/capture-options/filter-is-no-option", test_filter_is_no_option);
        g_test_add_func("/capture-options/refused-text", test_refused_text);
        g_test_add_func("/capture-options/refused-numbers", test_refused_numbers);
        g_test_add_func("/capture-options/unknown-key-is-refused", test_unknown_key);
        return g_test_run();
}
