/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What knobs.c, knobs-journal.c and knobs-each.c share. */

#include "network/knobs.h"

typedef struct Held {
        Sysctl sysctl;
        guint index;         /* of its interface */
        int found;           /* before the first one held it */
        int set;             /* what it is turned to */
        int left;            /* what it had before that, and may have still after a crash */
        GHashTable *holders; /* "HOLDER CLASS" -> the value that it wants */
} Held;

struct Knobs {
        char *directory;
        GHashTable *held; /* group name -> Held */
};

/* As it is found, and held by nobody yet. */
Held *held_new(Sysctl sysctl, guint index, int found);
void held_free(gpointer held);

/* What @sysctl of interface @index is called in Knobs.held and in the journal. The caller's. */
char *knobs_group(Sysctl sysctl, guint index);

/* Writes down what is held of interface @index. */
bool knobs_save(const Knobs *knobs, guint index, GError **error);
/* The same for each of @indexes, a set; the first error counts. */
bool knobs_save_all(const Knobs *knobs, GHashTable *indexes, GError **error);
/* Reads what an earlier life has written down. */
void knobs_load(Knobs *knobs);
