/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What each verb does: prints its answer and returns true, or sets the error. */

#include <stdbool.h>

#include "cli/command.h"

/* verbs-network.c */
bool verb_list(Command *command, GError **error);
bool verb_status(Command *command, GError **error);
bool verb_up(Command *command, GError **error);
bool verb_down(Command *command, GError **error);
bool verb_remove(Command *command, GError **error);
bool verb_reload(Command *command, GError **error);
bool verb_filter(Command *command, GError **error);
bool verb_nat_rules(Command *command, GError **error);
bool verb_ntp_status(Command *command, GError **error);

/* verbs-entries.c */
bool verb_leases(Command *command, GError **error);
bool verb_get_ip(Command *command, GError **error);
bool verb_add_address(Command *command, GError **error);
bool verb_remove_address(Command *command, GError **error);
bool verb_dns_entries(Command *command, GError **error);
bool verb_add_dns(Command *command, GError **error);
bool verb_remove_dns(Command *command, GError **error);

/* verbs-forwards.c */
bool verb_forwards(Command *command, GError **error);
bool verb_add_forward(Command *command, GError **error);
bool verb_remove_forward(Command *command, GError **error);
/* verbs-guests.c */
bool verb_attach(Command *command, GError **error);
bool verb_detach(Command *command, GError **error);
bool verb_guests(Command *command, GError **error);

/* verb-with-tap.c: does not return when all is well. */
bool verb_test_kernel(Command *command, GError **error);
bool verb_with_tap(Command *command, GError **error);

/* verbs-file.c */
bool verb_create(Command *command, GError **error);
bool verb_check(Command *command, GError **error);
bool verb_export(Command *command, GError **error);

/* verb-update.c */
bool verb_update(Command *command, GError **error);

/* verb-monitor.c */
bool verb_monitor(Command *command, GError **error);

/* verb-wait.c */
bool verb_wait(Command *command, GError **error);

/* verb-connect.c */
bool verb_connect(Command *command, GError **error);

/* verb-ssh.c: does not return when all is well. */
bool verb_ssh(Command *command, GError **error);

/* verbs-connections.c */
bool verb_connections(Command *command, GError **error);
bool verb_expire_connections(Command *command, GError **error);

/* verb-capture.c */
bool verb_capture(Command *command, GError **error);

/* verb-tcpdump.c: the exit code is the local tcpdump's. */
bool verb_tcpdump(Command *command, GError **error);

/* The table of verbs, in the order of the help (verbs.c). */
extern const Verb verbs[];
extern const guint n_verbs;

/* The verb called @name, or NULL. */
const Verb *verb_find(const char *name);
