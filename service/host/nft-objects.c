/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Copies each value into its libnftnl object and that into a message. Decides nothing. An object
 * that libnftnl cannot make for lack of memory ends the process, as GLib's would. */

#include "host/nft-objects.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <string.h>

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>

#include "host/nft-expression.h"
#include "host/nft-timeout.h"

/* nft's numbers for data types, which only nft looks at; two that are concatenated are one. */
#define TYPE_IPV4_ADDR              7
#define TYPE_INET_SERVICE           13
#define TYPE_MARK                   19
#define TYPE_IFNAME                 41
#define TYPE_CONCATENATED(one, two) ((one) << 6 | (two))
/* What it keeps about a set with it: that keys are in the host's byte order. */
#define BYTEORDER_HOST 1

#define NAME_SIZE 16

/* An element takes 44 bytes and the list's attribute has 16 bits for its length. */
#define ELEMENTS_PER_MESSAGE 1024
/* One with a name for key and one for verdict takes up to 100. */
#define PLACES_PER_MESSAGE 512
/* One with two keys and a value takes 76. */
#define PORTS_PER_MESSAGE 512

typedef struct nftnl_table NftTable;
typedef struct nftnl_set NftSet;
typedef struct nftnl_set_elem NftElement;
typedef struct nftnl_chain NftChain;
typedef struct nftnl_rule NftRule;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NftTable, nftnl_table_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NftSet, nftnl_set_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NftChain, nftnl_chain_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NftRule, nftnl_rule_free)

static void add_table_message(NftBatch *batch, guint16 type, guint16 family, const char *name,
                              guint32 flags)
{
        g_autoptr(NftTable) table = nft_checked(nftnl_table_alloc());

        nftnl_table_set_str(table, NFTNL_TABLE_NAME, name);
        if (flags != NFT_OBJECTS_AS_IS)
                nftnl_table_set_u32(table, NFTNL_TABLE_FLAGS, flags);
        nftnl_table_nlmsg_build_payload(
                nft_batch_add(batch, type, family, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0),
                table);
}

void nft_objects_add_table(NftBatch *batch, guint16 family, const char *name, guint32 flags)
{
        add_table_message(batch, NFT_MSG_NEWTABLE, family, name, flags);
}

/* Added first, so that there is one to delete. Without flags: the kernel then takes the table as it
 * is, our own as well as one whose owner is gone. */
void nft_objects_remove_table(NftBatch *batch, guint16 family, const char *name)
{
        nft_objects_add_table(batch, family, name, NFT_OBJECTS_AS_IS);
        add_table_message(batch, NFT_MSG_DELTABLE, family, name, NFT_OBJECTS_AS_IS);
}

typedef struct MapLayout {
        guint32 key_type, key_length;
        bool host_order;                /* of the key */
        guint32 data_type, data_length; /* 0: a set */
        guint32 size;                   /* 0: no limit */
        guint32 flags;                  /* more of NFT_SET_* than follow from the rest */
        bool ranges;                    /* keys are a port and a range of addresses */
} MapLayout;

/* Each part of what is concatenated takes whole registers of 4 bytes. */
#define PORT_KEY_TYPE    TYPE_CONCATENATED(TYPE_INET_SERVICE, TYPE_IPV4_ADDR)
#define PORT_TARGET_TYPE TYPE_CONCATENATED(TYPE_IPV4_ADDR, TYPE_INET_SERVICE)
#define PAIR_LENGTH      (2 * sizeof(guint32))

static const MapLayout layouts[MAP_TYPE_MAX] = {
        [MAP_ADDRESSES] = { TYPE_IPV4_ADDR, sizeof(guint32), false, TYPE_IPV4_ADDR,
                            sizeof(guint32) },
        [MAP_ADDRESS_SET] = { TYPE_IPV4_ADDR, sizeof(guint32), false, 0, 0 },
        [MAP_PLACE_SET] = { TYPE_CONCATENATED(TYPE_IPV4_ADDR, TYPE_IFNAME),
                            sizeof(guint32) + NAME_SIZE, false, 0, 0 },
        [MAP_INTERFACE_VERDICTS] = { TYPE_IFNAME, NAME_SIZE, true, NFT_DATA_VERDICT, 0 },
        [MAP_MARK_VERDICTS] = { TYPE_MARK, sizeof(guint32), true, NFT_DATA_VERDICT, 0 },
        [MAP_ANSWERS] = { TYPE_IPV4_ADDR, sizeof(guint32), false, 0, 0, .size = ANSWERS_SIZE,
                          .flags = NFT_SET_TIMEOUT },
        [MAP_PORT_SET] = { TYPE_INET_SERVICE, sizeof(guint16), false, 0, 0 },
        [MAP_PORT_TARGETS] = { TYPE_INET_SERVICE, sizeof(guint16), false, PORT_TARGET_TYPE,
                               PAIR_LENGTH },
        [MAP_PORT_SOURCE_SET] = { PORT_KEY_TYPE, PAIR_LENGTH, false, 0, 0, .ranges = true },
        [MAP_PORT_SOURCE_TARGETS] = { PORT_KEY_TYPE, PAIR_LENGTH, false, PORT_TARGET_TYPE,
                                      PAIR_LENGTH, .ranges = true },
        [MAP_ADDRESS_JUMPS] = { TYPE_IPV4_ADDR, sizeof(guint32), false, NFT_DATA_VERDICT, 0 },
        [MAP_ADDRESS_GOTOS] = { TYPE_IPV4_ADDR, sizeof(guint32), false, NFT_DATA_VERDICT, 0 },
        [MAP_COUNTED] = { TYPE_IPV4_ADDR, sizeof(guint32), false, 0, 0, .size = COUNTED_SIZE,
                          .flags = NFT_SET_EVAL },
};

static void set_host_order(NftSet *set)
{
        struct nftnl_udata_buf *notes = nft_checked(nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN));

        (void)nftnl_udata_put_u32(notes, NFTNL_UDATA_SET_KEYBYTEORDER,
                                  BYTEORDER_HOST); /* there is room */
        nftnl_set_set_data(set, NFTNL_SET_USERDATA, nftnl_udata_buf_data(notes),
                           nftnl_udata_buf_len(notes));
        nftnl_udata_buf_free(notes);
}

/* The kernel's set for this (pipapo) wants to know the length of each part. */
static void set_ranges(NftSet *set)
{
        static const guint8 lengths[] = { sizeof(guint16), sizeof(guint32) };

        nftnl_set_set_data(set, NFTNL_SET_DESC_CONCAT, lengths, sizeof lengths);
}

static guint32 map_flags(const MapLayout *layout)
{
        return layout->flags | (layout->data_type ? NFT_SET_MAP : 0) |
               (layout->ranges ? NFT_SET_INTERVAL | NFT_SET_CONCAT : 0);
}

static void add_map(NftBatch *batch, const RulesetTable *table, const RulesetMap *map, guint32 id)
{
        const MapLayout *layout = &layouts[map->type];
        g_autoptr(NftSet) set = nft_checked(nftnl_set_alloc());

        nftnl_set_set_str(set, NFTNL_SET_TABLE, table->name);
        nftnl_set_set_str(set, NFTNL_SET_NAME, map->name);
        nftnl_set_set_u32(set, NFTNL_SET_ID, id);
        nftnl_set_set_u32(set, NFTNL_SET_FLAGS, map_flags(layout));
        nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, layout->key_type);
        nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, layout->key_length);
        if (layout->host_order)
                set_host_order(set);
        if (layout->ranges)
                set_ranges(set);
        if (layout->data_type) {
                nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, layout->data_type);
                nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, layout->data_length);
        }
        if (layout->size)
                nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, layout->size);
        if (layout->flags & NFT_SET_TIMEOUT)
                nftnl_set_set_u32(set, NFTNL_SET_GC_INTERVAL, ANSWERS_GC_MSEC);
        nftnl_set_nlmsg_build_payload(
                nft_batch_add(batch, NFT_MSG_NEWSET, table->family, NLM_F_CREATE), set);
}

static void remove_map(NftBatch *batch, const RulesetTable *table, const RulesetMap *map)
{
        g_autoptr(NftSet) set = nft_checked(nftnl_set_alloc());

        nftnl_set_set_str(set, NFTNL_SET_TABLE, table->name);
        nftnl_set_set_str(set, NFTNL_SET_NAME, map->name);
        nftnl_set_nlmsg_build_payload(nft_batch_add(batch, NFT_MSG_DELSET, table->family, 0), set);
}

/* All that is in it. */
static void empty_map(NftBatch *batch, const RulesetTable *table, const RulesetMap *map)
{
        g_autoptr(NftSet) set = nft_checked(nftnl_set_alloc());

        nftnl_set_set_str(set, NFTNL_SET_TABLE, table->name);
        nftnl_set_set_str(set, NFTNL_SET_NAME, map->name);
        nftnl_set_elems_nlmsg_build_payload(
                nft_batch_add(batch, NFT_MSG_DELSETELEM, table->family, 0), set);
}

static void change_timeouts(NftBatch *batch, guint16 type, const RulesetTable *table)
{
        for (guint i = 0; i < table->timeouts->len; i++)
                nft_timeout_change(batch, type, table,
                                   &g_array_index(table->timeouts, RulesetTimeout, i));
}

static void set_add_element(NftSet *set, const RulesetElement *element, bool with_value)
{
        NftElement *copy = nft_checked(nftnl_set_elem_alloc());
        guint32 key = htonl(element->key), value = htonl(element->value);

        nftnl_set_elem_set(copy, NFTNL_SET_ELEM_KEY, &key, sizeof key);
        if (with_value)
                nftnl_set_elem_set(copy, NFTNL_SET_ELEM_DATA, &value, sizeof value);
        nftnl_set_elem_add(set, copy);
}

void nft_objects_change_elements(NftBatch *batch, guint16 type, guint16 family, const char *table,
                                 const char *map, RulesetMapType map_type,
                                 const RulesetElement *elements, guint n)
{
        bool add = type == NFT_MSG_NEWSETELEM;
        bool with_value = add && map_type == MAP_ADDRESSES;

        for (guint done = 0; done < n; done += ELEMENTS_PER_MESSAGE) {
                g_autoptr(NftSet) set = nft_checked(nftnl_set_alloc());
                nftnl_set_set_str(set, NFTNL_SET_TABLE, table);
                nftnl_set_set_str(set, NFTNL_SET_NAME, map);
                for (guint i = done; i < MIN(n, done + ELEMENTS_PER_MESSAGE); i++)
                        set_add_element(set, &elements[i], with_value);
                nftnl_set_elems_nlmsg_build_payload(
                        nft_batch_add(batch, type, family, add ? NLM_F_CREATE : 0), set);
        }
}

/* The key as the register has it: the number in the packet's order where it is an address. */
static guint32 place_key(const RulesetPlace *place, RulesetMapType type, guint8 *key)
{
        guint32 number = type == MAP_MARK_VERDICTS ? place->number : htonl(place->number);
        bool has_name = type == MAP_PLACE_SET || type == MAP_INTERFACE_VERDICTS;
        guint32 length = 0;

        if (type != MAP_INTERFACE_VERDICTS) {
                memcpy(key, &number, sizeof number);
                length = sizeof number;
        }
        if (has_name) {
                memcpy(key + length, place->interface, NAME_SIZE);
                length += NAME_SIZE;
        }
        return length;
}

static void set_add_place(NftSet *set, RulesetMapType type, const RulesetPlace *place, bool add)
{
        NftElement *copy = nft_checked(nftnl_set_elem_alloc());
        guint8 key[sizeof(guint32) + NAME_SIZE];

        nftnl_set_elem_set(copy, NFTNL_SET_ELEM_KEY, key, place_key(place, type, key));
        if (place->chain && add) {
                nftnl_set_elem_set_u32(copy, NFTNL_SET_ELEM_VERDICT,
                                       (guint32)(type == MAP_ADDRESS_GOTOS ? NFT_GOTO : NFT_JUMP));
                nftnl_set_elem_set_str(copy, NFTNL_SET_ELEM_CHAIN, place->chain);
        }
        nftnl_set_elem_add(set, copy);
}

static void change_places(NftBatch *batch, guint16 type, const RulesetTable *table,
                          const RulesetMap *map)
{
        bool add = type == NFT_MSG_NEWSETELEM;

        for (guint done = 0; done < map->places->len; done += PLACES_PER_MESSAGE) {
                guint end = MIN(map->places->len, done + PLACES_PER_MESSAGE);
                g_autoptr(NftSet) set = nft_checked(nftnl_set_alloc());
                nftnl_set_set_str(set, NFTNL_SET_TABLE, table->name);
                nftnl_set_set_str(set, NFTNL_SET_NAME, map->name);
                for (guint i = done; i < end; i++)
                        set_add_place(set, map->type, &g_array_index(map->places, RulesetPlace, i),
                                      add);
                nftnl_set_elems_nlmsg_build_payload(
                        nft_batch_add(batch, type, table->family, add ? NLM_F_CREATE : 0), set);
        }
}

/* Two numbers as a register has them: a port in the first two bytes of its four. */
typedef struct Pair {
        guint32 words[2];
} Pair;

static guint32 port_word(guint16 port)
{
        const guint16 number = htons(port);
        guint32 word = 0;

        memcpy(&word, &number, sizeof number);
        return word;
}

static void set_add_port(NftSet *set, RulesetMapType type, const RulesetPort *port, bool add)
{
        NftElement *copy = nft_checked(nftnl_set_elem_alloc());
        const Pair target = { { htonl(port->ip), port_word(port->to_port) } };
        const Pair first = { { port_word(port->port), htonl(port->from.network) } };
        const Pair last = { { port_word(port->port), htonl(subnet_broadcast(&port->from)) } };
        bool ranges = layouts[type].ranges;

        nftnl_set_elem_set(copy, NFTNL_SET_ELEM_KEY, &first,
                           ranges ? sizeof first : sizeof(guint16));
        if (ranges)
                nftnl_set_elem_set(copy, NFTNL_SET_ELEM_KEY_END, &last, sizeof last);
        if (layouts[type].data_type && add)
                nftnl_set_elem_set(copy, NFTNL_SET_ELEM_DATA, &target, sizeof target);
        nftnl_set_elem_add(set, copy);
}

static void change_ports(NftBatch *batch, guint16 type, const RulesetTable *table,
                         const RulesetMap *map)
{
        bool add = type == NFT_MSG_NEWSETELEM;

        for (guint done = 0; done < map->ports->len; done += PORTS_PER_MESSAGE) {
                guint end = MIN(map->ports->len, done + PORTS_PER_MESSAGE);
                g_autoptr(NftSet) set = nft_checked(nftnl_set_alloc());
                nftnl_set_set_str(set, NFTNL_SET_TABLE, table->name);
                nftnl_set_set_str(set, NFTNL_SET_NAME, map->name);
                for (guint i = done; i < end; i++)
                        set_add_port(set, map->type, &g_array_index(map->ports, RulesetPort, i),
                                     add);
                nftnl_set_elems_nlmsg_build_payload(
                        nft_batch_add(batch, type, table->family, add ? NLM_F_CREATE : 0), set);
        }
}

/* @type as for nft_objects_change_elements(). */
static void change_map(NftBatch *batch, guint16 type, const RulesetTable *table,
                       const RulesetMap *map)
{
        const RulesetElement *elements = (const RulesetElement *)(void *)map->elements->data;

        if (map->type == MAP_ADDRESSES || map->type == MAP_ADDRESS_SET || map->type == MAP_ANSWERS)
                nft_objects_change_elements(batch, type, table->family, table->name, map->name,
                                            map->type, elements, map->elements->len);
        else if (map->ports->len > 0)
                change_ports(batch, type, table, map);
        else
                change_places(batch, type, table, map);
}

static void add_chain(NftBatch *batch, const RulesetTable *table, const RulesetChain *chain)
{
        g_autoptr(NftChain) copy = nft_checked(nftnl_chain_alloc());

        nftnl_chain_set_str(copy, NFTNL_CHAIN_TABLE, table->name);
        nftnl_chain_set_str(copy, NFTNL_CHAIN_NAME, chain->name);
        if (chain->type) {
                nftnl_chain_set_str(copy, NFTNL_CHAIN_TYPE, chain->type);
                nftnl_chain_set_u32(copy, NFTNL_CHAIN_HOOKNUM, chain->hook);
                nftnl_chain_set_s32(copy, NFTNL_CHAIN_PRIO, chain->priority);
                nftnl_chain_set_u32(copy, NFTNL_CHAIN_POLICY, NF_ACCEPT);
        }
        nftnl_chain_nlmsg_build_payload(
                nft_batch_add(batch, NFT_MSG_NEWCHAIN, table->family, NLM_F_CREATE), copy);
}

static void set_comment(NftRule *rule, const char *comment)
{
        struct nftnl_udata_buf *notes = nft_checked(nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN));

        (void)nftnl_udata_put_strz(notes, NFTNL_UDATA_RULE_COMMENT, comment); /* there is room */
        nftnl_rule_set_data(rule, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(notes),
                            nftnl_udata_buf_len(notes));
        nftnl_udata_buf_free(notes);
}

static void add_rule(NftBatch *batch, const RulesetTable *table, const RulesetChain *chain,
                     const RulesetRule *rule)
{
        g_autoptr(NftRule) copy = nft_checked(nftnl_rule_alloc());

        nftnl_rule_set_u32(copy, NFTNL_RULE_FAMILY, table->family);
        nftnl_rule_set_str(copy, NFTNL_RULE_TABLE, table->name);
        nftnl_rule_set_str(copy, NFTNL_RULE_CHAIN, chain->name);
        for (guint i = 0; i < rule->expressions->len; i++)
                nftnl_rule_add_expr(
                        copy, nft_expression_new(&g_array_index(rule->expressions, Expression, i)));
        if (rule->comment)
                set_comment(copy, rule->comment);
        nftnl_rule_nlmsg_build_payload(
                nft_batch_add(batch, NFT_MSG_NEWRULE, table->family, NLM_F_CREATE | NLM_F_APPEND),
                copy);
}

static void add_rules(NftBatch *batch, const RulesetTable *table, const RulesetChain *chain)
{
        for (guint i = 0; i < chain->rules->len; i++)
                add_rule(batch, table, chain, g_ptr_array_index(chain->rules, i));
}

static void change_maps(NftBatch *batch, guint16 type, const RulesetTable *table)
{
        for (guint i = 0; i < table->maps->len; i++)
                change_map(batch, type, table, g_ptr_array_index(table->maps, i));
}

static void add_maps(NftBatch *batch, const RulesetTable *table)
{
        for (guint i = 0; i < table->maps->len; i++)
                add_map(batch, table, g_ptr_array_index(table->maps, i), i + 1);
}

void nft_objects_add_part(NftBatch *batch, const RulesetTable *part)
{
        for (guint i = 0; i < part->chains->len; i++) {
                const RulesetChain *chain = g_ptr_array_index(part->chains, i);
                add_chain(batch, part, chain);
                add_rules(batch, part, chain);
        }
        change_maps(batch, NFT_MSG_NEWSETELEM, part); /* elements name chains */
}

/* All of them; there may be none. */
static void remove_rules(NftBatch *batch, const RulesetTable *table, const RulesetChain *chain)
{
        g_autoptr(NftRule) rules = nft_checked(nftnl_rule_alloc());

        nftnl_rule_set_str(rules, NFTNL_RULE_TABLE, table->name);
        nftnl_rule_set_str(rules, NFTNL_RULE_CHAIN, chain->name);
        nftnl_rule_nlmsg_build_payload(nft_batch_add(batch, NFT_MSG_DELRULE, table->family, 0),
                                       rules);
}

static void remove_chain(NftBatch *batch, const RulesetTable *table, const RulesetChain *chain)
{
        g_autoptr(NftChain) copy = nft_checked(nftnl_chain_alloc());

        nftnl_chain_set_str(copy, NFTNL_CHAIN_TABLE, table->name);
        nftnl_chain_set_str(copy, NFTNL_CHAIN_NAME, chain->name);
        nftnl_chain_nlmsg_build_payload(nft_batch_add(batch, NFT_MSG_DELCHAIN, table->family, 0),
                                        copy);
}

void nft_objects_remove_part(NftBatch *batch, const RulesetTable *part)
{
        change_maps(batch, NFT_MSG_DELSETELEM, part);
        for (guint i = 0; i < part->chains->len; i++) /* they may go to each other */
                remove_rules(batch, part, g_ptr_array_index(part->chains, i));
        for (guint i = 0; i < part->chains->len; i++)
                remove_chain(batch, part, g_ptr_array_index(part->chains, i));
}

/* By others than us. */
static bool is_added_to(const RulesetMap *map)
{
        return map->type == MAP_ANSWERS || map->type == MAP_COUNTED;
}

/* The kernel takes a table, chain, map, object or element once more where it is the same as before.
 */
void nft_objects_put_part(NftBatch *batch, const RulesetTable *part, guint32 flags)
{
        nft_objects_add_table(batch, part->family, part->name, flags);
        change_timeouts(batch, NFT_MSG_NEWOBJ, part);
        add_maps(batch, part);
        for (guint i = 0; i < part->maps->len; i++) {
                const RulesetMap *map = part->maps->pdata[i];
                if (map->whole && !is_added_to(map))
                        empty_map(batch, part, map);
        }
        for (guint i = 0; i < part->chains->len; i++) {
                const RulesetChain *chain = g_ptr_array_index(part->chains, i);
                add_chain(batch, part, chain);
                remove_rules(batch, part, chain);
                add_rules(batch, part, chain);
        }
        change_maps(batch, NFT_MSG_NEWSETELEM, part);
}

/* Put first, so that there is all to be removed. */
void nft_objects_take_part(NftBatch *batch, const RulesetTable *part, guint32 flags)
{
        nft_objects_put_part(batch, part, flags);
        nft_objects_remove_part(batch, part);
        for (guint i = 0; i < part->maps->len; i++) {
                const RulesetMap *map = part->maps->pdata[i];
                if (map->whole)
                        remove_map(batch, part, map);
        }
        change_timeouts(batch, NFT_MSG_DELOBJ, part);
}

void nft_objects_replace_table(NftBatch *batch, const RulesetTable *table, guint32 flags)
{
        nft_objects_remove_table(batch, table->family, table->name);
        nft_objects_add_table(batch, table->family, table->name, flags);
        change_timeouts(batch, NFT_MSG_NEWOBJ, table);
        add_maps(batch, table);
        nft_objects_add_part(batch, table);
}
