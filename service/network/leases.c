/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A network's leases, as its dnsmasq writes them: watched while the network is up, kept while it is
 * not. */

#include "network/network-private.h"

#include <string.h>

#include "host/ip-address.h"
#include "host/link.h"
#include "host/route.h"
#include "network/forwards.h"
#include "util/file.h"

#define LEASE_FILE_MAX_BYTES (64 * 1024 * 1024)
#define LEASE_FILE_MODE      0644

typedef struct Comparison {
        Network *network;
        bool differs;
} Comparison;

static void report(LeaseEvent event, const Lease *lease, gpointer data)
{
        Comparison *comparison = data;
        Network *network = comparison->network;

        comparison->differs = true;
        network->events->lease(network, event, lease, network->events_data);
}

/* A DHCPv6 client whose identifier does not say its MAC has it by its entry. */
static void complete_mac(const Network *network, Lease *lease)
{
        const AddressEntry *entry = entries_find_ipv6(network->config->entries, &lease->ip6);

        if (*lease->mac || !entry || !entry->mac)
                return;
        g_free(lease->mac);
        lease->mac = g_strdup(entry->mac);
}

/* Of a subnet that the network had before. */
static bool is_left(const Lease *lease, gpointer data)
{
        const NetworkConfig *config = data;

        if (lease->ip != 0)
                return !subnet_contains(&config->subnet, lease->ip);
        return !config_has_ipv6(config) || !subnet6_contains(&config->ipv6_subnet, &lease->ip6);
}

/* Those of @leases that are the network's, with what it knows of them. The caller's. */
static GPtrArray *own_of(const Network *network, const GPtrArray *leases)
{
        GPtrArray *own = g_ptr_array_new_with_free_func((GDestroyNotify)lease_free);

        for (guint i = 0; i < leases->len; i++) {
                if (is_left(leases->pdata[i], network->config))
                        continue;
                Lease *lease = lease_copy(leases->pdata[i]);
                complete_mac(network, lease);
                g_ptr_array_add(own, lease);
        }
        return own;
}

static void leases_changed(const GPtrArray *leases, gpointer data)
{
        Network *network = data;
        Comparison comparison = { .network = network };
        GPtrArray *before = network->leases;

        network->leases = own_of(network, leases);
        lease_list_compare(before, network->leases, report, &comparison);
        g_ptr_array_unref(before);
        if (comparison.differs) {
                network_tell(network, NETWORK_PROPERTY_LEASES);
                forwards_follow(network);
        }
}

void leases_forget(Network *network)
{
        g_autoptr(GPtrArray) none = g_ptr_array_new();
        leases_changed(none, network);
}

static char *lease_path(const Network *network)
{
        return g_build_filename(network->config->state_dir, "dnsmasq.leases", NULL);
}

/* The file as it is now; NULL where there is none or it is being written. The caller's. */
static GPtrArray *read_now(const Network *network)
{
        g_autofree char *path = lease_path(network);
        gsize length;
        g_autofree char *text = file_read(path, LEASE_FILE_MAX_BYTES, &length, NULL);

        return text ? lease_list_parse(text, length) : NULL;
}

void leases_load(Network *network)
{
        g_autoptr(GPtrArray) leases = read_now(network);

        if (!leases)
                return; /* the watch reads it later */
        g_ptr_array_unref(network->leases);
        network->leases = own_of(network, leases);
}

char *leases_server(const Network *network)
{
        g_autofree char *path = lease_path(network);
        gsize length = 0;
        g_autofree char *text = file_read(path, LEASE_FILE_MAX_BYTES, &length, NULL);

        return text ? lease_text_server(text, length) : NULL;
}

/* @text is the file's as it is to be. */
static bool replace(Network *network, const char *text, GError **error)
{
        g_autofree char *path = lease_path(network);
        g_autoptr(GPtrArray) leases = lease_list_parse(text, strlen(text));

        if (!file_replace(path, text, -1, LEASE_FILE_MODE, error))
                return false;
        if (leases)
                leases_changed(leases, network);
        return true;
}

void leases_look(Network *network)
{
        g_autoptr(GPtrArray) leases = read_now(network);

        if (leases)
                leases_changed(leases, network);
}

bool leases_are_left(const Network *network)
{
        g_autoptr(GPtrArray) leases = read_now(network);

        for (guint i = 0; leases && i < leases->len; i++)
                if (is_left(leases->pdata[i], network->config))
                        return true;
        return false;
}

bool leases_drop(Network *network, LeaseJudge is_to_go, gpointer data, GError **error)
{
        g_autofree char *path = lease_path(network);
        gsize length = 0;
        g_autofree char *text = file_read(path, LEASE_FILE_MAX_BYTES, &length, NULL);
        g_autofree char *rest = text ? lease_text_without(text, length, is_to_go, data) : NULL;

        return !rest || replace(network, rest, error);
}

void leases_pass_over(Network *network, LeaseJudge is_to_go, gpointer data)
{
        g_autoptr(GPtrArray) rest = g_ptr_array_new();

        for (guint i = 0; i < network->leases->len; i++)
                if (!is_to_go(network->leases->pdata[i], data))
                        g_ptr_array_add(rest, network->leases->pdata[i]);
        if (rest->len < network->leases->len)
                leases_changed(rest, network);
}

bool leases_drop_left(Network *network, GError **error)
{
        return leases_drop(network, is_left, network->config, error);
}

bool leases_watch(Network *network, GError **error)
{
        g_autofree char *path = lease_path(network);

        g_clear_pointer(&network->lease_file, lease_file_free);
        network->lease_file =
                lease_file_new(network->host->file_watches, path, leases_changed, network, error);
        return network->lease_file != NULL;
}

/* @mac asks for an address. It gets the range's one if nobody has it, or if it has it; a MAC of an
 * entry has an address of its own. */
static void board_asks(const char *mac, gpointer data)
{
        Network *network = data;
        const NetworkConfig *config = network->config;

        if (entries_find_mac(config->entries, mac))
                return;
        g_autoptr(GPtrArray) now = read_now(network); /* the watch may be a moment behind */
        if (now)
                leases_changed(now, network);
        for (guint i = 0; i < network->leases->len; i++) {
                const Lease *lease = network->leases->pdata[i];
                if (lease->ip == config->dhcp_range_start && !g_str_equal(lease->mac, mac))
                        operations_new_board(network);
        }
}

bool leases_watch_boards(Network *network, GError **error)
{
        const NetworkConfig *config = network->config;
        Link link;

        g_clear_pointer(&network->boards, dhcp_watch_free);
        if (!config->dhcp_enabled || config->dhcp_range_start != config->dhcp_range_end ||
            link_get(network->host->rtnl, network->interface, &link) < 0)
                return true;
        network->boards = dhcp_watch_new(link.index, board_asks, network, error);
        return network->boards != NULL;
}

void leases_unwatch(Network *network)
{
        /* What it gave last may not have been read: the watch takes its time. */
        g_autoptr(GPtrArray) last = network->lease_file ? read_now(network) : NULL;

        if (last && last->len > network->leases->len)
                leases_changed(last, network);
        g_clear_pointer(&network->boards, dhcp_watch_free);
        g_clear_pointer(&network->lease_file, lease_file_free);
}

static bool is_leased(const Network *network, guint32 ip)
{
        for (guint i = 0; i < network->leases->len; i++)
                if (((const Lease *)network->leases->pdata[i])->ip == ip)
                        return true;
        return false;
}

/* The one address of a range of one is its board's, whoever is seen with it. */
static bool is_taken(const Network *network, guint32 ip)
{
        const NetworkConfig *config = network->config;
        bool is_whole_range = ip == config->dhcp_range_start && ip == config->dhcp_range_end;

        return subnet_contains(&config->subnet, ip) && !is_whole_range && !is_leased(network, ip);
}

/* What the host has itself elsewhere, where the network is a twin of that. */
static void add_hosts_own(Network *network, guint index, GArray *taken)
{
        g_autoptr(GArray) addresses = ip_address_list(network->host->rtnl, 0, NULL);

        for (guint i = 0; addresses && i < addresses->len; i++) {
                const IpAddress *address = &g_array_index(addresses, IpAddress, i);
                if (address->index != index &&
                    subnet_contains(&network->config->subnet, address->address))
                        g_array_append_val(taken, address->address);
        }
}

GArray *leases_taken_addresses(Network *network)
{
        g_autoptr(GArray) neighbours = NULL;
        GArray *taken = g_array_new(FALSE, FALSE, sizeof(guint32));
        Link link;

        if (link_get(network->host->rtnl, network->interface, &link) < 0)
                return taken;
        neighbours = route_neighbours(network->host->rtnl, link.index);
        for (guint i = 0; neighbours && i < neighbours->len; i++) {
                guint32 ip = g_array_index(neighbours, guint32, i);
                if (is_taken(network, ip))
                        g_array_append_val(taken, ip);
        }
        if (network->record->twin != 0)
                add_hosts_own(network, link.index, taken);
        return taken;
}
