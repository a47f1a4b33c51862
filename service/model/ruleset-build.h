/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* How a Ruleset is put together: tables, maps and chains, and rules from what nft calls matches and
 * statements. Strings that the types call literals are kept as they are; others are copied. What is
 * added belongs to what it was added to. */

#include <glib.h>
#include <linux/netfilter/nf_conntrack_common.h>

#include "model/address.h"
#include "model/address6.h"
#include "model/filter.h"
#include "model/ruleset-types.h"

/* Fields of the headers, as offsets. */
#define FIELD_IP_SADDR         12
#define FIELD_IP_DADDR         16
#define FIELD_IP6_SADDR        8
#define FIELD_IP6_DADDR        24
#define FIELD_ARP_SADDR        14 /* sender, for 6-byte hardware addresses */
#define FIELD_ARP_DADDR        24 /* target */
#define FIELD_DESTINATION_PORT 2
#define FIELD_TCP_FLAGS        13

/* As the register has ct state: NF_CT_STATE_BIT() of ip_conntrack_info and NF_CT_STATE_*_BIT. */
#define STATE_INVALID   (1 << 0)
#define STATE_RELATED   (1 << 2)
#define STATE_NEW       (1 << 3)
#define STATE_UNTRACKED (1 << 6)

/* And of connections' status: source or destination is another than it was. */
#define STATUS_TRANSLATED (IPS_SRC_NAT | IPS_DST_NAT)

Ruleset *ruleset_new(void);
RulesetTable *ruleset_add_table(Ruleset *ruleset, guint16 family, const char *name);
/* One that others have their parts in as well. */
RulesetTable *ruleset_add_shared_table(Ruleset *ruleset, guint16 family, const char *name);
RulesetMap *table_add_map(RulesetTable *table, RulesetMapType type, const char *name);
/* An element of a map or set of addresses; a set has no @value. */
void map_add(RulesetMap *map, guint32 key, guint32 value);
/* An element of another one. @interface NULL: the key has none; @chain NULL: it is a set. */
void map_add_place(RulesetMap *map, guint32 number, const char *interface, const char *chain);
/* An element of one of ports. */
void map_add_port(RulesetMap *map, const RulesetPort *port);
/* An object of that name, copied. */
void table_add_timeout(RulesetTable *table, const RulesetTimeout *timeout);
RulesetChain *table_add_chain(RulesetTable *table, const char *name, const char *type, guint32 hook,
                              gint32 priority);
/* One that is reached by jumps alone. */
RulesetChain *table_add_target(RulesetTable *table, const char *name);
RulesetRule *chain_add_rule(RulesetChain *chain);

/* Matches; @operation is NFT_CMP_EQ or NFT_CMP_NEQ. */
void match_iifname(RulesetRule *rule, guint32 operation, const char *interface);
void match_oifname(RulesetRule *rule, guint32 operation, const char *interface);
void match_address(RulesetRule *rule, guint32 field, guint32 operation, guint32 address);
void match_subnet(RulesetRule *rule, guint32 field, guint32 operation, const Subnet *subnet);
/* The same with FIELD_IP6_*. */
void match_address6(RulesetRule *rule, guint32 field, guint32 operation, const Address6 *address);
void match_subnet6(RulesetRule *rule, guint32 field, guint32 operation, const Subnet6 *subnet);
/* A packet of @family (NFPROTO_IPV4, NFPROTO_IPV6), in a table of more families. */
void match_family(RulesetRule *rule, guint8 family);
/* It goes as its connection's first packet went (IP_CT_DIR_ORIGINAL), or back. */
void match_ct_direction(RulesetRule *rule, guint8 direction);
/* Any of the bits @mask is set. @key: NFT_CT_STATE, NFT_CT_STATUS. */
void match_ct_any(RulesetRule *rule, guint32 key, guint32 mask);
/* Of the bits @mask exactly @bits are set. */
void match_ct_bits(RulesetRule *rule, guint32 key, guint32 mask, guint32 bits);
/* The same of the packet's mark. */
void match_mark_bits(RulesetRule *rule, guint32 mask, guint32 bits);
/* The conntrack zone of the original direction. */
void match_zone(RulesetRule *rule, guint32 operation, guint16 zone);
/* @protocol: IPPROTO_UDP or IPPROTO_TCP. */
void match_destination_port(RulesetRule *rule, guint8 protocol, guint16 port);
/* The bits @mask of the port are @ports. */
void match_destination_ports(RulesetRule *rule, guint8 protocol, guint16 ports, guint16 mask);
/* A packet of @protocol (IPPROTO_*), whatever is in it. */
void match_protocol(RulesetRule *rule, guint8 protocol);
/* The port is one of @first to @last. */
/* A TCP packet that begins no connection: another one than SYN alone. */
void match_tcp_midst(RulesetRule *rule);
void match_port_range(RulesetRule *rule, guint8 protocol, guint16 first, guint16 last);
/* The address in @field is in the set. */
void match_in_set(RulesetRule *rule, guint32 field, const char *set);
/* The packet's destination is an address of the host's. */
void match_local_destination(RulesetRule *rule);
/* The same of its source. */
void match_local_source(RulesetRule *rule);
/* The port is in the set; with the source where that has subnets. */
void match_port_in_set(RulesetRule *rule, guint8 protocol, const char *set, bool with_source);
/* The address in @field, with the interface of @key (NFT_META_IIFNAME or NFT_META_OIFNAME), is not
 * in the set of places. */
void match_not_at(RulesetRule *rule, guint32 field, guint32 key, const char *set);

/* This connection, which is not confirmed yet, would be one more than @limit of the address in
 * @field; the set (MAP_COUNTED) counts them, and those that have ended no more. */
void match_more_connections(RulesetRule *rule, guint32 field, const char *set, guint32 limit);

/* Statements that the rule goes on after. */
void rule_count(RulesetRule *rule);
void rule_notrack(RulesetRule *rule);
/* The conntrack zone of the original direction; replies meet in zone 0. */
void rule_set_zone(RulesetRule *rule, guint16 zone);
/* The bits @mask of connection's or packet's mark become @mark; the others stay. */
void rule_set_ct_mark(RulesetRule *rule, guint32 mask, guint32 mark);
void rule_set_mark(RulesetRule *rule, guint32 mask, guint32 mark);
/* The connection, where it is not confirmed yet, gets the object's timeouts, where it is of its
 * protocol. */
void rule_set_timeout(RulesetRule *rule, const char *timeout);

/* Jumps to the chain that @map has for the interface of @key, or for the bits @mask of the
 * connection's mark; none: goes on. Not counted: the chain's own rules are. */
void rule_jump_by_interface(RulesetRule *rule, guint32 key, const char *map);
void rule_jump_by_ct_mark(RulesetRule *rule, guint32 mask, const char *map);

/* Jumps or goes to the chain that @map has for the address in @field. */
void rule_turn_by_address(RulesetRule *rule, guint32 field, const char *map);

/* Goes to @chain, of the same table, and not back here; or jumps there. Counts before. */
void rule_goto(RulesetRule *rule, const RulesetChain *chain);
void rule_jump(RulesetRule *rule, const RulesetChain *chain);
/* Logs the packet, but not more than so many a second: those beyond end the rule. @prefix is cut at
 * 47 bytes. */
void rule_log(RulesetRule *rule, guint32 packets_per_second, const char *prefix);
/* What nft shows behind the rule, and nft_read_counters() knows it by. */
void rule_comment(RulesetRule *rule, const char *comment);

/* Ends the rule, which has been counted. */
void rule_end(RulesetRule *rule, gint32 verdict);

/* Statements: each ends the rule and counts before. */
void rule_verdict(RulesetRule *rule, gint32 verdict);
/* The same for a TCP segment, whose sender learns of it. */
void rule_reset(RulesetRule *rule);
void rule_masquerade(RulesetRule *rule);
/* The source port becomes one of these; only of what has ports. */
void rule_masquerade_ports(RulesetRule *rule, guint16 first, guint16 last);
void rule_redirect(RulesetRule *rule, guint16 port);
/* NFT_NAT_SNAT or NFT_NAT_DNAT to what @map has for the address in @field; a packet for which it
 * has nothing goes on to the next rule, uncounted. */
void rule_nat_map(RulesetRule *rule, guint32 nat_type, guint32 field, const char *map);

/* NFT_NAT_DNAT to what @map has for the port, which match_port_in_set() has found in its set. */
void rule_forward(RulesetRule *rule, const char *map, bool with_source);
/* NFT_NAT_DNAT to where the packet goes anyway: nothing that comes later translates it. */
void rule_keep_destination(RulesetRule *rule);

/* What leads to the LAN: the upstream and, where it is another, the public interface. */
typedef struct Uplinks {
        const char *names[2];
        guint n;
} Uplinks;

/* The maps of ports of the host that lead to boards, and the chain that leads them there, to be
 * gone to. */
RulesetChain *ruleset_add_forwards(RulesetTable *table, const RulesetFacts *facts);
/* Where that is: what is for a public or a gateway address has been found before, by 1:1 mappings
 * (NF_IP_PRI_NAT_DST) and by what keeps gateway addresses what they are. The first translation of a
 * connection is the only one. */
#define KEEPING_PRIORITY  (NF_IP_PRI_NAT_DST + 1)
#define FORWARDS_PRIORITY (NF_IP_PRI_NAT_DST + 2)
/* Whether the network has any forward, led to somewhere now or not. */
bool ruleset_has_forwards(const RulesetFacts *facts);
/* Whether the LAN may begin anything by IPv4. */
bool ruleset_has_ways_in(const RulesetFacts *facts);

/* Where connections that begin go. */
typedef struct LimitChains {
        const RulesetChain *begun;   /* a DUT's to the LAN */
        const RulesetChain *arrived; /* and those from there */
} LimitChains;

/* The chains and maps of a network's limits in the filter table: for what @egress and @ingress let
 * pass, to be gone to instead of those. */
LimitChains ruleset_add_limits(RulesetTable *filter, const RulesetFacts *facts,
                               const RulesetChain *egress, const RulesetChain *ingress);
/* What leads there from the network whose own table is @table, to be taken out. */
void ruleset_add_limits_part(RulesetTable *filter, const char *table);
/* The map and chains of the ranges of ports in the network's own; the chain that masquerades those
 * DUTs that have none of their own, NULL where any port is good. */
RulesetChain *ruleset_add_port_ranges(RulesetTable *table, const RulesetFacts *facts);
/* From a DUT's address to the chain that masquerades it. */
#define MAP_NAT_PORTS "nat_ports"

/* A network's part of the table @facts->filter_table: what may pass. */
void ruleset_add_filter(Ruleset *ruleset, const RulesetFacts *facts, const Uplinks *uplinks);
/* Its part of the table of the filters with names. */
void ruleset_add_names(Ruleset *ruleset, const RulesetFacts *facts, const Uplinks *uplinks);
/* One direction of the setting `filter` for @family (NFPROTO_IPV4 or NFPROTO_IPV6), whose table
 * @chain is of. What it lets pass gets the bits @mark. */
void chain_add_side(RulesetChain *chain, const RulesetFacts *facts, guint16 family,
                    FilterDirection direction, guint32 mark);
/* The network's table of IPv6. */
void ruleset_add_ipv6(Ruleset *ruleset, const RulesetFacts *facts, const Uplinks *uplinks);
/* Drops what comes to the host from the network with an address that is not a board's, and what
 * comes to the host's addresses in it from elsewhere. @family: the table's. */
void chain_guard_gateway6(RulesetChain *chain, guint16 family, const char *interface,
                          const Subnet6 *subnet, const Address6 *gateway);

/* What networks and the guard have in common. Nothing is forwarded between @interface and any other
 * one: */
void chain_drop_forwarding(RulesetChain *chain, const char *interface);
/* What connection tracking will not translate is dropped: the invalid and the untracked; and
 * connections that are not translated, which they are by their first packet or never (the first
 * itself is not confirmed yet when it is forwarded). */
void chain_drop_strays(RulesetChain *chain);
void chain_drop_untranslated(RulesetChain *chain);
/* The source addresses that @interface's side may have towards the host: @subnet's, and none yet
 * (0.0.0.0, as a DHCP client has): */
void rule_drop_forged(RulesetRule *rule, const char *interface, const Subnet *subnet);
