/* SPDX-License-Identifier: GPL-2.0-or-later */

/* An object's message, put together here: libnftnl sends a value for each state of the protocol,
 * and so would have its own defaults stand where the host's sysctls say otherwise. What is not sent
 * the kernel takes from those (nf_conntrack_proto_tcp.c, tcp_timeout_nlattr_to_obj()). */

#include "host/nft-timeout.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink_cttimeout.h>
#include <netinet/in.h>

#include <libmnl/libmnl.h>

static void put_number(struct nlmsghdr *message, guint16 attribute, guint32 number)
{
        mnl_attr_put_u32(message, attribute, htonl(number));
}

static void put_states(struct nlmsghdr *message, const RulesetTimeout *timeout)
{
        struct nlattr *states = mnl_attr_nest_start(message, NFTA_CT_TIMEOUT_DATA);

        if (timeout->protocol == IPPROTO_TCP) {
                put_number(message, CTA_TIMEOUT_TCP_ESTABLISHED, timeout->established);
        } else {
                put_number(message, CTA_TIMEOUT_UDP_UNREPLIED, timeout->unreplied);
                put_number(message, CTA_TIMEOUT_UDP_REPLIED, timeout->replied);
        }
        mnl_attr_nest_end(message, states);
}

void nft_timeout_change(NftBatch *batch, guint16 type, const RulesetTable *table,
                        const RulesetTimeout *timeout)
{
        bool add = type == NFT_MSG_NEWOBJ;
        struct nlmsghdr *message =
                nft_batch_add(batch, type, table->family, add ? NLM_F_CREATE : 0);

        mnl_attr_put_strz(message, NFTA_OBJ_TABLE, table->name);
        mnl_attr_put_strz(message, NFTA_OBJ_NAME, timeout->name);
        put_number(message, NFTA_OBJ_TYPE, NFT_OBJECT_CT_TIMEOUT);
        if (!add)
                return;
        struct nlattr *data = mnl_attr_nest_start(message, NFTA_OBJ_DATA);
        mnl_attr_put_u16(message, NFTA_CT_TIMEOUT_L3PROTO, htons(NFPROTO_IPV4));
        mnl_attr_put_u8(message, NFTA_CT_TIMEOUT_L4PROTO, timeout->protocol);
        put_states(message, timeout);
        mnl_attr_nest_end(message, data);
}
