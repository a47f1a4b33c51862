/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The options of Capture. Of all that a caller gives, the filter alone reaches tcpdump as text: one
 * argument, behind "--", so that it is never an option, a file or a program. */

#include "model/capture-options.h"

#include <string.h>

/* What the kernel holds for a tcpdump that does not come to its turn, in KiB. */
#define BUFFER_KIB "16384"

G_GNUC_PRINTF(3, 4)
static bool refuse(GError **error, const char *key, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        g_autofree char *complaint = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        value_set_error(error, NULL, "%s: %s", key, complaint);
        return false;
}

/* Leaves *@ret_number as it is where @key is not given. */
static bool read_number(const Value *map, const char *key, guint64 max, guint64 *ret_number,
                        GError **error)
{
        const Value *value = value_get(map, key);

        if (!value)
                return true;
        if (value->type == VALUE_NUMBER && value->number > 0 && (guint64)value->number <= max) {
                *ret_number = (guint64)value->number;
                return true;
        }
        g_autofree char *got = value_describe(value);
        return refuse(error, key, "%s is not a number from 1 to %" G_GUINT64_FORMAT, got, max);
}

/* NULL with an error, "" where @key is not given; borrowed. */
static const char *read_text(const Value *map, const char *key, GError **error)
{
        const Value *value = value_get(map, key);

        if (!value)
                return "";
        if (value->type == VALUE_TEXT)
                return value->text;
        g_autofree char *got = value_describe(value);
        (void)refuse(error, key, "%s is not text", got);
        return NULL;
}

/* There are no quotes in filters: a parenthesis is one. */
static bool closes_what_it_opens(const char *filter)
{
        gssize depth = 0;

        for (; *filter && depth >= 0; filter++)
                depth += *filter == '(' ? 1 : *filter == ')' ? -1 : 0;
        return depth == 0;
}

static bool check_filter(const char *filter, GError **error)
{
        if (strlen(filter) > CAPTURE_MAX_FILTER)
                return refuse(error, "filter", "%zu bytes are more than %d", strlen(filter),
                              CAPTURE_MAX_FILTER);
        for (const char *at = filter; *at; at++)
                if (g_ascii_iscntrl(*at))
                        return refuse(error, "filter", "there is a control character in it");
        /* It could reach out of those that are put around it. */
        return closes_what_it_opens(filter) ||
               refuse(error, "filter", "its parentheses do not match");
}

static bool check_ip(const char *ip, const Subnet *subnet, GError **error)
{
        g_autofree char *shown = g_strescape(ip, NULL);
        guint32 address;

        if (!address_parse(ip, &address))
                return refuse(error, "ip", "\"%s\" is not an IPv4 address", shown);
        if (subnet_contains(subnet, address))
                return true;
        g_autofree char *network = subnet_to_string(subnet);
        return refuse(error, "ip", "%s is not in the subnet %s", shown, network);
}

static bool read_filter(const Value *map, const Subnet *subnet, CaptureOptions *options,
                        GError **error)
{
        const char *filter = read_text(map, "filter", error);
        const char *ip = filter ? read_text(map, "ip", error) : NULL;

        if (!ip || !check_filter(filter, error))
                return false;
        if (value_get(map, "ip") && !check_ip(ip, subnet, error))
                return false;

        g_autofree char *words = g_strstrip(g_strdup(filter));
        if (!*ip)
                options->filter = g_steal_pointer(&words);
        else if (!*words)
                options->filter = g_strdup_printf("host %s", ip);
        else
                options->filter = g_strdup_printf("(%s) and host %s", words, ip);
        return true;
}

CaptureOptions *capture_options_from_value(const Value *map, const Subnet *subnet, GError **error)
{
        static const char *const known[] = { "filter",  "snaplen", "ip",
                                             "packets", "seconds", "bytes" };
        g_autoptr(CaptureOptions) options = g_new0(CaptureOptions, 1);
        guint64 snaplen = CAPTURE_MAX_SNAPLEN, packets = 0, seconds = 0;

        if (!value_check_keys(map, "", known, G_N_ELEMENTS(known), error) ||
            !read_number(map, "snaplen", CAPTURE_MAX_SNAPLEN, &snaplen, error) ||
            !read_number(map, "packets", G_MAXINT32, &packets, error) ||
            !read_number(map, "seconds", CAPTURE_MAX_SECONDS, &seconds, error) ||
            !read_number(map, "bytes", G_MAXINT64, &options->bytes, error) ||
            !read_filter(map, subnet, options, error))
                return NULL;
        options->snaplen = (guint)snaplen;
        options->packets = (guint)packets;
        options->seconds = (guint)seconds;
        return g_steal_pointer(&options);
}

void capture_options_free(CaptureOptions *options)
{
        if (!options)
                return;
        g_free(options->filter);
        g_free(options);
}

static void add(GPtrArray *argv, const char *word)
{
        g_ptr_array_add(argv, g_strdup(word));
}

char **capture_options_argv(const CaptureOptions *options, const char *program,
                            const char *interface)
{
        g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);

        add(argv, program);
        add(argv, "-i");
        add(argv, interface);
        add(argv, "-n");
        add(argv, "-U"); /* each packet at once */
        add(argv, "-B");
        add(argv, BUFFER_KIB);
        add(argv, "--time-stamp-precision=nano");
        add(argv, "-s");
        g_ptr_array_add(argv, g_strdup_printf("%u", options->snaplen));
        if (options->packets > 0) {
                add(argv, "-c");
                g_ptr_array_add(argv, g_strdup_printf("%u", options->packets));
        }
        add(argv, "-w");
        add(argv, "-");
        add(argv, "--");
        if (*options->filter)
                add(argv, options->filter);
        g_ptr_array_add(argv, NULL);
        return (char **)g_ptr_array_free(g_steal_pointer(&argv), FALSE);
}
