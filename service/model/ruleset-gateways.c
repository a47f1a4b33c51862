/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What concerns all networks at once: that a gateway address is there for the NICs alone that have
 * it, and the twins' paths. Each packet is looked up once, however many networks there are: sets
 * and maps lead to what concerns it. Without a twin there is nothing but the addresses.
 *
 * A twin's connections are told apart by the zone of their original direction: same addresses, same
 * ports, two entries. Replies meet in zone 0, where NAT has made them different; the connection's
 * mark brings them back to the twin's routing table. DHCP is not tracked, since a renewal's port
 * would be rewritten. */

#include "model/ruleset.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter_arp.h>
#include <linux/netfilter_ipv4.h>
#include <linux/in.h>

#include "model/ruleset-build.h"
#include "model/twin.h"

#define DHCP_SERVER_PORT 67
#define DNS_PORT         53

#define CHAIN_NAME_SIZE 32

#define SET_GATEWAYS "gateways"
#define SET_HOMES    "homes"
#define MAP_ARRIVED  "arrived" /* from a NIC to what its packets are, before conntrack looks */
#define MAP_SENT     "sent"    /* the same for the host's own that are bound to the NIC */
#define MAP_BEGUN    "begun"   /* from a NIC to what its new connections are */
#define MAP_MARKED   "marked"  /* from a connection's mark to the packet's */
#define MAP_ASKED    "asked"   /* from a NIC to where its DNS questions go */

static char *chain_name(char *buffer, const char *map, guint twin)
{
        (void)g_snprintf(buffer, CHAIN_NAME_SIZE, "%s_%u", map, twin); /* fits */
        return buffer;
}

static void add_sets(RulesetTable *table, const GatewayPlace *places, guint n)
{
        RulesetMap *gateways = table_add_map(table, MAP_ADDRESS_SET, SET_GATEWAYS);
        RulesetMap *homes = table_add_map(table, MAP_PLACE_SET, SET_HOMES);
        g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

        for (guint i = 0; i < n; i++) {
                if (g_hash_table_add(seen, GUINT_TO_POINTER(places[i].gateway_ip)))
                        map_add(gateways, places[i].gateway_ip, 0);
                map_add_place(homes, places[i].gateway_ip, places[i].interface, NULL);
        }
}

/* One that @twin's packets are led to by @map. */
static RulesetChain *add_target(RulesetTable *table, RulesetMap *map, const GatewayPlace *twin)
{
        char name[CHAIN_NAME_SIZE];

        chain_name(name, map->name, twin->twin);
        if (map->type == MAP_MARK_VERDICTS)
                map_add_place(map, twin_mark(twin->twin), NULL, name);
        else
                map_add_place(map, 0, twin->interface, name);
        return table_add_target(table, name);
}

static void add_arrived(RulesetTable *table, RulesetMap *map, const GatewayPlace *twin)
{
        RulesetChain *chain = add_target(table, map, twin);

        RulesetRule *dhcp = chain_add_rule(chain);
        match_destination_port(dhcp, IPPROTO_UDP, DHCP_SERVER_PORT);
        rule_count(dhcp);
        rule_notrack(dhcp);
        rule_end(dhcp, NFT_RETURN);

        RulesetRule *rest = chain_add_rule(chain);
        rule_count(rest);
        rule_set_zone(rest, (guint16)twin->twin);
}

static void add_sent(RulesetTable *table, RulesetMap *map, const GatewayPlace *twin)
{
        RulesetRule *rule = chain_add_rule(add_target(table, map, twin));

        rule_count(rule);
        rule_set_zone(rule, (guint16)twin->twin);
}

static void add_begun(RulesetTable *table, RulesetMap *map, const GatewayPlace *twin)
{
        RulesetRule *rule = chain_add_rule(add_target(table, map, twin));

        rule_count(rule);
        rule_set_ct_mark(rule, TWIN_MARK_MASK, twin_mark(twin->twin));
}

/* What a board answers to somebody else goes by the main table, unmarked: the LAN may have the same
 * subnet as the twin. */
static void add_marked(RulesetTable *table, RulesetMap *map, const GatewayPlace *twin)
{
        RulesetChain *chain = add_target(table, map, twin);

        RulesetRule *answer = chain_add_rule(chain);
        match_iifname(answer, NFT_CMP_EQ, twin->interface);
        match_zone(answer, NFT_CMP_NEQ, (guint16)twin->twin);
        rule_verdict(answer, NFT_RETURN);

        RulesetRule *rest = chain_add_rule(chain);
        rule_count(rest);
        rule_set_mark(rest, TWIN_MARK_MASK, twin_mark(twin->twin));
}

static void add_asked(RulesetTable *table, RulesetMap *map, const GatewayPlace *twin)
{
        static const guint8 protocols[] = { IPPROTO_UDP, IPPROTO_TCP };
        RulesetChain *chain = add_target(table, map, twin);

        for (guint i = 0; i < G_N_ELEMENTS(protocols); i++) {
                RulesetRule *rule = chain_add_rule(chain);
                match_address(rule, FIELD_IP_DADDR, NFT_CMP_EQ, twin->gateway_ip);
                match_destination_port(rule, protocols[i], DNS_PORT);
                rule_redirect(rule, twin_dns_port(twin->twin));
        }
}

typedef struct Turn {
        const char *map;
        RulesetMapType type;
        void (*add)(RulesetTable *table, RulesetMap *map, const GatewayPlace *twin);
} Turn;

static const Turn turns[] = {
        { MAP_ARRIVED, MAP_INTERFACE_VERDICTS, add_arrived },
        { MAP_SENT, MAP_INTERFACE_VERDICTS, add_sent },
        { MAP_BEGUN, MAP_INTERFACE_VERDICTS, add_begun },
        { MAP_MARKED, MAP_MARK_VERDICTS, add_marked },
        { MAP_ASKED, MAP_INTERFACE_VERDICTS, add_asked },
};

/* What is no twin's, which is most, is not looked up. */
static void pass_others(RulesetChain *chain)
{
        RulesetRule *others = chain_add_rule(chain);

        match_ct_bits(others, NFT_CT_MARK, TWIN_MARK_MASK, 0);
        rule_end(others, NFT_RETURN);
}

/* What a twin's board has begun itself (it alone has a zone when it arrives) goes by the main
 * table, unmarked: no other leads out. Only what it has begun with a public address of its own
 * network comes back. */
static void pass_outward(RulesetChain *chain)
{
        RulesetRule *outward = chain_add_rule(chain);

        match_ct_direction(outward, IP_CT_DIR_ORIGINAL);
        match_zone(outward, NFT_CMP_NEQ, 0);
        match_ct_bits(outward, NFT_CT_STATUS, IPS_DST_NAT, 0);
        rule_end(outward, NFT_RETURN);
}

static void jump_by_twin(RulesetChain *chain)
{
        rule_jump_by_ct_mark(chain_add_rule(chain), TWIN_MARK_MASK, MAP_MARKED);
}

/* Zones before fragments are put together, which is done zone by zone; marks before the packet is
 * routed, or, by a chain of type route, routed again. */
static void add_hooks(RulesetTable *table)
{
        RulesetChain *raw_in = table_add_chain(table, "raw_prerouting", "filter",
                                               NF_INET_PRE_ROUTING, NF_IP_PRI_RAW_BEFORE_DEFRAG);
        rule_jump_by_interface(chain_add_rule(raw_in), NFT_META_IIFNAME, MAP_ARRIVED);

        RulesetChain *raw_out = table_add_chain(table, "raw_output", "filter", NF_INET_LOCAL_OUT,
                                                NF_IP_PRI_RAW_BEFORE_DEFRAG);
        rule_jump_by_interface(chain_add_rule(raw_out), NFT_META_OIFNAME, MAP_SENT);

        RulesetChain *in = table_add_chain(table, "prerouting", "filter", NF_INET_PRE_ROUTING,
                                           NF_IP_PRI_MANGLE);
        RulesetRule *begun = chain_add_rule(in);
        match_ct_any(begun, NFT_CT_STATE, STATE_NEW);
        rule_jump_by_interface(begun, NFT_META_IIFNAME, MAP_BEGUN);
        pass_others(in);
        pass_outward(in);
        jump_by_twin(in);

        RulesetChain *out =
                table_add_chain(table, "output", "route", NF_INET_LOCAL_OUT, NF_IP_PRI_MANGLE);
        pass_others(out);
        jump_by_twin(out);

        RulesetChain *dns =
                table_add_chain(table, "dns", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST);
        rule_jump_by_interface(chain_add_rule(dns), NFT_META_IIFNAME, MAP_ASKED);
}

/* What leads to twins, and has no element yet. */
static void add_turns(RulesetTable *table, RulesetMap *maps[G_N_ELEMENTS(turns)])
{
        for (guint i = 0; i < G_N_ELEMENTS(turns); i++)
                maps[i] = table_add_map(table, turns[i].type, turns[i].map);
}

static void add_twin(RulesetTable *table, RulesetMap *maps[G_N_ELEMENTS(turns)],
                     const GatewayPlace *twin)
{
        for (guint i = 0; i < G_N_ELEMENTS(turns); i++)
                turns[i].add(table, maps[i], twin);
}

/* A twin's name server answers what has been led to it alone: not another board that has the same
 * gateway address. */
static void add_unasked(RulesetChain *input)
{
        static const guint8 protocols[] = { IPPROTO_UDP, IPPROTO_TCP };

        for (guint i = 0; i < G_N_ELEMENTS(protocols); i++) {
                RulesetRule *rule = chain_add_rule(input);
                match_in_set(rule, FIELD_IP_DADDR, SET_GATEWAYS);
                match_iifname(rule, NFT_CMP_NEQ, "lo");
                match_destination_ports(rule, protocols[i], TWIN_DNS_PORTS, TWIN_DNS_PORTS_MASK);
                match_ct_bits(rule, NFT_CT_STATUS, IPS_DST_NAT, 0);
                rule_verdict(rule, NF_DROP);
        }
}

static bool has_twins(const GatewayPlace *places, guint n)
{
        for (guint i = 0; i < n; i++)
                if (places[i].twin != 0)
                        return true;
        return false;
}

/* No network's forward is for a gateway address, of whichever network. */
static void add_keeping(RulesetTable *table)
{
        static const struct {
                const char *name;
                guint32 hook;
        } chains[] = {
                { "kept_in", NF_INET_PRE_ROUTING },
                { "kept_out", NF_INET_LOCAL_OUT },
        };

        for (guint i = 0; i < G_N_ELEMENTS(chains); i++) {
                RulesetChain *chain = table_add_chain(table, chains[i].name, "nat", chains[i].hook,
                                                      KEEPING_PRIORITY);
                RulesetRule *rule = chain_add_rule(chain);
                match_in_set(rule, FIELD_IP_DADDR, SET_GATEWAYS);
                rule_keep_destination(rule);
        }
}

static void add_ip_table(Ruleset *ruleset, const GatewayPlace *places, guint n)
{
        RulesetTable *table = ruleset_add_table(ruleset, NFPROTO_IPV4, GATEWAYS_TABLE);

        add_sets(table, places, n);
        RulesetChain *input =
                table_add_chain(table, "input", "filter", NF_INET_LOCAL_IN, NF_IP_PRI_FILTER);
        RulesetRule *strange = chain_add_rule(input);
        match_in_set(strange, FIELD_IP_DADDR, SET_GATEWAYS);
        match_iifname(strange, NFT_CMP_NEQ, "lo");
        match_not_at(strange, FIELD_IP_DADDR, NFT_META_IIFNAME, SET_HOMES);
        rule_verdict(strange, NF_DROP);
        add_keeping(table);
        if (!has_twins(places, n))
                return;
        add_unasked(input);
        RulesetMap *maps[G_N_ELEMENTS(turns)];
        add_turns(table, maps);
        add_hooks(table);
        for (guint i = 0; i < n; i++)
                if (places[i].twin != 0)
                        add_twin(table, maps, &places[i]);
}

/* A NIC without the address neither answers for it nor asks with it. */
static void add_arp_table(Ruleset *ruleset, const GatewayPlace *places, guint n)
{
        RulesetTable *table = ruleset_add_table(ruleset, NFPROTO_ARP, GATEWAYS_TABLE);

        add_sets(table, places, n);
        RulesetRule *asked =
                chain_add_rule(table_add_chain(table, "input", "filter", NF_ARP_IN, 0));
        match_in_set(asked, FIELD_ARP_DADDR, SET_GATEWAYS);
        match_not_at(asked, FIELD_ARP_DADDR, NFT_META_IIFNAME, SET_HOMES);
        rule_verdict(asked, NF_DROP);

        RulesetRule *told =
                chain_add_rule(table_add_chain(table, "output", "filter", NF_ARP_OUT, 0));
        match_in_set(told, FIELD_ARP_SADDR, SET_GATEWAYS);
        match_not_at(told, FIELD_ARP_SADDR, NFT_META_OIFNAME, SET_HOMES);
        rule_verdict(told, NF_DROP);
}

Ruleset *ruleset_new_gateways(const GatewayPlace *places, guint n)
{
        g_autoptr(Ruleset) ruleset = ruleset_new();

        add_ip_table(ruleset, places, n);
        add_arp_table(ruleset, places, n);
        return g_steal_pointer(&ruleset);
}

static void add_home(RulesetTable *table, const GatewayPlace *place, bool shared)
{
        if (!shared)
                map_add(table_add_map(table, MAP_ADDRESS_SET, SET_GATEWAYS), place->gateway_ip, 0);
        map_add_place(table_add_map(table, MAP_PLACE_SET, SET_HOMES), place->gateway_ip,
                      place->interface, NULL);
}

Ruleset *ruleset_new_gateway_part(const GatewayPlace *place, bool shared)
{
        g_autoptr(Ruleset) ruleset = ruleset_new();
        RulesetTable *ip = ruleset_add_table(ruleset, NFPROTO_IPV4, GATEWAYS_TABLE);

        add_home(ip, place, shared);
        if (place->twin != 0) {
                RulesetMap *maps[G_N_ELEMENTS(turns)];
                add_turns(ip, maps);
                add_twin(ip, maps, place);
        }
        add_home(ruleset_add_table(ruleset, NFPROTO_ARP, GATEWAYS_TABLE), place, shared);
        return g_steal_pointer(&ruleset);
}
