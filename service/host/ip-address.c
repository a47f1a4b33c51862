/* SPDX-License-Identifier: GPL-2.0-or-later */

/* IPv4 addresses of interfaces, by rtnetlink: listed, added, deleted, with all that makes one the
 * same again when it is put back (label, lifetimes, peer, route metric, protocol). Which address
 * belongs to whom is for the callers to know. */

#include "host/ip-address.h"

#include <arpa/inet.h>
#include <errno.h>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "model/address.h"
#include "util/error.h"

#define FOR_EVER G_MAXUINT32
/* IFA_PROTO, which the headers of older kernels do not have. */
#define PROTOCOL_ATTRIBUTE 11
/* What a caller may ask for. The kernel sets the others itself. */
#define SETTABLE_FLAGS ((guint32)(IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN))

typedef struct Listing {
        GArray *addresses;
        guint index;
} Listing;

static int take_attribute(const struct nlattr *attribute, void *data)
{
        IpAddress *address = data;

        switch (mnl_attr_get_type(attribute)) {
        case IFA_LOCAL:
                address->address = ntohl(mnl_attr_get_u32(attribute));
                break;
        case IFA_ADDRESS:
                address->peer = ntohl(mnl_attr_get_u32(attribute));
                break;
        case IFA_BROADCAST:
                address->broadcast = ntohl(mnl_attr_get_u32(attribute));
                break;
        case IFA_FLAGS:
                address->flags = mnl_attr_get_u32(attribute);
                break;
        case IFA_RT_PRIORITY:
                address->metric = mnl_attr_get_u32(attribute);
                break;
        case IFA_LABEL:
                g_strlcpy(address->label, mnl_attr_get_str(attribute), sizeof address->label);
                break;
        case PROTOCOL_ATTRIBUTE:
                address->protocol = mnl_attr_get_u8(attribute);
                break;
        case IFA_CACHEINFO: {
                const struct ifa_cacheinfo *times = mnl_attr_get_payload(attribute);
                address->valid_sec = times->ifa_valid;
                address->preferred_sec = times->ifa_prefered;
                break;
        }
        default:
                break;
        }
        return MNL_CB_OK;
}

static int take_address(const struct nlmsghdr *message, void *data)
{
        Listing *listing = data;
        const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);

        if (message->nlmsg_type != RTM_NEWADDR || info->ifa_family != AF_INET)
                return MNL_CB_OK;
        if (listing->index > 0 && info->ifa_index != listing->index)
                return MNL_CB_OK; /* a kernel that does not check strictly lists them all */

        IpAddress address = {
                .index = info->ifa_index,
                .prefix = info->ifa_prefixlen,
                .scope = info->ifa_scope,
                .flags = info->ifa_flags,
                .valid_sec = FOR_EVER,
                .preferred_sec = FOR_EVER,
        };
        (void)mnl_attr_parse(message, sizeof *info, take_attribute, &address); /* never stops */
        if (address.peer == address.address)
                address.peer = 0;
        g_array_append_val(listing->addresses, address);
        return MNL_CB_OK;
}

GArray *ip_address_list(Netlink *rtnl, guint index, GError **error)
{
        g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(IpAddress));
        Listing listing = { .addresses = addresses, .index = index };
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
        request->nlmsg_type = RTM_GETADDR;
        request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(request, sizeof *info);
        info->ifa_family = AF_INET;
        info->ifa_index = index;

        int r = netlink_dump(rtnl, request, take_address, &listing, addresses);
        if (r == -ENODEV)
                return g_steal_pointer(&addresses); /* no interface, no address */
        if (r < 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "cannot list IPv4 addresses: %s", g_strerror(-r));
                return NULL;
        }
        return g_steal_pointer(&addresses);
}

static struct nlmsghdr *put_request(char *buffer, guint16 type, guint16 flags,
                                    const IpAddress *address)
{
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
        struct ifaddrmsg *info;

        request->nlmsg_type = type;
        request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        info = mnl_nlmsg_put_extra_header(request, sizeof *info);
        info->ifa_family = AF_INET;
        info->ifa_index = address->index;
        info->ifa_prefixlen = (guint8)address->prefix;
        info->ifa_scope = address->scope;
        mnl_attr_put_u32(request, IFA_LOCAL, htonl(address->address));
        mnl_attr_put_u32(request, IFA_ADDRESS,
                         htonl(address->peer ? address->peer : address->address));
        return request;
}

static void put_lifetimes(struct nlmsghdr *request, const IpAddress *address)
{
        struct ifa_cacheinfo times = {
                .ifa_valid = address->valid_sec,
                .ifa_prefered = address->preferred_sec,
        };

        /* Without the attribute: for ever. */
        if (address->valid_sec != 0 &&
            (address->valid_sec != FOR_EVER || address->preferred_sec != FOR_EVER))
                mnl_attr_put(request, IFA_CACHEINFO, sizeof times, &times);
}

static bool fail(const char *attempt, const IpAddress *address, int r, const char *reason,
                 GError **error)
{
        char text[ADDRESS_TEXT_SIZE];

        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                    "cannot %s %s/%u on interface %u: %s", attempt,
                    address_format(address->address, text), address->prefix, address->index,
                    reason ? reason : g_strerror(-r));
        return false;
}

bool ip_address_add(Netlink *rtnl, const IpAddress *address, bool *ret_existed, GError **error)
{
        char buffer[512] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        g_autofree char *reason = NULL;
        struct nlmsghdr *request =
                put_request(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address);

        if (address->broadcast != 0)
                mnl_attr_put_u32(request, IFA_BROADCAST, htonl(address->broadcast));
        if (address->label[0] != '\0')
                mnl_attr_put_strz(request, IFA_LABEL, address->label);
        if (address->metric != 0)
                mnl_attr_put_u32(request, IFA_RT_PRIORITY, address->metric);
        if (address->protocol != 0)
                mnl_attr_put_u8(request, PROTOCOL_ATTRIBUTE, address->protocol);
        mnl_attr_put_u32(request, IFA_FLAGS, address->flags & SETTABLE_FLAGS);
        put_lifetimes(request, address);

        int r = netlink_request(rtnl, request, NULL, NULL, &reason);
        if (r < 0 && r != -EEXIST)
                return fail("add", address, r, reason, error);
        if (ret_existed)
                *ret_existed = r == -EEXIST;
        return true;
}

bool ip_address_delete(Netlink *rtnl, const IpAddress *address, GError **error)
{
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        g_autofree char *reason = NULL;
        struct nlmsghdr *request = put_request(buffer, RTM_DELADDR, 0, address);

        int r = netlink_request(rtnl, request, NULL, NULL, &reason);
        if (r == 0 || r == -EADDRNOTAVAIL || r == -ENODEV)
                return true;
        return fail("delete", address, r, reason, error);
}
