/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The Ruleset as a value: its parts come to be and are freed here. Which rules a network gets is in
 * ruleset-network.c and ruleset-guard.c. */

#include "model/ruleset.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <string.h>

#include "model/ruleset-build.h"

static void rule_free(gpointer pointer)
{
        RulesetRule *rule = pointer;

        g_array_unref(rule->expressions);
        g_free(rule);
}

static void chain_free(gpointer pointer)
{
        RulesetChain *chain = pointer;

        g_ptr_array_unref(chain->rules);
        g_free(chain);
}

static void map_free(gpointer pointer)
{
        RulesetMap *map = pointer;

        g_array_unref(map->elements);
        g_free(map);
}

static void table_free(gpointer pointer)
{
        RulesetTable *table = pointer;

        g_ptr_array_unref(table->chains);
        g_ptr_array_unref(table->maps);
        g_free(table->name);
        g_free(table);
}

void ruleset_free(Ruleset *ruleset)
{
        if (!ruleset)
                return;

        g_ptr_array_unref(ruleset->tables);
        g_free(ruleset);
}

Ruleset *ruleset_new(void)
{
        Ruleset *ruleset = g_new0(Ruleset, 1);

        ruleset->tables = g_ptr_array_new_with_free_func(table_free);
        return ruleset;
}

RulesetTable *ruleset_add_table(Ruleset *ruleset, guint16 family, const char *name)
{
        RulesetTable *table = g_new(RulesetTable, 1);

        *table = (RulesetTable){
                .family = family,
                .name = g_strdup(name),
                .maps = g_ptr_array_new_with_free_func(map_free),
                .chains = g_ptr_array_new_with_free_func(chain_free),
        };
        g_ptr_array_add(ruleset->tables, table);
        return table;
}

RulesetMap *table_add_map(RulesetTable *table, const char *name)
{
        RulesetMap *map = g_new(RulesetMap, 1);

        *map = (RulesetMap){
                .name = name,
                .elements = g_array_new(FALSE, FALSE, sizeof(RulesetElement)),
        };
        g_ptr_array_add(table->maps, map);
        return map;
}

void map_add(RulesetMap *map, guint32 key, guint32 value)
{
        RulesetElement element = { key, value };

        g_array_append_val(map->elements, element);
}

RulesetChain *table_add_chain(RulesetTable *table, const char *name, const char *type, guint32 hook,
                              gint32 priority)
{
        RulesetChain *chain = g_new(RulesetChain, 1);

        *chain = (RulesetChain){
                .name = name,
                .type = type,
                .hook = hook,
                .priority = priority,
                .rules = g_ptr_array_new_with_free_func(rule_free),
        };
        g_ptr_array_add(table->chains, chain);
        return chain;
}

RulesetRule *chain_add_rule(RulesetChain *chain)
{
        RulesetRule *rule = g_new(RulesetRule, 1);

        rule->expressions = g_array_new(FALSE, FALSE, sizeof(Expression));
        g_ptr_array_add(chain->rules, rule);
        return rule;
}

static void add(RulesetRule *rule, Expression expression)
{
        g_array_append_val(rule->expressions, expression);
}

static ExpressionValue value_of(const void *bytes, guint length)
{
        ExpressionValue value = { .length = length };

        memcpy(value.bytes, bytes, length);
        return value;
}

static ExpressionValue value_of_number(guint32 number)
{
        return value_of(&number, sizeof number);
}

static ExpressionValue value_of_address(guint32 address)
{
        return value_of_number(htonl(address));
}

static void add_compare(RulesetRule *rule, guint32 operation, ExpressionValue value)
{
        add(rule, (Expression){ .type = EXPRESSION_COMPARE,
                                .compare = { .operation = operation, .value = value } });
}

static void add_field(RulesetRule *rule, guint32 field)
{
        add(rule, (Expression){ .type = EXPRESSION_PAYLOAD,
                                .payload = { .offset = field, .length = sizeof(guint32) } });
}

/* The whole 16 bytes are compared, so that "eth1" is not "eth10". */
static void match_name(RulesetRule *rule, guint32 key, guint32 operation, const char *interface)
{
        ExpressionValue name = { .length = sizeof name.bytes };

        g_strlcpy((char *)name.bytes, interface, sizeof name.bytes);
        add(rule, (Expression){ .type = EXPRESSION_META, .meta_key = key });
        add_compare(rule, operation, name);
}

void match_iifname(RulesetRule *rule, guint32 operation, const char *interface)
{
        match_name(rule, NFT_META_IIFNAME, operation, interface);
}

void match_oifname(RulesetRule *rule, guint32 operation, const char *interface)
{
        match_name(rule, NFT_META_OIFNAME, operation, interface);
}

void match_address(RulesetRule *rule, guint32 field, guint32 operation, guint32 address)
{
        add_field(rule, field);
        add_compare(rule, operation, value_of_address(address));
}

void match_subnet(RulesetRule *rule, guint32 field, guint32 operation, const Subnet *subnet)
{
        add_field(rule, field);
        add(rule, (Expression){ .type = EXPRESSION_BITWISE,
                                .mask = value_of_address(subnet_netmask(subnet)) });
        add_compare(rule, operation, value_of_address(subnet->network));
}

void match_ipv4(RulesetRule *rule)
{
        const guint8 family = NFPROTO_IPV4;

        add(rule, (Expression){ .type = EXPRESSION_META, .meta_key = NFT_META_NFPROTO });
        add_compare(rule, NFT_CMP_EQ, value_of(&family, sizeof family));
}

static void add_ct_bits(RulesetRule *rule, guint32 key, guint32 mask)
{
        add(rule, (Expression){ .type = EXPRESSION_CT, .ct_key = key });
        add(rule, (Expression){ .type = EXPRESSION_BITWISE, .mask = value_of_number(mask) });
}

void match_ct_any(RulesetRule *rule, guint32 key, guint32 mask)
{
        add_ct_bits(rule, key, mask);
        add_compare(rule, NFT_CMP_NEQ, value_of_number(0));
}

void match_ct_bits(RulesetRule *rule, guint32 key, guint32 mask, guint32 bits)
{
        add_ct_bits(rule, key, mask);
        add_compare(rule, NFT_CMP_EQ, value_of_number(bits));
}

static void add_counter(RulesetRule *rule)
{
        add(rule, (Expression){ .type = EXPRESSION_COUNTER });
}

void rule_verdict(RulesetRule *rule, gint32 verdict)
{
        add_counter(rule);
        add(rule, (Expression){ .type = EXPRESSION_VERDICT, .verdict = verdict });
}

void rule_masquerade(RulesetRule *rule)
{
        add_counter(rule);
        add(rule, (Expression){ .type = EXPRESSION_MASQUERADE });
}

void rule_nat_map(RulesetRule *rule, guint32 nat_type, guint32 field, const char *map)
{
        add_field(rule, field);
        add(rule, (Expression){ .type = EXPRESSION_LOOKUP, .map = map });
        add_counter(rule);
        add(rule, (Expression){ .type = EXPRESSION_NAT, .nat_type = nat_type });
}

void chain_drop_forwarding(RulesetChain *chain, const char *interface)
{
        RulesetRule *from = chain_add_rule(chain);
        match_iifname(from, NFT_CMP_EQ, interface);
        match_oifname(from, NFT_CMP_NEQ, interface);
        rule_verdict(from, NF_DROP);

        RulesetRule *to = chain_add_rule(chain);
        match_iifname(to, NFT_CMP_NEQ, interface);
        match_oifname(to, NFT_CMP_EQ, interface);
        rule_verdict(to, NF_DROP);
}

void rule_drop_forged(RulesetRule *rule, const char *interface, const Subnet *subnet)
{
        match_iifname(rule, NFT_CMP_EQ, interface);
        match_subnet(rule, FIELD_IP_SADDR, NFT_CMP_NEQ, subnet);
        match_address(rule, FIELD_IP_SADDR, NFT_CMP_NEQ, 0);
        rule_verdict(rule, NF_DROP);
}

void rule_drop_to_gateway(RulesetRule *rule, const char *interface, guint32 gateway)
{
        match_address(rule, FIELD_IP_DADDR, NFT_CMP_EQ, gateway);
        match_iifname(rule, NFT_CMP_NEQ, interface);
        match_iifname(rule, NFT_CMP_NEQ, "lo");
        rule_verdict(rule, NF_DROP);
}
