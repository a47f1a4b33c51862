/* SPDX-License-Identifier: GPL-2.0-or-later */

/* dnsmasq's form of a lease time (--dhcp-range in dnsmasq(8)), checked. dnsmasq multiplies in an
 * int and raises what is too short without a word; both are refused here instead. */

#include "model/lease-time.h"

#include <stdbool.h>
#include <string.h>

#include "model/quote.h"
#include "util/error.h"

#define LEASE_MIN_SEC    120
#define LEASE_MAX_SEC    (10 * 365 * 24 * 60 * 60)
#define LEASE_MAX_DIGITS 9
#define LEASE_DIGITS     "0123456789"

static bool unit_seconds(const char *unit, guint64 *ret_seconds)
{
        static const struct {
                const char *name;
                guint64 seconds;
        } units[] = {
                { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 604800 },
        };

        for (guint i = 0; i < G_N_ELEMENTS(units); i++)
                if (g_str_equal(unit, units[i].name)) {
                        *ret_seconds = units[i].seconds;
                        return true;
                }
        return false;
}

static const char *lease_time_fault(const char *time)
{
        if (g_str_equal(time, "infinite"))
                return NULL;

        gsize n_digits = strspn(time, LEASE_DIGITS);
        guint64 unit;
        if (n_digits == 0 || !unit_seconds(time + n_digits, &unit))
                return "is not a lease time: it is a number with s, m, h, d or w, or infinite";
        if (n_digits > LEASE_MAX_DIGITS)
                return "is longer than ten years (infinite is for ever)";

        guint64 seconds = g_ascii_strtoull(time, NULL, 10) * unit;
        if (seconds < LEASE_MIN_SEC)
                return "is shorter than two minutes, the least that dnsmasq gives";
        if (seconds > LEASE_MAX_SEC)
                return "is longer than ten years (infinite is for ever)";
        return NULL;
}

char *lease_time_normalise(const char *text, GError **error)
{
        g_autofree char *time = g_ascii_strdown(text, -1);
        const char *fault = lease_time_fault(time);
        if (!fault)
                return g_steal_pointer(&time);

        g_autofree char *quoted = quote_text(text);
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS, "%s %s", quoted, fault);
        return NULL;
}
