/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Accepts in `table ip filter` and `table ip6 filter`, which are iptables-nft's and Docker's. How a
 * rule looks is in foreign-rules.c; here is where it goes, and that it is found again by what it is
 * and not by what we remember: after a restart of ours too. The table can change under our hands at
 * any time, so a dump that was interrupted and a rule that is gone when we come to delete it mean:
 * look again.
 *
 * iptables-legacy's tables are not nf_tables' and are not looked at. */

#include "host/foreign-firewall.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <libnftnl/chain.h>
#include <libnftnl/rule.h>

#include "host/foreign-rules.h"
#include "host/netlink.h"
#include "host/nft-batch.h"
#include "util/error.h"

#define FILTER_TABLE  "filter"
#define FORWARD_CHAIN "FORWARD"
#define DOCKER_CHAIN  "DOCKER-USER"

/* Somebody who changes the table all the time is not waited for longer. */
#define ATTEMPTS_MAX 10

typedef struct nftnl_chain NftChain;
typedef struct nftnl_rule NftRule;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NftChain, nftnl_chain_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NftRule, nftnl_rule_free)

struct ForeignFirewall {
        Netlink *netlink;
};

/* What is of interest in one chain. */
typedef struct ChainView {
        guint8 family; /* NFPROTO_* */
        const char *name;
        const ForeignPath *paths; /* two: there and back */
        bool exists;
        bool drops; /* its policy */
        bool jumps_to_docker;
        bool found[2];
        GArray *ours; /* guint64, handles of both paths' rules */
} ChainView;

static void chain_view_clear(ChainView *view)
{
        g_clear_pointer(&view->ours, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ChainView, chain_view_clear)

ForeignFirewall *foreign_firewall_new(GError **error)
{
        Netlink *netlink = netlink_new(NETLINK_NETFILTER, error);
        if (!netlink)
                return NULL;

        ForeignFirewall *firewall = g_new(ForeignFirewall, 1);
        *firewall = (ForeignFirewall){ .netlink = netlink };
        return firewall;
}

void foreign_firewall_free(ForeignFirewall *firewall)
{
        if (!firewall)
                return;

        netlink_free(firewall->netlink);
        g_free(firewall);
}

guint32 foreign_firewall_port(const ForeignFirewall *firewall)
{
        return netlink_port(firewall->netlink);
}

bool foreign_firewall_is_in(guint8 family, const char *table)
{
        return (family == NFPROTO_IPV4 || family == NFPROTO_IPV6) &&
               g_str_equal(table, FILTER_TABLE);
}

static int view_chain_policy(const struct nlmsghdr *message, void *data)
{
        ChainView *view = data;
        g_autoptr(NftChain) chain = nftnl_chain_alloc();

        if (!chain || nftnl_chain_nlmsg_parse(message, chain) < 0)
                return MNL_CB_ERROR;
        view->drops = nftnl_chain_is_set(chain, NFTNL_CHAIN_POLICY) &&
                      nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY) == NF_DROP;
        return MNL_CB_OK;
}

static int view_rule(const struct nlmsghdr *message, void *data)
{
        ChainView *view = data;
        g_autoptr(NftRule) rule = nftnl_rule_alloc();

        if (!rule || nftnl_rule_nlmsg_parse(message, rule) < 0)
                return MNL_CB_ERROR;
        if (foreign_rule_jumps_to(rule, DOCKER_CHAIN))
                view->jumps_to_docker = true;
        for (guint i = 0; i < G_N_ELEMENTS(view->found); i++) {
                ForeignMatch match = foreign_rule_match(rule, &view->paths[i]);
                if (match == FOREIGN_MATCH_NONE)
                        continue;
                view->found[i] = true;
                guint64 handle = nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE);
                if (match == FOREIGN_MATCH_OURS)
                        g_array_append_val(view->ours, handle);
        }
        return MNL_CB_OK;
}

static int request_chain(ForeignFirewall *firewall, ChainView *view)
{
        char buffer[1024] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        g_autoptr(NftChain) chain = nftnl_chain_alloc();
        struct nlmsghdr *request =
                nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETCHAIN, view->family, NLM_F_ACK, 0);

        nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, FILTER_TABLE);
        nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, view->name);
        nftnl_chain_nlmsg_build_payload(request, chain);
        return netlink_request(firewall->netlink, request, view_chain_policy, view, NULL);
}

static int request_rules(ForeignFirewall *firewall, ChainView *view)
{
        char buffer[1024] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        g_autoptr(NftRule) rule = nftnl_rule_alloc();
        struct nlmsghdr *request =
                nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETRULE, view->family, NLM_F_DUMP, 0);

        nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, FILTER_TABLE);
        nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, view->name);
        nftnl_rule_nlmsg_build_payload(request, rule);
        return netlink_request(firewall->netlink, request, view_rule, view, NULL);
}

/* Looks at chain @name. No such chain is success. */
static int view_chain(ForeignFirewall *firewall, guint8 family, const char *name,
                      const ForeignPath *paths, ChainView *ret_view)
{
        g_auto(ChainView) view = {
                .family = family,
                .name = name,
                .paths = paths,
                .ours = g_array_new(FALSE, FALSE, sizeof(guint64)),
        };

        int r = request_chain(firewall, &view);
        if (r == 0) {
                view.exists = true;
                r = request_rules(firewall, &view);
        }
        if (r < 0 && r != -ENOENT)
                return r;

        *ret_view = view;
        view.ours = NULL; /* handed over */
        return 0;
}

static int insert_missing(ForeignFirewall *firewall, const ChainView *view)
{
        g_autoptr(NftBatch) batch = nft_batch_new(firewall->netlink);

        for (guint i = 0; i < G_N_ELEMENTS(view->found); i++) {
                if (view->found[i])
                        continue;
                g_autoptr(NftRule) rule = foreign_rule_new(&view->paths[i]);
                nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, FILTER_TABLE);
                nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, view->name);
                nftnl_rule_nlmsg_build_payload(
                        nft_batch_add(batch, NFT_MSG_NEWRULE, view->family, NLM_F_CREATE), rule);
        }
        return nft_batch_send(batch, NULL);
}

static int delete_ours(ForeignFirewall *firewall, const ChainView *view)
{
        g_autoptr(NftBatch) batch = nft_batch_new(firewall->netlink);

        for (guint i = 0; i < view->ours->len; i++) {
                g_autoptr(NftRule) rule = nftnl_rule_alloc();
                nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, FILTER_TABLE);
                nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, view->name);
                nftnl_rule_set_u64(rule, NFTNL_RULE_HANDLE, g_array_index(view->ours, guint64, i));
                nftnl_rule_nlmsg_build_payload(
                        nft_batch_add(batch, NFT_MSG_DELRULE, view->family, 0), rule);
        }
        return nft_batch_send(batch, NULL);
}

/* Looks at both chains. *ret_view (one of the two, or NULL where nothing is needed) is the one to
 * have the accepts. */
static int find_place(ForeignFirewall *firewall, guint8 family, const ForeignPath *paths,
                      ChainView *forward, ChainView *docker, const ChainView **ret_view)
{
        int r = view_chain(firewall, family, FORWARD_CHAIN, paths, forward);
        if (r < 0)
                return r;
        r = view_chain(firewall, family, DOCKER_CHAIN, paths, docker);
        if (r < 0)
                return r;

        /* A chain that Docker left behind, and that nothing leads to, opens nothing. */
        if (docker->exists && forward->jumps_to_docker)
                *ret_view = docker;
        else
                *ret_view = forward->drops ? forward : NULL;
        return 0;
}

/* One look and one change. *ret_chain is a literal, or NULL. */
static int try_open(ForeignFirewall *firewall, guint8 family, const ForeignPath *paths,
                    const char **ret_chain)
{
        g_auto(ChainView) forward = { 0 };
        g_auto(ChainView) docker = { 0 };
        const ChainView *view;

        int r = find_place(firewall, family, paths, &forward, &docker, &view);
        if (r < 0)
                return r;
        if (view)
                r = insert_missing(firewall, view);
        if (r == 0)
                *ret_chain = view ? view->name : NULL;
        return r;
}

static int try_close(ForeignFirewall *firewall, guint8 family, const ForeignPath *paths)
{
        static const char *const chains[] = { FORWARD_CHAIN, DOCKER_CHAIN };

        for (guint i = 0; i < G_N_ELEMENTS(chains); i++) {
                g_auto(ChainView) view = { 0 };
                int r = view_chain(firewall, family, chains[i], paths, &view);
                if (r == 0)
                        r = delete_ours(firewall, &view);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool changed_meanwhile(int r)
{
        return r == -EINTR || r == -ENOENT;
}

static bool fail(int r, guint8 family, const char *attempt, const char *interface, GError **error)
{
        g_autofree char *object = g_strdup_printf("%s: table %s " FILTER_TABLE, interface,
                                                  family == NFPROTO_IPV6 ? "ip6" : "ip");

        return nft_batch_fail(r, attempt, object, error);
}

bool foreign_firewall_open(ForeignFirewall *firewall, guint8 family, const char *interface,
                           const char *upstream, char **ret_chain, GError **error)
{
        const ForeignPath paths[] = { { interface, upstream }, { upstream, interface } };
        const char *chain = NULL;
        int r = -EINTR;

        for (guint i = 0; i < ATTEMPTS_MAX && changed_meanwhile(r); i++)
                r = try_open(firewall, family, paths, &chain);
        if (r < 0)
                return fail(r, family, "add accept rules", interface, error);
        *ret_chain = g_strdup(chain);
        return true;
}

bool foreign_firewall_is_open(ForeignFirewall *firewall, guint8 family, const char *interface,
                              const char *upstream)
{
        const ForeignPath paths[] = { { interface, upstream }, { upstream, interface } };
        g_auto(ChainView) forward = { 0 };
        g_auto(ChainView) docker = { 0 };
        const ChainView *view;

        if (find_place(firewall, family, paths, &forward, &docker, &view) < 0)
                return false; /* it changes just now */
        return !view || (view->found[0] && view->found[1]);
}

bool foreign_firewall_close(ForeignFirewall *firewall, guint8 family, const char *interface,
                            const char *upstream, GError **error)
{
        const ForeignPath paths[] = { { interface, upstream }, { upstream, interface } };
        int r = -EINTR;

        for (guint i = 0; i < ATTEMPTS_MAX && changed_meanwhile(r); i++)
                r = try_close(firewall, family, paths);
        return r == 0 || fail(r, family, "delete our accept rules", interface, error);
}
