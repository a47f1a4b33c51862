/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The guard over networks without NAT. Another network's upstream may forward, and what the host
 * forwards at all it would forward to these too, one way, since nobody has a route back. Frames
 * that a bridge passes on between its own ports (br_netfilter) are none of its business. */

#include "model/ruleset.h"

#include <linux/netfilter.h>

#include "model/ruleset-build.h"

#define GUARD_TABLE "jumpstarter_guard"

Ruleset *ruleset_new_guard(const GuardedNetwork *networks, guint n)
{
        g_autoptr(Ruleset) ruleset = ruleset_new();
        RulesetTable *table = ruleset_add_table(ruleset, NFPROTO_INET, GUARD_TABLE);
        RulesetChain *forward = table_add_chain(table, "forward", "filter", NF_INET_FORWARD, 0);
        RulesetChain *input = table_add_chain(table, "input", "filter", NF_INET_LOCAL_IN, 0);

        for (guint i = 0; i < n; i++) {
                chain_drop_forwarding(forward, networks[i].interface);

                RulesetRule *forged = chain_add_rule(input);
                match_family(forged, NFPROTO_IPV4);
                rule_drop_forged(forged, networks[i].interface, &networks[i].subnet);
                if (networks[i].ipv6_subnet.prefix > 0)
                        chain_guard_gateway6(input, NFPROTO_INET, networks[i].interface,
                                             &networks[i].ipv6_subnet, &networks[i].ipv6_gateway);
        }
        return g_steal_pointer(&ruleset);
}
