/* SPDX-License-Identifier: GPL-2.0-or-later */

/* IPv4 routing policy rules, by rtnetlink. A rule of ours carries our protocol number: nobody
 * else's is listed, or deleted. */

#include "host/route-rule.h"

#include <errno.h>
#include <string.h>

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "host/route.h"
#include "util/error.h"

/* A dump that a change interrupted is taken again; more than this in a row is a storm. */
#define DUMP_ATTEMPTS 10

typedef struct Listing {
        GArray *rules;
        guint32 table; /* 0 = any */
} Listing;

typedef struct Read {
        RouteRule rule;
        guint8 protocol;
} Read;

bool route_rule_equal(const RouteRule *a, const RouteRule *b)
{
        return a->preference == b->preference && a->table == b->table && a->target == b->target &&
               a->mark == b->mark && a->mask == b->mask && a->inverted == b->inverted &&
               g_str_equal(a->input, b->input) && g_str_equal(a->interface, b->interface);
}

static struct nlmsghdr *put_request(char *buffer, guint16 type, guint16 flags,
                                    const RouteRule *rule)
{
        struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

        request->nlmsg_type = type;
        request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        struct fib_rule_hdr *info = mnl_nlmsg_put_extra_header(request, sizeof *info);
        info->family = AF_INET;
        info->action = rule->table ? FR_ACT_TO_TBL : rule->target ? FR_ACT_GOTO : FR_ACT_NOP;
        info->table = RT_TABLE_UNSPEC; /* its attribute has room for the number */
        info->flags = rule->inverted ? FIB_RULE_INVERT : 0;
        if (rule->table)
                mnl_attr_put_u32(request, FRA_TABLE, rule->table);
        if (rule->target)
                mnl_attr_put_u32(request, FRA_GOTO, rule->target);
        mnl_attr_put_u32(request, FRA_PRIORITY, rule->preference);
        mnl_attr_put_u8(request, FRA_PROTOCOL, ROUTE_OURS);
        if (rule->mask != 0) {
                mnl_attr_put_u32(request, FRA_FWMARK, rule->mark);
                mnl_attr_put_u32(request, FRA_FWMASK, rule->mask);
        }
        if (rule->input[0] != '\0')
                mnl_attr_put_strz(request, FRA_IIFNAME, rule->input);
        if (rule->interface[0] != '\0')
                mnl_attr_put_strz(request, FRA_OIFNAME, rule->interface);
        return request;
}

static bool fail(const char *attempt, const RouteRule *rule, int r, const char *reason,
                 GError **error)
{
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "cannot %s routing rule %u: %s",
                    attempt, rule->preference, reason ? reason : g_strerror(-r));
        return false;
}

bool route_rule_add(Netlink *rtnl, const RouteRule *rule, GError **error)
{
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        g_autofree char *reason = NULL;
        struct nlmsghdr *request =
                put_request(buffer, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);

        int r = netlink_request(rtnl, request, NULL, NULL, &reason);
        return r >= 0 || r == -EEXIST || fail("add", rule, r, reason, error);
}

bool route_rule_delete(Netlink *rtnl, const RouteRule *rule, GError **error)
{
        char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        g_autofree char *reason = NULL;
        struct nlmsghdr *request = put_request(buffer, RTM_DELRULE, 0, rule);

        int r = netlink_request(rtnl, request, NULL, NULL, &reason);
        return r >= 0 || r == -ENOENT || fail("delete", rule, r, reason, error);
}

static int take_attribute(const struct nlattr *attribute, void *data)
{
        Read *read = data;
        RouteRule *rule = &read->rule;

        switch (mnl_attr_get_type(attribute)) {
        case FRA_TABLE:
                rule->table = mnl_attr_get_u32(attribute);
                break;
        case FRA_GOTO:
                rule->target = mnl_attr_get_u32(attribute);
                break;
        case FRA_PRIORITY:
                rule->preference = mnl_attr_get_u32(attribute);
                break;
        case FRA_FWMARK:
                rule->mark = mnl_attr_get_u32(attribute);
                break;
        case FRA_FWMASK:
                rule->mask = mnl_attr_get_u32(attribute);
                break;
        case FRA_IIFNAME:
                g_strlcpy(rule->input, mnl_attr_get_str(attribute), sizeof rule->input);
                break;
        case FRA_OIFNAME:
                g_strlcpy(rule->interface, mnl_attr_get_str(attribute), sizeof rule->interface);
                break;
        case FRA_PROTOCOL:
                read->protocol = mnl_attr_get_u8(attribute);
                break;
        default:
                break;
        }
        return MNL_CB_OK;
}

static int take_rule(const struct nlmsghdr *message, void *data)
{
        Listing *listing = data;
        const struct fib_rule_hdr *info = mnl_nlmsg_get_payload(message);
        Read read = { 0 };

        if (message->nlmsg_type != RTM_NEWRULE)
                return MNL_CB_OK;
        read.rule.inverted = info->flags & FIB_RULE_INVERT;
        (void)mnl_attr_parse(message, sizeof(struct fib_rule_hdr), take_attribute,
                             &read); /* never stops */
        if (read.protocol == ROUTE_OURS &&
            (listing->table == 0 || read.rule.table == listing->table))
                g_array_append_val(listing->rules, read.rule);
        return MNL_CB_OK;
}

GArray *route_rule_list(Netlink *rtnl, guint32 table, GError **error)
{
        g_autoptr(GArray) rules = g_array_new(FALSE, FALSE, sizeof(RouteRule));
        Listing listing = { .rules = rules, .table = table };
        int r = -EINTR;

        for (guint attempt = 0; r == -EINTR && attempt < DUMP_ATTEMPTS; attempt++) {
                char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
                struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
                request->nlmsg_type = RTM_GETRULE;
                request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
                struct fib_rule_hdr *info = mnl_nlmsg_put_extra_header(request, sizeof *info);
                info->family = AF_INET;
                g_array_set_size(rules, 0);
                r = netlink_request(rtnl, request, take_rule, &listing, NULL);
        }
        if (r < 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "cannot list routing rules: %s", g_strerror(-r));
                return NULL;
        }
        return g_steal_pointer(&rules);
}
