/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Durations: the clock they are taken from, and a set of them with its order statistics. */

#include <glib.h>
#include <stdbool.h>

/* Nanoseconds on the monotonic clock. */
gint64 clock_now(void);

typedef struct Samples Samples;

Samples *samples_new(void);
void samples_free(Samples *samples);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Samples, samples_free)

void samples_add(Samples *samples, gint64 nanoseconds);
/* The time since @start, a clock_now(). */
void samples_add_since(Samples *samples, gint64 start);

guint samples_count(const Samples *samples);
/* The smallest sample that @percent of all do not exceed, in milliseconds: 0 is the minimum. */
double samples_percentile_ms(const Samples *samples, double percent);
