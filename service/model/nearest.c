/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The nearest of some known words, by edit distance (optimal string alignment: insert, delete,
 * replace, swap neighbours). Letter case and the difference of '-' and '_' cost nothing. */

#include "model/nearest.h"

#include <stdbool.h>
#include <string.h>

/* Longer than any key; what is longer still is near to none. */
#define NEAREST_MAX_BYTES 32

static char fold(char c)
{
        return c == '-' ? '_' : g_ascii_tolower(c);
}

static guint distance(const char *a, const char *b)
{
        guint rows[3][NEAREST_MAX_BYTES + 1];
        gsize n = strlen(a), m = strlen(b);

        for (gsize j = 0; j <= m; j++)
                rows[0][j] = (guint)j;
        for (gsize i = 1; i <= n; i++) {
                guint *row = rows[i % 3];
                const guint *above = rows[(i + 2) % 3], *above_that = rows[(i + 1) % 3];
                row[0] = (guint)i;
                for (gsize j = 1; j <= m; j++) {
                        guint cost = fold(a[i - 1]) != fold(b[j - 1]);
                        row[j] = MIN(above[j - 1] + cost, MIN(above[j], row[j - 1]) + 1);
                        bool swapped = i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                                       fold(a[i - 2]) == fold(b[j - 1]);
                        if (swapped)
                                row[j] = MIN(row[j], above_that[j - 2] + 1);
                }
        }
        return rows[n % 3][m];
}

const char *nearest_match(const char *text, const char *const *candidates, guint n)
{
        if (strnlen(text, NEAREST_MAX_BYTES + 1) > NEAREST_MAX_BYTES)
                return NULL;

        const char *best = NULL;
        guint best_distance = G_MAXUINT;
        for (guint i = 0; i < n; i++) {
                gsize length = strlen(candidates[i]);
                if (length > NEAREST_MAX_BYTES)
                        continue;
                guint d = distance(text, candidates[i]);
                if (d <= MAX(length / 3, 1) && d < best_distance) {
                        best = candidates[i];
                        best_distance = d;
                }
        }
        return best;
}
