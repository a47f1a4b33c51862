/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The host's notifications, each brought to the networks that it concerns, which put back what is
 * theirs. A notification is a reason to look (missing.c, knobs.c), not the truth: it is old when it
 * is read, and it may be of our own making. So a repair never causes another, and a program that
 * keeps on changing things of its own costs a look. Only our own tables are put back unseen; what
 * we do to them ourselves is not told.
 *
 * Not here: DUTs' interfaces as such, which network_links_changed() is for, and processes. */

#include "network/watch.h"

#include <string.h>

#include "host/device-path.h"
#include "host/firewalld-watch.h"
#include "host/ip-address-watch.h"
#include "host/link.h"
#include "host/nft-watch.h"
#include "host/route-rule-watch.h"
#include "host/route.h"
#include "host/sysctl-watch.h"
#include "network/guests.h"
#include "network/missing.h"
#include "network/names-table.h"
#include "network/network-private.h"
#include "network/public.h"
#include "util/log.h"

struct Watch {
        Host *host;
        LinkWatch *links;
        RouteWatch *routes;
        UdevWatch *udev;
        IpAddressWatch *addresses;
        NftWatch *tables;
        RouteRuleWatch *rules;
        SysctlWatch *sysctls;
        FirewalldWatch *firewalld;
        GHashTable *without_carrier; /* indexes of interfaces */
};

/* All networks, each with a reference: what they are told may make one go. */
static GPtrArray *networks_of(const Watch *watch)
{
        GPtrArray *networks = g_ptr_array_new_with_free_func((GDestroyNotify)network_unref);
        GHashTableIter iter;
        gpointer network;

        g_hash_table_iter_init(&iter, watch->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &network))
                g_ptr_array_add(networks, network_ref(network));
        return networks;
}

static void repair(Network *network, unsigned parts)
{
        if (parts)
                network_repair(network, parts);
}

/* Routes and interfaces */

static void host_changed(gpointer data)
{
        const Watch *watch = data;
        g_autoptr(GPtrArray) networks = networks_of(watch);
        g_autoptr(HostView) view = host_view_new(watch->host->rtnl);

        for (guint i = 0; i < networks->len; i++)
                network_host_changed(networks->pdata[i], view);
}

/* Whether each network's interface is there now, by whatever name. @index: see
 * network_links_changed(). */
static void look_at_link(Watch *watch, guint index)
{
        g_autoptr(GPtrArray) networks = networks_of(watch);

        for (guint i = 0; i < networks->len; i++)
                network_links_changed(networks->pdata[i], index);
        host_changed(watch);
}

static void look_at_links(gpointer data)
{
        look_at_link(data, 0);
}

/* Messages were lost. */
static void look_at_all_links(gpointer data)
{
        g_autoptr(GPtrArray) networks = networks_of(data);

        look_at_links(data);
        for (guint i = 0; i < networks->len; i++)
                repair(networks->pdata[i], missing_link(networks->pdata[i]));
}

/* Switches and neighbours may have forgotten what is behind a link without carrier. */
static void follow_carrier(Watch *watch, const Link *link, bool gone)
{
        gpointer index = GUINT_TO_POINTER(link->index);

        if (!gone && !link->carrier) {
                g_hash_table_add(watch->without_carrier, index);
                return;
        }
        if (!g_hash_table_remove(watch->without_carrier, index) || gone)
                return;
        g_autoptr(GPtrArray) networks = networks_of(watch);
        for (guint i = 0; i < networks->len; i++)
                if (g_strcmp0(network_public_interface(networks->pdata[i]), link->name) == 0)
                        public_announce(networks->pdata[i]);
}

/* Somebody has set interface @index down. */
static void look_at_down(Watch *watch, guint index)
{
        g_autoptr(GPtrArray) networks = networks_of(watch);

        for (guint i = 0; i < networks->len; i++) {
                Network *network = networks->pdata[i];
                if (network->record->index == index)
                        repair(network, missing_link(network));
        }
}

/* Whether the interface is a guest's TAP. Of no interest to anybody else, and there are many. */
static bool is_guests(Watch *watch, const Link *link, bool gone)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, watch->host->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Network *network = value;
                if (!entries_find_tap(network->config->entries, link->name))
                        continue;
                bool is_port = !gone && link->up && link->master == network->record->index;
                if (!is_port && network_is_up(network) && guests_miss(network, link->name))
                        network_repair(network, NETWORK_PART_GUESTS);
                return true;
        }
        return false;
}

static void link_changed(const Link *link, bool gone, gpointer data)
{
        if (is_guests(data, link, gone))
                return;
        follow_carrier(data, link, gone);
        look_at_link(data, link->index);
        if (!gone && !link->up)
                look_at_down(data, link->index);
}

/* Addresses */

static void look_at_all_addresses(Watch *watch)
{
        g_autoptr(GPtrArray) networks = networks_of(watch);

        for (guint i = 0; i < networks->len; i++) {
                Network *network = networks->pdata[i];
                repair(network, missing_link(network) | missing_public(network));
        }
}

static void addresses_gone(const IpAddressGone *gone, guint n, gpointer data)
{
        g_autoptr(GPtrArray) networks = networks_of(data);

        if (n == 0)
                look_at_all_addresses(data);
        for (guint i = 0; n > 0 && i < networks->len; i++) {
                Network *network = networks->pdata[i];
                unsigned parts = 0;
                for (guint j = 0; j < n && !(parts & NETWORK_PART_PUBLIC); j++)
                        parts |= missing_address(network, gone[j].index, gone[j].address);
                repair(network, parts);
        }
}

/* Tables */

static void look_at_accepts(Watch *watch)
{
        g_autoptr(GPtrArray) networks = networks_of(watch);

        for (guint i = 0; i < networks->len; i++)
                repair(networks->pdata[i], missing_accepts(networks->pdata[i]));
}

/* The guard is one table for all networks without NAT: one of them puts it back. */
static void repair_guard(Watch *watch)
{
        g_autoptr(GPtrArray) networks = networks_of(watch);

        for (guint i = 0; i < networks->len; i++) {
                Network *network = networks->pdata[i];
                if (!guard_has(watch->host->guard, network_name(network)))
                        continue;
                network_repair(network, NETWORK_PART_FIREWALL);
                return;
        }
}

/* Likewise the gateways' tables. */
static void repair_gateways(Watch *watch)
{
        g_autoptr(GPtrArray) networks = networks_of(watch);

        for (guint i = 0; i < networks->len; i++) {
                Network *network = networks->pdata[i];
                NetworkState state = network_state(network);
                if ((state != NETWORK_ACTIVE && state != NETWORK_DEGRADED) ||
                    !gateways_has(watch->host->gateways, network_name(network), NULL))
                        continue;
                network_repair(network, NETWORK_PART_GATEWAYS);
                return;
        }
}

/* Each puts back its part, and what all share. */
static void repair_filter(Watch *watch, const char *table)
{
        g_autoptr(GPtrArray) networks = networks_of(watch);

        for (guint i = 0; i < networks->len; i++) {
                Network *network = networks->pdata[i];
                if (g_strcmp0(network->record->filter_table, table) == 0)
                        network_repair(network, NETWORK_PART_FIREWALL);
        }
}

/* What dnsmasq has added to a set (not NULL), or what was done to the table of names. */
static void look_at_names(Watch *watch, const char *set)
{
        g_autoptr(GPtrArray) networks = networks_of(watch);

        for (guint i = 0; i < networks->len; i++) {
                Network *network = networks->pdata[i];
                if (!network->record->names_interface)
                        continue;
                if (set)
                        names_table_answered(network, set);
                else
                        network_repair(network, NETWORK_PART_FIREWALL);
        }
}

static void any_table_changed(Watch *watch)
{
        g_autoptr(GPtrArray) networks = networks_of(watch);

        for (guint i = 0; i < networks->len; i++) /* the guard with them */
                network_repair(networks->pdata[i], NETWORK_PART_FIREWALL);
        repair_gateways(watch);
        look_at_accepts(watch);
}

static void table_changed(guint8 family, const char *table, const char *set, gpointer data)
{
        Watch *watch = data;
        const Host *host = watch->host;

        if (!table) {
                any_table_changed(watch);
                return;
        }
        if (g_str_equal(table, GUARD_TABLE)) {
                repair_guard(watch);
                return;
        }
        if (g_str_equal(table, GATEWAYS_TABLE)) {
                repair_gateways(watch);
                return;
        }
        if (g_str_equal(table, FILTER_TABLE) || g_str_equal(table, FILTER_TABLE_PLAIN)) {
                repair_filter(watch, table);
                return;
        }
        if (g_str_equal(table, NAMES_TABLE)) {
                look_at_names(watch, set);
                return;
        }
        if (foreign_firewall_is_in(family, table)) {
                look_at_accepts(watch);
                return;
        }
        const char *name = g_hash_table_lookup(host->tables, table);
        Network *network = name ? g_hash_table_lookup(host->networks, name) : NULL;
        if (network)
                network_repair(network, NETWORK_PART_FIREWALL);
}

/* Rules and routes */

static void look_at_routes(gpointer data)
{
        g_autoptr(GPtrArray) networks = networks_of(data);

        for (guint i = 0; i < networks->len; i++)
                repair(networks->pdata[i], missing_routes(networks->pdata[i]));
}

/* Knobs */

static NetworkPart part_of_knobs(const char *holder_class)
{
        if (g_str_equal(holder_class, "forwarding"))
                return NETWORK_PART_FORWARDING;
        return g_str_equal(holder_class, "routes") ? NETWORK_PART_ROUTES : NETWORK_PART_LINK;
}

static void knob_turned(const char *holder, const char *holder_class, gpointer data)
{
        const Watch *watch = data;
        Network *network = g_hash_table_lookup(watch->host->networks, holder);

        if (network)
                network_repair(network, part_of_knobs(holder_class));
}

/* Docker, for one, turns forwarding on for all interfaces when it starts. Any other knob's value
 * for all is not the value of each; what a twin's rp_filter has to be follows from it. */
static void turned_for_all(Watch *watch, Sysctl sysctl)
{
        g_autoptr(GPtrArray) networks = networks_of(watch);
        g_autoptr(GError) error = NULL;

        if ((sysctl == SYSCTL_IPV4_FORWARDING || sysctl == SYSCTL_IPV6_FORWARDING) &&
            !knobs_turned_for_all(watch->host->knobs, sysctl, &error))
                log_warning("%s", error->message);
        if (sysctl == SYSCTL_IPV6_FORWARDING) /* which is a knob of its own */
                knobs_check_all(watch->host->knobs, knob_turned, watch);
        for (guint i = 0; i < networks->len && sysctl == SYSCTL_IPV4_RP_FILTER; i++)
                network_repair(networks->pdata[i], NETWORK_PART_ROUTES);
}

/* The kernel tells of forwarding and rp_filter alone. The others (redirects, accept_ra) are set
 * again whenever their step runs. */
static void sysctl_turned(Sysctl sysctl, guint index, gpointer data)
{
        Watch *watch = data;

        if (index == SYSCTL_WATCH_ALL)
                turned_for_all(watch, sysctl);
        else if (index == 0)
                knobs_check_all(watch->host->knobs, knob_turned, watch);
        else
                knobs_check(watch->host->knobs, sysctl, index, knob_turned, watch);
}

/* firewalld */

static void firewalld_told(FirewalldEvent event, gpointer data)
{
        g_autoptr(GPtrArray) networks = networks_of(data);

        for (guint i = 0; i < networks->len; i++)
                switch (event) {
                case FIREWALLD_READY:
                        network_repair(networks->pdata[i], NETWORK_PART_OTHER_FIREWALLS);
                        break;
                case FIREWALLD_GONE:
                        firewalls_forget(networks->pdata[i]);
                        break;
                case FIREWALLD_EVENT_MAX:
                        g_assert_not_reached();
                }
}

/* NetworkManager */

/* What we take and give back ourselves is told of as well. */
static void nm_seen(const char *interface, bool held, gpointer data)
{
        const Watch *watch = data;
        Network *network = network_of_interface(watch->host, interface);

        if (network && held && network_is_wanted_up(network)) {
                if (network_is_up(network))
                        log_network_notice(network_name(network),
                                           "NetworkManager has laid hands on %s", interface);
                network_repair(network, NETWORK_PART_HAND_OVER | NETWORK_PART_LINK |
                                                NETWORK_PART_FORWARDING);
        }
        owed_give_back(watch->host->owed, interface);
}

static bool subscribe(Watch *watch, GError **error)
{
        const Host *host = watch->host;
        const guint32 nft_ports[] = { nft_port(host->nft),
                                      foreign_firewall_port(host->foreign_firewall) };

        watch->links = link_watch_new(link_changed, look_at_all_links, watch, error);
        if (!watch->links)
                return false;
        watch->routes = route_watch_new(host_changed, watch, error);
        if (!watch->routes)
                return false;
        watch->addresses =
                ip_address_watch_new(netlink_port(host->rtnl), addresses_gone, watch, error);
        if (!watch->addresses)
                return false;
        watch->tables =
                nft_watch_new(nft_ports, G_N_ELEMENTS(nft_ports), table_changed, watch, error);
        if (!watch->tables)
                return false;
        watch->rules = route_rule_watch_new(netlink_port(host->rtnl), look_at_routes, watch, error);
        if (!watch->rules)
                return false;
        watch->sysctls = sysctl_watch_new(sysctl_turned, watch, error);
        if (!watch->sysctls)
                return false;
        watch->udev = udev_watch_new(look_at_links, watch, error);
        if (!watch->udev)
                return false;
        watch->firewalld = firewalld_watch_new(firewalld_told, watch);
        nm_watch(host->nm, nm_seen, watch);
        return true;
}

Watch *watch_new(Host *host, GError **error)
{
        g_autoptr(Watch) watch = g_new0(Watch, 1);

        watch->host = host;
        watch->without_carrier = g_hash_table_new(NULL, NULL);
        return subscribe(watch, error) ? g_steal_pointer(&watch) : NULL;
}

void watch_free(Watch *watch)
{
        if (!watch)
                return;
        nm_watch(watch->host->nm, NULL, NULL);
        link_watch_free(watch->links);
        route_watch_free(watch->routes);
        udev_watch_free(watch->udev);
        ip_address_watch_free(watch->addresses);
        nft_watch_free(watch->tables);
        route_rule_watch_free(watch->rules);
        sysctl_watch_free(watch->sysctls);
        firewalld_watch_free(watch->firewalld);
        g_hash_table_unref(watch->without_carrier);
        g_free(watch);
}
