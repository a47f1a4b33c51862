/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A Ruleset in the language of nft(8): what is printed here nft reads back to the same rules, so
 * that tests can say what they expect in words and hold the kernel's objects to it. Only what the
 * builders write is known; anything else prints as "?". Rules are ruleset-text-rule.c's. */

#include "model/ruleset-text.h"

#include <linux/netfilter.h>

#include "model/ruleset.h"

static const char *family_name(guint16 family)
{
        switch (family) {
        case NFPROTO_INET:
                return "inet";
        case NFPROTO_IPV4:
                return "ip";
        case NFPROTO_IPV6:
                return "ip6";
        case NFPROTO_ARP:
                return "arp";
        }
        return "?";
}

static const char *hook_name(guint16 family, guint32 hook)
{
        static const char *const inet[] = { "prerouting", "input", "forward", "output",
                                            "postrouting" };
        static const char *const arp[] = { "input", "output" };

        if (family == NFPROTO_ARP)
                return hook < G_N_ELEMENTS(arp) ? arp[hook] : "?";
        return hook < G_N_ELEMENTS(inet) ? inet[hook] : "?";
}

static void print_chain(GString *text, guint16 family, const RulesetChain *chain)
{
        g_string_append_printf(text, "\tchain %s {\n", chain->name);
        if (chain->type)
                g_string_append_printf(text, "\t\ttype %s hook %s priority %d; policy accept;\n",
                                       chain->type, hook_name(family, chain->hook),
                                       chain->priority);
        for (guint i = 0; i < chain->rules->len; i++)
                ruleset_print_rule(text, family, g_ptr_array_index(chain->rules, i));
        g_string_append(text, "\t}\n");
}

static void print_element(GString *text, RulesetMapType type, const RulesetElement *element)
{
        ruleset_print_address(text, element->key);
        if (type != MAP_ADDRESSES)
                return;
        g_string_append(text, " : ");
        ruleset_print_address(text, element->value);
}

static void print_place(GString *text, RulesetMapType type, const RulesetPlace *place)
{
        bool is_address = type == MAP_ADDRESS_JUMPS || type == MAP_ADDRESS_GOTOS;

        if (type == MAP_PLACE_SET || is_address)
                ruleset_print_address(text, place->number);
        if (type == MAP_PLACE_SET)
                g_string_append(text, " . ");
        if (type == MAP_MARK_VERDICTS)
                g_string_append_printf(text, "0x%08x", place->number);
        else if (!is_address)
                ruleset_print_name(text, place->interface);
        if (place->chain)
                g_string_append_printf(text, " : %s %s",
                                       type == MAP_ADDRESS_GOTOS ? "goto" : "jump", place->chain);
}

static void print_port_element(GString *text, RulesetMapType type, const RulesetPort *element)
{
        g_string_append_printf(text, "%u", element->port);
        if (type == MAP_PORT_SOURCE_SET || type == MAP_PORT_SOURCE_TARGETS) {
                g_autofree char *from = hosts_to_string(&element->from);
                g_string_append_printf(text, " . %s", from);
        }
        if (type == MAP_PORT_SET || type == MAP_PORT_SOURCE_SET)
                return;
        g_string_append(text, " : ");
        ruleset_print_address(text, element->ip);
        g_string_append_printf(text, " . %u", element->to_port);
}

static void print_map(GString *text, const RulesetMap *map)
{
        static const struct {
                const char *word, *type;
        } types[MAP_TYPE_MAX] = {
                [MAP_ADDRESSES] = { "map", "ipv4_addr : ipv4_addr" },
                [MAP_ADDRESS_SET] = { "set", "ipv4_addr" },
                [MAP_PLACE_SET] = { "set", "ipv4_addr . ifname" },
                [MAP_INTERFACE_VERDICTS] = { "map", "ifname : verdict" },
                [MAP_MARK_VERDICTS] = { "map", "mark : verdict" },
                [MAP_ANSWERS] = { "set", "ipv4_addr\n\t\tsize " G_STRINGIFY(
                                                 ANSWERS_SIZE) "\n\t\tflags timeout"
                                                               "\n\t\tgc-interval " G_STRINGIFY(
                                                                       ANSWERS_GC_DAYS) "d" },
                [MAP_PORT_SET] = { "set", "inet_service" },
                [MAP_PORT_TARGETS] = { "map", "inet_service : ipv4_addr . inet_service" },
                [MAP_PORT_SOURCE_SET] = { "set", "inet_service . ipv4_addr\n\t\tflags interval" },
                [MAP_PORT_SOURCE_TARGETS] = { "map", "inet_service . ipv4_addr : ipv4_addr . "
                                                     "inet_service\n\t\tflags interval" },
                [MAP_ADDRESS_JUMPS] = { "map", "ipv4_addr : verdict" },
                [MAP_ADDRESS_GOTOS] = { "map", "ipv4_addr : verdict" },
                [MAP_COUNTED] = { "set", "ipv4_addr\n\t\tsize " G_STRINGIFY(
                                                 COUNTED_SIZE) "\n\t\tflags dynamic" },
        };
        guint n = map->elements->len + map->places->len + map->ports->len;

        g_string_append_printf(text, "\t%s %s {\n\t\ttype %s\n", types[map->type].word, map->name,
                               types[map->type].type);
        for (guint i = 0; i < n; i++) {
                g_string_append(text, i == 0 ? "\t\telements = { " : ", ");
                if (map->elements->len > 0)
                        print_element(text, map->type,
                                      &g_array_index(map->elements, RulesetElement, i));
                else if (map->ports->len > 0)
                        print_port_element(text, map->type,
                                           &g_array_index(map->ports, RulesetPort, i));
                else
                        print_place(text, map->type, &g_array_index(map->places, RulesetPlace, i));
        }
        g_string_append(text, n > 0 ? " }\n\t}\n" : "\t}\n");
}

static void print_timeout(GString *text, const RulesetTimeout *timeout)
{
        g_string_append_printf(text, "\tct timeout %s {\n\t\tprotocol %s\n\t\tl3proto ip\n",
                               timeout->name, ruleset_protocol_name(timeout->protocol));
        if (timeout->protocol == IPPROTO_TCP)
                g_string_append_printf(text, "\t\tpolicy = { established : %u }\n\t}\n",
                                       timeout->established);
        else
                g_string_append_printf(text, "\t\tpolicy = { unreplied : %u, replied : %u }\n\t}\n",
                                       timeout->unreplied, timeout->replied);
}

char *ruleset_to_text(const Ruleset *ruleset)
{
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < ruleset->tables->len; i++) {
                const RulesetTable *table = g_ptr_array_index(ruleset->tables, i);
                g_string_append_printf(text, "table %s %s {\n", family_name(table->family),
                                       table->name);
                for (guint j = 0; j < table->timeouts->len; j++)
                        print_timeout(text, &g_array_index(table->timeouts, RulesetTimeout, j));
                for (guint j = 0; j < table->maps->len; j++)
                        print_map(text, g_ptr_array_index(table->maps, j));
                for (guint j = 0; j < table->chains->len; j++)
                        print_chain(text, table->family, g_ptr_array_index(table->chains, j));
                g_string_append(text, "}\n");
        }
        return g_string_free(text, FALSE);
}
