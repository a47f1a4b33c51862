/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A set of addresses for each name. To find those that a host name is below, its domains are looked
 * up one after the other: there are few, however many names a filter has. */

#include "model/filter-answers.h"

#include "model/filter.h"
#include "model/name.h"

struct FilterAnswers {
        GHashTable *names; /* name -> GHashTable, a set of addresses */
};

FilterAnswers *filter_answers_new(void)
{
        FilterAnswers *answers = g_new(FilterAnswers, 1);

        answers->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                               (GDestroyNotify)g_hash_table_unref);
        return answers;
}

void filter_answers_free(FilterAnswers *answers)
{
        if (!answers)
                return;
        g_hash_table_unref(answers->names);
        g_free(answers);
}

static void add_set(GHashTable *to, GHashTable *from)
{
        GHashTableIter iter;
        gpointer address;

        g_hash_table_iter_init(&iter, from);
        while (g_hash_table_iter_next(&iter, &address, NULL))
                g_hash_table_add(to, address);
}

static bool is_in(const char *hostname, const char *domain)
{
        while (hostname && !g_str_equal(hostname, domain))
                hostname = hostname_parent(hostname);
        return hostname != NULL;
}

static void add_name(FilterAnswers *answers, const char *name)
{
        GHashTable *addresses = g_hash_table_new(NULL, NULL);
        GHashTableIter iter;
        gpointer other, others;

        g_hash_table_iter_init(&iter, answers->names);
        while (g_hash_table_iter_next(&iter, &other, &others))
                if (is_in(other, name))
                        add_set(addresses, others);
        g_hash_table_insert(answers->names, g_strdup(name), addresses);
}

void filter_answers_follow(FilterAnswers *answers, const Filter *filter)
{
        g_autoptr(GPtrArray) names = filter_names(filter);

        for (guint i = 0; i < names->len; i++)
                if (!g_hash_table_contains(answers->names, names->pdata[i]))
                        add_name(answers, names->pdata[i]);
}

void filter_answers_forget_others(FilterAnswers *answers, const Filter *filter)
{
        g_autoptr(GPtrArray) names = filter_names(filter);
        GHashTableIter iter;
        gpointer name;

        g_hash_table_iter_init(&iter, answers->names);
        while (g_hash_table_iter_next(&iter, &name, NULL))
                if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
                        g_hash_table_iter_remove(&iter);
}

void filter_answers_add(FilterAnswers *answers, const char *hostname, guint32 address)
{
        for (; hostname; hostname = hostname_parent(hostname)) {
                GHashTable *addresses = g_hash_table_lookup(answers->names, hostname);
                if (addresses)
                        g_hash_table_add(addresses, GUINT_TO_POINTER(address));
        }
}

/* One that a DNS entry of the same name hides is answered when that goes. */
void filter_answers_add_entries(FilterAnswers *answers, const Entries *entries)
{
        for (guint i = 0; i < entries_n_dns(entries); i++) {
                const DnsEntry *entry = entries_dns_at(entries, i);
                if (entry->has_ip)
                        filter_answers_add(answers, entry->hostname, entry->ip);
        }
        for (guint i = 0; i < entries_n_addresses(entries); i++) {
                const AddressEntry *entry = entries_address_at(entries, i);
                if (entry->hostname)
                        filter_answers_add(answers, entry->hostname, entry->ip);
        }
}

bool filter_answers_have(const FilterAnswers *answers, const char *name, guint32 address)
{
        GHashTable *addresses = answers ? g_hash_table_lookup(answers->names, name) : NULL;

        return addresses && g_hash_table_contains(addresses, GUINT_TO_POINTER(address));
}

FilterAnswers *filter_answers_without(const FilterAnswers *answers, const FilterAnswers *other)
{
        FilterAnswers *rest = filter_answers_new();
        GHashTableIter names, iter;
        gpointer name, addresses, address;

        g_hash_table_iter_init(&names, answers->names);
        while (g_hash_table_iter_next(&names, &name, &addresses)) {
                GHashTable *left = g_hash_table_new(NULL, NULL);
                g_hash_table_iter_init(&iter, addresses);
                while (g_hash_table_iter_next(&iter, &address, NULL))
                        if (!filter_answers_have(other, name, GPOINTER_TO_UINT(address)))
                                g_hash_table_add(left, address);
                g_hash_table_insert(rest->names, g_strdup(name), left);
        }
        return rest;
}

static int compare_addresses(gconstpointer a, gconstpointer b)
{
        guint32 left = *(const guint32 *)a, right = *(const guint32 *)b;

        return left < right ? -1 : left > right;
}

GArray *filter_answers_of(const FilterAnswers *answers, const char *name)
{
        GHashTable *addresses = answers ? g_hash_table_lookup(answers->names, name) : NULL;
        GArray *list = g_array_new(FALSE, FALSE, sizeof(guint32));
        GHashTableIter iter;
        gpointer key;

        if (!addresses)
                return list;
        g_hash_table_iter_init(&iter, addresses);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
                guint32 address = GPOINTER_TO_UINT(key);
                g_array_append_val(list, address);
        }
        g_array_sort(list, compare_addresses);
        return list;
}

bool filter_answers_are_empty(const FilterAnswers *answers)
{
        GHashTableIter iter;
        gpointer addresses;

        g_hash_table_iter_init(&iter, answers->names);
        while (g_hash_table_iter_next(&iter, NULL, &addresses))
                if (g_hash_table_size(addresses) > 0)
                        return false;
        return true;
}
