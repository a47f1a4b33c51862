/* SPDX-License-Identifier: GPL-2.0-or-later */

/* No error is handed up in the bench: a measure that failed is none, and the lab is thrown away. */

#include "bench/bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void bench_die(const char *format, ...)
{
        va_list arguments;

        fflush(stdout);
        va_start(arguments, format);
        fputs("bench: ", stderr);
        vfprintf(stderr, format, arguments);
        fputc('\n', stderr);
        va_end(arguments);
        exit(EXIT_FAILURE);
}
