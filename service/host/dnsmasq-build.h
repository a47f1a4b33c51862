/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the host's dnsmasq has been built with. */

#include <glib.h>
#include <stdbool.h>

typedef struct DnsmasqBuild DnsmasqBuild;

DnsmasqBuild *dnsmasq_build_new(void);
/* Who still waits is not called. */
void dnsmasq_build_free(DnsmasqBuild *build);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DnsmasqBuild, dnsmasq_build_free)

typedef void (*DnsmasqBuildChecked)(const GError *error, gpointer data);

/* Whether it adds what it answers to nftables sets (its option nftset). Calls @done once, perhaps
 * from inside the call: NULL if so, else FAILED. One that does is not asked again. */
void dnsmasq_build_check_nftset(DnsmasqBuild *build, DnsmasqBuildChecked done, gpointer data);

/* What `dnsmasq --version` has printed as @text. */
bool dnsmasq_build_has_nftset(const char *text);
