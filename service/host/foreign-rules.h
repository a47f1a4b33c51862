/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One accept rule as iptables-nft writes it (`-i FROM -o TO -j ACCEPT`), and knowing it again. The
 * part of foreign-firewall.c that needs no socket. */

#include <stdbool.h>

#include <glib.h>
#include <libnftnl/rule.h>

typedef struct ForeignPath {
        const char *from;
        const char *to;
} ForeignPath;

typedef enum ForeignMatch {
        FOREIGN_MATCH_NONE,
        FOREIGN_MATCH_OTHERS, /* of that form, without our comment */
        FOREIGN_MATCH_OURS,
        FOREIGN_MATCH_MAX,
} ForeignMatch;

/* A rule for @path, with our comment, without table and chain. The caller's: nftnl_rule_free(). */
struct nftnl_rule *foreign_rule_new(const ForeignPath *path);
/* Whether @rule accepts @path and does nothing else. */
ForeignMatch foreign_rule_match(const struct nftnl_rule *rule, const ForeignPath *path);
/* Whether @rule jumps or goes to @chain, whatever it asks before. */
bool foreign_rule_jumps_to(const struct nftnl_rule *rule, const char *chain);
