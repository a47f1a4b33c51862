/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The path of a network's state directory, as text. */

#include <glib.h>

#define STATE_DIR_DEFAULT "/var/lib/jumpstarter/dut-network-{interface}/"

/* @text with each "{interface}" replaced by @interface and a trailing slash taken off (the
 * caller's): absolute, without empty, "." or ".." components, printable ASCII without spaces and
 * the characters that dnsmasq's configuration gives a meaning. NULL and INVALID_ARGS, quoting @text
 * without naming a key, else. Whether the caller may have that directory is not asked here. */
char *state_dir_normalise(const char *text, const char *interface, GError **error);
