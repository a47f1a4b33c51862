/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Reads what is there and leaves the rest 0: a kernel without accounting sends no counters. */

#include "host/conntrack-entry.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

static const struct nlattr *find_attribute(const struct nlattr *nest, guint16 type, gsize size)
{
        const struct nlattr *attribute;

        if (!nest)
                return NULL;
        mnl_attr_for_each_nested (attribute, nest) {
                if (mnl_attr_get_type(attribute) == type &&
                    mnl_attr_get_payload_len(attribute) >= size)
                        return attribute;
        }
        return NULL;
}

static void read_address6(const struct nlattr *ip, guint16 type, Address6 *address)
{
        const struct nlattr *attribute = find_attribute(ip, type, sizeof address->bytes);

        if (attribute)
                memcpy(address->bytes, mnl_attr_get_payload(attribute), sizeof address->bytes);
}

static void read_tuple(const struct nlattr *attribute, ConntrackTuple *tuple)
{
        const struct nlattr *ip = find_attribute(attribute, CTA_TUPLE_IP, 0);
        const struct nlattr *proto = find_attribute(attribute, CTA_TUPLE_PROTO, 0);
        const struct nlattr *src = find_attribute(ip, CTA_IP_V4_SRC, sizeof tuple->src);
        const struct nlattr *dst = find_attribute(ip, CTA_IP_V4_DST, sizeof tuple->dst);
        const struct nlattr *zone = find_attribute(attribute, CTA_TUPLE_ZONE, sizeof tuple->zone);
        const struct nlattr *number = find_attribute(proto, CTA_PROTO_NUM, sizeof(guint8));
        const struct nlattr *from =
                find_attribute(proto, CTA_PROTO_SRC_PORT, sizeof tuple->src_port);
        const struct nlattr *to = find_attribute(proto, CTA_PROTO_DST_PORT, sizeof tuple->dst_port);

        *tuple = (ConntrackTuple){
                .attribute = attribute,
                .src = src ? mnl_attr_get_u32(src) : 0,
                .dst = dst ? mnl_attr_get_u32(dst) : 0,
                .src_port = from ? mnl_attr_get_u16(from) : 0,
                .dst_port = to ? mnl_attr_get_u16(to) : 0,
                .zone = zone ? mnl_attr_get_u16(zone) : 0,
                .protocol = number ? mnl_attr_get_u8(number) : 0,
        };
        read_address6(ip, CTA_IP_V6_SRC, &tuple->src6);
        read_address6(ip, CTA_IP_V6_DST, &tuple->dst6);
}

static void read_counters(const struct nlattr *nest, ConntrackEntry *entry)
{
        const struct nlattr *packets = find_attribute(nest, CTA_COUNTERS_PACKETS, sizeof(guint64));
        const struct nlattr *bytes = find_attribute(nest, CTA_COUNTERS_BYTES, sizeof(guint64));

        if (!packets || !bytes)
                return;
        entry->is_counted = true;
        entry->packets += GUINT64_FROM_BE(mnl_attr_get_u64(packets));
        entry->bytes += GUINT64_FROM_BE(mnl_attr_get_u64(bytes));
}

static void read_protocol(const struct nlattr *nest, ConntrackEntry *entry)
{
        const struct nlattr *tcp = find_attribute(nest, CTA_PROTOINFO_TCP, 0);
        const struct nlattr *state =
                find_attribute(tcp, CTA_PROTOINFO_TCP_STATE, sizeof entry->tcp_state);

        if (state)
                entry->tcp_state = mnl_attr_get_u8(state);
}

static void read_number(const struct nlattr *attribute, ConntrackEntry *entry)
{
        guint16 type = mnl_attr_get_type(attribute);
        gsize size = mnl_attr_get_payload_len(attribute);

        if (type == CTA_ID && size >= sizeof entry->id) {
                entry->id = mnl_attr_get_u32(attribute);
        } else if (type == CTA_MARK && size >= sizeof entry->mark) {
                entry->mark = ntohl(mnl_attr_get_u32(attribute));
        } else if (type == CTA_STATUS && size >= sizeof entry->status) {
                entry->status = ntohl(mnl_attr_get_u32(attribute));
        } else if (type == CTA_TIMEOUT && size >= sizeof entry->timeout_sec) {
                entry->timeout_sec = ntohl(mnl_attr_get_u32(attribute));
        } else if (type == CTA_ZONE && size >= sizeof entry->zone) {
                entry->zone = mnl_attr_get_u16(attribute);
                entry->has_zone = true;
        }
}

bool conntrack_entry_read(const struct nlmsghdr *message, ConntrackEntry *ret_entry)
{
        ConntrackEntry entry = { 0 };
        const struct nlattr *attribute;

        mnl_attr_for_each (attribute, message, sizeof(struct nfgenmsg)) {
                guint16 type = mnl_attr_get_type(attribute);
                if (type == CTA_TUPLE_ORIG)
                        read_tuple(attribute, &entry.original);
                else if (type == CTA_TUPLE_REPLY)
                        read_tuple(attribute, &entry.reply);
                else if (type == CTA_COUNTERS_ORIG || type == CTA_COUNTERS_REPLY)
                        read_counters(attribute, &entry);
                else if (type == CTA_PROTOINFO)
                        read_protocol(attribute, &entry);
                else
                        read_number(attribute, &entry);
        }
        if (!entry.original.attribute || !entry.reply.attribute)
                return false;
        *ret_entry = entry;
        return true;
}

/* Of two that have addresses of the subnet, a twin's boards alone have a zone; who has none is of
 * the LAN, which has the same addresses. Where there is no twin, the LAN has others than boards. */
static bool is_from_lan(const ConntrackEntry *entry, const ConntrackScope *scope)
{
        if (scope->mark != 0)
                return entry->original.zone == 0;
        for (guint i = 0; scope->elsewhere && i < scope->elsewhere->len; i++)
                if (subnet_contains(&g_array_index(scope->elsewhere, Subnet, i),
                                    ntohl(entry->original.src)))
                        return true;
        return false;
}

bool conntrack_entry_get_connection(const ConntrackEntry *entry, const ConntrackScope *scope,
                                    Connection *ret_connection)
{
        const ConntrackTuple *original = &entry->original, *reply = &entry->reply;
        const Subnet *subnet = &scope->subnet;
        bool to_board = subnet_contains(subnet, ntohl(reply->src)) && original->dst != reply->src;
        bool from_board = subnet_contains(subnet, ntohl(original->src)) &&
                          original->src != reply->dst && !(to_board && is_from_lan(entry, scope));

        if (from_board == to_board)
                return false;
        *ret_connection = (Connection){
                .direction = from_board ? FILTER_EGRESS : FILTER_INGRESS,
                .protocol = original->protocol,
                .ip = ntohl(from_board ? original->src : reply->src),
                .port = ntohs(from_board ? original->src_port : reply->src_port),
                .public_ip = ntohl(from_board ? reply->dst : original->dst),
                .public_port = ntohs(from_board ? reply->dst_port : original->dst_port),
                .peer_ip = ntohl(from_board ? reply->src : original->src),
                .peer_port = ntohs(from_board ? reply->src_port : original->src_port),
                .tcp_state = entry->tcp_state,
                .timeout_sec = entry->timeout_sec,
                .is_counted = entry->is_counted,
                .packets = entry->packets,
                .bytes = entry->bytes,
        };
        return true;
}

bool conntrack_entry_get_flow6(const ConntrackEntry *entry, const Subnet6 *subnet,
                               FilterDirection *ret_direction, FilterFlow *ret_flow)
{
        const ConntrackTuple *original = &entry->original, *reply = &entry->reply;
        bool from_board = subnet6_contains(subnet, &original->src6);

        if (from_board == subnet6_contains(subnet, &reply->src6))
                return false;
        *ret_direction = from_board ? FILTER_EGRESS : FILTER_INGRESS;
        *ret_flow = (FilterFlow){
                .protocol = original->protocol,
                .port = ntohs(reply->src_port),
                .is_ipv6 = true,
                .source6 = original->src6,
                .destination6 = reply->src6,
        };
        return true;
}
