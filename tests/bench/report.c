/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Each line goes out as soon as it is known: a bench takes a while. */

#include "bench/report.h"

#include <stdio.h>

#define WHAT_WIDTH 52

static struct {
        guint n_wanted, n_ok;
} report;

static void print_verdict(double value, double wanted)
{
        bool ok = value <= wanted;

        report.n_wanted++;
        report.n_ok += ok;
        printf("  %9.1f  %s", wanted, ok ? "ok" : "short");
}

void report_begin_times(const char *title)
{
        printf("\n%-*s %8s %8s %8s %6s  %9s\n", WHAT_WIDTH, title, "min", "p50", "p99", "n",
               "wanted p50");
}

static void print_times(const char *what, const Samples *samples)
{
        printf("  %-*s %8.3f %8.3f %8.3f %6u", WHAT_WIDTH - 2, what,
               samples_percentile_ms(samples, 0), samples_percentile_ms(samples, 50),
               samples_percentile_ms(samples, 99), samples_count(samples));
}

void report_times(const char *what, const Samples *samples)
{
        print_times(what, samples);
        putchar('\n');
        fflush(stdout);
}

void report_times_wanted(const char *what, const Samples *samples, double wanted_ms)
{
        print_times(what, samples);
        print_verdict(samples_percentile_ms(samples, 50), wanted_ms);
        putchar('\n');
        fflush(stdout);
}

void report_begin_values(const char *title)
{
        printf("\n%-*s %8s %20s\n", WHAT_WIDTH, title, "value", "wanted at most");
}

void report_value(const char *what, double value, const char *unit)
{
        printf("  %-*s %8.3f %-9s\n", WHAT_WIDTH - 2, what, value, unit);
        fflush(stdout);
}

void report_value_wanted(const char *what, double value, const char *unit, double wanted)
{
        printf("  %-*s %8.3f %-9s", WHAT_WIDTH - 2, what, value, unit);
        print_verdict(value, wanted);
        putchar('\n');
        fflush(stdout);
}

void report_end(void)
{
        printf("\n%u of %u as wanted\n", report.n_ok, report.n_wanted);
}
