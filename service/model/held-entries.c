/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The lines as a queue, found by what they are about. Their fields are entry-log.c's to check. */

#include "model/held-entries.h"

#include <string.h>

#include "model/config.h"

#define MAX_HELD CONFIG_MAX_ADDRESSES
/* As many as a line of the journal names. */
#define MAX_NAMED 20

#define ADDRESS "address "
#define DNS     "DNS entry "
#define FORWARD "forward "

typedef struct HeldEntry {
        char *subject; /* what it is about, for the reader */
        char *line;
} HeldEntry;

struct HeldEntries {
        GQueue entries;         /* HeldEntry* */
        GHashTable *by_subject; /* subject -> its GList* in `entries` */
};

static void entry_free(gpointer data)
{
        HeldEntry *entry = data;

        g_free(entry->subject);
        g_free(entry->line);
        g_free(entry);
}

static void append(HeldEntries *held, char *subject, char *line)
{
        HeldEntry *entry = g_new(HeldEntry, 1);

        *entry = (HeldEntry){ subject, line };
        g_queue_push_tail(&held->entries, entry);
        g_hash_table_insert(held->by_subject, subject, held->entries.tail);
}

HeldEntries *held_entries_new(void)
{
        HeldEntries *held = g_new0(HeldEntries, 1);

        g_queue_init(&held->entries);
        held->by_subject = g_hash_table_new(g_str_hash, g_str_equal);
        return held;
}

HeldEntries *held_entries_copy(const HeldEntries *held)
{
        HeldEntries *copy = held_entries_new();

        for (const GList *item = held->entries.head; item; item = item->next) {
                const HeldEntry *entry = item->data;
                append(copy, g_strdup(entry->subject), g_strdup(entry->line));
        }
        return copy;
}

void held_entries_free(HeldEntries *held)
{
        if (!held)
                return;
        g_hash_table_unref(held->by_subject);
        g_queue_clear_full(&held->entries, entry_free);
        g_free(held);
}

guint held_entries_n(const HeldEntries *held)
{
        return g_queue_get_length((GQueue *)&held->entries);
}

static void drop(HeldEntries *held, GList *item)
{
        HeldEntry *entry = item->data;

        g_hash_table_remove(held->by_subject, entry->subject);
        g_queue_delete_link(&held->entries, item);
        entry_free(entry);
}

/* Of one kind. */
static void drop_all(HeldEntries *held, const char *kind)
{
        GList *item = held->entries.head;

        while (item) {
                GList *next = item->next;
                if (g_str_has_prefix(((HeldEntry *)item->data)->subject, kind))
                        drop(held, item);
                item = next;
        }
}

/* An address's entry is found by its IPv4 address, which its IPv6 one can follow. */
static char *address_subject(const char *field)
{
        g_autofree char *ip = g_strndup(field, strcspn(field, ","));
        return g_strconcat(ADDRESS, ip, NULL);
}

static char *forward_subject(char *const *fields)
{
        bool from_all = g_str_equal(fields[2], "-");

        return g_strconcat(FORWARD, fields[0], " ", fields[1], from_all ? "" : " from ",
                           from_all ? "" : fields[2], NULL);
}

/* What a line that puts or removes an entry is about; NULL for another line. The caller's. */
static char *subject_of(const char *line, gsize length)
{
        g_autofree char *copy = g_strndup(line, length);
        g_auto(GStrv) words = g_strsplit(copy, " ", -1);
        guint n_fields = g_strv_length(words) - (words[0] != NULL);

        if (n_fields == 0 || !strchr("+-", words[0][0]) || strlen(words[0]) != 2)
                return NULL;
        switch (words[0][1]) {
        case 'a':
        case 'g':
                return address_subject(words[1]);
        case 'A':
        case 'G':
                return n_fields >= 2 ? address_subject(words[2]) : NULL;
        case 'd':
        case '4':
        case '6':
                return g_strconcat(DNS, words[1], NULL);
        case 'f':
                return n_fields >= 3 ? forward_subject(words + 1) : NULL;
        }
        return NULL;
}

static bool can_be_held(const char *line, gsize length)
{
        return length > 2 && line[0] == '+' && strchr("aAdf", line[1]);
}

bool held_entries_put(HeldEntries *held, const char *line, gsize length)
{
        char *subject = can_be_held(line, length) ? subject_of(line, length) : NULL;

        if (!subject)
                return false;
        GList *same = g_hash_table_lookup(held->by_subject, subject);
        if (same)
                drop(held, same);
        else if (held_entries_n(held) == MAX_HELD)
                drop(held, held->entries.head);
        append(held, subject, g_strndup(line, length));
        return true;
}

void held_entries_note(HeldEntries *held, const char *line, gsize length)
{
        if (held_entries_n(held) == 0)
                return;
        if (length == 2 && line[0] == '0') {
                drop_all(held, line[1] == 'a' ? ADDRESS : line[1] == 'd' ? DNS : FORWARD);
                return;
        }
        g_autofree char *subject = subject_of(line, length);
        GList *item = subject ? g_hash_table_lookup(held->by_subject, subject) : NULL;
        if (item)
                drop(held, item);
}

char *held_entries_text(const HeldEntries *held, const char *mark)
{
        GString *text = g_string_new(NULL);

        for (const GList *item = held->entries.head; item; item = item->next)
                g_string_append_printf(text, "%s%s\n", mark, ((HeldEntry *)item->data)->line);
        return g_string_free(text, FALSE);
}

char *held_entries_describe(const HeldEntries *held, const HeldEntries *before)
{
        g_autoptr(GString) text = g_string_new(NULL);
        guint n = 0;

        for (const GList *item = held->entries.head; item; item = item->next) {
                const HeldEntry *entry = item->data;
                if (g_hash_table_contains(before->by_subject, entry->subject) || ++n > MAX_NAMED)
                        continue;
                g_string_append_printf(text, "%s%s", n > 1 ? ", " : "", entry->subject);
        }
        if (n > MAX_NAMED)
                g_string_append_printf(text, " and %u more", n - MAX_NAMED);
        return n > 0 ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}
