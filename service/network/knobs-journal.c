/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The journal of knobs: a key file for each interface, sysctls-INDEX, with a group for each knob,
 * named "SYSCTL INDEX": the value found, the value set, the one that was set before, the holders,
 * and what each of these wants; of one that turns those of all interfaces, what each had. */

#include <stdlib.h>
#include <string.h>

#include "network/knobs-private.h"
#include "util/file.h"

#define PREFIX "sysctls-"

void held_free(gpointer data)
{
        Held *held = data;
        g_hash_table_unref(held->holders);
        g_clear_pointer(&held->each, g_array_unref);
        g_free(held);
}

Held *held_new(Sysctl sysctl, guint index, int found)
{
        Held *held = g_new0(Held, 1);
        held->sysctl = sysctl;
        held->index = index;
        held->found = held->set = held->left = found;
        held->holders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        return held;
}

char *knobs_group(Sysctl sysctl, guint index)
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

static void append_each(GString *text, const GArray *each)
{
        g_string_append(text, "\neach=");
        for (guint i = 0; i < each->len; i++) {
                const Each *one = &g_array_index(each, Each, i);
                g_string_append_printf(text, "%u;%d;", one->index, one->value);
        }
}

static void append_held(GString *text, const char *group, const Held *held)
{
        guint n;
        g_autofree char **holders = sorted_keys(held->holders, &n);

        g_string_append_printf(text, "[%s]\nsysctl=%d\nindex=%u\nfound=%d\nset=%d\nleft=%d\n",
                               group, (int)held->sysctl, held->index, held->found, held->set,
                               held->left);
        g_string_append(text, "holders=");
        for (guint i = 0; i < n; i++)
                append_holder(text, holders[i]);
        g_string_append(text, "\nvalues=");
        for (guint i = 0; i < n; i++)
                g_string_append_printf(
                        text, "%d;",
                        GPOINTER_TO_INT(g_hash_table_lookup(held->holders, holders[i])));
        if (held->each)
                append_each(text, held->each);
        g_string_append(text, "\n\n");
}

/* By hand: a GKeyFile takes ten times as long, and each network that comes has its turn here. */
bool knobs_save(const Knobs *knobs, guint index, GError **error)
{
        g_autoptr(GString) text = g_string_new(NULL);
        g_autofree char *path = g_strdup_printf("%s/" PREFIX "%u", knobs->directory, index);

        for (Sysctl sysctl = 0; sysctl < SYSCTL_MAX; sysctl++) {
                g_autofree char *group = knobs_group(sysctl, index);
                const Held *held = g_hash_table_lookup(knobs->held, group);
                if (held)
                        append_held(text, group, held);
        }
        if (text->len == 0)
                return file_remove(path, error);
        return file_update(path, text->str, (gssize)text->len, 0644, error);
}

bool knobs_save_all(const Knobs *knobs, GHashTable *indexes, GError **error)
{
        GHashTableIter iter;
        gpointer index;
        bool good = true;

        g_hash_table_iter_init(&iter, indexes);
        while (g_hash_table_iter_next(&iter, &index, NULL))
                good = knobs_save(knobs, GPOINTER_TO_UINT(index), good ? error : NULL) && good;
        return good;
}

/* An earlier version wrote neither what each holder wants nor what was set before: it was the same
 * for all. */
static void load_values(GKeyFile *file, const char *group, char **holders, Held *held)
{
        gsize n = 0;
        g_autofree int *values = g_key_file_get_integer_list(file, group, "values", &n, NULL);

        held->set = g_key_file_get_integer(file, group, "set", NULL);
        held->left = g_key_file_has_key(file, group, "left", NULL)
                             ? g_key_file_get_integer(file, group, "left", NULL)
                             : held->set;
        for (gsize i = 0; holders[i]; i++)
                g_hash_table_insert(held->holders, g_strdup(holders[i]),
                                    GINT_TO_POINTER(i < n ? values[i] : held->set));
}

static void load_each(GKeyFile *file, const char *group, Held *held)
{
        gsize n = 0;
        g_autofree int *numbers = g_key_file_get_integer_list(file, group, "each", &n, NULL);

        if (!numbers)
                return;
        held->each = g_array_new(FALSE, FALSE, sizeof(Each));
        for (gsize i = 0; i + 1 < n; i += 2) {
                Each one = { (guint)numbers[i], numbers[i + 1] };
                g_array_append_val(held->each, one);
        }
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
                if (sysctl < 0 || sysctl >= SYSCTL_MAX || index <= 0 || !holders || !*holders)
                        continue;
                Held *held = held_new((Sysctl)sysctl, (guint)index,
                                      g_key_file_get_integer(file, *group, "found", NULL));
                load_values(file, *group, holders, held);
                load_each(file, *group, held);
                g_hash_table_insert(knobs->held, g_strdup(*group), held);
        }
}

void knobs_load(Knobs *knobs)
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
