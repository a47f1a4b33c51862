/* SPDX-License-Identifier: GPL-2.0-or-later */

/* All samples are kept: a percentile is one of them, never an interpolation. */

#include "bench/samples.h"

#include <math.h>
#include <time.h>

struct Samples {
        GArray *values; /* gint64; sorted where `sorted` */
        bool sorted;
};

gint64 clock_now(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * G_GINT64_CONSTANT(1000000000) + now.tv_nsec;
}

Samples *samples_new(void)
{
        Samples *samples = g_new0(Samples, 1);
        samples->values = g_array_new(FALSE, FALSE, sizeof(gint64));
        return samples;
}

void samples_free(Samples *samples)
{
        if (!samples)
                return;
        g_array_unref(samples->values);
        g_free(samples);
}

void samples_add(Samples *samples, gint64 nanoseconds)
{
        g_array_append_val(samples->values, nanoseconds);
        samples->sorted = false;
}

void samples_add_since(Samples *samples, gint64 start)
{
        samples_add(samples, clock_now() - start);
}

guint samples_count(const Samples *samples)
{
        return samples->values->len;
}

static int compare(gconstpointer a, gconstpointer b)
{
        gint64 left = *(const gint64 *)a, right = *(const gint64 *)b;
        return (left > right) - (left < right);
}

double samples_percentile_ms(const Samples *samples, double percent)
{
        GArray *values = samples->values;

        g_assert(values->len > 0);
        if (!samples->sorted) {
                g_array_sort(values, compare);
                ((Samples *)samples)->sorted = true;
        }
        guint rank = (guint)ceil(percent / 100 * values->len);
        return (double)g_array_index(values, gint64, rank > 0 ? rank - 1 : 0) / 1e6;
}
