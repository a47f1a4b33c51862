/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the parts of ruleset_to_text() write, in the language of nft(8). For ruleset-text*.c alone.
 */

#include <glib.h>

#include "model/ruleset-types.h"

/* A line. */
void ruleset_print_rule(GString *text, guint16 family, const RulesetRule *rule);
void ruleset_print_address(GString *text, guint32 address);
/* An interface's name, in quotes. */
void ruleset_print_name(GString *text, const char *name);
const char *ruleset_protocol_name(guint8 protocol);
