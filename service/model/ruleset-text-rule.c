/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A rule in the language of nft(8): its expressions are walked through, with what each leaves in
 * the register for the next. */

#include "model/ruleset-text.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "model/ruleset-build.h"

/* What the register holds while a rule's expressions are walked through. */
typedef struct Loaded {
        const Expression *source;
        const Expression *appended; /* behind it; NULL: nothing */
        const Expression *bitwise;  /* NULL: all of it */
        const char *map;            /* what is found there for it */
        const Expression *next;     /* what comes after this expression; NULL: none */
        guint8 protocol;            /* what the rule is about; 0: any */
} Loaded;

typedef struct BitName {
        guint32 bit;
        const char *name;
} BitName;

static const BitName state_names[] = {
        { 1 << 0, "invalid" }, { 1 << 1, "established" }, { 1 << 2, "related" },
        { 1 << 3, "new" },     { 1 << 6, "untracked" },
};

static const BitName status_names[] = {
        { IPS_CONFIRMED, "confirmed" },
        { IPS_SRC_NAT, "snat" },
        { IPS_DST_NAT, "dnat" },
};

static const char *meta_name(guint32 key)
{
        if (key == NFT_META_IIFNAME)
                return "iifname";
        if (key == NFT_META_OIFNAME)
                return "oifname";
        if (key == NFT_META_MARK)
                return "meta mark";
        return key == NFT_META_NFPROTO ? "meta nfproto" : "?";
}

/* An IPv6 address is known by its length, whatever the table's family. */
static bool is_address6(const Expression *source)
{
        return source->type == EXPRESSION_PAYLOAD && source->payload.length == sizeof(Address6);
}

static const char *field_name(guint16 family, const Expression *source)
{
        guint32 offset = source->payload.offset;

        if (is_address6(source))
                return offset == FIELD_IP6_SADDR ? "ip6 saddr" : "ip6 daddr";
        if (family == NFPROTO_ARP)
                return offset == FIELD_ARP_SADDR ? "arp saddr ip" : "arp daddr ip";
        return offset == FIELD_IP_SADDR ? "ip saddr" : "ip daddr";
}

static const char *source_name(guint16 family, const Expression *source)
{
        if (source->type == EXPRESSION_ADDRESS_TYPE)
                return source->address_flag == NFTA_FIB_F_SADDR ? "fib saddr type"
                                                                : "fib daddr type";
        if (source->type == EXPRESSION_META)
                return meta_name(source->meta.key);
        if (source->type == EXPRESSION_PAYLOAD)
                return field_name(family, source);
        if (source->ct_key == NFT_CT_MARK)
                return "ct mark";
        if (source->ct_key == NFT_CT_DIRECTION)
                return "ct direction";
        if (source->ct_key == NFT_CT_ZONE)
                return "ct original zone";
        return source->ct_key == NFT_CT_STATE ? "ct state" : "ct status";
}

static guint32 number_of(const ExpressionValue *value)
{
        guint32 number = 0;

        memcpy(&number, value->bytes, MIN(value->length, sizeof number));
        return number;
}

void ruleset_print_address(GString *text, guint32 address)
{
        char buffer[ADDRESS_TEXT_SIZE];

        g_string_append(text, address_format(address, buffer));
}

static void print_bits(GString *text, guint32 bits, const BitName *names, guint n)
{
        const char *separator = "";

        for (guint i = 0; i < n; i++) {
                if (!(bits & names[i].bit))
                        continue;
                g_string_append_printf(text, "%s%s", separator, names[i].name);
                separator = ",";
        }
}

static void print_ct_bits(GString *text, guint32 ct_key, guint32 bits)
{
        if (ct_key == NFT_CT_STATE)
                print_bits(text, bits, state_names, G_N_ELEMENTS(state_names));
        else
                print_bits(text, bits, status_names, G_N_ELEMENTS(status_names));
}

/* Quoted; an asterisk at the end would stand for any name that begins so. */
void ruleset_print_name(GString *text, const char *name)
{
        gsize length = strlen(name);

        if (g_str_has_suffix(name, "*"))
                g_string_append_printf(text, "\"%.*s\\*\"", (int)length - 1, name);
        else
                g_string_append_printf(text, "\"%s\"", name);
}

static void print_meta_value(GString *text, guint32 key, const ExpressionValue *value)
{
        if (key == NFT_META_NFPROTO)
                g_string_append(text, value->bytes[0] == NFPROTO_IPV4 ? "ipv4" : "ipv6");
        else if (key == NFT_META_MARK)
                g_string_append_printf(text, "0x%08x", number_of(value));
        else
                ruleset_print_name(text, (const char *)value->bytes);
}

static void print_address6_value(GString *text, const Expression *bitwise,
                                 const ExpressionValue *value)
{
        Subnet6 hosts = { .prefix = bitwise ? 0 : 128 };

        memcpy(hosts.network.bytes, value->bytes, sizeof hosts.network.bytes);
        for (guint i = 0; bitwise && i < sizeof hosts.network.bytes; i++)
                hosts.prefix += (guint)__builtin_popcount(bitwise->bitwise.mask.bytes[i]);
        g_autofree char *printed = hosts6_to_string(&hosts);
        g_string_append(text, printed);
}

static void print_payload_value(GString *text, const Expression *bitwise,
                                const ExpressionValue *value)
{
        if (value->length == sizeof(Address6)) {
                print_address6_value(text, bitwise, value);
                return;
        }
        ruleset_print_address(text, ntohl(number_of(value)));
        if (bitwise)
                g_string_append_printf(text, "/%d",
                                       __builtin_popcount(number_of(&bitwise->bitwise.mask)));
}

const char *ruleset_protocol_name(guint8 protocol)
{
        if (protocol == IPPROTO_ICMP)
                return "icmp";
        if (protocol == IPPROTO_ICMPV6)
                return "ipv6-icmp";
        return protocol == IPPROTO_UDP ? "udp" : "tcp";
}

static bool is_port(const Expression *expression)
{
        return expression && expression->type == EXPRESSION_PAYLOAD &&
               expression->payload.base == NFT_PAYLOAD_TRANSPORT_HEADER;
}

/* A port comes after its protocol, which nft has both in one word; a range is two comparisons. */
static bool print_port(GString *text, Loaded *loaded, guint32 operation,
                       const ExpressionValue *value)
{
        const Expression *source = loaded->source;
        guint16 port;

        if (source->type == EXPRESSION_META && source->meta.key == NFT_META_L4PROTO) {
                g_string_append_printf(text, "%s %s", is_port(loaded->next) ? "" : " meta l4proto",
                                       ruleset_protocol_name(value->bytes[0]));
                loaded->protocol = value->bytes[0];
                return true;
        }
        if (!is_port(source))
                return false;
        if (source->payload.offset == FIELD_TCP_FLAGS) {
                g_string_append(text, " flags != syn / fin,syn,rst,ack");
                return true;
        }
        memcpy(&port, value->bytes, sizeof port);
        if (loaded->bitwise) {
                guint16 mask;
                memcpy(&mask, loaded->bitwise->bitwise.mask.bytes, sizeof mask);
                g_string_append_printf(text, " dport & %u ==", ntohs(mask));
        } else if (operation != NFT_CMP_LTE) {
                g_string_append(text, " dport");
        }
        g_string_append_printf(text, "%c%u", operation == NFT_CMP_LTE ? '-' : ' ', ntohs(port));
        return true;
}

/* nft's words for bits that are looked at: "a,b" for any of them (behind "!": for
 * none), "a / a,b" for a and not b. */
static void print_ct_value(GString *text, guint32 ct_key, guint32 mask, guint32 value)
{
        print_ct_bits(text, ct_key, value ? value : mask);
        if (!value)
                return;
        g_string_append(text, " / ");
        print_ct_bits(text, ct_key, mask);
}

static void print_mark_compare(GString *text, const Loaded *loaded, const Expression *compare)
{
        g_string_append_printf(text, " ct mark & 0x%08x %s 0x%08x",
                               number_of(&loaded->bitwise->bitwise.mask),
                               compare->compare.operation == NFT_CMP_NEQ ? "!=" : "==",
                               number_of(&compare->compare.value));
}

static void print_compare(GString *text, guint16 family, Loaded *loaded, const Expression *compare)
{
        const Expression *source = loaded->source;
        const ExpressionValue *value = &compare->compare.value;
        bool is_direction = source->type == EXPRESSION_CT && source->ct_key == NFT_CT_DIRECTION;
        bool is_bits =
                source->type == EXPRESSION_CT && source->ct_key != NFT_CT_ZONE && !is_direction;
        bool differs = compare->compare.operation == NFT_CMP_NEQ && !is_bits;
        bool is_none = is_bits && compare->compare.operation == NFT_CMP_EQ && !number_of(value);

        if (print_port(text, loaded, compare->compare.operation, value))
                return;
        if (source->type == EXPRESSION_CT && source->ct_key == NFT_CT_MARK) {
                print_mark_compare(text, loaded, compare);
                return;
        }
        g_string_append_printf(text, " %s", source_name(family, source));
        if (source->type == EXPRESSION_META && loaded->bitwise)
                g_string_append_printf(text,
                                       " & 0x%08x ==", number_of(&loaded->bitwise->bitwise.mask));
        g_string_append(text, differs ? " != " : is_none ? " ! " : " ");
        if (source->type == EXPRESSION_META)
                print_meta_value(text, source->meta.key, value);
        else if (source->type == EXPRESSION_PAYLOAD)
                print_payload_value(text, loaded->bitwise, value);
        else if (is_direction)
                g_string_append(text, value->bytes[0] == IP_CT_DIR_REPLY ? "reply" : "original");
        else if (source->type == EXPRESSION_ADDRESS_TYPE)
                g_string_append(text, number_of(value) == RTN_LOCAL ? "local" : "?");
        else if (!is_bits)
                g_string_append_printf(text, "%u", number_of(value));
        else
                print_ct_value(text, source->ct_key, number_of(&loaded->bitwise->bitwise.mask),
                               number_of(value));
}

static const char *verdict_name(gint32 verdict)
{
        if (verdict == NFT_GOTO)
                return "goto";
        if (verdict == NFT_JUMP)
                return "jump";
        if (verdict == NF_ACCEPT)
                return "accept";
        if (verdict == NF_DROP)
                return "drop";
        return verdict == NFT_RETURN ? "return" : "?";
}

/* What the register has; the protocol of a port has been printed with the match before. */
static void print_key(GString *text, guint16 family, const Loaded *loaded)
{
        g_string_append_printf(text, " %s",
                               is_port(loaded->source) ? "dport"
                                                       : source_name(family, loaded->source));
        if (loaded->appended)
                g_string_append_printf(text, " . %s", source_name(family, loaded->appended));
}

static void print_nat(GString *text, guint16 family, const Loaded *loaded, guint32 type)
{
        g_string_append_printf(text, " %s to", type == NFT_NAT_SNAT ? "snat" : "dnat");
        if (is_port(loaded->source))
                g_string_append_printf(text, " %s", ruleset_protocol_name(loaded->protocol));
        print_key(text, family, loaded);
        if (loaded->map)
                g_string_append_printf(text, " map @%s", loaded->map);
}

static void load(Loaded *loaded, const Expression *source)
{
        *loaded = (Loaded){ .source = source, .protocol = loaded->protocol };
}

/* What a value is looked up for says so itself. */
static void print_lookup(GString *text, guint16 family, Loaded *loaded, const Expression *lookup)
{
        loaded->map = lookup->lookup.name;
        if (lookup->lookup.type == LOOKUP_VALUE)
                return;
        print_key(text, family, loaded);
        if (loaded->bitwise)
                g_string_append_printf(text, " & 0x%08x",
                                       number_of(&loaded->bitwise->bitwise.mask));
        g_string_append_printf(text, "%s @%s", lookup->lookup.type == LOOKUP_VERDICT ? " vmap" : "",
                               lookup->lookup.name);
}

static void print_exclude(GString *text, guint16 family, const Loaded *loaded,
                          const Expression *exclude)
{
        g_string_append_printf(text, " %s", source_name(family, loaded->source));
        g_string_append_printf(text, " . %s", source_name(family, loaded->appended));
        g_string_append_printf(text, " != @%s", exclude->lookup.name);
}

/* nft says "and" of all bits that may be left, and "or" of those that are set. */
static void print_set(GString *text, guint16 family, const Loaded *loaded)
{
        const char *name = source_name(family, loaded->source);
        guint32 mask = number_of(&loaded->bitwise->bitwise.mask);
        guint32 bits = number_of(&loaded->bitwise->bitwise.bits);

        g_string_append_printf(text, " %s set %s & 0x%08x | 0x%08x", name, name, mask | bits, bits);
}

static void print_set_ct(GString *text, guint16 family, const Loaded *loaded, const Expression *set)
{
        if (set->ct_key == NFT_CT_MARK)
                print_set(text, family, loaded);
        else
                g_string_append_printf(text, " ct original zone set %u",
                                       number_of(&loaded->source->number.value));
}

static guint16 port_of(const Expression *number)
{
        guint16 port;

        memcpy(&port, number->number.value.bytes, sizeof port);
        return ntohs(port);
}

static void print_redirect(GString *text, const Loaded *loaded)
{
        g_string_append_printf(text, " redirect to :%u", port_of(loaded->source));
}

static void print_masquerade(GString *text, const Loaded *loaded, bool with_ports)
{
        g_string_append(text, " masquerade");
        if (with_ports)
                g_string_append_printf(text, " to :%u-%u", port_of(loaded->source),
                                       port_of(loaded->appended));
}

static void print_expression(GString *text, guint16 family, Loaded *loaded,
                             const Expression *expression)
{
        switch (expression->type) {
        case EXPRESSION_META:
                if (expression->meta.append) {
                        loaded->appended = expression;
                        return;
                }
                load(loaded, expression);
                return;
        case EXPRESSION_PAYLOAD:
                if (expression->payload.append) {
                        loaded->appended = expression;
                        return;
                }
                load(loaded, expression);
                return;
        case EXPRESSION_NUMBER:
                if (expression->number.append) {
                        loaded->appended = expression;
                        return;
                }
                load(loaded, expression);
                return;
        case EXPRESSION_CT:
        case EXPRESSION_ADDRESS_TYPE:
                load(loaded, expression);
                return;
        case EXPRESSION_BITWISE:
                loaded->bitwise = expression;
                return;
        case EXPRESSION_LOOKUP:
                print_lookup(text, family, loaded, expression);
                return;
        case EXPRESSION_EXCLUDE:
                print_exclude(text, family, loaded, expression);
                return;
        case EXPRESSION_SET_CT:
                print_set_ct(text, family, loaded, expression);
                return;
        case EXPRESSION_SET_META:
                print_set(text, family, loaded);
                return;
        case EXPRESSION_RESET:
                g_string_append(text, " reject with tcp reset");
                return;
        case EXPRESSION_NOTRACK:
                g_string_append(text, " notrack");
                return;
        case EXPRESSION_REDIRECT:
                print_redirect(text, loaded);
                return;
        case EXPRESSION_COMPARE:
                print_compare(text, family, loaded, expression);
                return;
        case EXPRESSION_COUNTER:
                g_string_append(text, " counter");
                return;
        case EXPRESSION_NAT:
                print_nat(text, family, loaded, expression->nat.type);
                return;
        case EXPRESSION_MASQUERADE:
                print_masquerade(text, loaded, expression->masquerade_ports);
                return;
        case EXPRESSION_COUNT_CONNECTIONS:
                g_string_append_printf(text, " add @%s { %s ct count over %u }",
                                       expression->count.set, source_name(family, loaded->source),
                                       expression->count.limit);
                return;
        case EXPRESSION_SET_TIMEOUT:
                g_string_append_printf(text, " ct timeout set \"%s\"", expression->object);
                return;
        case EXPRESSION_VERDICT:
                g_string_append_printf(text, " %s", verdict_name(expression->verdict.code));
                if (expression->verdict.chain)
                        g_string_append_printf(text, " %s", expression->verdict.chain);
                return;
        case EXPRESSION_LIMIT:
                g_string_append_printf(text, " limit rate %u/second",
                                       expression->packets_per_second);
                return;
        case EXPRESSION_LOG:
                g_string_append_printf(text, " log prefix \"%s\"", expression->log_prefix);
                return;
        case EXPRESSION_TYPE_MAX:
                return;
        }
}

void ruleset_print_rule(GString *text, guint16 family, const RulesetRule *rule)
{
        g_autoptr(GString) line = g_string_new(NULL);
        Loaded loaded = { 0 };

        for (guint i = 0; i < rule->expressions->len; i++) {
                const Expression *expression = &g_array_index(rule->expressions, Expression, i);
                loaded.next = i + 1 < rule->expressions->len ? expression + 1 : NULL;
                print_expression(line, family, &loaded, expression);
        }
        if (rule->comment)
                g_string_append_printf(line, " comment \"%s\"", rule->comment);
        g_string_append_printf(text, "\t\t%s\n", line->str + 1); /* without the first space */
}
