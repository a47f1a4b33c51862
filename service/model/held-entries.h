/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Entries that the bus has made and that do not fit the configuration at present: their lines of
 * the entry log, in the order in which they came, until a configuration comes that they fit, or the
 * bus says something else of what they are about. */

#include <glib.h>
#include <stdbool.h>

/* How one of them begins in the log. */
#define HELD_MARK "~"

typedef struct HeldEntries HeldEntries;

HeldEntries *held_entries_new(void);
HeldEntries *held_entries_copy(const HeldEntries *held);
void held_entries_free(HeldEntries *held);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HeldEntries, held_entries_free)

guint held_entries_n(const HeldEntries *held);

/* Holds the entry of @line (of @length bytes, without newline and mark), in the place of one about
 * the same; the oldest goes where there are too many. False for a line that puts no entry that can
 * be held: guests are attached, or are not. */
bool held_entries_put(HeldEntries *held, const char *line, gsize length);
/* The bus says @line (of the log): what is held about the same is no longer. "0a", "0d" and "0f"
 * are about all addresses, DNS entries and forwards. */
void held_entries_note(HeldEntries *held, const char *line, gsize length);

/* The lines, each with @mark before it and a newline. The caller's. */
char *held_entries_text(const HeldEntries *held, const char *mark);
/* What those are about that are not in @before, for the reader; NULL for none. The caller's. */
char *held_entries_describe(const HeldEntries *held, const HeldEntries *before);
