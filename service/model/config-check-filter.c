/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The filter beside the other settings. A rule that nothing can fit would look as if it did
 * something: in a rule boards have their own addresses, and groups are never forwarded. */

#include "model/config-check.h"

static const Subnet broadcast = { 0xffffffff, 32 };
static const Subnet groups = { 0xe0000000, 4 };
static const Subnet6 groups6 = { { { 0xff } }, 8 };

bool config_check_filter(const NetworkConfig *config, const Value *settings, GError **error)
{
        if (!config->filter || nat_mode_forwards(config->nat_mode))
                return true;

        value_set_error(
                error, config_place_of(settings, CONFIG_KEY_FILTER),
                "filter: nothing is forwarded with nat_mode \"%s\", so there is nothing that "
                "it could let pass",
                nat_mode_to_string(config->nat_mode));
        return false;
}

static bool is_inside(const Subnet *hosts, const Subnet *all)
{
        return hosts->prefix >= all->prefix && subnet_contains(all, hosts->network);
}

static bool is_inside6(const Subnet6 *hosts, const Subnet6 *all)
{
        return hosts->prefix >= all->prefix && subnet6_contains(all, &hosts->network);
}

/* What is wrong with @hosts as the board's end of a connection; NULL: nothing. The caller's. */
static char *board_fault(const NetworkConfig *config, const Subnet *hosts)
{
        const AddressEntry *entry =
                hosts->prefix == 32 ? entries_find_public_ip(config->entries, hosts->network)
                                    : NULL;

        if (entry) {
                char ip[ADDRESS_TEXT_SIZE];
                return g_strdup_printf("is the public_ip of %s: rules have a board's own address",
                                       address_format(entry->ip, ip));
        }
        if (hosts->prefix == 0 || subnet_overlaps(hosts, &config->subnet))
                return NULL;
        g_autofree char *subnet = subnet_to_string(&config->subnet);
        return g_strdup_printf("is outside the subnet %s: nothing could fit the rule", subnet);
}

static char *board_fault6(const NetworkConfig *config, const Subnet6 *hosts)
{
        if (hosts->prefix == 0 || subnet6_overlaps(hosts, &config->ipv6_subnet))
                return NULL;
        g_autofree char *subnet = subnet6_to_string(&config->ipv6_subnet);
        return g_strdup_printf("is outside the ipv6_subnet %s: nothing could fit the rule", subnet);
}

/* The same for what boards would reach. */
static char *destination_fault(const FilterRule *rule)
{
        if (is_inside(&rule->destination, &groups) || is_inside6(&rule->destination6, &groups6))
                return g_strdup("is multicast, which is never forwarded");
        if (is_inside(&rule->destination, &broadcast))
                return g_strdup("is the broadcast address, which is never forwarded");
        return NULL;
}

/* In @settings, which may not have the filter: then the subnet has changed below it. */
static const Value *place_of(const Value *settings, FilterDirection direction, guint nth,
                             const char *key)
{
        const Value *filter = value_get(settings, config_keys[CONFIG_KEY_FILTER].name);
        const Value *side =
                filter ? value_get(filter, filter_direction_to_string(direction)) : NULL;
        const Value *rules = side ? value_get(side, "rules") : NULL;

        return rules ? value_get(rules->items->pdata[nth], key)
                     : config_place_of(settings, CONFIG_KEY_SUBNET);
}

static bool check_rule(const NetworkConfig *config, const Value *settings,
                       FilterDirection direction, guint nth, GError **error)
{
        const FilterRule *rule = config->filter->sides[direction].rules->pdata[nth];
        bool is_egress = direction == FILTER_EGRESS;
        const char *key = is_egress ? "source" : "destination";
        const Subnet *hosts = is_egress ? &rule->source : &rule->destination;
        const Subnet6 *hosts6 = is_egress ? &rule->source6 : &rule->destination6;
        g_autofree char *fault = board_fault(config, hosts);

        if (!fault)
                fault = board_fault6(config, hosts6);
        if (!fault && is_egress) {
                fault = destination_fault(rule);
                key = "destination";
                hosts = &rule->destination;
                hosts6 = &rule->destination6;
        }
        if (!fault)
                return true;
        g_autofree char *text = hosts->prefix ? hosts_to_string(hosts) : hosts6_to_string(hosts6);
        value_set_error(error, place_of(settings, direction, nth, key),
                        "filter: %s: rule %u: %s: %s %s", filter_direction_to_string(direction),
                        nth + 1, key, text, fault);
        return false;
}

bool config_check_filter_rules(const NetworkConfig *config, const Value *settings, GError **error)
{
        for (FilterDirection i = 0; config->filter && i < FILTER_DIRECTION_MAX; i++)
                for (guint j = 0; j < config->filter->sides[i].rules->len; j++)
                        if (!check_rule(config, settings, i, j, error))
                                return false;
        return true;
}
