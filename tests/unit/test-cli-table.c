/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What `dutnetctl` prints on a terminal: safe, aligned, as wide as the terminal and no wider. */

#include <string.h>

#include "cli/table.h"
#include "cli/text.h"
#include "cli/view.h"

static const Terminal pipe_output = { .unicode = true };

static void test_escape(void)
{
        static const struct {
                const char *text, *escaped;
        } cases[] = {
                { "board-1", "board-1" },
                { "a\nb\tc", "a\\nb\\tc" },
                { "\033[2J\007", "\\x1b[2J\\x07" },
                { "\xc2\x9b", "\\x9b" },
                { "\xe2\x80\xae", "\\u202e" },
                { "Prüfling", "Prüfling" },
                { "a\xff", "a\\xff" },
                { "\xc3", "\\xc3" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *escaped = text_escape(cases[i].text);
                g_assert_cmpstr(escaped, ==, cases[i].escaped);
        }

        g_autofree char *lines = text_escape_lines("a\n\tb\033\r");
        g_assert_cmpstr(lines, ==, "a\n\tb\\x1b\\x0d");
}

static void test_cut(void)
{
        static const struct {
                const char *text;
                guint width;
                const char *cut;
        } cases[] = {
                { "abcdef", 6, "abcdef" }, { "abcdef", 5, "abcd…" }, { "abcdef", 1, "…" },
                { "abcdef", 0, "" },       { "äöüß", 3, "äö…" },     { "漢字漢字", 5, "漢字…" },
                { "漢字漢字", 4, "漢…" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *cut = text_cut(cases[i].text, cases[i].width, true);
                g_assert_cmpstr(cut, ==, cases[i].cut);
                g_assert_cmpuint(text_width(cut), <=, cases[i].width);
        }

        g_autofree char *plain = text_cut("abcdef", 3, false);
        g_assert_cmpstr(plain, ==, "ab~");
}

static void test_remaining(void)
{
        static const struct {
                gint64 expiry;
                const char *text;
        } cases[] = {
                { 0, "never" },         { 999, "now" },      { 1000, "now" },
                { 1001, "1s" },         { 1059, "59s" },     { 1060, "1min 0s" },
                { 4599, "59min 59s" },  { 4600, "1h 0min" }, { 44200, "12h 0min" },
                { 87399, "23h 59min" }, { 87400, "1d 0h" },  { 605800, "7d 0h" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = text_remaining(cases[i].expiry, 1000);
                g_assert_cmpstr(text, ==, cases[i].text);
        }
}

static void test_count(void)
{
        static const struct {
                guint n;
                const char *text;
        } cases[] = {
                { 0, "0" },
                { 999, "999" },
                { 1000, "1,000" },
                { 65536, "65,536" },
                { 4294967295, "4,294,967,295" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = text_count(cases[i].n);
                g_assert_cmpstr(text, ==, cases[i].text);
        }
}

static Table *leases_table(void)
{
        static const Column columns[] = { { "MAC" }, { "HOSTNAME", .is_prose = true }, { "IP" } };

        Table *table = table_new(columns, G_N_ELEMENTS(columns));
        table_add(table, "02:00:00:00:00:01");
        table_add(table, "a-rather-long-name.lab");
        table_add(table, "192.168.100.1");
        table_add(table, "02:00:00:00:00:02");
        table_add(table, "x\033[31m");
        table_add(table, NULL);
        return table;
}

static void test_aligned(void)
{
        g_autoptr(Table) table = leases_table();
        g_autoptr(GString) out = g_string_new(NULL);
        table_append(table, &pipe_output, 2, 0, out);

        g_assert_cmpuint(table_n_rows(table), ==, 2);
        g_assert_cmpstr(out->str, ==,
                        "  MAC                HOSTNAME                IP\n"
                        "  02:00:00:00:00:01  a-rather-long-name.lab  192.168.100.1\n"
                        "  02:00:00:00:00:02  x\\x1b[31m\n");
}

static guint widest_line(const char *text)
{
        guint widest = 0;
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (guint i = 0; lines[i]; i++)
                widest = MAX(widest, text_width(lines[i]));
        return widest;
}

static void test_fits(void)
{
        g_autoptr(Table) table = leases_table();
        for (guint width = 24; width <= 100; width++) {
                const Terminal terminal = { .width = width, .unicode = true };
                g_autoptr(GString) out = g_string_new(NULL);
                table_append(table, &terminal, 2, 0, out);
                g_assert_cmpuint(widest_line(out->str), <=, width);
        }

        /* The name gives way before the addresses do. */
        const Terminal terminal = { .width = 43, .unicode = true };
        g_autoptr(GString) out = g_string_new(NULL);
        table_append(table, &terminal, 0, 0, out);
        g_assert_nonnull(strstr(out->str, "02:00:00:00:00:01  a-rather…  192.168.100.1\n"));
}

static void test_shortened(void)
{
        static const Column columns[] = { { "N" } };

        g_autoptr(Table) table = table_new(columns, 1);
        for (guint i = 0; i < 10000; i++)
                table_add(table, "1");

        g_autoptr(GString) out = g_string_new(NULL);
        table_append(table, &pipe_output, 0, 2, out);
        g_assert_cmpstr(out->str, ==, "N\n1\n1\n… and 9,998 more\n");
}

static void test_colour(void)
{
        static const Column columns[] = { { "STATE" }, { "X" } };
        const Terminal terminal = { .width = 80, .colour = true, .unicode = true };

        g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));
        table_add_styled(table, STYLE_GOOD, "up");
        table_add(table, "y");

        g_autoptr(GString) coloured = g_string_new(NULL);
        table_append(table, &terminal, 0, 0, coloured);
        g_assert_nonnull(strstr(coloured->str, "\033[1;32mup\033[0m     y\n"));

        g_autoptr(GString) plain = g_string_new(NULL);
        table_append(table, &pipe_output, 0, 0, plain);
        g_assert_cmpstr(plain->str, ==, "STATE  X\nup     y\n");
}

/* What another version of the service leaves out, or has with another type, is left out. */
static void test_status_of_little(void)
{
        g_autoptr(Value) status = value_new_map();
        value_set(status, "interface", value_new_text("eth1"));
        value_set(status, "state", value_new_text("degraded"));
        value_set(status, "error", value_new_text("no\033 upstream"));
        value_set(status, "leases", value_new_text("none"));
        value_set(status, "settings", value_new_list());

        g_autoptr(GString) out = g_string_new(NULL);
        view_status(status, 0, &pipe_output, out);
        g_assert_cmpstr(out->str, ==,
                        "● eth1: degraded\n"
                        "       Error: no\\x1b upstream\n"
                        "    Upstream: none\n");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/cli/text/escape", test_escape);
        g_test_add_func("/cli/text/cut", test_cut);
        g_test_add_func("/cli/text/remaining", test_remaining);
        g_test_add_func("/cli/text/count", test_count);
        g_test_add_func("/cli/table/aligned", test_aligned);
        g_test_add_func("/cli/table/fits-the-terminal", test_fits);
        g_test_add_func("/cli/table/shortened-with-a-count", test_shortened);
        g_test_add_func("/cli/table/colour-only-where-wanted", test_colour);
        g_test_add_func("/cli/view/status-of-an-odd-service", test_status_of_little);
        return g_test_run();
}
