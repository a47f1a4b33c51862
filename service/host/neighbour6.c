/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The neighbour table, read and changed by rtnetlink. */

#include "host/neighbour6.h"

#include <string.h>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#define BUFFER_SIZE 256

typedef struct Listing {
        guint index;
        GArray *neighbours;
} Listing;

static int take_attribute(const struct nlattr *attribute, void *data)
{
        guint length = mnl_attr_get_payload_len(attribute);
        const guint8 *bytes = mnl_attr_get_payload(attribute);
        Neighbour6 *neighbour = data;

        if (mnl_attr_get_type(attribute) == NDA_DST && length == sizeof neighbour->address)
                memcpy(&neighbour->address, bytes, length);
        else if (mnl_attr_get_type(attribute) == NDA_LLADDR && length == MAC_BYTES)
                g_snprintf(neighbour->mac, sizeof neighbour->mac, "%02x:%02x:%02x:%02x:%02x:%02x",
                           bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]);
        return MNL_CB_OK;
}

static int take_neighbour(const struct nlmsghdr *message, void *data)
{
        const struct ndmsg *info = mnl_nlmsg_get_payload(message);
        const Listing *listing = data;
        Neighbour6 neighbour = { 0 };

        if (message->nlmsg_type != RTM_NEWNEIGH || info->ndm_family != AF_INET6 ||
            (guint)info->ndm_ifindex != listing->index)
                return MNL_CB_OK;
        (void)mnl_attr_parse(message, sizeof *info, take_attribute, &neighbour);
        if (*neighbour.mac && !address6_is_none(&neighbour.address))
                g_array_append_val(listing->neighbours, neighbour);
        return MNL_CB_OK;
}

static struct nlmsghdr *request_new(char *buffer, guint16 type, guint16 flags, guint index)
{
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

        request->nlmsg_type = type;
        request->nlmsg_flags = NLM_F_REQUEST | flags;
        struct ndmsg *info = mnl_nlmsg_put_extra_header(request, sizeof *info);
        info->ndm_family = AF_INET6;
        info->ndm_ifindex = (int)index;
        return request;
}

GArray *neighbour6_list(Netlink *rtnl, guint index)
{
        char buffer[BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        GArray *neighbours = g_array_new(FALSE, FALSE, sizeof(Neighbour6));
        Listing listing = { index, neighbours };
        struct nlmsghdr *request = request_new(buffer, RTM_GETNEIGH, NLM_F_DUMP, 0);

        mnl_attr_put_u32(request, NDA_IFINDEX, index);
        /* An interrupted dump is good enough for a table that changes by itself. */
        (void)netlink_request(rtnl, request, take_neighbour, &listing, NULL);
        return neighbours;
}

void neighbour6_forget(Netlink *rtnl, guint index, const Address6 *address)
{
        char buffer[BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = request_new(buffer, RTM_DELNEIGH, NLM_F_ACK, index);

        mnl_attr_put(request, NDA_DST, sizeof *address, address);
        (void)netlink_request(rtnl, request, NULL, NULL, NULL); /* nothing learned is fine */
}
