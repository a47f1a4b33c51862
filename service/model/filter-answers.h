/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The addresses that the names of a filter have been answered with. A name stands for itself and
 * for all below it, as dnsmasq has it: what is below two of them is answered for both. */

#include <glib.h>
#include <stdbool.h>

#include "model/entries.h"

typedef struct Filter Filter;
typedef struct FilterAnswers FilterAnswers;

/* Of no name. */
FilterAnswers *filter_answers_new(void);
void filter_answers_free(FilterAnswers *answers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FilterAnswers, filter_answers_free)

/* Has the names of @filter (NULL: none) among its own. A new one begins with the answers of those
 * below it. */
void filter_answers_follow(FilterAnswers *answers, const Filter *filter);
/* Has no others. */
void filter_answers_forget_others(FilterAnswers *answers, const Filter *filter);

/* @hostname has been answered with @address: so have its names that this is, or is below. */
void filter_answers_add(FilterAnswers *answers, const char *hostname, guint32 address);
/* What dnsmasq answers by itself: the host names of @entries. */
void filter_answers_add_entries(FilterAnswers *answers, const Entries *entries);
/* What @answers has and @other has not. The caller's. */
FilterAnswers *filter_answers_without(const FilterAnswers *answers, const FilterAnswers *other);

/* Of NULL, and of a name that is none of its own: false, and nothing. */
bool filter_answers_have(const FilterAnswers *answers, const char *name, guint32 address);
/* All of @name, in order: array of guint32, the caller's. */
GArray *filter_answers_of(const FilterAnswers *answers, const char *name);
/* Whether there is no address of any name. */
bool filter_answers_are_empty(const FilterAnswers *answers);
