/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Structured log lines: to the journal with fields where stderr is the journal, else as text. */

#include <glib.h>

/* Call once, first thing: picks the writer. With @debug, debug lines are shown as well. */
void log_init(gboolean debug);

/* Logs @format with the fields INTERFACE= and, for the reader, the interface as prefix.
 * @interface may be NULL: a line about the service as a whole. Control characters in the
 * formatted text are escaped. */
void log_full(GLogLevelFlags level, const char *interface, const char *format, ...)
        G_GNUC_PRINTF(3, 4);

#define log_error(...)   log_full(G_LOG_LEVEL_CRITICAL, NULL, __VA_ARGS__)
#define log_warning(...) log_full(G_LOG_LEVEL_WARNING, NULL, __VA_ARGS__)
#define log_notice(...)  log_full(G_LOG_LEVEL_MESSAGE, NULL, __VA_ARGS__)
#define log_info(...)    log_full(G_LOG_LEVEL_INFO, NULL, __VA_ARGS__)
#define log_debug(...)   log_full(G_LOG_LEVEL_DEBUG, NULL, __VA_ARGS__)

#define log_network_error(interface, ...)   log_full(G_LOG_LEVEL_CRITICAL, interface, __VA_ARGS__)
#define log_network_warning(interface, ...) log_full(G_LOG_LEVEL_WARNING, interface, __VA_ARGS__)
#define log_network_notice(interface, ...)  log_full(G_LOG_LEVEL_MESSAGE, interface, __VA_ARGS__)
#define log_network_info(interface, ...)    log_full(G_LOG_LEVEL_INFO, interface, __VA_ARGS__)
#define log_network_debug(interface, ...)   log_full(G_LOG_LEVEL_DEBUG, interface, __VA_ARGS__)
