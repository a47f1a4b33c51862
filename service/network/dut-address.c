/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Which address of a network somebody means who wants to reach a DUT. What the administrator has
 * named comes before what a DUT calls itself, as in DNS; and whatever the name, it leads to a place
 * behind the network's NIC or nowhere. */

#include <string.h>

#include "host/ip-address.h"
#include "model/name.h"
#include "network/network-private.h"
#include "util/error.h"

G_GNUC_PRINTF(2, 3)
static bool refuse(GError **error, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        g_autofree char *reason = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS, "address: %s", reason);
        return false;
}

/* Whether @address is the host's own, beside the gateway address: the NIC had it before. */
static bool is_own(const Network *network, guint32 address)
{
        if (!network->record->index)
                return false;
        g_autoptr(GArray) own = ip_address_list(network->host->rtnl, network->record->index, NULL);
        for (guint i = 0; own && i < own->len; i++)
                if (g_array_index(own, IpAddress, i).address == address)
                        return true;
        return false;
}

static bool check(const Network *network, guint32 address, GError **error)
{
        const NetworkConfig *config = network->config;
        const Subnet *subnet = &config->subnet;
        char text[ADDRESS_TEXT_SIZE];

        address_format(address, text);
        if (!subnet_contains(subnet, address)) {
                g_autofree char *shown = subnet_to_string(subnet);
                return refuse(error, "%s is not in the network's subnet %s", text, shown);
        }
        if (address == subnet->network || address == subnet_broadcast(subnet))
                return refuse(error, "%s is no host's in the subnet", text);
        if (address == config->gateway_ip || is_own(network, address))
                return refuse(error, "%s is this host's own", text);
        return true;
}

static const AddressEntry *find_entry(const Entries *entries, const char *hostname)
{
        for (guint i = 0; i < entries_n_addresses(entries); i++) {
                const AddressEntry *entry = entries_address_at(entries, i);
                if (g_strcmp0(entry->hostname, hostname) == 0)
                        return entry;
        }
        return NULL;
}

static const Lease *find_lease(const Network *network, const char *hostname)
{
        gint64 now_sec = g_get_real_time() / G_USEC_PER_SEC;

        for (guint i = 0; i < network->leases->len; i++) {
                const Lease *lease = network->leases->pdata[i];
                if (lease->ip != 0 && g_ascii_strcasecmp(lease->hostname, hostname) == 0 &&
                    !lease_is_expired(lease, now_sec))
                        return lease;
        }
        return NULL;
}

/* A DNS entry may be about another host altogether. */
static bool find_name(const Network *network, const char *hostname, guint32 *ret_address,
                      GError **error)
{
        const Entries *entries = network->config->entries;
        const DnsEntry *dns = entries_find_hostname(entries, hostname);
        const AddressEntry *entry = find_entry(entries, hostname);
        char text[ADDRESS_TEXT_SIZE];

        if (dns && !dns->has_ip)
                dns = NULL; /* of the other family alone */
        if (dns && subnet_contains(&network->config->subnet, dns->ip)) {
                *ret_address = dns->ip;
                return true;
        }
        if (entry) {
                *ret_address = entry->ip;
                return true;
        }
        if (dns)
                return refuse(error, "%s is %s, which is not in the network's subnet", hostname,
                              address_format(dns->ip, text));
        const Lease *lease = find_lease(network, hostname);
        if (lease) {
                *ret_address = lease->ip;
                return true;
        }
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_NO_SUCH_LEASE,
                    "%s: no lease or entry of %s", network->name, hostname);
        return false;
}

/* Numbers with points alone: meant as an address, and no name for a host. */
static bool is_numeric(const char *text)
{
        return text[strspn(text, "0123456789.")] == '\0';
}

bool network_may_be_dut(const Network *network, guint32 address)
{
        return check(network, address, NULL);
}

bool network_knows_name(const Network *network, const char *hostname, guint32 *ret_address)
{
        g_autoptr(GError) error = NULL;
        guint32 address = 0;

        bool is_found = find_name(network, hostname, &address, &error);
        if (!is_found && g_error_matches(error, SERVICE_ERROR, SERVICE_ERROR_NO_SUCH_LEASE))
                return false;
        *ret_address = is_found && network_may_be_dut(network, address) ? address : 0;
        return true;
}

static bool find_by_text(const Network *network, const char *text, guint32 *ret_address,
                         GError **error)
{
        char mac[MAC_TEXT_SIZE];

        if (address_parse(text, ret_address))
                return true;
        if (mac_parse(text, mac))
                return network_find_dut(network, mac, ret_address, error);
        if (is_numeric(text))
                return refuse(error, "\"%s\" is not an IPv4 address", text);
        g_autofree char *hostname = hostname_normalise(text, error);
        if (!hostname) {
                g_prefix_error(error, "address: neither an IPv4 address nor a MAC, and ");
                return false;
        }
        return find_name(network, hostname, ret_address, error);
}

bool network_find_address(const Network *network, const char *text, guint32 *ret_address,
                          GError **error)
{
        guint32 address;

        if (!find_by_text(network, text, &address, error) || !check(network, address, error))
                return false;
        *ret_address = address;
        return true;
}
