/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The Ruleset as a value: its parts come to be and are freed here. Which rules there are is in
 * ruleset-network.c, -filter.c, -side.c, -names.c, -gateways.c and -guard.c; what each is made of,
 * in ruleset-rule.c. */

#include "model/ruleset.h"

#include "model/ruleset-build.h"

static void expression_clear(gpointer pointer)
{
        Expression *expression = pointer;

        if (expression->type == EXPRESSION_LOOKUP || expression->type == EXPRESSION_EXCLUDE)
                g_free(expression->lookup.name);
        else if (expression->type == EXPRESSION_COUNT_CONNECTIONS)
                g_free(expression->count.set);
        else if (expression->type == EXPRESSION_SET_TIMEOUT)
                g_free(expression->object);
}

static void rule_free(gpointer pointer)
{
        RulesetRule *rule = pointer;

        g_array_unref(rule->expressions);
        g_free(rule->comment);
        g_free(rule);
}

static void chain_free(gpointer pointer)
{
        RulesetChain *chain = pointer;

        g_ptr_array_unref(chain->rules);
        g_free(chain->name);
        g_free(chain);
}

static void place_clear(gpointer pointer)
{
        RulesetPlace *place = pointer;

        g_free(place->chain);
}

static void map_free(gpointer pointer)
{
        RulesetMap *map = pointer;

        g_array_unref(map->elements);
        g_array_unref(map->places);
        g_free(map->name);
        g_array_unref(map->ports);
        g_free(map);
}

static void timeout_clear(gpointer pointer)
{
        RulesetTimeout *timeout = pointer;

        g_free(timeout->name);
}

static void table_free(gpointer pointer)
{
        RulesetTable *table = pointer;

        g_array_unref(table->timeouts);
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
                .timeouts = g_array_new(FALSE, FALSE, sizeof(RulesetTimeout)),
                .chains = g_ptr_array_new_with_free_func(chain_free),
        };
        g_array_set_clear_func(table->timeouts, timeout_clear);
        g_ptr_array_add(ruleset->tables, table);
        return table;
}

RulesetTable *ruleset_add_shared_table(Ruleset *ruleset, guint16 family, const char *name)
{
        RulesetTable *table = ruleset_add_table(ruleset, family, name);

        table->shared = true;
        return table;
}

RulesetMap *table_add_map(RulesetTable *table, RulesetMapType type, const char *name)
{
        RulesetMap *map = g_new(RulesetMap, 1);

        *map = (RulesetMap){
                .type = type,
                .name = g_strdup(name),
                .elements = g_array_new(FALSE, FALSE, sizeof(RulesetElement)),
                .places = g_array_new(FALSE, FALSE, sizeof(RulesetPlace)),
                .ports = g_array_new(FALSE, FALSE, sizeof(RulesetPort)),
        };
        g_array_set_clear_func(map->places, place_clear);
        g_ptr_array_add(table->maps, map);
        return map;
}

void map_add(RulesetMap *map, guint32 key, guint32 value)
{
        RulesetElement element = { key, value };

        g_array_append_val(map->elements, element);
}

void map_add_place(RulesetMap *map, guint32 number, const char *interface, const char *chain)
{
        RulesetPlace place = { .number = number, .chain = g_strdup(chain) };

        if (interface)
                g_strlcpy(place.interface, interface, sizeof place.interface);
        g_array_append_val(map->places, place);
}

void map_add_port(RulesetMap *map, const RulesetPort *port)
{
        g_array_append_val(map->ports, *port);
}

void table_add_timeout(RulesetTable *table, const RulesetTimeout *timeout)
{
        RulesetTimeout copy = *timeout;

        copy.name = g_strdup(timeout->name);
        g_array_append_val(table->timeouts, copy);
}

RulesetChain *table_add_chain(RulesetTable *table, const char *name, const char *type, guint32 hook,
                              gint32 priority)
{
        RulesetChain *chain = g_new(RulesetChain, 1);

        *chain = (RulesetChain){
                .name = g_strdup(name),
                .type = type,
                .hook = hook,
                .priority = priority,
                .rules = g_ptr_array_new_with_free_func(rule_free),
        };
        g_ptr_array_add(table->chains, chain);
        return chain;
}

RulesetChain *table_add_target(RulesetTable *table, const char *name)
{
        return table_add_chain(table, name, NULL, 0, 0);
}

RulesetRule *chain_add_rule(RulesetChain *chain)
{
        RulesetRule *rule = g_new0(RulesetRule, 1);

        rule->expressions = g_array_new(FALSE, FALSE, sizeof(Expression));
        g_array_set_clear_func(rule->expressions, expression_clear);
        g_ptr_array_add(chain->rules, rule);
        return rule;
}
