/* SPDX-License-Identifier: GPL-2.0-or-later */

/* IPv6 addresses of interfaces, by rtnetlink: listed, added, deleted, with all that makes one the
 * same again when it is put back. Which address belongs to whom is for the callers to know. */

#include "host/ip6-address.h"

#include <errno.h>
#include <string.h>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "util/error.h"

/* IFA_PROTO, which the headers of older kernels do not have. */
#define PROTOCOL_ATTRIBUTE 11
#define FOR_EVER           G_MAXUINT32
/* What a caller may ask for. The kernel sets the others itself. */
#define SETTABLE_FLAGS                                                                             \
        ((guint32)(IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE |  \
                   IFA_F_MCAUTOJOIN))

typedef struct Listing {
        GArray *addresses;
        guint index;
} Listing;

static void take_address6(const struct nlattr *attribute, Address6 *ret_address)
{
        if (mnl_attr_get_payload_len(attribute) == sizeof ret_address->bytes)
                memcpy(ret_address->bytes, mnl_attr_get_payload(attribute),
                       sizeof ret_address->bytes);
}

static int take_attribute(const struct nlattr *attribute, void *data)
{
        Ip6Address *address = data;

        switch (mnl_attr_get_type(attribute)) {
        case IFA_LOCAL:
                take_address6(attribute, &address->address);
                break;
        case IFA_ADDRESS:
                take_address6(attribute, &address->peer);
                break;
        case IFA_FLAGS:
                address->flags = mnl_attr_get_u32(attribute);
                break;
        case IFA_RT_PRIORITY:
                address->metric = mnl_attr_get_u32(attribute);
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
        const Listing *listing = data;
        const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);

        if (message->nlmsg_type != RTM_NEWADDR || info->ifa_family != AF_INET6 ||
            (listing->index != 0 && info->ifa_index != listing->index))
                return MNL_CB_OK; /* a kernel that does not check strictly lists them all */

        Ip6Address address = {
                .index = info->ifa_index,
                .prefix = info->ifa_prefixlen,
                .scope = info->ifa_scope,
                .flags = info->ifa_flags,
                .valid_sec = FOR_EVER,
                .preferred_sec = FOR_EVER,
        };
        (void)mnl_attr_parse(message, sizeof *info, take_attribute, &address); /* never stops */
        if (address6_is_none(&address.address)) /* the kernel tells of two where there are two */
                address.address = address.peer;
        if (address6_equal(&address.peer, &address.address))
                address.peer = (Address6){ 0 };
        g_array_append_val(listing->addresses, address);
        return MNL_CB_OK;
}

GArray *ip6_address_list(Netlink *rtnl, guint index, GError **error)
{
        g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(Ip6Address));
        Listing listing = { addresses, index };
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
        request->nlmsg_type = RTM_GETADDR;
        request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(request, sizeof *info);
        info->ifa_family = AF_INET6;
        info->ifa_index = index;

        int r = netlink_dump(rtnl, request, take_address, &listing, addresses);
        if (r < 0 && r != -ENODEV) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "cannot list IPv6 addresses: %s", g_strerror(-r));
                return NULL;
        }
        return g_steal_pointer(&addresses);
}

static struct nlmsghdr *put_request(char *buffer, guint16 type, guint16 flags,
                                    const Ip6Address *address)
{
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
        struct ifaddrmsg *info;

        request->nlmsg_type = type;
        request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        info = mnl_nlmsg_put_extra_header(request, sizeof *info);
        info->ifa_family = AF_INET6;
        info->ifa_index = address->index;
        info->ifa_prefixlen = (guint8)address->prefix;
        mnl_attr_put(request, IFA_LOCAL, sizeof address->address.bytes, address->address.bytes);
        if (!address6_is_none(&address->peer))
                mnl_attr_put(request, IFA_ADDRESS, sizeof address->peer.bytes, address->peer.bytes);
        return request;
}

static void put_lifetimes(struct nlmsghdr *request, const Ip6Address *address)
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

static bool fail(const char *attempt, const Ip6Address *address, int r, const char *reason,
                 GError **error)
{
        char text[ADDRESS6_TEXT_SIZE];

        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                    "cannot %s %s/%u on interface %u: %s", attempt,
                    address6_format(&address->address, text), address->prefix, address->index,
                    reason ? reason : g_strerror(-r));
        return false;
}

bool ip6_address_add(Netlink *rtnl, const Ip6Address *address, GError **error)
{
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        g_autofree char *reason = NULL;
        struct nlmsghdr *request =
                put_request(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address);

        mnl_attr_put_u32(request, IFA_FLAGS, address->flags & SETTABLE_FLAGS);
        if (address->metric != 0)
                mnl_attr_put_u32(request, IFA_RT_PRIORITY, address->metric);
        put_lifetimes(request, address);
        if (address->protocol != 0)
                mnl_attr_put_u8(request, PROTOCOL_ATTRIBUTE, address->protocol);
        int r = netlink_request(rtnl, request, NULL, NULL, &reason);
        return r == 0 || r == -EEXIST || fail("add", address, r, reason, error);
}

bool ip6_address_delete(Netlink *rtnl, const Ip6Address *address, GError **error)
{
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        g_autofree char *reason = NULL;
        struct nlmsghdr *request = put_request(buffer, RTM_DELADDR, 0, address);

        int r = netlink_request(rtnl, request, NULL, NULL, &reason);
        return r == 0 || r == -EADDRNOTAVAIL || r == -ENODEV || r == -ENXIO ||
               fail("delete", address, r, reason, error);
}
