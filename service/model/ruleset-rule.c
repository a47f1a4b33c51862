/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What rules are made of: matches and statements, each the expressions that nft makes of it. */

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "model/ruleset-build.h"

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

static void add_number(RulesetRule *rule, ExpressionValue value, bool append)
{
        add(rule, (Expression){ .type = EXPRESSION_NUMBER,
                                .number = { .value = value, .append = append } });
}

static void add_compare(RulesetRule *rule, guint32 operation, ExpressionValue value)
{
        add(rule, (Expression){ .type = EXPRESSION_COMPARE,
                                .compare = { .operation = operation, .value = value } });
}

static void add_field(RulesetRule *rule, guint32 field)
{
        add(rule, (Expression){ .type = EXPRESSION_PAYLOAD,
                                .payload = { .base = NFT_PAYLOAD_NETWORK_HEADER,
                                             .offset = field,
                                             .length = sizeof(guint32) } });
}

static void add_meta(RulesetRule *rule, guint32 key)
{
        add(rule, (Expression){ .type = EXPRESSION_META, .meta = { .key = key } });
}

static void add_bitwise(RulesetRule *rule, ExpressionValue mask, ExpressionValue bits)
{
        add(rule,
            (Expression){ .type = EXPRESSION_BITWISE, .bitwise = { .mask = mask, .bits = bits } });
}

static void add_lookup(RulesetRule *rule, const char *name, LookupType type)
{
        add(rule, (Expression){ .type = EXPRESSION_LOOKUP,
                                .lookup = { .name = g_strdup(name), .type = type } });
}

/* The whole 16 bytes are compared, so that "eth1" is not "eth10". */
static void match_name(RulesetRule *rule, guint32 key, guint32 operation, const char *interface)
{
        ExpressionValue name = { .length = sizeof name.bytes };

        g_strlcpy((char *)name.bytes, interface, sizeof name.bytes);
        add_meta(rule, key);
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
        add_bitwise(rule, value_of_address(subnet_netmask(subnet)), value_of_number(0));
        add_compare(rule, operation, value_of_address(subnet->network));
}

static ExpressionValue value_of_address6(const Address6 *address)
{
        return value_of(address->bytes, sizeof address->bytes);
}

static void add_field6(RulesetRule *rule, guint32 field)
{
        add(rule, (Expression){ .type = EXPRESSION_PAYLOAD,
                                .payload = { .base = NFT_PAYLOAD_NETWORK_HEADER,
                                             .offset = field,
                                             .length = sizeof(Address6) } });
}

void match_address6(RulesetRule *rule, guint32 field, guint32 operation, const Address6 *address)
{
        add_field6(rule, field);
        add_compare(rule, operation, value_of_address6(address));
}

void match_subnet6(RulesetRule *rule, guint32 field, guint32 operation, const Subnet6 *subnet)
{
        const Address6 mask = subnet6_netmask(subnet->prefix), none = { 0 };

        add_field6(rule, field);
        add_bitwise(rule, value_of_address6(&mask), value_of_address6(&none));
        add_compare(rule, operation, value_of_address6(&subnet->network));
}

void match_ct_direction(RulesetRule *rule, guint8 direction)
{
        add(rule, (Expression){ .type = EXPRESSION_CT, .ct_key = NFT_CT_DIRECTION });
        add_compare(rule, NFT_CMP_EQ, value_of(&direction, sizeof direction));
}

void match_family(RulesetRule *rule, guint8 family)
{
        add_meta(rule, NFT_META_NFPROTO);
        add_compare(rule, NFT_CMP_EQ, value_of(&family, sizeof family));
}

static void add_ct_bits(RulesetRule *rule, guint32 key, guint32 mask)
{
        add(rule, (Expression){ .type = EXPRESSION_CT, .ct_key = key });
        add_bitwise(rule, value_of_number(mask), value_of_number(0));
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

void match_mark_bits(RulesetRule *rule, guint32 mask, guint32 bits)
{
        add_meta(rule, NFT_META_MARK);
        add_bitwise(rule, value_of_number(mask), value_of_number(0));
        add_compare(rule, NFT_CMP_EQ, value_of_number(bits));
}

void match_zone(RulesetRule *rule, guint32 operation, guint16 zone)
{
        add(rule, (Expression){ .type = EXPRESSION_CT, .ct_key = NFT_CT_ZONE });
        add_compare(rule, operation, value_of(&zone, sizeof zone));
}

void match_protocol(RulesetRule *rule, guint8 protocol)
{
        add_meta(rule, NFT_META_L4PROTO);
        add_compare(rule, NFT_CMP_EQ, value_of(&protocol, sizeof protocol));
}

static void add_port_field(RulesetRule *rule)
{
        add(rule, (Expression){ .type = EXPRESSION_PAYLOAD,
                                .payload = { .base = NFT_PAYLOAD_TRANSPORT_HEADER,
                                             .offset = FIELD_DESTINATION_PORT,
                                             .length = sizeof(guint16) } });
}

static void add_destination_port(RulesetRule *rule, guint8 protocol)
{
        match_protocol(rule, protocol);
        add_port_field(rule);
}

/* The port, and the source behind it. */
static void add_port_key(RulesetRule *rule, bool with_source)
{
        add_port_field(rule);
        if (!with_source)
                return;
        add_field(rule, FIELD_IP_SADDR);
        g_array_index(rule->expressions, Expression, rule->expressions->len - 1).payload.append =
                true;
}

static ExpressionValue value_of_port(guint16 port)
{
        const guint16 number = htons(port);

        return value_of(&number, sizeof number);
}

void match_destination_port(RulesetRule *rule, guint8 protocol, guint16 port)
{
        add_destination_port(rule, protocol);
        add_compare(rule, NFT_CMP_EQ, value_of_port(port));
}

void match_destination_ports(RulesetRule *rule, guint8 protocol, guint16 ports, guint16 mask)
{
        add_destination_port(rule, protocol);
        add_bitwise(rule, value_of_port(mask), value_of_port(0));
        add_compare(rule, NFT_CMP_EQ, value_of_port(ports));
}

void match_tcp_midst(RulesetRule *rule)
{
        const guint8 all = TH_FIN | TH_SYN | TH_RST | TH_ACK, none = 0, begins = TH_SYN;

        match_protocol(rule, IPPROTO_TCP);
        add(rule, (Expression){ .type = EXPRESSION_PAYLOAD,
                                .payload = { .base = NFT_PAYLOAD_TRANSPORT_HEADER,
                                             .offset = FIELD_TCP_FLAGS,
                                             .length = sizeof all } });
        add_bitwise(rule, value_of(&all, sizeof all), value_of(&none, sizeof none));
        add_compare(rule, NFT_CMP_NEQ, value_of(&begins, sizeof begins));
}

void match_port_range(RulesetRule *rule, guint8 protocol, guint16 first, guint16 last)
{
        if (first == last) {
                match_destination_port(rule, protocol, first);
                return;
        }
        add_destination_port(rule, protocol);
        add_compare(rule, NFT_CMP_GTE, value_of_port(first));
        add_compare(rule, NFT_CMP_LTE, value_of_port(last));
}

void match_in_set(RulesetRule *rule, guint32 field, const char *set)
{
        add_field(rule, field);
        add_lookup(rule, set, LOOKUP_IN_SET);
}

void match_not_at(RulesetRule *rule, guint32 field, guint32 key, const char *set)
{
        add_field(rule, field);
        add(rule, (Expression){ .type = EXPRESSION_META, .meta = { .key = key, .append = true } });
        add(rule, (Expression){ .type = EXPRESSION_EXCLUDE, .lookup = { .name = g_strdup(set) } });
}

static void match_local(RulesetRule *rule, guint32 flag)
{
        add(rule, (Expression){ .type = EXPRESSION_ADDRESS_TYPE, .address_flag = flag });
        add_compare(rule, NFT_CMP_EQ, value_of_number(RTN_LOCAL));
}

void match_local_destination(RulesetRule *rule)
{
        match_local(rule, NFTA_FIB_F_DADDR);
}

void match_local_source(RulesetRule *rule)
{
        match_local(rule, NFTA_FIB_F_SADDR);
}

void match_port_in_set(RulesetRule *rule, guint8 protocol, const char *set, bool with_source)
{
        match_protocol(rule, protocol);
        add_port_key(rule, with_source);
        add_lookup(rule, set, LOOKUP_IN_SET);
}

void rule_count(RulesetRule *rule)
{
        add(rule, (Expression){ .type = EXPRESSION_COUNTER });
}

void rule_notrack(RulesetRule *rule)
{
        add(rule, (Expression){ .type = EXPRESSION_NOTRACK });
}

void rule_set_zone(RulesetRule *rule, guint16 zone)
{
        add_number(rule, value_of(&zone, sizeof zone), false);
        add(rule, (Expression){ .type = EXPRESSION_SET_CT, .ct_key = NFT_CT_ZONE });
}

void rule_set_ct_mark(RulesetRule *rule, guint32 mask, guint32 mark)
{
        add(rule, (Expression){ .type = EXPRESSION_CT, .ct_key = NFT_CT_MARK });
        add_bitwise(rule, value_of_number(~mask), value_of_number(mark));
        add(rule, (Expression){ .type = EXPRESSION_SET_CT, .ct_key = NFT_CT_MARK });
}

void rule_set_mark(RulesetRule *rule, guint32 mask, guint32 mark)
{
        add_meta(rule, NFT_META_MARK);
        add_bitwise(rule, value_of_number(~mask), value_of_number(mark));
        add(rule, (Expression){ .type = EXPRESSION_SET_META, .meta = { .key = NFT_META_MARK } });
}

void rule_jump_by_interface(RulesetRule *rule, guint32 key, const char *map)
{
        add_meta(rule, key);
        add_lookup(rule, map, LOOKUP_VERDICT);
}

void rule_turn_by_address(RulesetRule *rule, guint32 field, const char *map)
{
        add_field(rule, field);
        add_lookup(rule, map, LOOKUP_VERDICT);
}

void rule_jump_by_ct_mark(RulesetRule *rule, guint32 mask, const char *map)
{
        add_ct_bits(rule, NFT_CT_MARK, mask);
        add_lookup(rule, map, LOOKUP_VERDICT);
}

void rule_end(RulesetRule *rule, gint32 verdict)
{
        add(rule, (Expression){ .type = EXPRESSION_VERDICT, .verdict = { .code = verdict } });
}

void rule_verdict(RulesetRule *rule, gint32 verdict)
{
        rule_count(rule);
        rule_end(rule, verdict);
}

void rule_reset(RulesetRule *rule)
{
        rule_count(rule);
        add(rule, (Expression){ .type = EXPRESSION_RESET });
}

static void add_turn(RulesetRule *rule, gint32 code, const RulesetChain *chain)
{
        rule_count(rule);
        add(rule, (Expression){ .type = EXPRESSION_VERDICT,
                                .verdict = { .code = code, .chain = chain->name } });
}

void rule_goto(RulesetRule *rule, const RulesetChain *chain)
{
        add_turn(rule, NFT_GOTO, chain);
}

void rule_jump(RulesetRule *rule, const RulesetChain *chain)
{
        add_turn(rule, NFT_JUMP, chain);
}

void rule_log(RulesetRule *rule, guint32 packets_per_second, const char *prefix)
{
        Expression log = { .type = EXPRESSION_LOG };

        g_strlcpy(log.log_prefix, prefix, sizeof log.log_prefix);
        add(rule,
            (Expression){ .type = EXPRESSION_LIMIT, .packets_per_second = packets_per_second });
        add(rule, log);
}

void rule_comment(RulesetRule *rule, const char *comment)
{
        g_free(rule->comment);
        rule->comment = g_strdup(comment);
}

void rule_masquerade(RulesetRule *rule)
{
        rule_count(rule);
        add(rule, (Expression){ .type = EXPRESSION_MASQUERADE });
}

void rule_masquerade_ports(RulesetRule *rule, guint16 first, guint16 last)
{
        rule_count(rule);
        add_number(rule, value_of_port(first), false);
        add_number(rule, value_of_port(last), true);
        add(rule, (Expression){ .type = EXPRESSION_MASQUERADE, .masquerade_ports = true });
}

void match_more_connections(RulesetRule *rule, guint32 field, const char *set, guint32 limit)
{
        add_field(rule, field);
        add(rule, (Expression){ .type = EXPRESSION_COUNT_CONNECTIONS,
                                .count = { .set = g_strdup(set), .limit = limit } });
}

void rule_set_timeout(RulesetRule *rule, const char *timeout)
{
        add(rule, (Expression){ .type = EXPRESSION_SET_TIMEOUT, .object = g_strdup(timeout) });
}

void rule_redirect(RulesetRule *rule, guint16 port)
{
        rule_count(rule);
        add_number(rule, value_of_port(port), false);
        add(rule, (Expression){ .type = EXPRESSION_REDIRECT });
}

void rule_nat_map(RulesetRule *rule, guint32 nat_type, guint32 field, const char *map)
{
        add_field(rule, field);
        add_lookup(rule, map, LOOKUP_VALUE);
        rule_count(rule);
        add(rule, (Expression){ .type = EXPRESSION_NAT, .nat = { .type = nat_type } });
}

void rule_forward(RulesetRule *rule, const char *map, bool with_source)
{
        rule_count(rule);
        add_port_key(rule, with_source);
        add_lookup(rule, map, LOOKUP_VALUE);
        add(rule, (Expression){ .type = EXPRESSION_NAT,
                                .nat = { .type = NFT_NAT_DNAT, .with_port = true } });
}

void rule_keep_destination(RulesetRule *rule)
{
        rule_count(rule);
        add_field(rule, FIELD_IP_DADDR);
        add(rule, (Expression){ .type = EXPRESSION_NAT, .nat = { .type = NFT_NAT_DNAT } });
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

void chain_drop_strays(RulesetChain *chain)
{
        RulesetRule *rule = chain_add_rule(chain);

        match_ct_any(rule, NFT_CT_STATE, STATE_INVALID | STATE_UNTRACKED);
        rule_verdict(rule, NF_DROP);
}

void chain_drop_untranslated(RulesetChain *chain)
{
        RulesetRule *rule = chain_add_rule(chain);

        match_ct_bits(rule, NFT_CT_STATUS, IPS_CONFIRMED | STATUS_TRANSLATED, IPS_CONFIRMED);
        rule_verdict(rule, NF_DROP);
}

void rule_drop_forged(RulesetRule *rule, const char *interface, const Subnet *subnet)
{
        match_iifname(rule, NFT_CMP_EQ, interface);
        match_subnet(rule, FIELD_IP_SADDR, NFT_CMP_NEQ, subnet);
        match_address(rule, FIELD_IP_SADDR, NFT_CMP_NEQ, 0);
        rule_verdict(rule, NF_DROP);
}
