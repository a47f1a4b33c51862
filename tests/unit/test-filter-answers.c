/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Which addresses a filter's names have. */

#include "model/filter-answers.h"

#include <string.h>

#include "model/config-yaml.h"
#include "model/filter.h"

static Filter *filter_of(const char *first, const char *second)
{
        g_autofree char *yaml = g_strdup_printf("{egress: {policy: drop, rules: [{action: accept, "
                                                "destination: %s}, {action: drop, "
                                                "destination: %s}]}}",
                                                first, second);
        g_autoptr(GError) error = NULL;
        g_autoptr(Value) value = config_yaml_parse_filter(yaml, strlen(yaml), NULL, &error);
        Filter *filter = NULL;

        g_assert_no_error(error);
        g_assert_true(filter_parse("filter", value, &filter, &error));
        return filter;
}

static void expect(const FilterAnswers *answers, const char *name, const char *expected)
{
        g_autoptr(GArray) addresses = filter_answers_of(answers, name);
        g_autoptr(GString) text = g_string_new(NULL);

        for (guint i = 0; i < addresses->len; i++) {
                guint32 address = g_array_index(addresses, guint32, i);
                g_string_append_printf(text, "%s%u", i > 0 ? " " : "", address);
                g_assert_true(filter_answers_have(answers, name, address));
        }
        g_assert_cmpstr(text->str, ==, expected);
}

static void test_below(void)
{
        g_autoptr(Filter) filter = filter_of("example.com", "www.example.com");
        g_autoptr(FilterAnswers) answers = filter_answers_new();

        filter_answers_add(answers, "example.com", 1); /* none of its names yet */
        filter_answers_follow(answers, filter);
        g_assert_true(filter_answers_are_empty(answers));
        filter_answers_add(answers, "example.com", 2);
        filter_answers_add(answers, "www.example.com", 3);
        filter_answers_add(answers, "a.b.www.example.com", 4);
        filter_answers_add(answers, "ftp.example.com", 0xffffffff);
        filter_answers_add(answers, "notexample.com", 6);
        filter_answers_add(answers, "com", 7);
        filter_answers_add(answers, "example.com.net", 8);
        filter_answers_add(answers, "www.example.com", 3);
        expect(answers, "example.com", "2 3 4 4294967295");
        expect(answers, "www.example.com", "3 4");
        expect(answers, "com", "");
        g_assert_false(filter_answers_are_empty(answers));
        g_assert_false(filter_answers_have(answers, "www.example.com", 2));
        g_assert_false(filter_answers_have(NULL, "www.example.com", 3));
}

/* From one filter to the next. */
static void test_follow(void)
{
        g_autoptr(Filter) first = filter_of("www.example.com", "other.net");
        g_autoptr(Filter) second = filter_of("example.com", "www.other.net");
        g_autoptr(FilterAnswers) answers = filter_answers_new();

        filter_answers_follow(answers, first);
        filter_answers_add(answers, "www.example.com", 1);
        filter_answers_add(answers, "www.other.net", 2);
        filter_answers_follow(answers, second);
        expect(answers, "www.example.com", "1");
        expect(answers, "example.com", "1");
        expect(answers, "www.other.net", "");
        filter_answers_follow(answers, second);
        filter_answers_forget_others(answers, second);
        expect(answers, "www.example.com", "");
        expect(answers, "example.com", "1");
        filter_answers_forget_others(answers, NULL);
        g_assert_true(filter_answers_are_empty(answers));
        filter_answers_follow(answers, NULL);
        filter_answers_free(NULL);
}

static void test_entries(void)
{
        g_autoptr(Filter) filter = filter_of("lab.local", "x.test");
        g_autoptr(FilterAnswers) answers = filter_answers_new();
        g_autoptr(FilterAnswers) more = filter_answers_new();
        g_autoptr(Entries) entries = entries_new();
        const AddressEntry with_name = { .ip = 1, .hostname = (char *)"board.lab.local" };
        const AddressEntry without = { .ip = 2 }, bare = { .ip = 3, .hostname = (char *)"lab" };
        const DnsEntry dns = { (char *)"lab.local", true, false, 4, { { 0 } } },
                       other = { (char *)"y.test", true, false, 5, { { 0 } } };

        entries_put_address(entries, address_entry_copy(&with_name));
        entries_put_address(entries, address_entry_copy(&without));
        entries_put_address(entries, address_entry_copy(&bare));
        entries_put_dns(entries, dns_entry_copy(&dns));
        entries_put_dns(entries, dns_entry_copy(&other));
        filter_answers_follow(answers, filter);
        filter_answers_add_entries(answers, entries);
        expect(answers, "lab.local", "1 4");
        expect(answers, "x.test", "");

        filter_answers_follow(more, filter);
        filter_answers_add(more, "lab.local", 4);
        filter_answers_add(more, "x.test", 9);
        g_autoptr(FilterAnswers) gone = filter_answers_without(answers, more);
        g_autoptr(FilterAnswers) come = filter_answers_without(more, answers);
        g_autoptr(FilterAnswers) same = filter_answers_without(more, more);
        g_autoptr(FilterAnswers) none = filter_answers_new();
        g_autoptr(FilterAnswers) all = filter_answers_without(answers, none);
        expect(gone, "lab.local", "1");
        expect(gone, "x.test", "");
        expect(come, "lab.local", "");
        expect(come, "x.test", "9");
        expect(all, "lab.local", "1 4");
        g_assert_true(filter_answers_are_empty(same));
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/filter-answers/below", test_below);
        g_test_add_func("/filter-answers/follow", test_follow);
        g_test_add_func("/filter-answers/entries", test_entries);
        return g_test_run();
}
