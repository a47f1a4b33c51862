/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The tables that the bench prints, and the count of what is as wanted. */

#include "bench/samples.h"

/* Begins a table of durations in milliseconds. */
void report_begin_times(const char *title);
void report_times(const char *what, const Samples *samples);
/* The median is wanted to be @wanted_ms at most. */
void report_times_wanted(const char *what, const Samples *samples, double wanted_ms);

/* Begins a table of single values. */
void report_begin_values(const char *title);
void report_value(const char *what, double value, const char *unit);
/* The value is wanted to be @wanted at most. */
void report_value_wanted(const char *what, double value, const char *unit, double wanted);

/* How many were as wanted. */
void report_end(void);
