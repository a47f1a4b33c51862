/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Counted sysctls. A knob belongs to an interface, by its index: it goes along when that is
 * renamed. The journal is a key file for each interface, sysctls-INDEX: a group for each knob,
 * named "SYSCTL INDEX", with the value found, the value set and the holders. It is written before a
 * knob is turned, so a crash in between costs nothing: giving back a value that is still there
 * changes nothing. */

#include "network/knobs.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/file.h"

#define PREFIX "sysctls-"

typedef struct Held {
        Sysctl sysctl;
        guint index; /* of its interface */
        int found, set;
        GHashTable *holders; /* "HOLDER CLASS" */
} Held;

struct Knobs {
        char *directory;
        GHashTable *held; /* group name -> Held */
};

static void held_free(gpointer data)
{
        Held *held = data;
        g_hash_table_unref(held->holders);
        g_free(held);
}

static Held *held_new(Sysctl sysctl, guint index, int found, int set)
{
        Held *held = g_new0(Held, 1);
        held->sysctl = sysctl;
        held->index = index;
        held->found = found;
        held->set = set;
        held->holders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        return held;
}

static char *group_name(Sysctl sysctl, guint index)
{
        return g_strdup_printf("%d %u", (int)sysctl, index);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
        return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of @table in an order of their own, so that the same is written as the same text.
 * NULL-terminated; the array is the caller's. */
static char **sorted_keys(GHashTable *table, guint *ret_n)
{
        char **keys = (char **)g_hash_table_get_keys_as_array(table, ret_n);
        qsort(keys, *ret_n, sizeof *keys, compare_names);
        return keys;
}

/* As a list in a key file has it. */
static void append_holder(GString *text, const char *holder)
{
        for (const char *p = holder; *p; p++) {
                if (*p == ';' || *p == '\\')
                        g_string_append_c(text, '\\');
                g_string_append_c(text, *p);
        }
        g_string_append_c(text, ';');
}

static void append_held(GString *text, const char *group, const Held *held)
{
        guint n;
        g_autofree char **holders = sorted_keys(held->holders, &n);

        g_string_append_printf(text, "[%s]\nsysctl=%d\nindex=%u\nfound=%d\nset=%d\nholders=", group,
                               (int)held->sysctl, held->index, held->found, held->set);
        for (guint i = 0; i < n; i++)
                append_holder(text, holders[i]);
        g_string_append(text, "\n\n");
}

/* What is held of interface @index. By hand: a GKeyFile takes ten times as long, and each network
 * that comes has its turn here. */
static bool save(const Knobs *knobs, guint index, GError **error)
{
        g_autoptr(GString) text = g_string_new(NULL);
        g_autofree char *path = g_strdup_printf("%s/" PREFIX "%u", knobs->directory, index);

        for (Sysctl sysctl = 0; sysctl < SYSCTL_MAX; sysctl++) {
                g_autofree char *group = group_name(sysctl, index);
                const Held *held = g_hash_table_lookup(knobs->held, group);
                if (held)
                        append_held(text, group, held);
        }
        if (text->len == 0)
                return file_remove(path, error);
        return file_update(path, text->str, (gssize)text->len, 0644, error);
}

/* The same for each of @indexes, a set; the first error counts. */
static bool save_all(const Knobs *knobs, GHashTable *indexes, GError **error)
{
        GHashTableIter iter;
        gpointer index;
        bool good = true;

        g_hash_table_iter_init(&iter, indexes);
        while (g_hash_table_iter_next(&iter, &index, NULL))
                good = save(knobs, GPOINTER_TO_UINT(index), good ? error : NULL) && good;
        return good;
}

static void load(Knobs *knobs, const char *path)
{
        g_autoptr(GKeyFile) file = g_key_file_new();
        if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL))
                return; /* not one of ours */

        g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
        for (char **group = groups; *group; group++) {
                int sysctl = g_key_file_get_integer(file, *group, "sysctl", NULL);
                int index = g_key_file_get_integer(file, *group, "index", NULL);
                g_auto(GStrv) holders =
                        g_key_file_get_string_list(file, *group, "holders", NULL, NULL);
                if (sysctl < 0 || sysctl >= SYSCTL_MAX || index <= 0 || !holders)
                        continue;
                Held *held = held_new((Sysctl)sysctl, (guint)index,
                                      g_key_file_get_integer(file, *group, "found", NULL),
                                      g_key_file_get_integer(file, *group, "set", NULL));
                for (char **holder = holders; *holder; holder++)
                        g_hash_table_add(held->holders, g_strdup(*holder));
                g_hash_table_insert(knobs->held, g_strdup(*group), held);
        }
}

static void load_all(Knobs *knobs)
{
        g_autoptr(GDir) directory = g_dir_open(knobs->directory, 0, NULL);

        for (const char *name; directory && (name = g_dir_read_name(directory));) {
                g_autofree char *path = g_build_filename(knobs->directory, name, NULL);
                const char *index = name + strlen(PREFIX);
                if (g_str_has_prefix(name, PREFIX) &&
                    index[strspn(index, "0123456789")] == '\0') /* else never put in its place */
                        load(knobs, path);
        }
}

Knobs *knobs_new(const char *run_dir)
{
        Knobs *knobs = g_new0(Knobs, 1);
        knobs->directory = g_strdup(run_dir);
        knobs->held = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, held_free);
        load_all(knobs);
        return knobs;
}

void knobs_free(Knobs *knobs)
{
        if (!knobs)
                return;
        g_hash_table_unref(knobs->held);
        g_free(knobs->directory);
        g_free(knobs);
}

static bool sysctl_is_optional(Sysctl sysctl)
{
        return sysctl == SYSCTL_IPV6_ACCEPT_RA || sysctl == SYSCTL_IPV6_ACCEPT_REDIRECTS ||
               sysctl == SYSCTL_IPV6_FORCE_FORWARDING;
}

/* Gives the value found back, unless somebody else has set it since or the interface is gone. */
static bool held_give_back(const Held *held, GError **error)
{
        char interface[IF_NAMESIZE];
        int now;

        if (!if_indextoname(held->index, interface) ||
            sysctl_get(held->sysctl, interface, &now) < 0 || now != held->set)
                return true;
        return sysctl_set(held->sysctl, interface, held->found, error);
}

/* Lets @key go of knob @group. */
static bool let_go(Knobs *knobs, const char *group, const char *key, GError **error)
{
        Held *held = g_hash_table_lookup(knobs->held, group);
        if (!held || !g_hash_table_remove(held->holders, key))
                return true;
        if (g_hash_table_size(held->holders) > 0)
                return true;

        bool given_back = held_give_back(held, error);
        g_hash_table_remove(knobs->held, group);
        return given_back;
}

/* Has @key hold @knob, in memory. *ret_new: it did not before; *ret_changed: or not that value.
 * What was found first is what is given back. */
static bool hold(Knobs *knobs, const Knob *knob, guint index, const char *key, bool *ret_new,
                 bool *ret_changed, GError **error)
{
        g_autofree char *group = group_name(knob->sysctl, index);
        Held *held = g_hash_table_lookup(knobs->held, group);

        if (!held) {
                int found;
                int r = sysctl_get(knob->sysctl, knob->interface, &found);
                if (r == -ENOENT && sysctl_is_optional(knob->sysctl))
                        return true;
                if (r < 0) {
                        g_autofree char *name = sysctl_name(knob->sysctl, knob->interface);
                        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                                    "cannot read %s: %s", name, g_strerror(-r));
                        return false;
                }
                held = held_new(knob->sysctl, index, found, knob->value);
                g_hash_table_insert(knobs->held, g_strdup(group), held);
        }
        *ret_new = g_hash_table_add(held->holders, g_strdup(key));
        *ret_changed = *ret_new || held->set != knob->value;
        held->set = knob->value;
        return true;
}

/* Writes down who holds @wanted now, before any of them is turned. */
static bool hold_all(Knobs *knobs, const char *key, const Knob *wanted, const guint *indexes,
                     guint n_wanted, bool *is_new, GError **error)
{
        g_autoptr(GHashTable) changed = g_hash_table_new(NULL, NULL);

        for (guint i = 0; i < n_wanted; i++) {
                bool is_changed = false;
                if (!hold(knobs, &wanted[i], indexes[i], key, &is_new[i], &is_changed, error))
                        return false;
                if (is_changed)
                        g_hash_table_add(changed, GUINT_TO_POINTER(indexes[i]));
        }
        return save_all(knobs, changed, error);
}

/* One that is held already is set again, for somebody else may have turned it. */
static bool set_all(const Knobs *knobs, const Knob *wanted, const guint *indexes, guint n_wanted,
                    GError **error)
{
        for (guint i = 0; i < n_wanted; i++) {
                g_autofree char *group = group_name(wanted[i].sysctl, indexes[i]);
                if (g_hash_table_contains(knobs->held, group) &&
                    !sysctl_set(wanted[i].sysctl, wanted[i].interface, wanted[i].value, error))
                        return false;
        }
        return true;
}

/* The groups of @wanted, as a set. */
static GHashTable *groups_of(const Knob *wanted, const guint *indexes, guint n_wanted)
{
        GHashTable *groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (guint i = 0; i < n_wanted; i++)
                g_hash_table_add(groups, group_name(wanted[i].sysctl, indexes[i]));
        return groups;
}

/* Lets @key go of every knob that is not in @wanted; the first error counts. */
static bool let_go_of_others(Knobs *knobs, const char *key, const Knob *wanted,
                             const guint *indexes, guint n_wanted, GError **error)
{
        g_autoptr(GHashTable) kept = groups_of(wanted, indexes, n_wanted);
        g_autoptr(GHashTable) changed = g_hash_table_new(NULL, NULL);
        bool good = true;
        guint n;
        g_autofree gpointer *groups = g_hash_table_get_keys_as_array(knobs->held, &n);

        for (guint i = 0; i < n; i++) {
                const Held *held = g_hash_table_lookup(knobs->held, groups[i]);
                if (!g_hash_table_contains(held->holders, key) ||
                    g_hash_table_contains(kept, groups[i]))
                        continue;
                g_autofree char *group = g_strdup(groups[i]); /* it goes with the last one */
                g_hash_table_add(changed, GUINT_TO_POINTER(held->index));
                if (!let_go(knobs, group, key, good ? error : NULL))
                        good = false;
        }
        return save_all(knobs, changed, good ? error : NULL) && good;
}

/* The indexes of the interfaces, looked up once: a name can be another interface's, or nobody's, a
 * moment later, and what is held would be let go. The caller's; NULL on an error. */
static guint *find_indexes(const Knob *wanted, guint n_wanted, GError **error)
{
        g_autofree guint *indexes = g_new0(guint, n_wanted + 1);

        for (guint i = 0; i < n_wanted; i++) {
                indexes[i] = if_nametoindex(wanted[i].interface);
                if (indexes[i] != 0)
                        continue;
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "there is no interface %s to be set", wanted[i].interface);
                return NULL;
        }
        return g_steal_pointer(&indexes);
}

bool knobs_hold(Knobs *knobs, const char *holder, const char *holder_class, const Knob *wanted,
                guint n_wanted, GError **error)
{
        g_autofree char *key = g_strdup_printf("%s %s", holder, holder_class);
        g_autofree bool *is_new = g_new0(bool, n_wanted);
        g_autofree guint *indexes = find_indexes(wanted, n_wanted, error);

        if (!indexes)
                return false;
        if (hold_all(knobs, key, wanted, indexes, n_wanted, is_new, error) &&
            set_all(knobs, wanted, indexes, n_wanted, error))
                return let_go_of_others(knobs, key, wanted, indexes, n_wanted, error);
        for (guint i = 0; i < n_wanted; i++) {
                g_autofree char *group = group_name(wanted[i].sysctl, indexes[i]);
                if (is_new[i] && let_go(knobs, group, key, NULL)) /* the first error counts */
                        (void)save(knobs, indexes[i], NULL);      /* as before */
        }
        return false;
}

bool knobs_release(Knobs *knobs, const char *holder, const char *holder_class, GError **error)
{
        g_autofree char *key = g_strdup_printf("%s %s", holder, holder_class);
        return let_go_of_others(knobs, key, NULL, NULL, 0, error);
}

static void check_held(const Held *held, KnobTurned turned, gpointer data)
{
        GHashTableIter iter;
        gpointer key;
        char interface[IF_NAMESIZE];
        int now;

        if (!if_indextoname(held->index, interface) ||
            sysctl_get(held->sysctl, interface, &now) < 0 || now == held->set)
                return;
        g_hash_table_iter_init(&iter, held->holders);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
                g_auto(GStrv) parts = g_strsplit(key, " ", 2); /* no interface has a space */
                turned(parts[0], parts[1], data);
        }
}

void knobs_check(const Knobs *knobs, Sysctl sysctl, guint index, KnobTurned turned, gpointer data)
{
        g_autofree char *group = group_name(sysctl, index);
        const Held *held = g_hash_table_lookup(knobs->held, group);

        if (held)
                check_held(held, turned, data);
}

void knobs_check_all(const Knobs *knobs, KnobTurned turned, gpointer data)
{
        GHashTableIter iter;
        gpointer held;

        g_hash_table_iter_init(&iter, knobs->held);
        while (g_hash_table_iter_next(&iter, NULL, &held))
                check_held(held, turned, data);
}

bool knobs_turned_for_all(Knobs *knobs, Sysctl sysctl, GError **error)
{
        g_autoptr(GHashTable) changed = g_hash_table_new(NULL, NULL);
        GHashTableIter iter;
        gpointer value;
        int now;

        if (sysctl_get(sysctl, "all", &now) < 0)
                return true;
        g_hash_table_iter_init(&iter, knobs->held);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Held *held = value;
                if (held->sysctl != sysctl || held->found == now)
                        continue;
                held->found = now;
                g_hash_table_add(changed, GUINT_TO_POINTER(held->index));
        }
        return save_all(knobs, changed, error);
}
