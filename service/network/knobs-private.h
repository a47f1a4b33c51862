/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What knobs.c, knobs-journal.c and knobs-whole-host.c share. */

#include "network/knobs.h"

/* An interface's own value of what a knob has turned for all. */
typedef struct Each {
        guint index; /* 0: of those to come */
        int value;
} Each;

typedef struct Held {
        Sysctl sysctl;
        guint index;         /* of its interface */
        int found;           /* before the first one held it */
        int set;             /* what it is turned to */
        int left;            /* what it had before that, and may have still after a crash */
        GHashTable *holders; /* "HOLDER CLASS" -> the value that it wants */
        GArray *each;        /* Each, before the knob turned them all; NULL: it turns no other */
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

/* The `forwarding` of each interface: array of Each; the caller's. */
GArray *each_read(void);
/* Gives back the value found of @held, which has `each`, and then that of each interface, unless
 * somebody else has turned that one since. */
bool each_give_back(const Knobs *knobs, Held *held, GError **error);
/* Somebody has turned @sysctl of all to @now. Whether @held is what did it, and that counts as
 * found from now on, of each interface too. */
bool whole_host_turned(Held *held, Sysctl sysctl, int now);

/* What the `forwarding` of interface @index, which is @now, was before that of all was turned. */
int whole_host_found(const Knobs *knobs, guint index, int now);

/* Of the knob that turns IPv6 forwarding of the whole host, held or not: knobs_group(). */
char *knobs_whole_host(void);
/* Whether @held has to stay as @key wants it, who lets it go: it is held further, then, by nobody's
 * name. */
bool kept_instead(const Knobs *knobs, Held *held, const char *key);
/* The key of that hold, where there is one and nothing needs it any more; NULL. */
const char *kept_in_vain(const Knobs *knobs, const Held *held);
