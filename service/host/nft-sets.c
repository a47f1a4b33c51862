/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The sets that others add to, and the maps that an earlier life has filled, read back; and what
 * sets and chains there are. */

#include "host/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include <libnftnl/chain.h>
#include <libnftnl/set.h>

#include "host/netlink.h"
#include "model/ruleset-types.h"
#include "util/error.h"

typedef struct nftnl_chain NftChain;
typedef struct nftnl_set NftSet;
typedef struct nftnl_set_elems_iter NftElementsIter;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NftChain, nftnl_chain_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NftSet, nftnl_set_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NftElementsIter, nftnl_set_elems_iter_destroy)

#define REQUEST_SIZE 1024
/* A listing into which a change came is asked for again; one who changes all the time is not waited
 * for. */
#define TRIES 10

static NftSet *new_set(const char *table)
{
        NftSet *set = nftnl_set_alloc();

        if (!set)
                g_error("libnftnl: out of memory");
        nftnl_set_set_str(set, NFTNL_SET_TABLE, table);
        return set;
}

/* What is not there is no failure. What was received before an interruption is received again. */
static bool ask(Nft *nft, struct nlmsghdr *request, mnl_cb_t receive, void *data, const char *what,
                GError **error)
{
        int r = -EINTR;

        for (guint i = 0; i < TRIES && r == -EINTR; i++)
                r = netlink_request(nft_netlink(nft), request, receive, data, NULL);
        if (r == 0 || r == -ENOENT)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: cannot read it: %s", what,
                    g_strerror(-r));
        return false;
}

typedef struct nftnl_set_elem NftElement;
typedef void (*ElementTaker)(NftElement *element, GArray *elements);

typedef struct Taking {
        ElementTaker take;
        GArray *elements;
} Taking;

/* Whether @element has such an attribute of so many bytes. */
static bool get_bytes(NftElement *element, guint16 attribute, void *bytes, guint32 size)
{
        guint32 length = 0;
        const void *value = nftnl_set_elem_get(element, attribute, &length);

        if (!value || length != size)
                return false;
        memcpy(bytes, value, size);
        return true;
}

static void take_address(NftElement *element, GArray *addresses)
{
        guint32 address;

        if (!get_bytes(element, NFTNL_SET_ELEM_KEY, &address, sizeof address))
                return;
        address = ntohl(address);
        g_array_append_val(addresses, address);
}

/* A register that has a port in it. */
static guint16 port_in(guint32 word)
{
        guint16 port;

        memcpy(&port, &word, sizeof port);
        return ntohs(port);
}

/* As nft-objects.c writes them: to a pair of address and port, from a port, or from a port and a
 * range of addresses. */
static void take_port(NftElement *element, GArray *ports)
{
        guint32 first[2] = { 0 }, last[2] = { 0 }, target[2];
        guint16 key;

        if (!get_bytes(element, NFTNL_SET_ELEM_DATA, target, sizeof target))
                return;
        RulesetPort port = { .ip = ntohl(target[0]), .to_port = port_in(target[1]) };
        if (get_bytes(element, NFTNL_SET_ELEM_KEY, &key, sizeof key)) {
                port.port = ntohs(key);
        } else if (get_bytes(element, NFTNL_SET_ELEM_KEY, first, sizeof first) &&
                   get_bytes(element, NFTNL_SET_ELEM_KEY_END, last, sizeof last)) {
                guint32 differs = ntohl(first[1] ^ last[1]);
                port.port = port_in(first[0]);
                port.from.network = ntohl(first[1]);
                port.from.prefix = 32 - (differs ? g_bit_storage(differs) : 0);
        } else {
                return;
        }
        g_array_append_val(ports, port);
}

static int take_elements(const struct nlmsghdr *message, void *data)
{
        const Taking *taking = data;
        g_autoptr(NftSet) set = nftnl_set_alloc();

        if (!set || nftnl_set_elems_nlmsg_parse(message, set) < 0)
                return MNL_CB_OK;
        g_autoptr(NftElementsIter) iter = nftnl_set_elems_iter_create(set);
        for (NftElement *element; iter && (element = nftnl_set_elems_iter_next(iter));)
                taking->take(element, taking->elements);
        return MNL_CB_OK;
}

/* @elements (taken): what @take adds to. */
static GArray *read_elements(Nft *nft, const char *table, const char *name, ElementTaker take,
                             GArray *elements, GError **error)
{
        char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        g_autoptr(GArray) owned = elements;
        g_autoptr(NftSet) set = new_set(table);
        Taking taking = { take, elements };

        nftnl_set_set_str(set, NFTNL_SET_NAME, name);
        struct nlmsghdr *request =
                nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETSETELEM, NFPROTO_IPV4, NLM_F_DUMP, 0);
        nftnl_set_elems_nlmsg_build_payload(request, set);
        return ask(nft, request, take_elements, &taking, name, error) ? g_steal_pointer(&owned)
                                                                      : NULL;
}

GArray *nft_read_addresses(Nft *nft, const char *table, const char *name, GError **error)
{
        return read_elements(nft, table, name, take_address,
                             g_array_new(FALSE, FALSE, sizeof(guint32)), error);
}

GArray *nft_read_ports(Nft *nft, const char *table, const char *name, GError **error)
{
        return read_elements(nft, table, name, take_port,
                             g_array_new(FALSE, FALSE, sizeof(RulesetPort)), error);
}

typedef struct Listing {
        const char *table, *prefix;
        GPtrArray *names;
} Listing;

static void take_name(const Listing *listing, const char *name)
{
        if (name && g_str_has_prefix(name, listing->prefix) &&
            !g_ptr_array_find_with_equal_func(listing->names, name, g_str_equal, NULL))
                g_ptr_array_add(listing->names, g_strdup(name));
}

static int take_set(const struct nlmsghdr *message, void *data)
{
        g_autoptr(NftSet) set = nftnl_set_alloc();

        if (set && nftnl_set_nlmsg_parse(message, set) >= 0)
                take_name(data, nftnl_set_get_str(set, NFTNL_SET_NAME));
        return MNL_CB_OK;
}

/* The kernel lists those of all tables. */
static int take_chain(const struct nlmsghdr *message, void *data)
{
        const Listing *listing = data;
        g_autoptr(NftChain) chain = nftnl_chain_alloc();

        if (chain && nftnl_chain_nlmsg_parse(message, chain) >= 0 &&
            g_strcmp0(nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE), listing->table) == 0)
                take_name(listing, nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME));
        return MNL_CB_OK;
}

GPtrArray *nft_list_sets(Nft *nft, const char *table, const char *prefix, GError **error)
{
        char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(NftSet) set = new_set(table);
        Listing listing = { table, prefix, names };

        struct nlmsghdr *request =
                nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETSET, NFPROTO_IPV4, NLM_F_DUMP, 0);
        nftnl_set_nlmsg_build_payload(request, set);
        return ask(nft, request, take_set, &listing, table, error) ? g_steal_pointer(&names) : NULL;
}

GPtrArray *nft_list_chains(Nft *nft, const char *table, const char *prefix, GError **error)
{
        char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        Listing listing = { table, prefix, names };

        struct nlmsghdr *request =
                nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETCHAIN, NFPROTO_IPV4, NLM_F_DUMP, 0);
        return ask(nft, request, take_chain, &listing, table, error) ? g_steal_pointer(&names)
                                                                     : NULL;
}
