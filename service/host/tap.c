/* SPDX-License-Identifier: GPL-2.0-or-later */

/* TAPs, by /dev/net/tun and by rtnetlink. One is made in three strokes: it appears and is nobody's
 * yet but the descriptor's, becomes what it is to be, its mark included, and is then kept. A crash
 * before the last takes it away again.
 *
 * Removing an interface has the kernel wait for all that still looks at it, some twenty
 * milliseconds, whether it is one or a thousand: those that go are put into a group of interfaces
 * of their own, and that goes. */

#include "host/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>

#include "model/address.h"
#include "util/error.h"

#define DEVICE        "/dev/net/tun"
#define BUFFER_SIZE   1024
#define DUMP_ATTEMPTS 10
/* Groups are an administrator's to give: none is likely to have used one from here on. */
#define GROUP_FIRST 0x40000000u
#define GROUP_LAST  0x7fffffff

static bool fail(const char *name, const char *attempt, int r, GError **error)
{
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: cannot %s: %s", name, attempt,
                    g_strerror(-r));
        return false;
}

/* A descriptor of the TAP @name, or a negative errno. */
static int attach(const char *name, bool multi_queue, int flags)
{
        struct ifreq request = { .ifr_flags = (short)(IFF_TAP | IFF_NO_PI | flags) };
        int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        if (multi_queue)
                request.ifr_flags |= IFF_MULTI_QUEUE;
        g_strlcpy(request.ifr_name, name, sizeof request.ifr_name);
        if (ioctl(fd, TUNSETIFF, &request) < 0) {
                int r = -errno;
                close(fd);
                return r;
        }
        return fd;
}

int tap_new(const TapPlan *plan, GError **error)
{
        int fd = attach(plan->name, plan->multi_queue, IFF_TUN_EXCL);

        if (fd == -EBUSY) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "%s: somebody else has an interface of that name", plan->name);
                return -1;
        }
        if (fd < 0) {
                (void)fail(plan->name, "make the TAP", fd, error);
                return -1;
        }
        if (ioctl(fd, TUNSETOWNER, (unsigned long)plan->owner) < 0) {
                (void)fail(plan->name, "give the TAP to its owner", -errno, error);
                close(fd);
                return -1;
        }
        return fd;
}

bool tap_keep(int fd, GError **error)
{
        return ioctl(fd, TUNSETPERSIST, 1) == 0 || fail("TAP", "keep it", -errno, error);
}

static struct nlmsghdr *request_new(char *buffer, guint16 type, guint16 flags, unsigned change,
                                    const char *name)
{
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

        request->nlmsg_type = type;
        request->nlmsg_flags = NLM_F_REQUEST | flags;
        struct ifinfomsg *info = mnl_nlmsg_put_extra_header(request, sizeof *info);
        info->ifi_family = AF_UNSPEC;
        info->ifi_change = change;
        info->ifi_flags = change;
        if (name)
                mnl_attr_put_strz(request, IFLA_IFNAME, name);
        return request;
}

/* The mark, the MTU, and the bridge. */
static int enslave(Netlink *rtnl, const TapPlan *plan)
{
        char buffer[BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = request_new(buffer, RTM_SETLINK, NLM_F_ACK, 0, plan->name);

        mnl_attr_put_strz(request, IFLA_IFALIAS, plan->alias);
        mnl_attr_put_u32(request, IFLA_MTU, plan->mtu);
        mnl_attr_put_u32(request, IFLA_MASTER, plan->bridge);
        return netlink_request(rtnl, request, NULL, NULL, NULL);
}

bool tap_set_up_alone(Netlink *rtnl, const TapPlan *plan, const char *mac, GError **error)
{
        char buffer[BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = request_new(buffer, RTM_SETLINK, NLM_F_ACK, 0, plan->name);
        guint8 bytes[MAC_BYTES];

        mnl_attr_put_strz(request, IFLA_IFALIAS, plan->alias);
        mnl_attr_put_u32(request, IFLA_MTU, plan->mtu);
        mac_to_bytes(mac, bytes);
        mnl_attr_put(request, IFLA_ADDRESS, sizeof bytes, bytes);
        int r = netlink_request(rtnl, request, NULL, NULL, NULL);
        return r == 0 || fail(plan->name, "set up the TAP", r, error);
}

/* What a port has, and up. */
static int set_up(Netlink *rtnl, const TapPlan *plan)
{
        char buffer[BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = request_new(buffer, RTM_NEWLINK, NLM_F_ACK, IFF_UP, plan->name);
        struct nlattr *link = mnl_attr_nest_start(request, IFLA_LINKINFO);

        mnl_attr_put_strz(request, IFLA_INFO_SLAVE_KIND, "bridge");
        struct nlattr *port = mnl_attr_nest_start(request, IFLA_INFO_SLAVE_DATA);
        mnl_attr_put_u8(request, IFLA_BRPORT_ISOLATED, plan->isolated);
        mnl_attr_nest_end(request, port);
        mnl_attr_nest_end(request, link);
        return netlink_request(rtnl, request, NULL, NULL, NULL);
}

bool tap_join(Netlink *rtnl, const TapPlan *plan, GError **error)
{
        int r = enslave(rtnl, plan);

        if (r == -EXFULL || r == -E2BIG) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED,
                            "%s: the bridge has all the ports that the kernel lets it have",
                            plan->name);
                return false;
        }
        if (r == 0)
                r = set_up(rtnl, plan);
        return r == 0 || fail(plan->name, "make it a port of the bridge", r, error);
}

/* Reading them back */

typedef struct Reader {
        const char *alias;
        GArray *taps;
} Reader;

typedef struct Seen {
        Tap tap;
        bool is_tun, is_marked;
        const char *alias;
} Seen;

static int take_tun(const struct nlattr *attribute, void *data)
{
        Tap *tap = data;

        if (mnl_attr_get_type(attribute) == IFLA_TUN_OWNER)
                tap->owner = mnl_attr_get_u32(attribute);
        else if (mnl_attr_get_type(attribute) == IFLA_TUN_MULTI_QUEUE)
                tap->multi_queue = mnl_attr_get_u8(attribute) != 0;
        else if (mnl_attr_get_type(attribute) == IFLA_TUN_NUM_QUEUES ||
                 mnl_attr_get_type(attribute) == IFLA_TUN_NUM_DISABLED_QUEUES)
                tap->n_queues += mnl_attr_get_u32(attribute);
        return MNL_CB_OK;
}

static int take_port(const struct nlattr *attribute, void *data)
{
        Tap *tap = data;

        if (mnl_attr_get_type(attribute) == IFLA_BRPORT_ISOLATED)
                tap->isolated = mnl_attr_get_u8(attribute) != 0;
        return MNL_CB_OK;
}

static int take_info(const struct nlattr *attribute, void *data)
{
        Seen *seen = data;

        switch (mnl_attr_get_type(attribute)) {
        case IFLA_INFO_KIND:
                seen->is_tun = g_str_equal(mnl_attr_get_str(attribute), "tun");
                return MNL_CB_OK;
        case IFLA_INFO_DATA:
                return seen->is_tun ? mnl_attr_parse_nested(attribute, take_tun, &seen->tap)
                                    : MNL_CB_OK;
        case IFLA_INFO_SLAVE_DATA:
                return mnl_attr_parse_nested(attribute, take_port, &seen->tap);
        default:
                return MNL_CB_OK;
        }
}

static int take_attribute(const struct nlattr *attribute, void *data)
{
        Seen *seen = data;

        switch (mnl_attr_get_type(attribute)) {
        case IFLA_IFNAME:
                g_strlcpy(seen->tap.name, mnl_attr_get_str(attribute), sizeof seen->tap.name);
                return MNL_CB_OK;
        case IFLA_IFALIAS:
                seen->is_marked = g_str_equal(mnl_attr_get_str(attribute), seen->alias);
                return MNL_CB_OK;
        case IFLA_MTU:
                seen->tap.mtu = mnl_attr_get_u32(attribute);
                return MNL_CB_OK;
        case IFLA_MASTER:
                seen->tap.bridge = mnl_attr_get_u32(attribute);
                return MNL_CB_OK;
        case IFLA_LINKINFO:
                return mnl_attr_parse_nested(attribute, take_info, seen);
        default:
                return MNL_CB_OK;
        }
}

static int take_link(const struct nlmsghdr *message, void *data)
{
        const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
        Reader *reader = data;
        Seen seen = { .alias = reader->alias };

        if (message->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(message) < sizeof *info)
                return MNL_CB_OK;
        seen.tap.index = (guint)info->ifi_index;
        seen.tap.up = info->ifi_flags & IFF_UP;
        if (mnl_attr_parse(message, sizeof *info, take_attribute, &seen) >= MNL_CB_OK &&
            seen.is_tun && seen.is_marked)
                g_array_append_val(reader->taps, seen.tap);
        return MNL_CB_OK;
}

GArray *tap_list(Netlink *rtnl, const char *alias, GError **error)
{
        g_autoptr(GArray) taps = g_array_new(FALSE, FALSE, sizeof(Tap));
        Reader reader = { alias, taps };
        int r = -EINTR;

        for (guint attempt = 0; r == -EINTR && attempt < DUMP_ATTEMPTS; attempt++) {
                char buffer[BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
                struct nlmsghdr *request = request_new(buffer, RTM_GETLINK, NLM_F_DUMP, 0, NULL);
                mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
                g_array_set_size(taps, 0);
                r = netlink_request(rtnl, request, take_link, &reader, NULL);
        }
        if (r < 0) {
                (void)fail("TAPs", "list them", r, error);
                return NULL;
        }
        return g_steal_pointer(&taps);
}

bool tap_get(Netlink *rtnl, const char *name, const char *alias, Tap *ret_tap)
{
        char buffer[BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = request_new(buffer, RTM_GETLINK, NLM_F_ACK, 0, name);
        g_autoptr(GArray) taps = g_array_new(FALSE, FALSE, sizeof(Tap));
        Reader reader = { alias, taps };

        mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        if (netlink_request(rtnl, request, take_link, &reader, NULL) < 0 || taps->len == 0)
                return false;
        *ret_tap = g_array_index(taps, Tap, 0);
        return g_str_equal(ret_tap->name, name);
}

bool tap_check_alone(Netlink *rtnl, const TapPlan *plan, GError **error)
{
        Tap tap;

        if (!plan->multi_queue || (tap_get(rtnl, plan->name, plan->alias, &tap) &&
                                   tap.n_queues == 1 && tap.owner == plan->owner))
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                    "%s: somebody else has opened the TAP while it was made", plan->name);
        return false;
}

bool tap_is_as_planned(const Tap *tap, const TapPlan *plan)
{
        return tap->up && tap->bridge == plan->bridge && tap->mtu == plan->mtu &&
               tap->isolated == plan->isolated && tap->owner == plan->owner &&
               tap->multi_queue == plan->multi_queue;
}

/* Removing */

static int set_group(Netlink *rtnl, guint index, guint32 group)
{
        char buffer[BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = request_new(buffer, RTM_SETLINK, NLM_F_ACK, 0, NULL);
        struct ifinfomsg *info = mnl_nlmsg_get_payload(request);

        info->ifi_index = (int)index;
        mnl_attr_put_u32(request, IFLA_GROUP, group);
        return netlink_request(rtnl, request, NULL, NULL, NULL);
}

static int delete_group(Netlink *rtnl, guint32 group)
{
        char buffer[BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        struct nlmsghdr *request = request_new(buffer, RTM_DELLINK, NLM_F_ACK, 0, NULL);

        mnl_attr_put_u32(request, IFLA_GROUP, group);
        return netlink_request(rtnl, request, NULL, NULL, NULL);
}

bool tap_delete(Netlink *rtnl, const GPtrArray *names, const char *alias, GError **error)
{
        guint32 group = (guint32)g_random_int_range((gint32)GROUP_FIRST, GROUP_LAST);
        guint n = 0;
        int r = 0;

        for (guint i = 0; r == 0 && i < names->len; i++) {
                Tap tap;
                if (!tap_get(rtnl, names->pdata[i], alias, &tap))
                        continue;
                r = set_group(rtnl, tap.index, group);
                n += r == 0;
                r = r == -ENODEV ? 0 : r;
        }
        if (n > 0) { /* those that are in it, where one could not be put there, too */
                int deleted = delete_group(rtnl, group);
                r = r == 0 ? deleted : r;
        }
        return r == 0 || r == -ENODEV || r == -ESRCH || fail("TAPs", "remove them", r, error);
}

/* Opening */

/* The kernel opens what has the name, and makes a TAP of it where nothing has: whether that was
 * @tap shows afterwards. One that it made goes when it is closed. */
int tap_open(Netlink *rtnl, const Tap *tap, const char *alias, bool vnet_hdr, GError **error)
{
        int fd = attach(tap->name, tap->multi_queue, vnet_hdr ? IFF_VNET_HDR : 0);
        Tap now;

        if (fd >= 0 && tap_get(rtnl, tap->name, alias, &now) && now.index == tap->index)
                return fd;
        if (fd >= 0) {
                close(fd);
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "%s: somebody has taken the TAP away while it was opened", tap->name);
        } else if (fd == -EBUSY || fd == -E2BIG) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_IN_USE,
                            "%s: somebody has the TAP open", tap->name);
        } else {
                (void)fail(tap->name, "open the TAP", fd, error);
        }
        return -1;
}
