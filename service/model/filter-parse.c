/* SPDX-License-Identifier: GPL-2.0-or-later */

/* `filter: {egress: {policy: drop, rules: [{action: accept, destination: 10.0.0.0/8, protocol: tcp,
 * port: 443}]}, ingress: {…}}`, read and written. What cannot be enforced as it is written is
 * refused. */

#include "model/filter.h"

#include <netinet/in.h>
#include <string.h>

#include "model/name.h"
#include "util/error.h"

static const char *const action_names[FILTER_ACTION_MAX] = {
        [FILTER_ACCEPT] = "accept",
        [FILTER_DROP] = "drop",
};

static const struct {
        const char *name;
        guint8 number;
} protocols[] = {
        { "tcp", IPPROTO_TCP },
        { "udp", IPPROTO_UDP },
        { "icmp", IPPROTO_ICMP },
};

static bool refuse(const char *where, const Value *value, const char *complaint, GError **error)
{
        g_autofree char *got = value_describe(value);

        value_set_error(error, value, "%s: %s %s", where, got, complaint);
        return false;
}

/* The value of @key in @map as text; "" where it is not there. NULL for what is no text. */
static const char *text_in(const Value *map, const char *key)
{
        const Value *value = value_get(map, key);

        if (!value)
                return "";
        return value->type == VALUE_TEXT && !value_is_null(value) ? value->text : NULL;
}

static bool parse_action(const char *where, const Value *map, const char *key, FilterAction *action,
                         GError **error)
{
        const char *text = text_in(map, key);

        for (FilterAction i = 0; i < FILTER_ACTION_MAX; i++)
                if (g_strcmp0(text, action_names[i]) == 0) {
                        *action = i;
                        return true;
                }
        if (value_get(map, key))
                return refuse(where, value_get(map, key), "is not accept or drop", error);
        value_set_error(error, map, "%s: it has no %s: accept or drop", where, key);
        return false;
}

/* An address that is mistyped, or too short a name, must not become one that nobody answers. */
static bool read_name(const char *text, char **ret_name)
{
        g_autofree char *name = hostname_normalise(text, NULL);

        if (!name || !hostname_parent(name) || hostname_is_like_address(name))
                return false;
        *ret_name = g_steal_pointer(&name);
        return true;
}

static bool refuse_hosts(const char *where, const Value *value, const char *key, const char *text,
                         GError **error)
{
        g_autofree char *name = NULL;

        if (text && g_str_has_prefix(text, "*.") && read_name(text + 2, &name))
                return refuse(
                        where, value,
                        "is not a name: without \"*.\" it stands for all below it, and itself",
                        error);
        if (text && read_name(text, &name))
                return refuse(
                        where, value,
                        g_str_equal(key, "source")
                                ? "is not an address or subnet: a name can only be the "
                                  "destination of egress, which is asked for"
                                : "is not an address or subnet: the destination of ingress is "
                                  "the board, by its address",
                        error);
        return refuse(where, value,
                      g_str_equal(key, "source") ? "is not an address or subnet"
                                                 : "is not an address or subnet, nor a domain name",
                      error);
}

/* Both ends of a connection are of one family. */
static bool set_family(const char *where, const Value *value, FilterRule *rule, FilterFamily family,
                       GError **error)
{
        if (rule->family != FILTER_BOTH && rule->family != family)
                return refuse(where, value, "is of another family than the source", error);
        rule->family = family;
        return true;
}

/* Where one end of the rule's connections can be. */
typedef struct End {
        FilterRule *rule;
        Subnet *hosts;
        Subnet6 *hosts6;
        char **ret_name; /* NULL: by no name */
} End;

static bool says_what_is_wrong(const char *text, const End *end, GError **error)
{
        if (strchr(text, ':'))
                return subnet6_parse(text, end->hosts6, error);
        return hosts_parse(text, end->hosts, error);
}

/* An address, or a subnet with its prefix; where it can have one, a name as well. */
static bool parse_hosts(const char *where, const Value *map, const char *key, const End *end,
                        GError **error)
{
        const char *text = text_in(map, key);
        const Value *value = value_get(map, key);

        if (text && !*text && !value)
                return true;
        if (text && hosts_parse(text, end->hosts, NULL))
                return set_family(where, value, end->rule, FILTER_IPV4, error);
        if (text && hosts6_parse(text, end->hosts6))
                return set_family(where, value, end->rule, FILTER_IPV6, error);
        if (text && strchr(text, '/')) {
                (void)says_what_is_wrong(text, end, error);
                value_prefix_error(error, value_get(map, key), "%s: %s: ", where, key);
                return false;
        }
        if (text && end->ret_name && read_name(text, end->ret_name))
                return true;
        return refuse_hosts(where, value_get(map, key), key, text, error);
}

static bool parse_protocol(const char *where, const Value *map, FilterRule *rule, GError **error)
{
        const char *text = text_in(map, "protocol");

        if (!value_get(map, "protocol"))
                return true;
        for (guint i = 0; i < G_N_ELEMENTS(protocols); i++)
                if (g_strcmp0(text, protocols[i].name) == 0) {
                        rule->protocol = protocols[i].number;
                        return true;
                }
        return refuse(where, value_get(map, "protocol"), "is not one of tcp, udp, icmp", error);
}

static bool add_ports(const char *where, const Value *value, FilterRule *rule, GError **error)
{
        g_autofree char *number = value->type == VALUE_NUMBER
                                          ? g_strdup_printf("%" G_GINT64_FORMAT, value->number)
                                          : NULL;
        const char *text = value->type == VALUE_TEXT ? value->text : number;
        g_auto(GStrv) items = g_strsplit(text ? text : "", ",", -1);

        if (!items[0])
                return refuse(where, value, "is not a port", error);
        for (guint i = 0; items[i]; i++) {
                PortRange ports;
                if (!port_range_parse(g_strstrip(items[i]), &ports))
                        return refuse(where, value,
                                      "is not a port (1 to 65535), a range such as 1000-2000, or a "
                                      "list of them",
                                      error);
                if (rule->ports->len == FILTER_MAX_PORTS)
                        return refuse(where, value, "is one too many: 64 are the most", error);
                g_array_append_val(rule->ports, ports);
        }
        return true;
}

static bool parse_port(const char *where, const Value *map, FilterRule *rule, GError **error)
{
        const Value *value = value_get(map, "port");

        if (!value)
                return true;
        if (rule->protocol == IPPROTO_ICMP)
                return refuse(where, value, "cannot be with protocol icmp, which has no ports",
                              error);
        if (value->type != VALUE_LIST)
                return add_ports(where, value, rule, error);
        if (value->items->len == 0)
                return refuse(where, value, "is not a port", error);
        for (guint i = 0; i < value->items->len; i++)
                if (!add_ports(where, value->items->pdata[i], rule, error))
                        return false;
        return true;
}

static bool parse_log(const char *where, const Value *map, FilterRule *rule, GError **error)
{
        const Value *value = value_get(map, "log");

        return !value || value_get_truth(value, &rule->log) ||
               refuse(where, value, "is not true or false", error);
}

static bool add_rule(FilterSide *side, FilterDirection direction, const char *where,
                     const Value *map, GError **error)
{
        /* The last two are GetFilter's, and passed over. */
        static const char *const known[] = { "action", "source", "destination", "protocol",
                                             "port",   "log",    "packets",     "bytes" };
        g_autofree char *context = g_strdup_printf("%s: ", where);

        if (map->type != VALUE_MAP)
                return refuse(where, map, "is not a mapping", error);
        if (!value_check_keys(map, context, known, G_N_ELEMENTS(known), error))
                return false;
        FilterRule *rule = filter_side_add_rule(side);
        const End source = { rule, &rule->source, &rule->source6, NULL };
        const End destination = { rule, &rule->destination, &rule->destination6,
                                  direction == FILTER_EGRESS ? &rule->name : NULL };
        return parse_action(where, map, "action", &rule->action, error) &&
               parse_hosts(where, map, "source", &source, error) &&
               parse_hosts(where, map, "destination", &destination, error) &&
               parse_protocol(where, map, rule, error) && parse_port(where, map, rule, error) &&
               parse_log(where, map, rule, error);
}

static bool parse_rules(FilterSide *side, FilterDirection direction, const char *where,
                        const Value *list, GError **error)
{
        if (list->type != VALUE_LIST)
                return refuse(where, list, "is not a list of rules", error);
        if (list->items->len > FILTER_MAX_RULES) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED,
                            "%s: %u rules are more than %u", where, list->items->len,
                            FILTER_MAX_RULES);
                return false;
        }
        guint n = 0;
        for (guint i = 0; i < list->items->len; i++) {
                g_autofree char *place = g_strdup_printf("%s: rule %u", where, i + 1);
                if (!add_rule(side, direction, place, list->items->pdata[i], error))
                        return false;
                n += filter_rule_cost(side->rules->pdata[i]);
        }
        if (n <= FILTER_MAX_COST)
                return true;
        g_set_error(
                error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED,
                "%s: its rules are %u of the kernel's, more than %u: a list of ports is one for "
                "each, twice as many without a protocol or with a log",
                where, n, FILTER_MAX_COST);
        return false;
}

static bool parse_side(FilterSide *side, FilterDirection direction, const char *where,
                       const Value *map, GError **error)
{
        /* The last two are GetFilter's, and passed over. */
        static const char *const known[] = { "policy", "rules", "policy_packets", "policy_bytes" };
        g_autofree char *context = g_strdup_printf("%s: ", where);

        if (map->type != VALUE_MAP)
                return refuse(where, map, "is not a mapping of policy and rules", error);
        if (!value_check_keys(map, context, known, G_N_ELEMENTS(known), error) ||
            !parse_action(where, map, "policy", &side->policy, error))
                return false;
        side->given = true;
        const Value *rules = value_get(map, "rules");
        return !rules || parse_rules(side, direction, where, rules, error);
}

static bool check_names(const char *key, const Filter *filter, GError **error)
{
        g_autoptr(GPtrArray) names = filter_names(filter);

        if (names->len <= FILTER_MAX_NAMES)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED,
                    "%s: %u different names are more than %u", key, names->len, FILTER_MAX_NAMES);
        return false;
}

bool filter_parse(const char *key, const Value *value, Filter **ret_filter, GError **error)
{
        static const char *const known[FILTER_DIRECTION_MAX] = { "egress", "ingress" };
        g_autoptr(Filter) read = filter_new();
        g_autofree char *context = g_strdup_printf("%s: ", key);
        bool any = false;

        if (value->type != VALUE_MAP)
                return refuse(key, value, "is not a mapping of egress and ingress", error);
        if (!value_check_keys(value, context, known, G_N_ELEMENTS(known), error))
                return false;
        for (FilterDirection i = 0; i < FILTER_DIRECTION_MAX; i++) {
                const Value *side = value_get(value, known[i]);
                g_autofree char *where = g_strdup_printf("%s: %s", key, known[i]);
                if (side && !parse_side(&read->sides[i], i, where, side, error))
                        return false;
                any |= side != NULL;
        }
        if (!check_names(key, read, error))
                return false;
        *ret_filter = any ? g_steal_pointer(&read) : NULL;
        return true;
}

static void set_hosts(Value *map, const char *key, const Subnet *hosts, const Subnet6 *hosts6)
{
        if (hosts->prefix == 0 && hosts6->prefix == 0)
                return;
        g_autofree char *text = hosts->prefix ? hosts_to_string(hosts) : hosts6_to_string(hosts6);
        value_set(map, key, value_new_text(text));
}

/* One that is about all of one family says so by its destination, or, where that is a name, by its
 * source. */
static void set_family_alone(Value *map, const FilterRule *rule)
{
        const char *all = rule->family == FILTER_IPV6 ? "::/0" : "0.0.0.0/0";
        bool is_told = value_get(map, "source") || (value_get(map, "destination") && !rule->name);

        if (rule->family != FILTER_BOTH && !is_told)
                value_set(map, rule->name ? "source" : "destination", value_new_text(all));
}

/* One port is a number, all else the text that is read back to the same. */
static Value *ports_to_value(const GArray *all)
{
        g_autoptr(GString) text = g_string_new(NULL);
        const PortRange *first = &g_array_index(all, PortRange, 0);

        if (all->len == 1 && first->first == first->last)
                return value_new_number(first->first);
        for (guint i = 0; i < all->len; i++) {
                const PortRange *ports = &g_array_index(all, PortRange, i);
                g_autofree char *one = port_range_to_string(ports);
                g_string_append_printf(text, "%s%s", i > 0 ? "," : "", one);
        }
        return value_new_text(text->str);
}

Value *filter_rule_to_value(const FilterRule *rule)
{
        Value *map = value_new_map();

        value_set(map, "action", value_new_text(action_names[rule->action]));
        set_hosts(map, "source", &rule->source, &rule->source6);
        set_hosts(map, "destination", &rule->destination, &rule->destination6);
        if (rule->name)
                value_set(map, "destination", value_new_text(rule->name));
        set_family_alone(map, rule);
        for (guint i = 0; i < G_N_ELEMENTS(protocols); i++)
                if (protocols[i].number == rule->protocol)
                        value_set(map, "protocol", value_new_text(protocols[i].name));
        if (rule->ports->len > 0)
                value_set(map, "port", ports_to_value(rule->ports));
        if (rule->log)
                value_set(map, "log", value_new_bool(true));
        return map;
}

static Value *side_to_value(const FilterSide *side)
{
        Value *map = value_new_map();
        Value *rules = value_new_list();

        for (guint i = 0; i < side->rules->len; i++)
                value_append(rules, filter_rule_to_value(side->rules->pdata[i]));
        value_set(map, "policy", value_new_text(action_names[side->policy]));
        value_set(map, "rules", rules);
        return map;
}

Value *filter_to_value(const Filter *filter)
{
        if (!filter)
                return NULL;

        Value *map = value_new_map();
        for (FilterDirection i = 0; i < FILTER_DIRECTION_MAX; i++)
                if (filter->sides[i].given)
                        value_set(map, filter_direction_to_string(i),
                                  side_to_value(&filter->sides[i]));
        return map;
}
