/* SPDX-License-Identifier: GPL-2.0-or-later */

/* `wait`: until a network is in a state, a board has its lease, or a board takes TCP connections.
 * What is true already ends it at once; everything else comes by signals, and from the ports. */

#include <stdio.h>

#include "cli/error.h"
#include "cli/follow.h"
#include "cli/map.h"
#include "cli/port-probe.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "cli/wait-goal.h"

typedef struct Wait {
        const Command *command;
        WaitGoal goal;
        Follow *follow;
        PortProbe *probe; /* NULL: nothing to connect to yet */
        Value *result;    /* what it has led to, as JSON prints it; NULL: not yet */
        GError *failure;
} Wait;

static void wait_clear(Wait *wait)
{
        port_probe_free(wait->probe);
        follow_free(wait->follow);
        value_free(wait->result);
        g_clear_error(&wait->failure);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Wait, wait_clear)

static void check_state(Wait *wait)
{
        const char *state = follow_state(wait->follow);
        if (g_str_equal(state, wait->goal.state)) {
                wait->result = value_new_map();
                value_set(wait->result, "interface",
                          value_new_text(follow_interface(wait->follow)));
                value_set(wait->result, "state", value_new_text(state));
                return;
        }

        /* Only another change by somebody leads out of it. */
        if (g_str_equal(wait->goal.state, "active") && g_str_equal(state, "failed"))
                g_set_error(&wait->failure, CLI_ERROR, CLI_ERROR_FAILED,
                            "%s: the network has failed: %s", follow_interface(wait->follow),
                            follow_error(wait->follow));
}

static void check_leases(Wait *wait)
{
        GHashTableIter iter;
        gpointer lease;

        g_hash_table_iter_init(&iter, follow_leases(wait->follow));
        while (!wait->result && g_hash_table_iter_next(&iter, NULL, &lease))
                if (wait_goal_wants(&wait->goal, lease))
                        wait->result = value_copy(lease);
}

/* The addresses to connect to, as a set; the caller's. While the network is not up there is no way
 * to them but the wrong one. */
static GHashTable *list_candidates(const Wait *wait)
{
        g_autoptr(GHashTable) candidates = g_hash_table_new(g_str_hash, g_str_equal);
        const char *state = follow_state(wait->follow);
        GHashTableIter iter;
        gpointer ip, lease;

        if (!g_str_equal(state, "active") && !g_str_equal(state, "degraded"))
                return g_steal_pointer(&candidates);

        g_hash_table_iter_init(&iter, follow_leases(wait->follow));
        while (g_hash_table_iter_next(&iter, &ip, &lease))
                if (wait_goal_wants(&wait->goal, lease))
                        g_hash_table_add(candidates, ip);
        if (wait->goal.lease)
                return g_steal_pointer(&candidates);

        g_hash_table_iter_init(&iter, follow_addresses(wait->follow));
        while (g_hash_table_iter_next(&iter, &ip, NULL))
                g_hash_table_add(candidates, ip);
        return g_steal_pointer(&candidates);
}

static void probe_ports(Wait *wait, const Value *lease)
{
        if (!wait->probe)
                wait->probe =
                        port_probe_new(follow_nic(wait->follow), wait->goal.port, &wait->failure);
        if (!wait->probe)
                return;
        port_probe_set_interface(wait->probe, follow_nic(wait->follow));

        g_autoptr(GHashTable) candidates = list_candidates(wait);
        port_probe_set_addresses(wait->probe, candidates);
        if (lease)
                port_probe_hurry(wait->probe, map_get_text(lease, "ip"));
}

static void on_changed(const Value *lease, gpointer data)
{
        Wait *wait = data;
        if (wait->result || wait->failure || !follow_state(wait->follow))
                return;

        if (wait->goal.state)
                check_state(wait);
        else if (wait->goal.port)
                probe_ports(wait, lease);
        else
                check_leases(wait);
}

static void take_answer(Wait *wait)
{
        g_autofree char *ip = port_probe_dispatch(wait->probe);
        if (!ip)
                return;

        wait->result = value_new_map();
        value_set(wait->result, "ip", value_new_text(ip));
        value_set(wait->result, "port", value_new_number(wait->goal.port));
}

/* What is there instead. */
static void set_timed_out(const Wait *wait, GError **error)
{
        const char *interface = follow_interface(wait->follow);
        const char *state = follow_state(wait->follow);
        const char *timeout = wait->goal.timeout;
        g_autofree char *lack = wait_goal_describe_lack(&wait->goal);

        if (!follow_is_answered(wait->follow))
                g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED,
                            "%s%s%s after %s s: the service does not answer",
                            interface ? interface : "", interface ? ": " : "", lack, timeout);
        else if (!interface)
                g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "there is no network after %s s",
                            timeout);
        else if (!state)
                g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED,
                            "%s: there is no network on this interface after %s s", interface,
                            timeout);
        else
                g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED,
                            "%s: %s after %s s; the network is %s", interface, lack, timeout,
                            state);
}

static bool wait_until(Wait *wait, gint64 end_usec, GError **error)
{
        while (!wait->result) {
                int fd = wait->probe ? port_probe_fd(wait->probe) : -1;
                if (!follow_process(wait->follow, fd, end_usec, error))
                        return false;
                if (wait->probe && !wait->result)
                        take_answer(wait);
                if (wait->failure) {
                        g_propagate_error(error, g_steal_pointer(&wait->failure));
                        return false;
                }
                if (!wait->result && g_get_monotonic_time() >= end_usec) {
                        set_timed_out(wait, error);
                        return false;
                }
        }
        return true;
}

static void print_result(const Wait *wait)
{
        if (wait->command->json) {
                command_print_json(wait->result);
        } else if (!wait->goal.state) {
                g_autofree char *ip = text_escape(map_get_text(wait->result, "ip"));
                puts(ip);
        }
}

bool verb_wait(Command *command, GError **error)
{
        gint64 start_usec = g_get_monotonic_time();
        g_auto(Wait) wait = { .command = command };
        if (!wait_goal_read(&command->wait, &wait.goal, error))
                return false;
        if (wait.goal.port && command->host) {
                g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                            "wait: --port goes without --host: connections are made from here");
                return false;
        }

        wait.follow = follow_new(command, on_changed, &wait, error);
        if (!wait.follow)
                return false;

        bool is_limited = wait.goal.timeout_usec < G_MAXINT64;
        gint64 end_usec = is_limited ? start_usec + wait.goal.timeout_usec : G_MAXINT64;
        if (!wait_until(&wait, end_usec, error))
                return false;
        print_result(&wait);
        return true;
}
