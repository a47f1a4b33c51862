/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Log lines through GLib's structured logging: its journald writer keeps our INTERFACE= field. The
 * arguments' formatting and the escaping of control characters happen here, so that no text of a
 * client or of a lease can forge a line. */

#include "util/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool to_journal;
static bool show_debug;

static const char *level_to_priority(GLogLevelFlags level)
{
        if (level & G_LOG_LEVEL_CRITICAL)
                return "3";
        if (level & G_LOG_LEVEL_WARNING)
                return "4";
        if (level & G_LOG_LEVEL_MESSAGE)
                return "5";
        if (level & G_LOG_LEVEL_INFO)
                return "6";
        return "7";
}

static void escape_control(char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        *text = '?';
}

/* What libraries log with g_log() (libnm, GIO) goes the same way as our own lines. */
static GLogWriterOutput write_line(GLogLevelFlags level, const GLogField *fields, gsize n_fields,
                                   gpointer data)
{
        (void)data;
        if ((level & G_LOG_LEVEL_DEBUG) && !show_debug)
                return G_LOG_WRITER_HANDLED;
        if (to_journal &&
            g_log_writer_journald(level, fields, n_fields, NULL) == G_LOG_WRITER_HANDLED)
                return G_LOG_WRITER_HANDLED;

        for (gsize i = 0; i < n_fields; i++)
                if (g_str_equal(fields[i].key, "MESSAGE"))
                        fprintf(stderr, "<%s>%s\n", level_to_priority(level),
                                (const char *)fields[i].value);
        return G_LOG_WRITER_HANDLED;
}

void log_init(gboolean debug)
{
        to_journal = g_log_writer_is_journald(STDERR_FILENO);
        show_debug = debug;
        g_log_set_writer_func(write_line, NULL, NULL);
}

void log_full(GLogLevelFlags level, const char *interface, const char *format, ...)
{
        if ((level & G_LOG_LEVEL_DEBUG) && !show_debug)
                return;

        va_list arguments;
        va_start(arguments, format);
        g_autofree char *text = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        escape_control(text);

        g_autofree char *message =
                interface ? g_strdup_printf("%s: %s", interface, text) : g_strdup(text);
        const GLogField fields[] = {
                { "MESSAGE", message, -1 },
                { "PRIORITY", level_to_priority(level), -1 },
                { "SYSLOG_IDENTIFIER", "dut-networkd", -1 },
                { "INTERFACE", interface, -1 },
        };
        g_log_structured_array(level, fields, interface ? 4 : 3);
}
