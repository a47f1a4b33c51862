/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Measures the service from outside, as its callers and its boards know it, in the booted lab:
 * `./lab bench [SCENARIO...]`. Prints tables; fails where something cannot be measured, not where
 * something is slow. */

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/caller.h"
#include "bench/report.h"
#include "bench/scenarios.h"

#define RULE_PATH   "/etc/polkit-1/rules.d/10-bench.rules"
#define RULE_TRIES  500
#define RULE_TRY_MS 10

static const char rule[] =
        "polkit.addRule(function(action, subject) {\n"
        "        if (action.id.indexOf(\"org.jumpstarter.DutNetwork.edit-\") == 0 &&\n"
        "            action.lookup(\"interface\") == \"" PLAN_FREE_NIC "\" &&\n"
        "            subject.user == \"" GRANTED_USER "\")\n"
        "                return polkit.Result.YES;\n"
        "});\n";

/* polkit reads its rules again when they change, a moment later. */
static void add_rule(Bench *bench)
{
        g_autoptr(GError) error = NULL;

        if (call_polkit(bench->root, bench->user, PLAN_FREE_NIC))
                bench_die(GRANTED_USER " is allowed without our rule");
        if (!g_file_set_contents(RULE_PATH, rule, -1, &error))
                bench_die("%s", error->message);
        if (chmod(RULE_PATH, 0644) < 0)
                bench_die(RULE_PATH ": %s", g_strerror(errno));
        for (guint i = 0; i < RULE_TRIES; i++) {
                if (call_polkit(bench->root, bench->user, PLAN_FREE_NIC))
                        return;
                g_usleep(RULE_TRY_MS * 1000);
        }
        bench_die("polkit does not follow our rule");
}

static const struct {
        const char *name;
        void (*run)(Bench *bench);
} scenarios[] = {
        { "parts", scenario_parts },           { "create", scenario_create },
        { "activation", scenario_activation }, { "hand-over", scenario_hand_over },
        { "entries", scenario_entries },       { "mappings", scenario_mappings },
};

static void check_names(char **names)
{
        for (; *names; names++) {
                guint i = 0;
                while (i < G_N_ELEMENTS(scenarios) && !g_str_equal(scenarios[i].name, *names))
                        i++;
                if (i == G_N_ELEMENTS(scenarios))
                        bench_die("there is no scenario %s: parts, create, activation, hand-over, "
                                  "entries or mappings",
                                  *names);
        }
}

static bool is_asked_for(const char *name, int argc, char **argv)
{
        return argc < 2 || g_strv_contains((const char *const *)argv + 1, name);
}

int main(int argc, char **argv)
{
        check_names(argv + 1);
        Bench bench = {
                .root = caller_connect(NULL),
                .user = caller_connect(GRANTED_USER),
                .board = board_new(PLAN_FREE_NIC),
        };

        add_rule(&bench);
        for (guint i = 0; i < G_N_ELEMENTS(scenarios); i++)
                if (is_asked_for(scenarios[i].name, argc, argv))
                        scenarios[i].run(&bench);
        report_end();

        (void)unlink(RULE_PATH); /* the lab is thrown away in any case */
        board_free(bench.board);
        sd_bus_flush_close_unref(bench.root);
        sd_bus_flush_close_unref(bench.user);
        return EXIT_SUCCESS;
}
