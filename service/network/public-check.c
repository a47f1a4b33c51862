/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Which addresses may be public ones of mappings, and which of its pool an entry has. */

#include "network/public.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "host/ip-address.h"
#include "host/link.h"
#include "host/route.h"
#include "network/joint.h"
#include "network/network-private.h"
#include "util/error.h"

struct PublicCheck {
        Network *network;
        GArray *addresses; /* IpAddress, of all interfaces; read when first needed */
        GArray *routes;
        guint index; /* of the public interface; 0 = none now */
};

void public_check_free(PublicCheck *check)
{
        if (!check)
                return;
        g_clear_pointer(&check->addresses, g_array_unref);
        g_clear_pointer(&check->routes, g_array_unref);
        g_free(check);
}

PublicCheck *public_check_new(Network *network, GError **error)
{
        g_autoptr(PublicCheck) check = g_new0(PublicCheck, 1);

        check->network = network;
        check->index = public_index(network);
        check->routes = route_list(network->host->rtnl, error);
        if (!check->routes)
                return NULL;
        return g_steal_pointer(&check);
}

/* An alias is secondary in its subnet, or a host address of its own. */
static bool is_primary(const IpAddress *address)
{
        return !(address->flags & IFA_F_SECONDARY) && address->prefix < 32;
}

/* Lists addresses only where the kernel says that @ip is the host's: most often it is not. */
static bool check_addresses(PublicCheck *check, guint32 ip, const char *text, GError **error)
{
        Netlink *rtnl = check->network->host->rtnl;

        if (!public_is_on(check->network, ip))
                return true;
        if (!check->addresses)
                check->addresses = ip_address_list(rtnl, 0, error);
        if (!check->addresses)
                return false;
        for (guint i = 0; i < check->addresses->len; i++) {
                const IpAddress *address = &g_array_index(check->addresses, IpAddress, i);
                Link link;
                if (address->address != ip || public_is_ours(check->network->record, ip))
                        continue;
                bool known = link_get_by_index(rtnl, address->index, &link) == 0;
                const char *name = known ? link.name : "another interface";
                if (is_primary(address)) {
                        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                                    "public_ip: %s is the primary address of %s", text, name);
                        return false;
                }
                if (check->index != 0 && address->index != check->index) {
                        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                                    "public_ip: %s is on %s, which is not the public interface",
                                    text, name);
                        return false;
                }
        }
        return true;
}

/* Whether @ip is @subnet's network or broadcast address. */
static bool is_end_of(const Subnet *subnet, guint32 ip)
{
        return subnet->prefix > 0 && subnet->prefix < 31 &&
               (ip == subnet->network || ip == subnet_broadcast(subnet));
}

static bool check_routes(PublicCheck *check, guint32 ip, const char *text, GError **error)
{
        for (guint i = 0; i < check->routes->len; i++) {
                const Route *route = &g_array_index(check->routes, Route, i);
                if (is_end_of(&route->destination, ip)) {
                        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                                    "public_ip: %s is the network or broadcast address of a route",
                                    text);
                        return false;
                }
                if (route->gateway == ip) {
                        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                                    "public_ip: %s is a route's gateway", text);
                        return false;
                }
                if (route->source == ip && route->scope != RT_SCOPE_LINK) {
                        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                                    "public_ip: %s is a route's source address", text);
                        return false;
                }
        }
        return true;
}

/* Whether @ip is in the subnet of @network, which has @config, and so its. A twin has what others
 * have as well: but for its own addresses they go on using it. */
static bool is_served(const Network *network, const NetworkConfig *config, guint32 ip)
{
        return subnet_contains(&config->subnet, ip) &&
               (network->record->twin == 0 || ip == config->gateway_ip ||
                entries_find_ip(config->entries, ip));
}

static bool check_own(PublicCheck *check, guint32 ip, const char *text, GError **error)
{
        const Network *network = check->network;

        if (!is_served(network, network->config, ip))
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                    "public_ip: %s is inside the subnet", text);
        return false;
}

static bool check_config_of(const Network *other, const NetworkConfig *config, guint32 ip,
                            const char *text, GError **error)
{
        bool is_inside = is_served(other, config, ip);

        if (!is_inside && !entries_find_public_ip(config->entries, ip))
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_ADDRESS_IN_USE, "public_ip: %s is %s %s",
                    text, is_inside ? "inside the subnet of network" : "a mapping of network",
                    other->name);
        return false;
}

static bool check_network(PublicCheck *check, const Network *other, guint32 ip, const char *text,
                          GError **error)
{
        const NetworkConfig *config;

        for (guint i = 0; (config = joint_rival(check->network, other, i)); i++)
                if (!check_config_of(other, config, ip, text, error))
                        return false;
        if (!g_hash_table_contains(other->reserved, GUINT_TO_POINTER(ip)))
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_ADDRESS_IN_USE,
                    "public_ip: %s is a mapping of network %s", text, other->name);
        return false;
}

static bool check_networks(PublicCheck *check, guint32 ip, const char *text, GError **error)
{
        GHashTableIter iter;
        gpointer other;

        g_hash_table_iter_init(&iter, check->network->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &other))
                if (other != check->network && !check_network(check, other, ip, text, error))
                        return false;
        return true;
}

bool public_check(PublicCheck *check, guint32 public_ip, GError **error)
{
        char text[ADDRESS_TEXT_SIZE];

        address_format(public_ip, text);
        return check_own(check, public_ip, text, error) &&
               check_networks(check, public_ip, text, error) &&
               check_addresses(check, public_ip, text, error) &&
               check_routes(check, public_ip, text, error);
}

typedef struct Choice {
        PublicCheck *check;
        const NetworkConfig *config;
        const AddressEntry *entry;
        GHashTable *excluded;
} Choice;

static bool is_free(guint32 ip, gpointer data)
{
        const Choice *choice = data;
        const AddressEntry *entry = choice->entry;
        const AddressEntry *holder = entries_find_public_ip(choice->config->entries, ip);
        Network *network = choice->check->network;

        if (holder && holder->ip != entry->ip)
                return false;
        if (choice->excluded && g_hash_table_contains(choice->excluded, GUINT_TO_POINTER(ip)))
                return false;
        if (public_is_on(network, ip) && !public_is_ours(network->record, ip))
                return false;
        return public_check(choice->check, ip, NULL);
}

guint32 public_choose(PublicCheck *check, const NetworkConfig *config, const AddressEntry *entry,
                      GHashTable *excluded, GError **error)
{
        Choice choice = { check, config, entry, excluded };
        guint32 ip = public_pool_choose(&config->public_pool, entry, is_free, &choice);

        if (ip == 0) {
                g_autofree char *pool = public_pool_to_string(&config->public_pool);
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED,
                            "public_pool: %s has no address left", pool);
        }
        return ip;
}

/* Addresses of the subnet are not the LAN's, unless the network is a twin. Where it is to have
 * another subnet, that is not decided yet. */
static bool check_pool(const Network *network, const NetworkConfig *config, GError **error)
{
        const PublicPool *pool = &config->public_pool;
        const Subnet *subnet = &config->subnet, *decided = &network->record->decided_subnet;

        if (network->record->twin != 0 || decided->network != subnet->network ||
            decided->prefix != subnet->prefix || pool->first > subnet_broadcast(subnet) ||
            pool->last < subnet->network)
                return true;
        g_autofree char *text = public_pool_to_string(pool);
        g_autofree char *whose = subnet_to_string(subnet);
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                    "public_pool: %s has addresses of the subnet %s", text, whose);
        return false;
}

bool public_choose_all(Network *network, NetworkConfig *config, GError **error)
{
        Entries *entries = config->entries;

        if (config->nat_mode != NAT_MODE_1TO1 || config->public_pool.first == 0)
                return true;
        if (!check_pool(network, config, error))
                return false;
        g_autoptr(PublicCheck) check = public_check_new(network, error);
        if (!check)
                return false;
        for (guint i = 0; i < entries_n_addresses(entries); i++) {
                const AddressEntry *entry = entries_address_at(entries, i);
                if (!entry->public_auto ||
                    (entry->public_ip != 0 && public_check(check, entry->public_ip, NULL)))
                        continue;
                guint32 ip = public_choose(check, config, entry, NULL, error);
                if (ip == 0)
                        return false;
                entries_choose_public(entries, entry->ip, ip);
                g_array_append_val(network->chosen, entry->ip);
        }
        return true;
}
