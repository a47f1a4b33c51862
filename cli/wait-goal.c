/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The options of `wait`, judged before the service is asked for anything. Pure. */

#include "cli/wait-goal.h"

#include <string.h>

#include "cli/error.h"
#include "cli/map.h"
#include "cli/view.h"
#include "model/name.h"

/* More is as good as no limit, and does not overflow. */
#define TIMEOUT_MAX_SEC 1e9

static bool fail_option(GError **error, const char *option, const char *text, const char *wanted)
{
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "wait: --%s: \"%s\" is not %s", option, text,
                    wanted);
        return false;
}

static bool read_state(const char *text, GError **error)
{
        g_autoptr(GString) wanted = g_string_new("one of");
        const char *name;
        for (guint i = 0; (name = view_state_name(i)); i++) {
                if (g_str_equal(name, text))
                        return true;
                g_string_append_printf(wanted, "%s %s", i > 0 ? "," : "", name);
        }
        return fail_option(error, "state", text, wanted->str);
}

static bool read_lease(const char *text, char *ret_mac, GError **error)
{
        ret_mac[0] = '\0';
        if (mac_parse(text, ret_mac))
                return true;

        g_autofree char *hostname = hostname_normalise(text, NULL);
        return hostname || fail_option(error, "lease", text, "a MAC or a host name");
}

static bool read_port(const char *text, guint16 *ret_port, GError **error)
{
        guint64 port;
        if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT16, &port, NULL))
                return fail_option(error, "port", text, "a TCP port, 1 to 65535");

        *ret_port = (guint16)port;
        return true;
}

/* Digits and at most one point among them: strtod(3) takes much more. */
static bool is_decimal(const char *text)
{
        const char *point = strchr(text, '.');
        return strspn(text, "0123456789.") == strlen(text) && strpbrk(text, "0123456789") &&
               (!point || !strchr(point + 1, '.'));
}

bool wait_goal_read_timeout(const char *text, gint64 *ret_usec)
{
        double seconds = is_decimal(text) ? g_ascii_strtod(text, NULL) : 0;
        if (seconds <= 0)
                return false;

        gint64 usec = (gint64)(MIN(seconds, TIMEOUT_MAX_SEC) * G_USEC_PER_SEC);
        *ret_usec = MAX(usec, 1);
        return true;
}

static bool read_timeout(const char *text, gint64 *ret_usec, GError **error)
{
        return wait_goal_read_timeout(text, ret_usec) ||
               fail_option(error, "timeout", text, "a number of seconds above 0");
}

bool wait_goal_read(const WaitOptions *options, WaitGoal *ret_goal, GError **error)
{
        WaitGoal goal = {
                .state = options->state,
                .lease = options->lease,
                .timeout = options->timeout,
                .timeout_usec = G_MAXINT64,
        };
        if (options->state && (options->lease || options->port)) {
                g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                            "wait: --state goes with neither --lease nor --port");
                return false;
        }
        if (!options->lease && !options->port && !options->state)
                goal.state = "active";

        if ((options->state && !read_state(options->state, error)) ||
            (options->lease && !read_lease(options->lease, goal.mac, error)) ||
            (options->port && !read_port(options->port, &goal.port, error)) ||
            (options->timeout && !read_timeout(options->timeout, &goal.timeout_usec, error)))
                return false;

        *ret_goal = goal;
        return true;
}

/* Who waits for a device waits for the address that all else takes: its IPv4 one. */
bool wait_goal_wants(const WaitGoal *goal, const Value *lease)
{
        if (strchr(map_get_text(lease, "ip"), ':'))
                return false;
        if (!goal->lease)
                return goal->port != 0;
        if (goal->mac[0])
                return g_ascii_strcasecmp(map_get_text(lease, "mac"), goal->mac) == 0;
        return g_ascii_strcasecmp(map_get_text(lease, "hostname"), goal->lease) == 0;
}

char *wait_goal_describe_lack(const WaitGoal *goal)
{
        if (goal->state)
                return g_strdup_printf("not %s", goal->state);
        if (!goal->port)
                return g_strdup_printf("no lease of %s", goal->lease);
        if (!goal->lease)
                return g_strdup_printf("no answer on port %u", goal->port);
        return g_strdup_printf("no answer of %s on port %u", goal->lease, goal->port);
}
